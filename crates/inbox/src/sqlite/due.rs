//! What is due: items that are over, and old ones, as records that take a bounded number of them away.

use rusqlite::{Connection, OptionalExtension as _};
use tidings_core::UnixMillis;

use super::rows::{int, unsigned};
use crate::record::Record;
use crate::user::User;

/// What ends next.
pub(crate) enum Ending {
    /// Nothing.
    Never,
    /// Something at a time that is to come.
    At(UnixMillis),
    /// What this record says.
    Now {
        /// The first of the items that it is about.
        first: First,
        record: Record,
    },
}

/// When an item ends, whose it is, and its sequence.
pub(crate) type First = (u64, User, u64);

/// What one record may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtMost {
    /// Items that it takes away.
    pub(crate) items: usize,
    /// Bytes of the names of users.
    pub(crate) names_bytes: usize,
}

/// What ends now, in one record. Where more items end at the same instant than it may have, it names users, and the last of them may have some more.
pub(crate) fn ending(connection: &Connection, now: UnixMillis, at_most: AtMost) -> rusqlite::Result<Ending> {
    let snapshot = connection.unchecked_transaction()?;
    let next = "SELECT expires FROM items WHERE expires IS NOT NULL ORDER BY expires LIMIT 1";
    let next = snapshot.prepare_cached(next)?.query_row([], |row| unsigned(row, 0)).optional()?;
    match next {
        None => return Ok(Ending::Never),
        Some(next) if next > now.0 => return Ok(Ending::At(UnixMillis(next))),
        Some(_) => {}
    }
    // The index has them in this order, and users are looked up by key.
    let sql = "SELECT expires, name, sequence FROM items CROSS JOIN users ON users.key = items.user
         WHERE expires <= ?1 ORDER BY expires, items.user, sequence LIMIT ?2";
    let mut statement = snapshot.prepare_cached(sql)?;
    let one_more = i64::try_from(at_most.items + 1).unwrap_or(i64::MAX);
    let over = statement.query_map((int(now.0), one_more), |row| {
        Ok((unsigned(row, 0)?, User::held(&row.get::<_, String>(1)?), unsigned(row, 2)?))
    })?;
    let over: Vec<First> = over.collect::<rusqlite::Result<_>>()?;
    let Some(first) = over.first().cloned() else { return Ok(Ending::Never) };
    let record = match over.get(at_most.items).cloned() {
        None => Record::Expire { through: now.0, users: None },
        // All that end before the one that is too many.
        Some((beyond, _, _)) if beyond > first.0 => Record::Expire { through: beyond - 1, users: None },
        Some((instant, _, _)) => {
            let mut users: Vec<_> = over.into_iter().take(at_most.items).map(|(_, user, _)| user).collect();
            users.dedup();
            let mut bytes = 0;
            let fit = users.iter().take_while(|user| {
                bytes += serde_json::to_string(user).map_or(0, |name| name.len()) + 1;
                bytes <= at_most.names_bytes
            });
            let fit = fit.count().max(1);
            users.truncate(fit);
            users.sort();
            Record::Expire { through: instant, users: Some(users) }
        }
    };
    Ok(Ending::Now { first, record })
}

/// What leaves a bucket because it was read, or was not, and is from before one of two times: at most this many items, and those
/// that came at the same instant as the last of them. Whether there may be more.
pub(crate) fn leaving(
    connection: &Connection,
    bucket: u16,
    (read_before, unread_before): (u64, u64),
    items_max: usize,
) -> rusqlite::Result<Option<(Record, bool)>> {
    let sql = "SELECT time FROM users JOIN items ON items.user = users.key
         WHERE bucket = ?1 AND time < CASE WHEN flags & 2 = 0 THEN ?3 ELSE ?2 END ORDER BY time LIMIT ?4";
    let limit = i64::try_from(items_max).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let times =
        statement.query_map((bucket, int(read_before), int(unread_before), limit), |row| unsigned(row, 0))?;
    let times: Vec<_> = times.collect::<rusqlite::Result<_>>()?;
    let Some(last) = times.last() else { return Ok(None) };
    let is_part = times.len() == items_max;
    let through = if is_part { last + 1 } else { u64::MAX };
    let (read_before, unread_before) = (read_before.min(through), unread_before.min(through));
    Ok(Some((Record::Prune { bucket, read_before, unread_before }, is_part)))
}
