//! Cases 7: the end.

use crate::case::{Case, End, Heard, ping, publish, text};
use crate::support::websocket::masked;

const PROTOCOL: End = End::ByHub(Some(1_002));
const NORMAL: End = End::ByHub(Some(1_000));

pub(crate) fn cases() -> Vec<Case> {
    [order(), payloads(), codes()].into_iter().flatten().collect()
}

fn close(code: u16, reason: impl AsRef<[u8]>) -> Vec<u8> {
    masked(0x88, &[&code.to_be_bytes()[..], reason.as_ref()].concat())
}

fn order() -> Vec<Case> {
    let hello = text(publish("Hello World!"));
    let (message, data) = (publish("BAsd7&jh23".repeat(26_214)), "BAsd7&jh23".repeat(26_214));
    let fragments = publish("fragment1fragment2");
    let (one, two) = fragments.split_at(20);
    let case = |number: &str| Case::new(number, NORMAL);
    vec![
        // What was published before the close is in the log, and answered.
        case("7.1.1").send([hello.clone(), close(1_000, "")].concat()).expect([Heard::Published]),
        case("7.1.2").send([close(1_000, ""), masked(0x88, b"")].concat()),
        case("7.1.3").send([close(1_000, ""), ping("")].concat()),
        case("7.1.4").send([close(1_000, ""), hello.clone()].concat()),
        case("7.1.5").send([masked(0x01, one), close(1_000, ""), masked(0x80, two)].concat()),
        case("7.1.6")
            .send(text(message))
            .expect_echo(&data)
            .send([hello, close(1_000, ""), ping("")].concat())
            .expect([Heard::Published]),
    ]
}

fn payloads() -> Vec<Case> {
    let no_text = [&b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"[..], b"\xed\xa0\x80", b"edited"].concat();
    vec![
        Case::new("7.3.1", End::ByHub(None)).send(masked(0x88, b"")),
        Case::new("7.3.2", PROTOCOL).send(masked(0x88, b"a")),
        Case::new("7.3.3", NORMAL).send(close(1_000, "")),
        Case::new("7.3.4", NORMAL).send(close(1_000, "Hello World!")),
        Case::new("7.3.5", NORMAL).send(close(1_000, [b'*'; 123])),
        Case::new("7.3.6", PROTOCOL).send(close(1_000, [b'*'; 124])),
        Case::new("7.5.1", End::ByHub(Some(1_007))).send(close(1_000, no_text)),
    ]
}

fn codes() -> Vec<Case> {
    let valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    let valid = valid
        .into_iter()
        .enumerate()
        .map(|(at, code)| Case::new(format!("7.7.{}", at + 1), End::ByHub(Some(code))).send(close(code, "")));
    let invalid = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
    let invalid = invalid
        .into_iter()
        .enumerate()
        .map(|(at, code)| Case::new(format!("7.9.{}", at + 1), PROTOCOL).send(close(code, "")));
    // Undefined by the standard: here they are codes that nobody may send.
    let beyond = [5000, 65_535]
        .into_iter()
        .enumerate()
        .map(|(at, code)| Case::new(format!("7.13.{}", at + 1), PROTOCOL).send(close(code, "")));
    valid.chain(invalid).chain(beyond).collect()
}
