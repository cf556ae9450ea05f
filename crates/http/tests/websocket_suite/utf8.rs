//! Cases 6: UTF-8, whole and in pieces. What is no UTF-8 is refused with the byte that makes it so, not at the end of its message.

use crate::case::{Case, End, Heard, fragmented, head, publish, text};
use crate::support::websocket::masked;

const NOT_UTF8: End = End::ByHub(Some(1_007));
/// "κόσμε".
const COSME: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
const HELLO: &str = "Hello-\u{b5}@\u{df}\u{f6}\u{e4}\u{fc}\u{e0}\u{e1}-UTF-8!!";

pub(crate) fn cases() -> Vec<Case> {
    [empty(), valid(), invalid(), at_once(), sequences()].into_iter().flatten().collect()
}

fn empty() -> Vec<Case> {
    let message = publish("middle frame payload");
    let empty = [masked(0x01, b""), masked(0x00, b""), masked(0x80, b"")].concat();
    let middle = [masked(0x01, b""), masked(0x00, &message), masked(0x80, b"")].concat();
    vec![
        Case::new("6.1.1", End::Clean).send(text("")).expect([Heard::BadMessage]),
        Case::new("6.1.2", End::Clean).send(empty).expect([Heard::BadMessage]),
        Case::new("6.1.3", End::Clean).send(middle).expect_echo("middle frame payload"),
    ]
}

fn valid() -> Vec<Case> {
    let message = publish(HELLO);
    let between = message.len() - "\u{fc}\u{e0}\u{e1}-UTF-8!!\"}}".len();
    let cosme = std::str::from_utf8(COSME).unwrap();
    let case = |number: &str| Case::new(number, End::Clean);
    let halves = [masked(0x01, &message[..between]), masked(0x80, &message[between..])].concat();
    vec![
        case("6.2.1").send(text(&message)).expect_echo(HELLO),
        case("6.2.2").send(halves).expect_echo(HELLO),
        case("6.2.3").send(fragmented(1, &message, 1)).expect_echo(HELLO),
        case("6.2.4").send(fragmented(1, &publish(cosme), 1)).expect_echo(cosme),
    ]
}

fn invalid() -> Vec<Case> {
    let message = publish([COSME, b"\xed\xa0\x80", b"edited"].concat());
    vec![
        Case::new("6.3.1", NOT_UTF8).send(text(&message)),
        Case::new("6.3.2", NOT_UTF8).send(fragmented(1, &message, 1)),
    ]
}

/// The rest of the message never comes.
fn at_once() -> Vec<Case> {
    let case = |number: &str| Case::new(number, NOT_UTF8);
    let part = b"\xf4\x90\x80\x80";
    // Twelve bytes are good so far, and the thirteenth is not.
    let (good, bad) = ([COSME, b"\xf4"].concat(), b"\x90");
    vec![
        case("6.4.1").send(masked(0x01, COSME)).send(masked(0x00, part)),
        case("6.4.2").send(masked(0x01, &good)).send(masked(0x00, bad)),
        case("6.4.3").send([head(0x81, 21), COSME.to_vec()].concat()).send(part.to_vec()),
        case("6.4.4").send([head(0x81, 21), good].concat()).send(bad.to_vec()),
    ]
}

