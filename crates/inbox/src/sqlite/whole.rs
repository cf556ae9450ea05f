//! Whether the files of a database are whole and belong together.
//!
//! SQLite takes changes (`-wal`) for those of the database beside which they lie. If one of the two was put back from an older copy, or comes
//! from elsewhere, it mixes both and tells nothing. So the database counts its transactions, and says in each of them how many the file
//! itself had at the least: the file that lies there must have so many, and no more than the changes come to.
//!
//! The table of these numbers is one page, of less than a hundred short rows. So a process that is killed while changes are moved into the file
//! leaves either the old ones or the new ones, and both are right.

use std::path::Path;

use rusqlite::config::DbConfig;
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
        // A process that was killed while changes were moved into the file leaves one that is shorter than its first page says. SQLite refuses
        // to read it alone, unless its schema may be written. Nothing is written here.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true).ok()?;
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

#[cfg(test)]
mod tests {
    use std::fs;

    use tidings_core::{Cursor, Draft, DraftParts, Epoch, Event, Sequence, UnixMillis};
    use tidings_sse::EventType;

    use crate::notification::Notification;
    use crate::past::Nothing;
    use crate::projection::Projection;
    use crate::record::{Keep, Notify, RECORD_TYPE, Record};
    use crate::sqlite::{Database, Location, read};
    use crate::user::User;

    /// Bytes of a page of the database.
    const PAGE: usize = 4_096;

    fn place(sequence: u64) -> Cursor {
        Cursor::new(Epoch(1), Sequence(sequence))
    }

    fn notify(projection: &mut Projection, user: &User, sequences: std::ops::Range<u64>) {
        let says = Notification { title: "t".repeat(400).into(), ..Notification::default() };
        let keep = Keep { items: 1_000, unread: 1_000 };
        for sequence in sequences {
            let record = Record::Notify(Notify { to: user.clone(), says: says.clone().into(), keep });
            let event_type = Some(EventType::new(RECORD_TYPE).unwrap());
            let parts = DraftParts { event_type, ..DraftParts::new(record.topic(), record.data()) };
            let event = Event { cursor: place(sequence), time: UnixMillis(1), draft: Draft::restore(parts) };
            projection.apply(&[event], place(sequence), &mut Nothing).unwrap();
        }
    }

    /// The file after pages were moved into it. It is as long as the last of them says.
    fn mix(before: &[u8], after: &[u8], moved: &[bool]) -> Vec<u8> {
        let mut mixed = before.to_vec();
        for (page, _) in moved.iter().enumerate().filter(|(_, moved)| **moved) {
            let bytes = page * PAGE..(page + 1) * PAGE;
            mixed.resize(mixed.len().max(bytes.end), 0);
            mixed[bytes.clone()].copy_from_slice(&after[bytes]);
        }
        mixed
    }

    /// SQLite moves pages in the order of their numbers, so a kill leaves the first of them new and the others old. A disk may write them in any
    /// order before a power cut.
    #[test]
    fn a_file_that_was_left_in_the_midst_of_a_checkpoint_is_whole_with_its_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("inbox.db");
        let changes = dir.path().join("inbox.db-wal");
        let user = User::parse("alice").unwrap();
        let mut projection = Projection::open(&Database::at(Location::File(path.clone()))).unwrap();
        projection.begin(place(0)).unwrap();
        notify(&mut projection, &user, 1..41);
        projection.checkpoint().unwrap();
        notify(&mut projection, &user, 41..121);
        let (before, beside) = (fs::read(&path).unwrap(), fs::read(&changes).unwrap());
        projection.checkpoint().unwrap();
        let after = fs::read(&path).unwrap();
        assert!(after.len() > before.len(), "the file grows");

        let pages = after.len() / PAGE;
        let prefixes = (0..=pages).map(|end| Vec::from_iter((0..pages).map(|page| page < end)));
        let alone = (0..pages).map(|one| Vec::from_iter((0..pages).map(|page| page == one)));
        let without = (0..pages).map(|one| Vec::from_iter((0..pages).map(|page| page != one)));
        for (number, moved) in prefixes.chain(alone).chain(without).enumerate() {
            let torn = tempfile::tempdir().unwrap();
            let path = torn.path().join("inbox.db");
            fs::write(&path, mix(&before, &after, &moved)).unwrap();
            fs::write(torn.path().join("inbox.db-wal"), &beside).unwrap();
            let database = Database::at(Location::File(path));

            let opened = Projection::open(&database).unwrap_or_else(|error| panic!("mix {number}: {error}"));

            assert_eq!(opened.applied().unwrap(), Some(place(120)), "mix {number}");
            assert_eq!(read::unread(&database.reader().unwrap(), &user).unwrap().count, 120);
        }
    }
}
