//! How rows are put in, by the follower one by one and by a rebuild in bulk.

use rusqlite::{Result, Statement};

use super::rows::int;
use crate::record::bucket_of;
use crate::rows::Account;
use crate::user::User;

pub(crate) const USER: &str = "INSERT INTO users (key, name, bucket, unread, items, version, needs_from, complete, forgot, preferred) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Puts a user in. SQLite chooses a key if there is none.
pub(crate) fn user(
    insert: &mut Statement<'_>,
    key: Option<i64>,
    user: &User,
    account: &Account,
) -> Result<()> {
    let row = (
        key,
        user.as_str(),
        bucket_of(user),
        int(account.unread),
        int(account.items),
        int(account.version),
        int(account.needs_from),
        account.is_complete,
        int(account.forgot),
        int(account.preferred),
    );
    insert.execute(row).map(drop)
}

/// The columns of an item, behind the verb.
macro_rules! item {
    ($verb:literal) => {
        concat!(
            $verb,
            " INTO items (user, sequence, epoch, time, flags, version, expires, kind, dedupe, says) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        )
    };
}

/// For the follower, which may meet a state that has an item again.
pub(crate) const ITEM: &str = item!("INSERT OR REPLACE");

/// For a rebuild, which has each item once. To look for one to replace would take it a third of its speed.
pub(crate) const NEW_ITEM: &str = item!("INSERT");

/// An item as its row has it.
pub(crate) struct ItemRow<'a> {
    pub(crate) user: i64,
    pub(crate) sequence: u64,
    pub(crate) epoch: u64,
    pub(crate) time: u64,
    pub(crate) flags: u8,
    pub(crate) version: u64,
    pub(crate) expires: Option<u64>,
    pub(crate) kind: Option<&'a str>,
    pub(crate) dedupe: Option<&'a str>,
    pub(crate) says: &'a str,
}

/// Puts an item in, or in the place of the one that has its sequence.
pub(crate) fn item(insert: &mut Statement<'_>, item: &ItemRow<'_>) -> Result<()> {
    let row = (
        item.user,
        int(item.sequence),
        item.epoch.cast_signed(),
        int(item.time),
        item.flags,
        int(item.version),
        item.expires.map(int),
        item.kind,
        item.dedupe,
        item.says,
    );
    insert.execute(row).map(drop)
}

pub(crate) const DELETED: &str =
    "INSERT OR REPLACE INTO deleted (user, version, sequence, epoch) VALUES (?1, ?2, ?3, ?4)";

/// Remembers that an item of a user was deleted.
pub(crate) fn deleted(
    insert: &mut Statement<'_>,
    key: i64,
    version: u64,
    (epoch, sequence): (u64, u64),
) -> Result<()> {
    insert.execute((key, int(version), int(sequence), epoch.cast_signed())).map(drop)
}

/// For a user and a kind.
pub(crate) const MUTE: &str = "INSERT OR IGNORE INTO mutes (user, kind) VALUES (?1, ?2)";

/// For a user and a selector.
pub(crate) const FOLLOW: &str = "INSERT OR IGNORE INTO follows (user, selector) VALUES (?1, ?2)";
