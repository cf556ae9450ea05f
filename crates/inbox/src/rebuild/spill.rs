//! A spill: the records that concern one part of the users, in the order of the log, in a file that has no name any more.
//!
//! A file without a name goes with the process, however that ends.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use tidings_core::{Cursor, Epoch, Sequence, UnixMillis};

use super::{SPILL, beside};
use crate::limits::{REBUILD_LANDMARK_RECORDS, REBUILD_SPILL_BUFFER_BYTES};
use crate::rules::At;
use crate::sqlite::make_private;

/// A length, an epoch, a sequence and a time stand before the JSON of a record.
const HEAD_BYTES: usize = 4 + 3 * 8;

/// A spill that is written.
pub(super) struct Spill {
    file: BufWriter<File>,
    records: u64,
    bytes: u64,
    landmarks: Vec<(u64, u64)>,
}

/// A spill that is read.
pub(super) struct Spilled {
    file: BufReader<File>,
    /// Where it is in the file.
    at: u64,
    bytes: u64,
    /// Sequences of some records and where they stand.
    landmarks: Vec<(u64, u64)>,
    json: Vec<u8>,
}

impl Spill {
    /// A new one beside the database.
    pub(super) fn create(database: &Path, number: usize) -> io::Result<Self> {
        let path = beside(database, &format!("{SPILL}{number}"));
        let file = make_private(&path)?;
        file.set_len(0)?;
        std::fs::remove_file(&path)?;
        let file = BufWriter::with_capacity(REBUILD_SPILL_BUFFER_BYTES, file);
        Ok(Self { file, records: 0, bytes: 0, landmarks: Vec::new() })
    }

    pub(super) fn write(&mut self, at: At, json: &[u8]) -> io::Result<()> {
        if self.records.is_multiple_of(REBUILD_LANDMARK_RECORDS) {
            self.landmarks.push((at.place.sequence.0, self.bytes));
        }
        let len = u32::try_from(json.len()).map_err(io::Error::other)?;
        let mut head = [0; HEAD_BYTES];
        head[..4].copy_from_slice(&len.to_le_bytes());
        head[4..12].copy_from_slice(&at.place.epoch.0.to_le_bytes());
        head[12..20].copy_from_slice(&at.place.sequence.0.to_le_bytes());
        head[20..].copy_from_slice(&at.time.0.to_le_bytes());
        self.file.write_all(&head)?;
        self.file.write_all(json)?;
        self.records += 1;
        self.bytes += (HEAD_BYTES + json.len()) as u64;
        Ok(())
    }

    /// Ends the writing.
    pub(super) fn read(self) -> io::Result<Spilled> {
        let mut file = self.file.into_inner()?;
        file.rewind()?;
        let file = BufReader::with_capacity(REBUILD_SPILL_BUFFER_BYTES, file);
        Ok(Spilled { file, at: 0, bytes: self.bytes, landmarks: self.landmarks, json: Vec::new() })
    }
}

impl Spilled {
    /// The next record; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<(At, &[u8])>> {
        if self.at >= self.bytes {
            return Ok(None);
        }
        let mut head = [0; HEAD_BYTES];
        self.file.read_exact(&mut head)?;
        let number = |from: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&head[from..from + 8]);
            u64::from_le_bytes(bytes)
        };
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        self.json.resize(len, 0);
        self.file.read_exact(&mut self.json)?;
        self.at += (HEAD_BYTES + len) as u64;
        let place = Cursor::new(Epoch(number(4)), Sequence(number(12)));
        Ok(Some((At { place, time: UnixMillis(number(20)) }, &self.json)))
    }

    /// Where it is.
    pub(super) fn position(&self) -> u64 {
        self.at
    }

    /// Goes to a position, or to a record that is not after the first one behind a sequence.
    pub(super) fn go_to(&mut self, position: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(position))?;
        self.at = position;
        Ok(())
    }

    /// A position at or before the first record after a sequence.
    pub(super) fn landmark(&self, after: u64) -> u64 {
        let behind = self.landmarks.partition_point(|(sequence, _)| *sequence <= after);
        self.landmarks.get(behind.saturating_sub(1)).map_or(0, |(_, position)| *position)
    }
}
