//! Cases 9 and 10: large messages, many small ones, and many fragments. Their times are not measured.

use crate::case::{Case, End, Heard, binary, fragmented, publish, publish_of, text};

const NOT_TEXT: End = End::ByHub(Some(1_003));
const MIB: usize = 1 << 20;

pub(crate) fn cases() -> Vec<Case> {
    let lengths = [65_536, 262_144, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
    let fragments = [64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, MIB, 4 * MIB];
    let chops = [64, 128, 256, 512, 1_024, 2_048];
    let counts = [0_usize, 16, 64, 256, 1_024, 4_096];
    let mut cases = vec![];
    for (length, at) in lengths.into_iter().zip(1..) {
        let (message, data) = publish_of(length);
        cases.push(Case::new(format!("9.1.{at}"), End::Clean).send(text(message)).expect_echo(&data));
        let bytes = binary(vec![0xfa; length]);
        cases.push(Case::new(format!("9.2.{at}"), NOT_TEXT).send(bytes));
    }
    for (length, at) in fragments.into_iter().zip(1..) {
        let (message, data) = publish_of(4 * MIB);
        let frames = fragmented(1, &message, length);
        cases.push(Case::new(format!("9.3.{at}"), End::Clean).send(frames).expect_echo(&data));
        let frames = fragmented(2, &vec![0xfe; 4 * MIB], length);
        cases.push(Case::new(format!("9.4.{at}"), NOT_TEXT).send(frames));
    }
    for (chop, at) in chops.into_iter().zip(1..) {
        let (message, data) = publish_of(MIB);
        cases.push(Case::new(format!("9.5.{at}"), End::Clean).chop(text(message), chop).expect_echo(&data));
        // The first of its pieces has the header, and no more is looked at.
        cases.push(Case::new(format!("9.6.{at}"), NOT_TEXT).send(binary(vec![0xfe; MIB])));
    }
    for (length, at) in counts.into_iter().zip(1..) {
        let mut case = Case::new(format!("9.7.{at}"), End::Clean);
        for _ in 0..1_000 {
            case = match length.checked_sub(publish("").len()) {
                None => case.send(text("*".repeat(length))).expect([Heard::BadMessage]),
                Some(rest) => {
                    let data = "*".repeat(rest);
                    case.send(text(publish(&data))).expect_echo(&data)
                }
            };
        }
        cases.push(case);
        cases.push(Case::new(format!("9.8.{at}"), NOT_TEXT).send(binary(vec![0xfe; length])));
    }
    let (message, data) = publish_of(65_536);
    cases.push(Case::new("10.1.1", End::Clean).send(fragmented(1, &message, 1_300)).expect_echo(&data));
    cases
}
