//! What must hold of any text that comes as a cursor. The fuzz target calls this with texts of its own, the corpus
//! test with those that are kept.

use tidings_core::{Cursor, Epoch, Sequence};

/// A text is a cursor exactly if it is the one text of that cursor, and every cursor has a text that leads back to it.
pub(crate) fn check(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        match text.parse::<Cursor>() {
            Ok(cursor) => assert_eq!(cursor.to_string(), text),
            Err(_) => assert!(!is_canonical(text), "{text:?} was to be a cursor"),
        }
    }
    if let Some((numbers, _)) = bytes.split_first_chunk::<16>() {
        let (epoch, sequence) = numbers.split_at(8);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let cursor = Cursor { epoch: Epoch(number(epoch)), sequence: Sequence(number(sequence)) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
}

/// The same rule, written in another way: two numbers that `u64` holds, in base 36 and in base 10, without a leading
/// zero.
fn is_canonical(text: &str) -> bool {
    let Some((epoch, sequence)) = text.split_once('-') else { return false };
    is_number(epoch, b"0123456789abcdefghijklmnopqrstuvwxyz") && is_number(sequence, b"0123456789")
}

fn is_number(text: &str, digits: &[u8]) -> bool {
    let base = digits.len() as u128;
    let mut number: u128 = 0;
    for byte in text.bytes() {
        let Some(digit) = digits.iter().position(|digit| *digit == byte) else { return false };
        number = number * base + digit as u128;
        if number > u128::from(u64::MAX) {
            return false;
        }
    }
    text == "0" || !(text.is_empty() || text.starts_with('0'))
}
