//! The key of a log: from `META`, or, if that is gone, from the segments, which have a copy of it.

use crate::file::disk::Disk;
use crate::file::fault::Fault;
use crate::file::hash::KeyedHash;
use crate::file::header::{FORMAT_MIN, SegmentHeader};
use crate::file::meta::{self, Meta};
use crate::file::names;
use crate::limits::META_BYTES_MAX;

use super::directory::{Directory, Listing};

/// What is known of `META`, and the key.
pub(super) struct Found {
    /// `META`, or what is wrong with it.
    pub(super) meta: Result<Meta, Fault>,
    /// The key. None if nothing tells it.
    pub(super) key: Option<KeyedHash>,
}

/// The digits of a number in hexadecimal.
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Looks for the key in `META`, then in the segments, then among the texts that differ from that of `META` in one digit.
pub(super) fn find(directory: &Directory, listing: &Listing) -> Found {
    let disk = &directory.disk;
    let meta = match Meta::read(disk) {
        Ok(Some(meta)) => return Found { key: Some(meta.hash), meta: Ok(meta) },
        Ok(None) => Err(Fault::corrupt(names::META, 0, "it is missing, and there is a log")),
        Err(fault) => Err(fault),
    };
    let mut checks = Vec::new();
    for base in &listing.logs {
        let name = names::log(*base);
        let Ok(file) = disk.open(&name) else { continue };
        let Ok(header) = SegmentHeader::read(&*file, &name, *base) else { continue };
        if let Some(key) = header.key_copy(&*file) {
            return Found { meta, key: Some(key) };
        }
        if header.format > FORMAT_MIN {
            checks.push(header.key_check);
        }
    }
    Found { meta, key: near(disk, &checks) }
}

/// The key that a damaged `META` had, if it differs from what is there in one digit at the most, and a segment confirms it.
fn near(disk: &dyn Disk, checks: &[u64]) -> Option<KeyedHash> {
    let file = disk.open(names::META).ok()?;
    let mut bytes = vec![0; META_BYTES_MAX];
    let read = file.read_at(&mut bytes, 0).ok()?;
    // The first line is of 10 bytes, and of the word before the key a bit may have flipped, too. Version 1 has a line more.
    (0..read).find_map(|start| {
        let digits = bytes[..read].get(start..start + 32)?;
        let confirmed = |digits: &[u8]| {
            let key = meta::hash(std::str::from_utf8(digits).ok()?)?;
            checks.contains(&key.check()).then_some(key)
        };
        let wrong = digits.iter().filter(|digit| !DIGITS.contains(digit)).count();
        match wrong {
            0 => confirmed(digits).or_else(|| {
                let all = (0..32).flat_map(|at| DIGITS.iter().map(move |digit| (at, *digit)));
                all.into_iter().find_map(|(at, digit)| confirmed(&with(digits, at, digit)))
            }),
            1 => {
                let at = digits.iter().position(|digit| !DIGITS.contains(digit))?;
                DIGITS.iter().find_map(|digit| confirmed(&with(digits, at, *digit)))
            }
            _ => None,
        }
    })
}

fn with(digits: &[u8], at: usize, digit: u8) -> Vec<u8> {
    let mut digits = digits.to_vec();
    digits[at] = digit;
    digits
}
