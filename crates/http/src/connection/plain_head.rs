//! A head like most, which is read at once: see [`left_out`](super::left_out).

use memchr::{memchr, memchr_iter};

/// A head like most: it has come in one piece, nothing is left out of it, and it has no coding.
pub(super) struct PlainHead {
    /// To behind the empty line.
    pub(super) length: usize,
    /// Bytes of the body.
    pub(super) body: u64,
}

/// As most clients write it.
const LENGTH_SPELLINGS: [&[u8]; 2] = [b"Content-Length: ", b"content-length: "];

impl PlainHead {
    /// None of a head that must be read piece by piece.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut lines = memchr_iter(b'\n', bytes);
        let mut begin = lines.next()? + 1;
        // A line without a space is no request line: an empty one may stand before it.
        let target = memchr(b' ', &bytes[..begin])?;
        if memchr(b'#', &bytes[target..begin]).is_some() {
            return None;
        }
        let mut body = None;
        for end in lines {
            match &bytes[begin..end] {
                b"\r" => return Some(Self { length: end + 1, body: body.unwrap_or_default() }),
                [] | [b'T' | b't', ..] => return None,
                line @ [b'C' | b'c', ..] if may_be_a_length(line) => {
                    let value = LENGTH_SPELLINGS.iter().find_map(|spelling| line.strip_prefix(*spelling))?;
                    let is_the_first = body.replace(decimal(value)?).is_none();
                    is_the_first.then_some(())?;
                }
                _ => {}
            }
            begin = end + 1;
        }
        None
    }
}

/// The letter behind the hyphen of `Content-Length` tells it from most others.
fn may_be_a_length(line: &[u8]) -> bool {
    matches!(line.get("content-".len()), Some(b'L' | b'l'))
}

/// A number with the carriage return behind it, if it is one and no long one.
fn decimal(value: &[u8]) -> Option<u64> {
    let digits = value.strip_suffix(b"\r")?;
    let is_number = !digits.is_empty() && digits.len() <= 15 && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |number, digit| 10 * number + u64::from(digit - b'0')))
}
