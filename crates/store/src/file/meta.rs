//! `META`: what the directory is, and how the last process left it.
//!
//! Lines of text, for operators, with a checksum. Always replaced as a whole.

use std::fmt::Write as _;
use std::io;

use tidings_core::{Epoch, Sequence};

use super::disk::Disk;
use super::fault::Fault;
use super::hash::KeyedHash;
use super::header::{FORMAT, FORMAT_MIN};
use super::names;
use crate::limits::META_BYTES_MAX;

/// The content of the file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) hash: KeyedHash,
    pub(crate) life: Life,
    /// In version 1: the epoch of the events to come. It says nothing that the segments do not: if it has none, no client
    /// ever had a cursor of it. Version 2 does not write it.
    pub(crate) epoch: Option<Epoch>,
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
    /// One had it, and ended because it could not make events durable.
    Failed {
        /// The last event that was durable.
        durable: Sequence,
        /// The last event that was acknowledged.
        acknowledged: Sequence,
    },
    /// A copy of a log was being written here and was not completed: what is there is no log.
    Loading,
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

    /// The first line of a file of a version.
    pub(crate) fn begin(format: u32) -> String {
        format!("tidings {format}\n")
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
            Life::Failed { durable, acknowledged } => format!("failed {durable} {acknowledged}"),
            Life::Closed { head } => format!("closed {head}"),
            Life::Loading => "loading".to_owned(),
        };
        let begin = match self.epoch {
            Some(epoch) => format!("{}epoch {}\n", Self::begin(FORMAT_MIN), epoch.0),
            None => Self::begin(FORMAT),
        };
        let body = format!("{begin}hash {key}\n{life}\n");
        format!("{body}crc32c {:08x}\n", crc32c::crc32c(body.as_bytes()))
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let mut lines = text.lines();
        let mut line = |name: &str| {
            let value = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.ok_or_else(|| corrupt(&format!("it has no line `{name}` in its place")))
        };
        let epoch = match line("tidings")? {
            "1" => Some(Epoch(line("epoch")?.parse().map_err(|_| corrupt("its epoch is no number"))?)),
            "2" => None,
            other => {
                let what =
                    format!("it has format {other:?}, and this version reads {FORMAT_MIN} to {FORMAT}");
                return Err(corrupt(&what));
            }
        };
        let hash = hash(line("hash")?).ok_or_else(|| corrupt("its hash key is not 32 digits"))?;
        let life = lines.next().and_then(life).ok_or_else(|| corrupt("it is neither open nor closed"))?;
        let meta = Self { hash, life, epoch };
        // Comparing the whole text compares the checksum, too.
        if meta.text() == text { Ok(meta) } else { Err(corrupt("its checksum is not that of its text")) }
    }
}

fn life(line: &str) -> Option<Life> {
    if line == "loading" {
        return Some(Life::Loading);
    }
    let mut words = line.split(' ');
    let number = |word: &str| word.parse().ok().map(Sequence);
    match (words.next()?, words.next()?, words.next()) {
        ("open", promise @ ("fsync" | "later"), Some(boot)) => Some(Life::Open {
            strict: promise == "fsync",
            boot: Some(boot).filter(|boot| *boot != "?").map(str::to_owned),
        }),
        ("failed", durable, Some(acknowledged)) => {
            Some(Life::Failed { durable: number(durable)?, acknowledged: number(acknowledged)? })
        }
        ("closed", head, None) => Some(Life::Closed { head: number(head)? }),
        _ => None,
    }
}

pub(crate) fn hash(digits: &str) -> Option<KeyedHash> {
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
        Meta { hash: KeyedHash(*b"0123456789abcdef"), life, epoch: None }
    }

    #[test]
    fn the_text_is_that_of_the_description() {
        let text = meta(Life::Closed { head: Sequence(7) }).text();

        let body = "tidings 2\nhash 30313233343536373839616263646566\nclosed 7\n";
        assert_eq!(text, format!("{body}crc32c {:08x}\n", crc32c::crc32c(body.as_bytes())));
    }

    #[test]
    fn the_text_of_version_1_is_read() {
        let body = "tidings 1\nepoch 42\nhash 30313233343536373839616263646566\nclosed 7\n";
        let text = format!("{body}crc32c {:08x}\n", crc32c::crc32c(body.as_bytes()));

        let meta = Meta { epoch: Some(Epoch(42)), ..meta(Life::Closed { head: Sequence(7) }) };
        assert!(Meta::parse(&text).is_ok_and(|read| read == meta));
    }

    #[test]
    fn another_version_is_refused_by_its_name() {
        let text = meta(Life::Closed { head: Sequence(7) }).text().replace("tidings 2", "tidings 3");

        let refused = Meta::parse(&text).err().unwrap().to_string();

        assert_eq!(refused, "META at byte 0: it has format \"3\", and this version reads 1 to 2");
    }

    #[test]
    fn what_is_written_is_read() {
        let open = |strict, boot| Life::Open { strict, boot };
        for life in [
            open(true, None),
            open(false, Some("b-1".to_owned())),
            Life::Failed { durable: Sequence(3), acknowledged: Sequence(9) },
            Life::Closed { head: Sequence(0) },
            Life::Loading,
        ] {
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
