//! The rows that the rules change, in a transaction of the database.

use std::collections::BTreeSet;
use std::fmt;

use rusqlite::{Connection, OptionalExtension as _, Row};
use tidings_core::select::PatternIndex;
use tidings_core::{Cursor, Selector, Topic};

use super::insert::{self, ItemRow};
use super::schema;
use crate::item::{Flags, Item, id};
use crate::limits::TOMBSTONES_MAX;
use crate::record::{Followers, Mark, Which};
use crate::rows::{Account, Owned, Rows};
use crate::user::User;

/// The patterns that are followed, with the number of users of each. A topic is compared with few of them.
#[derive(Default)]
pub(crate) struct Patterns(PatternIndex<(Box<str>, u64)>);

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patterns").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The rows, through one connection. The caller begins and ends the transaction.
pub(crate) struct SqlRows<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) began_after: u64,
    pub(crate) patterns: &'a mut Patterns,
}

type Result<T> = rusqlite::Result<T>;

/// SQLite's integers have a sign, and sequences stay far below it.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(row: &Row<'_>, index: usize) -> Result<u64> {
    Ok(row.get::<_, i64>(index)?.cast_unsigned())
}

pub(crate) const ACCOUNT: &str =
    "SELECT key, unread, items, version, needs_from, complete, forgot, preferred FROM users WHERE name = ?1";

pub(crate) fn account(row: &Row<'_>) -> Result<Account> {
    Ok(Account {
        key: row.get(0)?,
        unread: unsigned(row, 1)?,
        items: unsigned(row, 2)?,
        version: unsigned(row, 3)?,
        needs_from: unsigned(row, 4)?,
        is_complete: row.get(5)?,
        forgot: unsigned(row, 6)?,
        preferred: unsigned(row, 7)?,
    })
}

fn place(row: &Row<'_>) -> Result<Cursor> {
    // An epoch may have all 64 bits.
    Ok(id(row.get::<_, i64>(0)?.cast_unsigned(), unsigned(row, 1)?))
}

fn placed_flags(row: &Row<'_>) -> Result<(Cursor, Flags)> {
    Ok((place(row)?, Flags::of_bits(row.get(2)?)))
}

fn owned(row: &Row<'_>) -> Result<Owned> {
    let name: String = row.get(0)?;
    Ok(Owned { user: User::held(&name), sequence: unsigned(row, 1)? })
}

/// A condition for items that a mark changes: of the flags that must be there afterwards, or must not, one is otherwise.
pub(super) fn changed_by(mark: Mark) -> &'static str {
    match mark {
        Mark::Seen => "flags & 1 = 0",
        Mark::Read => "flags & 3 <> 3",
        Mark::Archived => "flags & 7 <> 7",
        Mark::Unread => "flags & 6 <> 0",
    }
}

impl SqlRows<'_> {
    fn run(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<usize> {
        self.connection.prepare_cached(sql)?.execute(parameters)
    }

    fn one<T>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        of: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.connection.prepare_cached(sql)?.query_row(parameters, of).optional()
    }

    fn all<T>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        of: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.connection.prepare_cached(sql)?.query_map(parameters, of)?.collect()
    }

    /// Remembers the newest of what was deleted, and how far back that reaches.
    fn forget_old(&self, account: &mut Account) -> Result<()> {
        let beyond = self.one(
            "SELECT version FROM deleted WHERE user = ?1 ORDER BY version DESC, sequence DESC LIMIT 1 OFFSET ?2",
            (account.key, int(TOMBSTONES_MAX)),
            |row| unsigned(row, 0),
        )?;
        if let Some(version) = beyond {
            self.run("DELETE FROM deleted WHERE user = ?1 AND version <= ?2", (account.key, int(version)))?;
            account.forgot = account.forgot.max(version);
        }
        Ok(())
    }
}

