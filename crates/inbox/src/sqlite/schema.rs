//! The tables, and the version of their form.

use rusqlite::Connection;
use tidings_core::{Cursor, Epoch, Sequence};

use crate::error::InboxError;

/// The form of the tables. A database of another form is made anew from the log.
const FORM: i64 = 2;

/// Tells this database from every other one.
pub(super) const IDENTITY: &str = "identity";

/// How many transactions it has had.
pub(super) const CHANGES: &str = "changes";

/// How many of them the file itself had at the least when this was written, without the changes beside it.
pub(super) const CHECKPOINT: &str = "checkpoint";

/// Whether the last connection was closed in order.
pub(super) const IS_CLOSED: &str = "closed";

const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('identity', random()), ('closed', 1);
CREATE TABLE users (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    items INTEGER NOT NULL,
    version INTEGER NOT NULL,
    needs_from INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    forgot INTEGER NOT NULL,
    preferred INTEGER NOT NULL
);
CREATE TABLE items (
    user INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    time INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    version INTEGER NOT NULL,
    expires INTEGER,
    kind TEXT,
    dedupe TEXT,
    says TEXT NOT NULL,
    PRIMARY KEY (user, sequence)
) WITHOUT ROWID;
CREATE TABLE deleted (
    user INTEGER NOT NULL,
    version INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    PRIMARY KEY (user, version, sequence)
) WITHOUT ROWID;
CREATE TABLE mutes (user INTEGER NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (user, kind)) WITHOUT ROWID;
CREATE TABLE follows (user INTEGER NOT NULL, selector TEXT NOT NULL, PRIMARY KEY (user, selector)) WITHOUT ROWID;
";

/// Of what belongs to one user: a rebuild, which adds rows by user, adds to the end of these, too.
const INDEXES_BY_USER: &str = "
CREATE INDEX items_unread ON items (user, sequence) WHERE flags & 2 = 0;
CREATE INDEX items_by_version ON items (user, version);
CREATE INDEX items_by_dedupe ON items (user, dedupe) WHERE dedupe IS NOT NULL;
";

/// A rebuild makes these when the rows are there.
const INDEXES: &str = "
CREATE UNIQUE INDEX users_by_name ON users (name);
CREATE INDEX users_by_bucket ON users (bucket);
CREATE INDEX users_by_need ON users (needs_from);
CREATE INDEX items_by_end ON items (expires) WHERE expires IS NOT NULL;
CREATE INDEX follows_by_selector ON follows (selector);
";

/// Makes the tables of a database that has none. Whether it had none.
///
/// # Errors
///
/// [`InboxError::OtherForm`] if it has tables of another form.
pub(crate) fn prepare(connection: &Connection) -> Result<bool, InboxError> {
    let form: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match form {
        FORM => Ok(false),
        0 => {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            make_tables(connection)?;
            make_indexes(connection)?;
            connection.execute_batch("COMMIT")?;
            Ok(true)
        }
        _ => Err(InboxError::OtherForm),
    }
}

/// Makes the tables, and the indexes that grow with them.
pub(crate) fn make_tables(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    connection.execute_batch(INDEXES_BY_USER)
}

/// Makes the other indexes, and says that the form is whole.
pub(crate) fn make_indexes(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("{INDEXES} PRAGMA user_version = {FORM};"))
}

/// The place of the log that the rows go up to; none if they hold nothing yet.
pub(crate) fn applied(connection: &Connection) -> rusqlite::Result<Option<Cursor>> {
    let Some(epoch) = meta(connection, "epoch")? else { return Ok(None) };
    let sequence = meta(connection, "sequence")?.unwrap_or(0);
    Ok(Some(Cursor::new(Epoch(epoch.cast_unsigned()), Sequence(sequence.cast_unsigned()))))
}

pub(crate) fn set_applied(connection: &Connection, place: Cursor) -> rusqlite::Result<()> {
    set_meta(connection, "epoch", place.epoch.0.cast_signed())?;
    set_meta(connection, "sequence", place.sequence.0.cast_signed())
}

/// The place that the rows began after; zero if they know all of the log.
pub(crate) fn began_after(connection: &Connection) -> rusqlite::Result<u64> {
    Ok(meta(connection, "began_after")?.unwrap_or(0).cast_unsigned())
}

/// Where the rows begin: they know nothing of what was before.
pub(crate) fn set_beginning(connection: &Connection, sequence: u64) -> rusqlite::Result<()> {
    set_meta(connection, "began_after", sequence.cast_signed())?;
    connection.execute("DELETE FROM meta WHERE name LIKE 'erased%'", [])?;
    set_meta(connection, "erased", sequence.cast_signed())
}

/// The rows know all of the log.
pub(crate) fn set_whole(connection: &Connection) -> rusqlite::Result<()> {
    set_meta(connection, "began_after", 0)
}

/// The sequence of the last erasure among the users of a bucket, or where the rows begin.
pub(crate) fn erased(connection: &Connection, bucket: u16) -> rusqlite::Result<u64> {
    let of_bucket = meta(connection, &format!("erased {bucket}"))?;
    let erased = of_bucket.map_or_else(|| meta(connection, "erased"), |erased| Ok(Some(erased)))?;
    Ok(erased.unwrap_or(0).cast_unsigned())
}

pub(crate) fn set_erased(connection: &Connection, bucket: u16, sequence: u64) -> rusqlite::Result<()> {
    set_meta(connection, &format!("erased {bucket}"), sequence.cast_signed())
}

/// Counts a transaction, within it. How many there are then.
pub(crate) fn count_change(connection: &Connection, checkpoint: i64) -> rusqlite::Result<i64> {
    let changes = meta(connection, CHANGES)?.unwrap_or(0) + 1;
    set_meta(connection, CHANGES, changes)?;
    set_meta(connection, CHECKPOINT, checkpoint)?;
    Ok(changes)
}

pub(crate) fn changes(connection: &Connection) -> rusqlite::Result<i64> {
    Ok(meta(connection, CHANGES)?.unwrap_or(0))
}

pub(crate) fn set_closed(connection: &Connection, is_closed: bool) -> rusqlite::Result<()> {
    set_meta(connection, IS_CLOSED, is_closed.into())
}

pub(super) fn meta(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    let mut rows = statement.query([name])?;
    rows.next()?.map(|row| row.get(0)).transpose()
}

fn set_meta(connection: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
        )?
        .execute((name, value))
        .map(drop)
}