/// 6.5 to 6.23, after <https://www.cl.cam.ac.uk/~mgk25/ucs/examples/UTF-8-test.txt>.
fn sequences() -> Vec<Case> {
    let continuation: Vec<u8> = (0x80..0xbf).collect();
    let lonely = |from: u8, to: u8| (from..to).flat_map(|byte| [byte, b' ']).collect::<Vec<u8>>();
    let lonely = [(0xc0, 0xdf), (0xe0, 0xef), (0xf0, 0xf7), (0xf8, 0xfb), (0xfc, 0xfd)]
        .map(|(from, to)| lonely(from, to));
    let cut: [&[u8]; 10] = [
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        b"\xf8\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfb\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf",
    ];
    let joined = cut.concat();
    let none = no_characters();
    let groups: [Vec<&[u8]>; 19] = [
        vec![
            b"hello$world",
            b"hello\xc2\xa2world",
            b"hello\xe2\x82\xacworld",
            b"hello\xf0\xa4\xad\xa2world",
            COSME,
        ],
        (1..=COSME.len()).map(|end| &COSME[..end]).collect(),
        vec![b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"],
        vec![b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"],
        vec![b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"],
        vec![b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"],
        vec![b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80"],
        vec![
            b"\x80",
            b"\xbf",
            b"\x80\xbf",
            b"\x80\xbf\x80",
            b"\x80\xbf\x80\xbf",
            b"\x80\xbf\x80\xbf\x80",
            b"\x80\xbf\x80\xbf\x80\xbf",
            &continuation,
        ],
        lonely.iter().map(|bytes| &bytes[..]).collect(),
        cut.to_vec(),
        vec![&joined],
        vec![b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"],
        vec![
            b"\xc0\xaf",
            b"\xe0\x80\xaf",
            b"\xf0\x80\x80\xaf",
            b"\xf8\x80\x80\x80\xaf",
            b"\xfc\x80\x80\x80\x80\xaf",
        ],
        vec![
            b"\xc1\xbf",
            b"\xe0\x9f\xbf",
            b"\xf0\x8f\xbf\xbf",
            b"\xf8\x87\xbf\xbf\xbf",
            b"\xfc\x83\xbf\xbf\xbf\xbf",
        ],
        vec![
            b"\xc0\x80",
            b"\xe0\x80\x80",
            b"\xf0\x80\x80\x80",
            b"\xf8\x80\x80\x80\x80",
            b"\xfc\x80\x80\x80\x80\x80",
        ],
        vec![
            b"\xed\xa0\x80",
            b"\xed\xad\xbf",
            b"\xed\xae\x80",
            b"\xed\xaf\xbf",
            b"\xed\xb0\x80",
            b"\xed\xbe\x80",
            b"\xed\xbf\xbf",
        ],
        vec![
            b"\xed\xa0\x80\xed\xb0\x80",
            b"\xed\xa0\x80\xed\xbf\xbf",
            b"\xed\xad\xbf\xed\xb0\x80",
            b"\xed\xad\xbf\xed\xbf\xbf",
            b"\xed\xae\x80\xed\xb0\x80",
            b"\xed\xae\x80\xed\xbf\xbf",
            b"\xed\xaf\xbf\xed\xb0\x80",
            b"\xed\xaf\xbf\xed\xbf\xbf",
        ],
        none.iter().map(|bytes| &bytes[..]).collect(),
        (0xb9..=0xbf).map(|last| SPECIALS[usize::from(last - 0xb9_u8)]).collect(),
    ];
    let numbered = groups.iter().zip(5..);
    numbered
        .flat_map(|(group, number)| group.iter().zip(1..).map(move |(bytes, at)| sequence(number, at, bytes)))
        .collect()
}

const SPECIALS: [&[u8]; 7] = [
    b"\xef\xbf\xb9",
    b"\xef\xbf\xba",
    b"\xef\xbf\xbb",
    b"\xef\xbf\xbc",
    b"\xef\xbf\xbd",
    b"\xef\xbf\xbe",
    b"\xef\xbf\xbf",
];

/// The last two code points of each plane, which are no characters, and UTF-8 all the same.
fn no_characters() -> Vec<Vec<u8>> {
    let mut all = vec![b"\xef\xbf\xbe".to_vec(), b"\xef\xbf\xbf".to_vec()];
    for first in 0xf0..=0xf4 {
        for second in [0x8f, 0x9f, 0xaf, 0xbf] {
            // Overlong, or beyond the last plane.
            if (first, second) == (0xf0, 0x8f) || first == 0xf4 && second != 0x8f {
                continue;
            }
            all.extend([0xbe, 0xbf].map(|last| vec![first, second, 0xbf, last]));
        }
    }
    all
}

fn sequence(group: u32, at: u32, bytes: &[u8]) -> Case {
    let number = format!("6.{group}.{at}");
    let message = publish(bytes);
    match std::str::from_utf8(bytes) {
        Err(_) => Case::new(number, NOT_UTF8).send(text(message)),
        // JSON has no such byte in a text.
        Ok("\0") => Case::new(number, End::Clean).send(text(message)).expect([Heard::BadMessage]),
        Ok(data) => Case::new(number, End::Clean).send(text(message)).expect_echo(data),
    }
}