impl Rows for SqlRows<'_> {
    type Error = rusqlite::Error;

    fn began_after(&self) -> u64 {
        self.began_after
    }

    fn account(&mut self, user: &User) -> Result<Option<Account>> {
        self.one(ACCOUNT, [user.as_str()], account)
    }

    fn open(&mut self, user: &User, account: Account) -> Result<Account> {
        let mut statement = self.connection.prepare_cached(insert::USER)?;
        insert::user(&mut statement, None, user, &account)?;
        Ok(Account { key: self.connection.last_insert_rowid(), ..account })
    }

    fn save(&mut self, account: &Account) -> Result<()> {
        self.run(
            "UPDATE users SET unread = ?2, items = ?3, version = ?4, needs_from = ?5, complete = ?6, forgot = ?7, preferred = ?8 WHERE key = ?1",
            (
                account.key,
                int(account.unread),
                int(account.items),
                int(account.version),
                int(account.needs_from),
                account.is_complete,
                int(account.forgot),
                int(account.preferred),
            ),
        )
        .map(drop)
    }

    fn erased(&mut self, bucket: u16) -> Result<u64> {
        schema::erased(self.connection, bucket)
    }

    fn note_erased(&mut self, bucket: u16, sequence: u64) -> Result<()> {
        let sequence = sequence.max(self.erased(bucket)?);
        schema::set_erased(self.connection, bucket, sequence)
    }

    fn erase(&mut self, key: i64) -> Result<()> {
        self.clear(key)?;
        self.run("DELETE FROM users WHERE key = ?1", [key]).map(drop)
    }

    fn clear(&mut self, key: i64) -> Result<()> {
        for selector in
            self.all("SELECT selector FROM follows WHERE user = ?1", [key], |row| row.get::<_, String>(0))?
        {
            self.patterns.remove(&selector);
        }
        for table in ["items", "deleted", "mutes", "follows"] {
            self.run(&format!("DELETE FROM {table} WHERE user = ?1"), [key])?;
        }
        Ok(())
    }

    fn add(&mut self, key: i64, item: &Item) -> Result<()> {
        let says = serde_json::to_string(&item.says)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let row = ItemRow {
            user: key,
            sequence: item.id.sequence.0,
            epoch: item.id.epoch.0,
            time: item.time.0,
            flags: item.flags.bits(),
            version: item.version.0,
            expires: item.says.expires,
            kind: item.says.kind.as_deref(),
            dedupe: item.says.dedupe.as_deref(),
            says: &says,
        };
        let mut statement = self.connection.prepare_cached(insert::ITEM)?;
        insert::item(&mut statement, &row)
    }

    fn with_dedupe(&mut self, key: i64, dedupe: &str) -> Result<Option<Cursor>> {
        let sql =
            "SELECT epoch, sequence FROM items WHERE user = ?1 AND dedupe = ?2 ORDER BY sequence LIMIT 1";
        self.one(sql, (key, dedupe), place)
    }

    fn marked_by(&mut self, key: i64, which: &Which, mark: Mark) -> Result<Vec<(Cursor, Flags)>> {
        let others = changed_by(mark);
        let select = "SELECT epoch, sequence, flags FROM items WHERE user = ?1";
        match which {
            Which::Ids(sequences) => {
                let sql = format!("{select} AND sequence = ?2 AND {others}");
                let unique: BTreeSet<_> = sequences.iter().copied().collect();
                let found =
                    unique.into_iter().map(|sequence| self.one(&sql, (key, int(sequence)), placed_flags));
                found.filter_map(Result::transpose).collect()
            }
            Which::Through(sequence) => self.all(
                &format!("{select} AND sequence <= ?2 AND {others}"),
                (key, int(*sequence)),
                placed_flags,
            ),
            Which::All => self.all(&format!("{select} AND {others}"), [key], placed_flags),
        }
    }

    fn set_flags(&mut self, key: i64, sequence: u64, flags: Flags, version: u64) -> Result<()> {
        let sql = "UPDATE items SET flags = ?3, version = ?4 WHERE user = ?1 AND sequence = ?2";
        self.run(sql, (key, int(sequence), flags.bits(), int(version))).map(drop)
    }

    fn remove(
        &mut self,
        account: &mut Account,
        sequence: u64,
        version: u64,
    ) -> Result<Option<(Cursor, Flags)>> {
        let sql = "DELETE FROM items WHERE user = ?1 AND sequence = ?2 RETURNING epoch, sequence, flags";
        let Some(removed) = self.one(sql, (account.key, int(sequence)), placed_flags)? else {
            return Ok(None);
        };
        let place = (removed.0.epoch.0, sequence);
        let mut statement = self.connection.prepare_cached(insert::DELETED)?;
        insert::deleted(&mut statement, account.key, version, place)?;
        self.forget_old(account)?;
        Ok(Some(removed))
    }

    fn oldest(&mut self, key: i64, is_unread: bool) -> Result<Option<u64>> {
        let which = if is_unread { "flags & 2 = 0" } else { "flags & 2 <> 0" };
        let sql = format!("SELECT sequence FROM items WHERE user = ?1 AND {which} ORDER BY sequence LIMIT 1");
        self.one(&sql, [key], |row| unsigned(row, 0))
    }

    fn expired(&mut self, through: u64, only: Option<&User>) -> Result<Vec<Owned>> {
        let Some(user) = only else {
            let sql = "SELECT users.name, sequence FROM items JOIN users ON users.key = items.user
                 WHERE expires <= ?1 ORDER BY users.name, sequence";
            return self.all(sql, [int(through)], owned);
        };
        // The plus has it look through the user's own items, and not through all that end.
        let sql = "SELECT ?2, sequence FROM items
             WHERE user = (SELECT key FROM users WHERE name = ?2) AND +expires <= ?1 ORDER BY sequence";
        self.all(sql, (int(through), user.as_str()), owned)
    }

    fn aged(
        &mut self,
        bucket: u16,
        read_before: u64,
        unread_before: u64,
        only: Option<&User>,
    ) -> Result<Vec<Owned>> {
        let sql = "SELECT users.name, sequence FROM users JOIN items ON items.user = users.key
             WHERE bucket = ?1 AND time < CASE WHEN flags & 2 = 0 THEN ?3 ELSE ?2 END AND (?4 IS NULL OR users.name = ?4)
             ORDER BY users.name, sequence";
        self.all(sql, (bucket, int(read_before), int(unread_before), only.map(User::as_str)), owned)
    }

    fn is_muted(&mut self, key: i64, kind: &str) -> Result<bool> {
        Ok(self.one("SELECT 1 FROM mutes WHERE user = ?1 AND kind = ?2", (key, kind), |_| Ok(()))?.is_some())
    }

    fn set_muted(&mut self, key: i64, kind: &str, muted: bool) -> Result<bool> {
        let sql = match muted {
            true => insert::MUTE,
            false => "DELETE FROM mutes WHERE user = ?1 AND kind = ?2",
        };
        Ok(self.run(sql, (key, kind))? > 0)
    }

    fn set_follows(&mut self, key: i64, selector: &str, follows: bool) -> Result<bool> {
        let sql = match follows {
            true => insert::FOLLOW,
            false => "DELETE FROM follows WHERE user = ?1 AND selector = ?2",
        };
        let changes = self.run(sql, (key, selector))? > 0;
        match (changes, follows) {
            (true, true) => self.patterns.add(selector),
            (true, false) => self.patterns.remove(selector),
            (false, _) => {}
        }
        Ok(changes)
    }

    fn followers(&mut self, followers: &Followers, only: Option<&User>) -> Result<Vec<User>> {
        let Ok(topic) = Topic::parse_held(followers.topic()) else { return Ok(Vec::new()) };
        let (divisor, remainder) = followers.part();
        let sql = "SELECT users.name FROM follows JOIN users ON users.key = follows.user
             WHERE selector = ?1 AND (?2 IS NULL OR users.name = ?2) AND bucket % ?3 = ?4";
        let mut users = BTreeSet::new();
        for selector in self.patterns.selectors(&topic) {
            users.extend(self.all(sql, (selector, only.map(User::as_str), divisor, remainder), |row| {
                row.get::<_, String>(0).map(|name| User::held(&name))
            })?);
        }
        Ok(users.into_iter().collect())
    }
}

