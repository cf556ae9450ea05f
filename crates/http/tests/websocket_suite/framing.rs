//! Cases 1 to 4: frames, pings, reserved bits and opcodes.

use crate::case::{Case, End, Heard, binary, ping, publish, publish_of, text};
use crate::support::websocket::masked;

const PROTOCOL: End = End::ByHub(Some(1_002));
const NOT_TEXT: End = End::ByHub(Some(1_003));

pub(crate) fn cases() -> Vec<Case> {
    [sizes(), pings(), reserved_bits(), opcodes()].into_iter().flatten().collect()
}

fn sizes() -> Vec<Case> {
    let lengths = [0, 125, 126, 127, 128, 65_535, 65_536];
    let texts = lengths.into_iter().chain([65_536]).enumerate().map(|(at, length)| {
        let case = Case::new(format!("1.1.{}", at + 1), End::Clean);
        if length == 0 {
            return case.send(text("")).expect([Heard::BadMessage]);
        }
        let (message, data) = publish_of(length);
        let chop = if at == 7 { 997 } else { usize::MAX };
        case.chop(text(message), chop).expect_echo(&data)
    });
    let binaries = lengths.into_iter().chain([65_536]).enumerate().map(|(at, length)| {
        let chop = if at == 7 { 997 } else { usize::MAX };
        Case::new(format!("1.2.{}", at + 1), NOT_TEXT).chop(binary(vec![0xfe; length]), chop)
    });
    texts.chain(binaries).collect()
}

fn pings() -> Vec<Case> {
    let case = |number: &str| Case::new(number, End::Clean);
    let pong = |payload: &[u8]| [Heard::Pong(payload.to_vec())];
    let mut cases = vec![];
    let payloads: [&[u8]; 4] = [b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", &[0xfe; 125]];
    for (at, payload) in payloads.into_iter().enumerate() {
        cases.push(case(&format!("2.{}", at + 1)).send(ping(payload)).expect(pong(payload)));
    }
    cases.push(Case::new("2.5", PROTOCOL).send(ping([0xfe; 126])));
    cases.push(case("2.6").chop(ping([0xfe; 125]), 1).expect(pong(&[0xfe; 125])));
    cases.push(case("2.7").send(masked(0x8a, b"")));
    cases.push(case("2.8").send(masked(0x8a, b"unsolicited pong payload")));
    let unsolicited = case("2.9").send(masked(0x8a, b"unsolicited pong payload"));
    cases.push(unsolicited.send(ping("ping payload")).expect(pong(b"ping payload")));
    for (number, chop) in [("2.10", usize::MAX), ("2.11", 1)] {
        let payloads: Vec<_> = (0..10).map(|number| format!("payload-{number}")).collect();
        let all = payloads.iter().map(|payload| Heard::Pong(payload.clone().into_bytes()));
        let sent = payloads.iter().fold(case(number), |case, payload| case.chop(ping(payload), chop));
        cases.push(sent.expect(all));
    }
    cases
}

fn reserved_bits() -> Vec<Case> {
    let case = |number: &str| Case::new(number, PROTOCOL);
    let hello = publish("Hello, world!");
    let after_text = |number: &str, bits: u8, chop: usize| {
        let sent = case(number).chop(text(&hello), chop).chop(masked(0x81 | bits << 4, &hello), chop);
        sent.chop(ping(""), chop).expect([Heard::Published])
    };
    vec![
        case("3.1").send(masked(0x91, &hello)),
        after_text("3.2", 2, usize::MAX),
        after_text("3.3", 3, usize::MAX),
        after_text("3.4", 4, 1),
        case("3.5").send(masked(0xd2, b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff")),
        case("3.6").send(masked(0xe2, &hello)),
        case("3.7").send(masked(0xf8, b"")),
    ]
}

fn opcodes() -> Vec<Case> {
    let hello = publish("Hello, world!");
    let case = |number: String| Case::new(number, PROTOCOL);
    let of = |group: u8, opcodes: [u8; 5]| -> Vec<Case> {
        let (alone, behind) = opcodes.split_at(2);
        let first = alone.iter().zip([&b""[..], b"reserved opcode payload"]).enumerate().map(
            |(at, (opcode, payload))| {
                case(format!("4.{group}.{}", at + 1)).send(masked(0x80 | opcode, payload))
            },
        );
        let then =
            behind.iter().zip([&b""[..], &hello, &hello]).enumerate().map(|(at, (opcode, payload))| {
                // The last one octet by octet.
                let chop = if at == 2 { 1 } else { usize::MAX };
                let sent = case(format!("4.{group}.{}", at + 3)).chop(text(&hello), chop);
                sent.chop(masked(0x80 | opcode, payload), chop)
                    .chop(ping(""), chop)
                    .expect([Heard::Published])
            });
        first.chain(then).collect()
    };
    [of(1, [3, 4, 5, 6, 7]), of(2, [11, 12, 13, 14, 15])].into_iter().flatten().collect()
}
