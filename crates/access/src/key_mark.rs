//! The mark of a key: what tells one key from another without being the key.

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

/// Tells a key from all others, on every node that has it. Of a key that is long and random it gives nothing away: it is a part of a
/// hash. Tickets carry it, whose bearers have shown the key, or a token that it has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyMark(u64);

impl KeyMark {
    /// That of a key of some kind, which is made of these parts.
    pub(crate) fn of(kind: &str, parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in [kind.as_bytes()].iter().chain(parts) {
            // With their lengths, or two parts could be taken for other two.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut first = [0; 8];
        first.copy_from_slice(&context.finish().as_ref()[..8]);
        Self(u64::from_be_bytes(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_differ_in_kind_or_in_any_part_have_other_marks() {
        let marks = [
            KeyMark::of("named", &[b"ab", b"c"]),
            KeyMark::of("named", &[b"a", b"bc"]),
            KeyMark::of("named", &[b"abc"]),
            KeyMark::of("named", &[b"abc", b""]),
            KeyMark::of("token", &[b"ab", b"c"]),
        ];

        for (at, mark) in marks.iter().enumerate() {
            assert!(!marks[at + 1..].contains(mark), "{at}");
        }
        assert_eq!(KeyMark::of("named", &[b"ab", b"c"]), marks[0]);
    }
}
