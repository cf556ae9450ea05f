//! The whole state of a user, to be carried forward in the log.

use rusqlite::Connection;

use super::read::item;
use super::rows::{ACCOUNT, account};
use super::schema;
use crate::limits::{CARRY_PARTS, STATE_PART_BYTES};
use crate::record::{Record, StateItem, StatePart};
use crate::user::User;

/// Users whose state needs records of the log up to a sequence, at most so many of them. None if the database does not know all up to there:
/// it is being made anew, and nobody can say who needs what.
pub(crate) fn in_need(
    connection: &Connection,
    through: u64,
    users_max: usize,
) -> rusqlite::Result<Option<Vec<User>>> {
    let snapshot = connection.unchecked_transaction()?;
    if !knows_all(&snapshot, through)? {
        return Ok(None);
    }
    let sql = "SELECT name FROM users WHERE needs_from <= ?1 ORDER BY needs_from LIMIT ?2";
    let parameters =
        (i64::try_from(through).unwrap_or(i64::MAX), i64::try_from(users_max).unwrap_or(i64::MAX));
    let mut statement = snapshot.prepare_cached(sql)?;
    let users = statement.query_map(parameters, |row| Ok(User::held(&row.get::<_, String>(0)?)))?;
    users.collect::<rusqlite::Result<_>>().map(Some)
}

fn knows_all(connection: &Connection, through: u64) -> rusqlite::Result<bool> {
    let applied = schema::applied(connection)?.map_or(0, |place| place.sequence.0);
    Ok(schema::began_after(connection)? == 0 && applied >= through)
}

/// The state records of users, as of one place of the log, of the first of them alone if they are large. None as above. A user that is not
/// there has none.
pub(crate) fn records(
    connection: &Connection,
    users: &[User],
    through: u64,
) -> rusqlite::Result<Option<Vec<Vec<Record>>>> {
    let snapshot = connection.unchecked_transaction()?;
    if !knows_all(&snapshot, through)? {
        return Ok(None);
    }
    let as_of = schema::applied(&snapshot)?.map_or(0, |place| place.sequence.0);
    let (mut records, mut count) = (Vec::new(), 0);
    for user in users {
        let parts = parts(&snapshot, user, as_of)?;
        count += parts.len();
        records.push(parts.into_iter().map(Record::State).collect());
        if count >= CARRY_PARTS {
            break;
        }
    }
    Ok(Some(records))
}

pub(crate) fn parts(connection: &Connection, user: &User, as_of: u64) -> rusqlite::Result<Vec<StatePart>> {
    let mut statement = connection.prepare_cached(ACCOUNT)?;
    let mut rows = statement.query([user.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(Vec::new()) };
    let account = account(row)?;
    let part = |first| StatePart {
        user: user.clone(),
        as_of,
        version: account.version,
        first,
        last: false,
        items: Vec::new(),
        mutes: Vec::new(),
        follows: Vec::new(),
    };
    let mut parts = vec![part(true)];
    let mut bytes = 0;
    let sql =
        "SELECT epoch, sequence, time, flags, version, says FROM items WHERE user = ?1 ORDER BY sequence";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([account.key])?;
    while let Some(row) = rows.next()? {
        let item = item(row)?;
        // The members around the text of the notification are about as long as this.
        let more = row.get_ref(5)?.as_str()?.len() + 100;
        if bytes + more > STATE_PART_BYTES && bytes > 0 {
            parts.push(part(false));
            bytes = 0;
        }
        bytes += more;
        let state = StateItem {
            epoch: item.id.epoch.0,
            sequence: item.id.sequence.0,
            time: item.time.0,
            flags: item.flags,
            version: item.version.0,
            says: item.says,
        };
        if let Some(part) = parts.last_mut() {
            part.items.push(state);
        }
    }
    let texts = |sql: &str| -> rusqlite::Result<Vec<Box<str>>> {
        connection
            .prepare_cached(sql)?
            .query_map([account.key], |row| row.get::<_, String>(0).map(Into::into))?
            .collect()
    };
    if let Some(part) = parts.last_mut() {
        part.mutes = texts("SELECT kind FROM mutes WHERE user = ?1 ORDER BY kind")?;
        part.follows = texts("SELECT selector FROM follows WHERE user = ?1 ORDER BY selector")?;
        part.last = true;
    }
    Ok(parts)
}
