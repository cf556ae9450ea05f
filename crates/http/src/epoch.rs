//! A new epoch, from the randomness of the machine. The core knows none, and is handed it by the program.

use std::io;

use tidings_core::Epoch;

/// Bits of an epoch: short as text, and still never the same twice.
const EPOCH_BITS: u32 = 40;

/// An epoch that no log had before, for a [`MemoryStore`](tidings_core::MemoryStore). Stores on a disk choose their
/// own.
///
/// # Errors
///
/// When the system gives no randomness.
pub fn random_epoch() -> io::Result<Epoch> {
    Ok(Epoch((getrandom::u64()? >> (u64::BITS - EPOCH_BITS)).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_differ_and_are_short_as_text() {
        let (one, other) = (random_epoch().unwrap(), random_epoch().unwrap());

        assert_ne!(one, other);
        assert!(one.to_string().len() <= 8, "{one}");
    }
}
