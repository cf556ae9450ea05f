//! The new database: rows go in sorted by user and sequence, each table at its end, and so do the indexes that begin with the user.
//!
//! It has no journal and waits for no disk, since nobody takes it for a database before it is whole: it has another name, and the version
//! of its form is written with the indexes.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, InterruptHandle, Transaction};
use tidings_core::Cursor;

use super::held::{Held, Part};
use crate::error::InboxError;
use crate::limits::REBUILD_CACHE_KIB;
use crate::sqlite::insert::{self, ItemRow};
use crate::sqlite::make_private;
use crate::sqlite::schema;

pub(super) struct Loader {
    connection: Connection,
    users: i64,
    erased: BTreeMap<u16, u64>,
}

impl Loader {
    pub(super) fn create(path: &Path) -> Result<Self, InboxError> {
        make_private(path)?;
        let connection = Connection::open(path)?;
        connection.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
        // SQLite takes a number that is negative for KiB instead of pages.
        connection.pragma_update(None, "cache_size", -REBUILD_CACHE_KIB)?;
        schema::make_tables(&connection)?;
        Ok(Self { connection, users: 0, erased: BTreeMap::new() })
    }

    pub(super) fn interrupt_handle(&self) -> InterruptHandle {
        self.connection.get_interrupt_handle()
    }

    /// Adds a part.
    pub(super) fn add(&mut self, part: Part) -> rusqlite::Result<()> {
        let Part { users, erased } = part;
        self.erased.extend(erased);
        let transaction = self.connection.transaction()?;
        add_users(&transaction, self.users, &users)?;
        add_items(&transaction, self.users, &users)?;
        add_others(&transaction, self.users, &users)?;
        transaction.commit()?;
        self.users += i64::try_from(users.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    /// Makes it whole and durable.
    pub(super) fn finish(self, path: &Path, place: Cursor, began_after: u64) -> Result<(), InboxError> {
        self.connection.execute_batch("BEGIN")?;
        schema::set_beginning(&self.connection, began_after)?;
        for (bucket, sequence) in self.erased {
            schema::set_erased(&self.connection, bucket, sequence)?;
        }
        schema::set_applied(&self.connection, place)?;
        schema::make_indexes(&self.connection)?;
        self.connection.execute_batch("COMMIT")?;
        self.connection.close().map_err(|(_, error)| error)?;
        Ok(File::open(path)?.sync_all()?)
    }
}

/// Users with the keys that they get.
fn keyed(before: i64, users: &[Held]) -> impl Iterator<Item = (i64, &Held)> {
    (before + 1..).zip(users)
}

fn add_users(to: &Transaction<'_>, before: i64, users: &[Held]) -> rusqlite::Result<()> {
    let mut insert = to.prepare(insert::USER)?;
    for (key, Held { user, account, .. }) in keyed(before, users) {
        insert::user(&mut insert, Some(key), user, account)?;
    }
    Ok(())
}

fn add_items(to: &Transaction<'_>, before: i64, users: &[Held]) -> rusqlite::Result<()> {
    let mut insert = to.prepare(insert::NEW_ITEM)?;
    for (key, held) in keyed(before, users) {
        for item in &held.items {
            let row = ItemRow {
                user: key,
                sequence: item.sequence,
                epoch: item.epoch,
                time: item.time.0,
                flags: item.flags.bits(),
                version: item.version,
                expires: item.expires,
                kind: item.kind.as_deref(),
                dedupe: item.dedupe.as_deref(),
                says: &item.says,
            };
            insert::item(&mut insert, &row)?;
        }
    }
    Ok(())
}

fn add_others(to: &Transaction<'_>, before: i64, users: &[Held]) -> rusqlite::Result<()> {
    let mut deleted = to.prepare(insert::DELETED)?;
    let mut mutes = to.prepare(insert::MUTE)?;
    let mut follows = to.prepare(insert::FOLLOW)?;
    for (key, held) in keyed(before, users) {
        for ((version, sequence), epoch) in &held.deleted {
            insert::deleted(&mut deleted, key, *version, (*epoch, *sequence))?;
        }
        for kind in &held.mutes {
            mutes.execute((key, &**kind))?;
        }
        for selector in &held.follows {
            follows.execute((key, &**selector))?;
        }
    }
    Ok(())
}
