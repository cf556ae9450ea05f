//! What is in a directory, before a store writes to it: a name alone does not say whose a file is.
//!
//! Somebody may keep a `LOCK` or a `META` of another program there. So the files that a start overwrites or removes are looked
//! into first, and so is `META`. Segments are judged by recovery, and an index beside its segment is made anew if it is wrong.
//!
//! A power cut may leave zeros in the place of bytes that were written and not synced, and those count as ours.

use std::io;
use std::path::Path;

use super::disk::Disk;
use super::fault::Fault;
use super::files::Files;
use super::header::{self, FORMAT, FORMAT_MIN};
use super::index::sealed;
use super::meta::Meta;
use super::names::{self, FileName};
use super::open;
use super::open_error::OpenError;
use crate::limits::{LOCK_BYTES_MAX, META_BYTES_MAX};

/// Refuses a directory if a file in it has a name of ours and the content of something else, or if a part of the log is missing.
pub(crate) fn refuse_what_is_not_ours(disk: &dyn Disk, path: &Path) -> Result<(), OpenError> {
    let files = Files::list(disk)?;
    let meta = Meta::read(disk)?;
    open::refuse_half(meta.as_ref(), &files)?;
    let leftovers = files.leftovers();
    let names = leftovers.iter().map(String::as_str).chain([names::LOCK]);
    for name in names {
        // `META` is the first file of a store but `LOCK`.
        let is_early = meta.is_some() || name == names::LOCK || name == names::new(names::META);
        if !(is_early && is_ours(disk, name).map_err(Fault::io(name))?) {
            let (dir, name) = (path.to_owned(), name.to_owned());
            return Err(OpenError::NotOurs { dir, name, what: "a file" });
        }
    }
    Ok(())
}

/// Whether a store may have written what is in a file that the start will overwrite or remove.
fn is_ours(disk: &dyn Disk, name: &str) -> io::Result<bool> {
    let mut bytes = [0; META_BYTES_MAX + 1];
    let file = match disk.open(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        file => file?,
    };
    let read = file.read_at(&mut bytes, 0)?;
    let bytes = &bytes[..read];
    Ok(match names::parse(name.strip_suffix(names::NEW).unwrap_or(name)) {
        FileName::Lock => is_process(bytes),
        FileName::Meta => {
            bytes.len() <= META_BYTES_MAX
                && (FORMAT_MIN..=FORMAT).any(|format| begins(bytes, Meta::begin(format).as_bytes()))
        }
        FileName::Log(_) => begins(bytes, header::MAGIC),
        FileName::Index(_) => begins(bytes, sealed::MAGIC),
        FileName::New | FileName::Other => false,
    })
}

/// Whether this is the number of a process, or the beginning of one.
fn is_process(bytes: &[u8]) -> bool {
    let is_short = bytes.len() as u64 <= LOCK_BYTES_MAX;
    is_short && bytes.trim_ascii().iter().all(|byte| byte.is_ascii_digit() || *byte == 0)
}

/// Whether a file begins like this, or did so before a power cut.
fn begins(bytes: &[u8], beginning: &[u8]) -> bool {
    bytes.iter().zip(beginning).all(|(byte, expected)| byte == expected || *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_power_cut_leaves_of_a_file_counts_as_ours_and_other_text_does_not() {
        for ours in [&b""[..], b"tidings 2\nhash", b"tidi", b"\0\0\0\0", b"\0idings 2\n", b"tidings\0\0\0\0"]
        {
            assert!(begins(ours, b"tidings 2\n"), "{ours:?}");
        }
        for foreign in [&b"x"[..], b"tidings 3\n", b"tidings2", b"\0\0\0\0x"] {
            assert!(!begins(foreign, b"tidings 2\n"), "{foreign:?}");
        }
    }

    #[test]
    fn a_lock_holds_a_number_or_nothing() {
        for ours in [&b""[..], b"1", b"4194304", b"17\n", b"\0\0\0"] {
            assert!(is_process(ours), "{ours:?}");
        }
        for foreign in [&b"pid 17"[..], b"17 18", b"-1", b"\xff", &[b'1'; 33]] {
            assert!(!is_process(foreign), "{foreign:?}");
        }
    }
}
