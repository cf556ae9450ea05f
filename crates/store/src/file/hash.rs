//! The secret key of a log, and the two hashes that it is for. Both are part of the file format.
//!
//! Indexes know topics, ids and keys by their hash. Publishers choose those, so nobody may be able to make many of them
//! collide. Records have a tag that only the log can make, so that no text in an event can be mistaken for a record.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use tidings_core::KeyFields;

/// SipHash-1-3 with the key of one store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyedHash(pub(crate) [u8; 16]);

impl KeyedHash {
    /// The hash of a text.
    pub(crate) fn of(&self, text: &str) -> u64 {
        SipHasher13::new_with_key(&self.0).hash(text.as_bytes())
    }

    /// The hash of an idempotency key. That of a key without a credential is the hash of its text, as in version 1; no
    /// credential has a NUL in its name, so no two others run together.
    pub(crate) fn of_key(&self, key: KeyFields<'_>) -> u64 {
        let KeyFields { credential, key } = key;
        if credential.is_empty() {
            return self.of(key);
        }
        let mut hasher = SipHasher13::new_with_key(&self.0);
        hasher.write(credential.as_bytes());
        hasher.write(b"\0");
        hasher.write(key.as_bytes());
        hasher.finish()
    }

    /// Makes tags. Their key is another one, so that a tag is never the hash of a text.
    pub(crate) fn tag(&self) -> RecordTag {
        let mut key = [0; 16];
        let (low, high) = key.split_at_mut(8);
        low.copy_from_slice(&self.of("tidings record tag, low").to_le_bytes());
        high.copy_from_slice(&self.of("tidings record tag, high").to_le_bytes());
        RecordTag(key)
    }

    /// Tells keys apart without telling them.
    pub(crate) fn check(&self) -> u64 {
        self.of("")
    }
}

/// Makes the tags of records: SipHash-1-3, with a key made of the log's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordTag([u8; 16]);

impl RecordTag {
    /// The tag of a record's header, without the tag.
    pub(crate) fn of(&self, header: &[u8]) -> u64 {
        SipHasher13::new_with_key(&self.0).hash(header)
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
        assert_eq!(hash.of_key("msg1".into()), hash.of("msg1"));
        assert_eq!(hash.of_key(KeyFields { credential: "one", key: "k" }), hash.of("one\0k"));
        assert_eq!(hash.tag().of(b"header"), 6_485_956_955_885_629_566);
    }
}
