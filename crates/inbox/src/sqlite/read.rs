//! What is read of the database: counts, lists, and what changed since a place.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};
use tidings_core::{Cursor, Sequence, UnixMillis};

use super::rows::{ACCOUNT, account, changed_by, int, unsigned};
use super::schema;
use crate::effect::{Shown, Unread};
use crate::item::{Flags, Item, id};
use crate::limits::{
    BACKLOG_BYTES_MAX, BACKLOG_MAX, ITEM_BYTES, PAGE_BYTES_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX,
};
use crate::notification::Notification;
use crate::record::{Mark, Which, bucket_of};
use crate::rows::Account;
use crate::user::User;

/// Which items to list.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Only those that are unread, or that are not.
    pub unread: Option<bool>,
    /// Only those that are archived, or that are not.
    pub archived: Option<bool>,
    /// Only those of one of these kinds; of all if there are none.
    pub kinds: Vec<String>,
    /// Only those before this one.
    pub before: Option<Sequence>,
    /// Only those after this one.
    pub after: Option<Sequence>,
    /// At most so many, and [`PAGE_ITEMS_MAX`] at the most; [`PAGE_ITEMS_DEFAULT`] if it is none.
    pub limit: Option<usize>,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Newest first.
    pub items: Vec<Item>,
    /// The count at the same moment.
    pub unread: Unread,
    /// The place of the log up to which the list is true.
    pub position: Cursor,
    /// There are older ones that match.
    pub more: bool,
}

/// What happened to an inbox since a place.
#[derive(Debug, Clone)]
pub(crate) struct Backlog {
    /// The count now.
    pub(crate) unread: Unread,
    /// The place of the log up to which this is true.
    pub(crate) position: Cursor,
    /// What is to be shown; none if it cannot be told any more, or is too much.
    pub(crate) shown: Option<Vec<Shown>>,
}

fn known(connection: &Connection, user: &User) -> rusqlite::Result<Option<Account>> {
    connection.prepare_cached(ACCOUNT)?.query_row([user.as_str()], account).optional()
}

fn position(connection: &Connection) -> rusqlite::Result<Cursor> {
    Ok(schema::applied(connection)?.unwrap_or(id(0, 0)))
}

/// The count of a user.
pub(crate) fn unread(connection: &Connection, user: &User) -> rusqlite::Result<Unread> {
    Ok(known(connection, user)?.map_or(Unread::default(), |account| count(&account)))
}

fn count(account: &Account) -> Unread {
    Unread { count: account.unread, version: Sequence(account.version) }
}

/// The kinds that a user has muted, sorted.
pub(crate) fn mutes(connection: &Connection, user: &User) -> rusqlite::Result<Vec<String>> {
    texts(
        connection,
        user,
        "SELECT kind FROM mutes JOIN users ON users.key = mutes.user WHERE name = ?1 ORDER BY kind",
    )
}

/// The selectors that a user follows, sorted.
pub(crate) fn follows(connection: &Connection, user: &User) -> rusqlite::Result<Vec<String>> {
    texts(
        connection,
        user,
        "SELECT selector FROM follows JOIN users ON users.key = follows.user WHERE name = ?1 ORDER BY selector",
    )
}

fn texts(connection: &Connection, user: &User, sql: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare_cached(sql)?.query_map([user.as_str()], |row| row.get(0))?.collect()
}

/// Those of these places at which a user has an item, in their order. A sequence of another epoch is another item.
pub(crate) fn held(
    connection: &Connection,
    user: &User,
    places: &[Cursor],
) -> rusqlite::Result<Vec<Sequence>> {
    let snapshot = connection.unchecked_transaction()?;
    let Some(account) = known(&snapshot, user)? else { return Ok(Vec::new()) };
    let mut statement =
        snapshot.prepare_cached("SELECT 1 FROM items WHERE user = ?1 AND sequence = ?2 AND epoch = ?3")?;
    let mut held = Vec::new();
    for place in places {
        let key = (account.key, signed(place.sequence), place.epoch.0.cast_signed());
        if statement.exists(key)? {
            held.push(place.sequence);
        }
    }
    Ok(held)
}