impl Patterns {
    /// Those that the database holds.
    pub(crate) fn load(connection: &Connection) -> Result<Self> {
        let mut patterns = Self::default();
        let mut statement = connection.prepare("SELECT selector, count(*) FROM follows GROUP BY selector")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (selector, users): (String, i64) = (row.get(0)?, row.get(1)?);
            patterns.add_many(&selector, users.cast_unsigned());
        }
        Ok(patterns)
    }

    pub(crate) fn add(&mut self, selector: &str) {
        self.add_many(selector, 1);
    }

    fn add_many(&mut self, text: &str, users: u64) {
        // A topic is found by its text.
        let Ok(Selector::Pattern(pattern)) = Selector::parse(text) else { return };
        match self.0.get_mut(&pattern) {
            Some((_, all)) => *all += users,
            None => drop(self.0.insert(pattern, (text.into(), users))),
        }
    }

    pub(crate) fn remove(&mut self, text: &str) {
        let Ok(Selector::Pattern(pattern)) = Selector::parse(text) else { return };
        if let Some((_, users)) = self.0.get_mut(&pattern) {
            *users = users.saturating_sub(1);
            if *users == 0 {
                self.0.remove(&pattern);
            }
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The selectors that are followed and match a topic, and the topic itself.
    pub(crate) fn selectors<'a>(&'a self, topic: &'a Topic) -> Vec<&'a str> {
        let mut selectors = vec![topic.as_str()];
        self.0.matching(topic, |(text, _)| selectors.push(&**text));
        selectors
    }
}
