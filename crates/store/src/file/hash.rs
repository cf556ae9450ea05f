//! The hash under which indexes know topics, ids and keys.
//!
//! Publishers choose ids and keys, so the hash has a secret key: nobody can make many of them collide. The function
//! is part of the file format.

use siphasher::sip::SipHasher13;

/// SipHash-1-3 with the key of one store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyedHash(pub(crate) [u8; 16]);

impl KeyedHash {
    /// The hash of a text.
    pub(crate) fn of(&self, text: &str) -> u64 {
        SipHasher13::new_with_key(&self.0).hash(text.as_bytes())
    }

    /// Tells keys apart without telling them.
    pub(crate) fn check(&self) -> u64 {
        self.of("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_is_for_ever() {
        let hash = KeyedHash(*b"0123456789abcdef");

        assert_eq!(hash.of("msg1"), 9_666_998_493_071_514_330);
        assert_eq!(hash.check(), hash.of(""));
    }
}