/// Whether a mark would change an item of a user. Exact in a snapshot of the caller's.
pub(crate) fn is_other_marked(
    connection: &Connection,
    user: &User,
    mark: Mark,
    which: &Which,
) -> rusqlite::Result<bool> {
    let Some(account) = known(connection, user)? else { return Ok(false) };
    let others = changed_by(mark);
    let select = "SELECT 1 FROM items WHERE user = ?1 AND sequence";
    let (of, sequences) = match which {
        Which::Ids(sequences) => ("=", &sequences[..]),
        Which::Through(sequence) => ("<=", std::slice::from_ref(sequence)),
        Which::All => ("<=", &[u64::MAX][..]),
    };
    let mut statement = connection.prepare_cached(&format!("{select} {of} ?2 AND {others} LIMIT 1"))?;
    for sequence in sequences {
        if statement.exists((account.key, int(*sequence)))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a user has an item.
pub(crate) fn has(connection: &Connection, user: &User, item: Sequence) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM items JOIN users ON users.key = items.user WHERE name = ?1 AND sequence = ?2";
    connection.prepare_cached(sql)?.exists((user.as_str(), signed(item)))
}

/// Whether anything is known of a user.
pub(crate) fn is_known(connection: &Connection, user: &User) -> rusqlite::Result<bool> {
    Ok(known(connection, user)?.is_some())
}

fn signed(sequence: Sequence) -> i64 {
    i64::try_from(sequence.0).unwrap_or(i64::MAX)
}

const ITEM: &str = "SELECT epoch, sequence, time, flags, version, says FROM items WHERE user = ?1";

pub(super) fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let says = row.get_ref(5)?.as_str()?;
    let says: Notification = serde_json::from_str(says).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, error.into())
    })?;
    Ok(Item {
        id: id(row.get::<_, i64>(0)?.cast_unsigned(), unsigned(row, 1)?),
        time: UnixMillis(unsigned(row, 2)?),
        flags: Flags::of_bits(row.get(3)?),
        version: Sequence(unsigned(row, 4)?),
        says: says.into(),
    })
}

/// Bytes of what an item says.
fn said(row: &Row<'_>) -> rusqlite::Result<usize> {
    Ok(row.get_ref(5)?.as_bytes()?.len())
}

/// Where an item or a deleted one is, in the first two columns.
fn id_of(row: &Row<'_>) -> rusqlite::Result<Cursor> {
    Ok(id(row.get::<_, i64>(0)?.cast_unsigned(), unsigned(row, 1)?))
}

/// A page of a user's items.
pub(crate) fn list(connection: &Connection, user: &User, request: &ListRequest) -> rusqlite::Result<Listed> {
    let snapshot = connection.unchecked_transaction()?;
    let position = position(&snapshot)?;
    let Some(account) = known(&snapshot, user)? else {
        return Ok(Listed { items: Vec::new(), unread: Unread::default(), position, more: false });
    };
    let limit = request.limit.unwrap_or(PAGE_ITEMS_DEFAULT).min(PAGE_ITEMS_MAX);
    let mut sql = ITEM.to_owned();
    match request.unread {
        Some(true) => sql.push_str(" AND flags & 2 = 0"),
        Some(false) => sql.push_str(" AND flags & 2 <> 0"),
        None => {}
    }
    match request.archived {
        Some(true) => sql.push_str(" AND flags & 4 <> 0"),
        Some(false) => sql.push_str(" AND flags & 4 = 0"),
        None => {}
    }
    let before = request.before.map_or(i64::MAX, signed);
    let after = request.after.map_or(-1, signed);
    let limit_one_more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut parameters: Vec<&dyn ToSql> = vec![&account.key, &before, &after, &limit_one_more];
    sql.push_str(" AND sequence < ?2 AND sequence > ?3");
    if !request.kinds.is_empty() {
        let marks: Vec<_> = (0..request.kinds.len()).map(|index| format!("?{}", index + 5)).collect();
        sql.push_str(&format!(" AND kind IN ({})", marks.join(", ")));
        parameters.extend(request.kinds.iter().map(|kind| kind as &dyn ToSql));
    }
    sql.push_str(" ORDER BY sequence DESC LIMIT ?4");
    let mut statement = snapshot.prepare_cached(&sql)?;
    let mut rows = statement.query(&parameters[..])?;
    let (mut items, mut bytes, mut more) = (Vec::new(), 0, false);
    while let Some(row) = rows.next()? {
        bytes += said(row)?;
        if items.len() == limit || !items.is_empty() && bytes > PAGE_BYTES_MAX {
            more = true;
            break;
        }
        items.push(item(row)?);
    }
    Ok(Listed { items, unread: count(&account), position, more })
}

