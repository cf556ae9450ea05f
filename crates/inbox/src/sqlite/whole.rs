//! Whether the files of a database are whole and belong together.
//!
//! SQLite takes changes (`-wal`) for those of the database beside which they lie. If one of the two was put back from an older copy, or comes
//! from elsewhere, it mixes both and tells nothing. So the database counts its transactions, and says in each of them how many the file
//! itself had at the least: the file that lies there must have so many, and no more than the changes come to.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::schema::{self, CHANGES, CHECKPOINT, IDENTITY, IS_CLOSED};
use crate::error::InboxError;
use crate::limits::CHECKED_BYTES_MAX;

/// What the file itself says, without the changes beside it.
#[derive(Debug, Default)]
pub(super) struct Base {
    identity: Option<i64>,
    changes: i64,
    /// There are changes beside it.
    has_changes: bool,
    bytes: u64,
}

impl Base {
    /// Reads the file before SQLite puts it together with its changes. One that cannot be read is one that says nothing.
    pub(super) fn read(path: &Path) -> Self {
        let mut changes = path.as_os_str().to_owned();
        changes.push("-wal");
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let changes = length(Path::new(&changes));
        let base = Self { has_changes: changes > 0, bytes: length(path) + changes, ..Self::default() };
        base.with_counts(path).unwrap_or(base)
    }

    fn with_counts(&self, path: &Path) -> Option<Self> {
        let name: String = path.to_str()?.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // Immutable: SQLite looks at nothing but this file.
        let connection = Connection::open_with_flags(format!("file:{name}?immutable=1"), flags).ok()?;
        let changes = schema::changes(&connection).ok()?;
        let identity = schema::meta(&connection, IDENTITY).ok()?;
        Some(Self { identity, changes, ..*self })
    }

    /// Compares it with what the database says that SQLite has put together.
    pub(super) fn check(&self, connection: &Connection) -> Result<(), InboxError> {
        let meta = |name| schema::meta(connection, name).map(Option::unwrap_or_default);
        let (changes, checkpoint) = (meta(CHANGES)?, meta(CHECKPOINT)?);
        let is_foreign = self.identity.is_some() && self.identity != schema::meta(connection, IDENTITY)?;
        // The changes of one that was not closed were removed, and a part of them may be in the file.
        let is_bereft = !self.has_changes && meta(IS_CLOSED)? == 0;
        if is_foreign || is_bereft || !(checkpoint..=changes).contains(&self.changes) {
            return Err(InboxError::Mixed);
        }
        if self.bytes <= CHECKED_BYTES_MAX {
            let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if found != "ok" {
                return Err(InboxError::Damaged(found));
            }
        }
        Ok(())
    }
}
