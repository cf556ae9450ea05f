//! The rows in SQLite.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};
use serde_json::{Value, json};

pub(crate) struct Row {
    pub(crate) user: String,
    pub(crate) says: Value,
}

pub(crate) struct Writer(Connection);

pub(crate) struct Reader(Connection);

impl Writer {
    pub(crate) fn open(path: &str) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        // A notification that was answered must be there after a power cut, as in a hub.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS notifications (
                 id INTEGER PRIMARY KEY, user TEXT NOT NULL, time INTEGER NOT NULL, read INTEGER NOT NULL DEFAULT 0,
                 title TEXT NOT NULL, body TEXT, link TEXT, kind TEXT
             );
             CREATE INDEX IF NOT EXISTS of_user ON notifications (user, id);",
        )?;
        Ok(Self(connection))
    }

    /// Inserts rows in one transaction.
    pub(crate) fn insert(&mut self, rows: &[Row]) -> rusqlite::Result<Vec<i64>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        let transaction = self.0.transaction()?;
        let mut ids = Vec::with_capacity(rows.len());
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO notifications (user, time, title, body, link, kind) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for Row { user, says } in rows {
                let text = |name: &str| says[name].as_str();
                ids.push(insert.insert(params![
                    user,
                    now,
                    text("title"),
                    text("body"),
                    text("link"),
                    text("kind")
                ])?);
            }
        }
        transaction.commit()?;
        Ok(ids)
    }
}

impl Reader {
    pub(crate) fn open(path: &str) -> rusqlite::Result<Self> {
        Connection::open(path).map(Self)
    }

    pub(crate) fn newest(&self, user: &str, limit: i64) -> rusqlite::Result<Vec<Value>> {
        let mut select = self.0.prepare_cached(
            "SELECT id, time, read, title, body, link, kind FROM notifications WHERE user = ?1 ORDER BY id DESC LIMIT ?2",
        )?;
        let rows = select.query_map(params![user, limit], |row| {
            let text = |at: usize| row.get::<_, Option<String>>(at);
            Ok(json!({
                "id": row.get::<_, i64>(0)?, "time": row.get::<_, i64>(1)?, "read": row.get::<_, bool>(2)?,
                "title": text(3)?, "body": text(4)?, "link": text(5)?, "kind": text(6)?,
            }))
        })?;
        rows.collect()
    }
}