/// What happened to a user's inbox since a place, or the count alone without one.
pub(crate) fn backlog(
    connection: &Connection,
    user: &User,
    after: Option<Sequence>,
) -> rusqlite::Result<Backlog> {
    let snapshot = connection.unchecked_transaction()?;
    let position = position(&snapshot)?;
    let account = known(&snapshot, user)?;
    let unread = account.as_ref().map_or(Unread::default(), count);
    let shown = match (after, account) {
        (None, _) => Some(Vec::new()),
        // All was erased, or nothing was there since.
        (Some(after), None) if schema::erased(&snapshot, bucket_of(user))? > after.0 => {
            Some(vec![Shown::Erased])
        }
        (Some(_), None) => Some(Vec::new()),
        (Some(after), Some(account)) if account.version <= after.0 => Some(Vec::new()),
        (Some(after), Some(account)) if account.forgot > after.0 => None,
        (Some(after), Some(account)) => changes(&snapshot, &account, after)?,
    };
    Ok(Backlog { unread, position, shown })
}

fn changes(
    connection: &Connection,
    account: &Account,
    after: Sequence,
) -> rusqlite::Result<Option<Vec<Shown>>> {
    let limit = i64::try_from(BACKLOG_MAX + 1).unwrap_or(i64::MAX);
    let sql = format!("{ITEM} AND version > ?2 ORDER BY version, sequence LIMIT ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((account.key, signed(after), limit))?;
    let (mut shown, mut changed, mut bytes) = (Vec::new(), 0, 0);
    while let Some(row) = rows.next()? {
        changed += 1;
        if unsigned(row, 1)? > after.0 {
            bytes += said(row)? + ITEM_BYTES;
            if bytes > BACKLOG_BYTES_MAX {
                return Ok(None);
            }
            shown.push(Shown::Notification(Box::new(item(row)?)));
            continue;
        }
        let (id, own) = (id_of(row)?, Flags::of_bits(row.get(3)?));
        match shown.last_mut() {
            Some(Shown::Flags { ids, flags }) if *flags == own => ids.push(id),
            _ => shown.push(Shown::Flags { ids: vec![id], flags: own }),
        }
    }
    drop(rows);
    let sql = "SELECT epoch, sequence FROM deleted WHERE user = ?1 AND version > ?2 AND sequence <= ?2 ORDER BY version, sequence";
    let mut statement = connection.prepare_cached(sql)?;
    let deleted: Vec<Cursor> =
        statement.query_map((account.key, signed(after)), id_of)?.collect::<rusqlite::Result<_>>()?;
    if changed + deleted.len() > BACKLOG_MAX {
        return Ok(None);
    }
    if !deleted.is_empty() {
        shown.push(Shown::Deleted { ids: deleted, expired: false });
    }
    if account.preferred > after.0 {
        // Which of the two has changed is not known.
        shown.extend([Shown::Mutes, Shown::Follows]);
    }
    Ok(Some(shown))
}
