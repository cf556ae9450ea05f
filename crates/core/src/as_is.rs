//! The hasher of keys that are hashes already.

use std::hash::{BuildHasherDefault, Hasher};

/// Makes the hasher of a table whose keys are hashes already, by a function that nobody can foresee.
pub type AsIs = BuildHasherDefault<AsIsHasher>;

/// Takes a `u64` for its own hash.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsIsHasher(u64);

impl Hasher for AsIsHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not reached for keys that are a u64; right for any, if not fast.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}
