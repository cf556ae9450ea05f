//! `META`: what the directory is, and how the last process left it.
//!
//! Lines of text, for operators, with a checksum. Always replaced as a whole.

use std::fmt::Write as _;
use std::io;

use tidings_core::{Epoch, Sequence};

use super::disk::Disk;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::header::FORMAT;
use super::names;
use crate::limits::META_BYTES_MAX;

/// The content of the file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) epoch: Epoch,
    pub(crate) hash: KeyedHash,
    pub(crate) life: Life,
}

/// Whether a process has the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Life {
    /// One has it, or has ended without closing it.
    Open {
        /// Whether every acknowledged event was durable.
        strict: bool,
        /// The start of the machine in which it was opened, if the machine tells.
        boot: Option<String>,
    },
    /// None has it. All of the log was durable.
    Closed {
        /// The last event.
        head: Sequence,
    },
}

impl Meta {
    /// Reads the file, if there is one.
    pub(crate) fn read(disk: &dyn Disk) -> Result<Option<Self>, Fault> {
        let io = |error| Fault::io(names::META)(error);
        let file = match disk.open(names::META) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(io)?,
        };
        let mut bytes = vec![0; META_BYTES_MAX];
        let read = file.read_at(&mut bytes, 0).map_err(io)?;
        let text = std::str::from_utf8(&bytes[..read]).map_err(|_| corrupt("it is not text"))?;
        Self::parse(text).map(Some)
    }

    /// Replaces the file, durably.
    pub(crate) fn write(&self, disk: &dyn Disk) -> Result<(), Fault> {
        let unfinished = names::new(names::META);
        let written = disk.create(&unfinished).and_then(|file| {
            file.write_at(self.text().as_bytes(), 0)?;
            file.sync_data()?;
            disk.rename(&unfinished, names::META)?;
            disk.sync_dir()
        });
        written.map_err(Fault::io(names::META))
    }

    fn text(&self) -> String {
        let key: String = self.hash.0.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let life = match &self.life {
            Life::Open { strict, boot } => {
                let promise = if *strict { "fsync" } else { "later" };
                format!("open {promise} {}", boot.as_deref().unwrap_or("?"))
            }
            Life::Closed { head } => format!("closed {head}"),
        };
        let body = format!("tidings {FORMAT}\nepoch {}\nhash {key}\n{life}\n", self.epoch.0);
        format!("{body}crc32c {:08x}\n", crc32c::crc32c(body.as_bytes()))
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let mut lines = text.lines();
        let mut line = |name: &str| {
            let value = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.ok_or_else(|| corrupt(&format!("it has no line `{name}` in its place")))
        };
        let format = line("tidings")?;
        if format != FORMAT.to_string() {
            return Err(corrupt(&format!("it has format {format:?}, and this version reads {FORMAT}")));
        }
        let epoch = line("epoch")?.parse().map_err(|_| corrupt("its epoch is no number"))?;
        let hash = hash(line("hash")?).ok_or_else(|| corrupt("its hash key is not 32 digits"))?;
        let life = lines.next().and_then(life).ok_or_else(|| corrupt("it is neither open nor closed"))?;
        let meta = Self { epoch: Epoch(epoch), hash, life };
        // Comparing the whole text compares the checksum, too.
        if meta.text() == text { Ok(meta) } else { Err(corrupt("its checksum is not that of its text")) }
    }
}

fn life(line: &str) -> Option<Life> {
    let mut words = line.split(' ');
    match (words.next()?, words.next()?, words.next()) {
        ("open", promise @ ("fsync" | "later"), Some(boot)) => Some(Life::Open {
            strict: promise == "fsync",
            boot: Some(boot).filter(|boot| *boot != "?").map(str::to_owned),
        }),
        ("closed", head, None) => Some(Life::Closed { head: Sequence(head.parse().ok()?) }),
        _ => None,
    }
}

fn hash(digits: &str) -> Option<KeyedHash> {
    let mut key = [0; 16];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(KeyedHash(key))
}

fn corrupt(what: &str) -> Fault {
    Fault::corrupt(names::META, 0, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(life: Life) -> Meta {
        Meta { epoch: Epoch(42), hash: KeyedHash(*b"0123456789abcdef"), life }
    }

    #[test]
    fn the_text_is_that_of_the_description() {
        let text = meta(Life::Closed { head: Sequence(7) }).text();

        let body = "tidings 1\nepoch 42\nhash 30313233343536373839616263646566\nclosed 7\n";
        assert_eq!(text, format!("{body}crc32c {:08x}\n", crc32c::crc32c(body.as_bytes())));
    }

    #[test]
    fn what_is_written_is_read() {
        let open = |strict, boot| Life::Open { strict, boot };
        for life in
            [open(true, None), open(false, Some("b-1".to_owned())), Life::Closed { head: Sequence(0) }]
        {
            let meta = meta(life);

            assert!(Meta::parse(&meta.text()).is_ok_and(|read| read == meta));
        }
    }

    #[test]
    fn any_other_text_is_refused() {
        let text = meta(Life::Closed { head: Sequence(7) }).text();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(Meta::parse(&String::from_utf8(bytes).unwrap()).is_err(), "byte {at}");
            assert!(Meta::parse(&text[..at]).is_err(), "cut at {at}");
        }
    }
}
