//! The projection: the database, and the place of the log that it goes up to, which change in one transaction.

use std::collections::HashMap;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tidings_core::{Cursor, Event, Sequence};

use crate::effect::{Applied, Effect, Outcome};
use crate::error::InboxError;
use crate::limits::{CHECKPOINT_BYTES, CHECKPOINT_ROWS};
use crate::record::Record;
use crate::rows::{Account, Rows as _};
use crate::rules::{At, apply};
use crate::sqlite::rows::{Patterns, SqlRows};
use crate::sqlite::{Database, schema};

/// Applies records, one batch after the other.
#[derive(Debug)]
pub(crate) struct Projection {
    connection: Connection,
    patterns: Patterns,
    began_after: u64,
    /// The file itself has so many transactions at the least.
    checkpoint: i64,
    /// Rows that this connection had changed at the last checkpoint.
    rows_at_checkpoint: u64,
    /// Bytes of the records that were applied since then.
    bytes_since_checkpoint: usize,
}

/// Records in the order of the log, and what the log says between a state and its record: see [`StatePart`](crate::record::StatePart).
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Event>,
    /// By the sequence of the state record that they are applied behind.
    pub(crate) again: HashMap<u64, Again>,
}

/// What the log says of a user between a state and its record.
#[derive(Debug)]
pub(crate) struct Again {
    pub(crate) events: Vec<Event>,
    /// Retention has taken none of it. Otherwise a later state tells the rest.
    pub(crate) is_whole: bool,
}

/// What a batch has done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// By the sequences of the records.
    pub(crate) outcomes: Vec<(Sequence, Outcome)>,
    /// In the order of the log.
    pub(crate) effects: Vec<Effect>,
    /// The patterns that are followed then.
    pub(crate) patterns: usize,
}

impl Projection {
    /// Opens the database, or makes it.
    pub(crate) fn open(database: &Database) -> Result<Self, InboxError> {
        let connection = database.writer()?;
        let patterns = Patterns::load(&connection)?;
        let began_after = schema::began_after(&connection)?;
        let mut projection = Self {
            connection,
            patterns,
            began_after,
            checkpoint: 0,
            rows_at_checkpoint: 0,
            bytes_since_checkpoint: 0,
        };
        projection.checkpoint()?;
        let checkpoint = projection.checkpoint;
        let transaction = projection.begin_transaction()?;
        schema::set_closed(&transaction, false)?;
        commit(transaction, checkpoint)?;
        Ok(projection)
    }

    fn begin_transaction(&mut self) -> rusqlite::Result<Transaction<'_>> {
        self.connection.transaction_with_behavior(TransactionBehavior::Immediate)
    }

    /// Moves changes into the file itself, as far as no reader needs them apart.
    fn checkpoint(&mut self) -> rusqlite::Result<()> {
        let changes = schema::changes(&self.connection)?;
        let (all, moved): (i64, i64) =
            self.connection
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))?;
        if all == moved {
            self.checkpoint = changes;
        }
        self.rows_at_checkpoint = self.connection.total_changes();
        self.bytes_since_checkpoint = 0;
        Ok(())
    }

    /// The place of the log that it goes up to; none if it is new.
    pub(crate) fn applied(&self) -> Result<Option<Cursor>, InboxError> {
        Ok(schema::applied(&self.connection)?)
    }

    /// Begins at a place of the log.
    pub(crate) fn begin(&mut self, after: Cursor) -> Result<(), InboxError> {
        let checkpoint = self.checkpoint;
        let transaction = self.begin_transaction()?;
        for table in ["users", "items", "deleted", "mutes", "follows"] {
            transaction.execute(&format!("DELETE FROM {table}"), [])?;
        }
        schema::set_began_after(&transaction, after.sequence.0)?;
        schema::set_applied(&transaction, after)?;
        commit(transaction, checkpoint)?;
        self.began_after = after.sequence.0;
        self.patterns = Patterns::default();
        Ok(())
    }

    /// It has all that the log tells: from now on it knows every user better than a state record does.
    pub(crate) fn is_whole(&mut self) -> Result<(), InboxError> {
        if self.began_after == 0 {
            return Ok(());
        }
        let checkpoint = self.checkpoint;
        let transaction = self.begin_transaction()?;
        transaction.execute("UPDATE users SET complete = 1 WHERE complete = 0", [])?;
        schema::set_began_after(&transaction, 0)?;
        commit(transaction, checkpoint)?;
        self.began_after = 0;
        Ok(())
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> Result<bool, InboxError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM users)";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// The place of the log that it began after; zero if it knows all of the log.
    pub(crate) fn began_after(&self) -> u64 {
        self.began_after
    }

    /// Whether state records may be news to it.
    pub(crate) fn is_late(&self) -> bool {
        self.began_after > 0
    }

    /// Applies a batch and moves to a place, both or neither.
    pub(crate) fn apply(&mut self, batch: Batch, through: Cursor) -> Result<Done, InboxError> {
        let applied = schema::applied(&self.connection)?.map_or(Sequence::ZERO, |place| place.sequence);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut rows =
            SqlRows { connection: &transaction, began_after: self.began_after, patterns: &mut self.patterns };
        let mut done = Done::default();
        let Batch { events, mut again } = batch;
        let bytes: usize = events.iter().map(|event| event.draft.bytes()).sum();
        let result = (|| {
            for event in events.iter().filter(|event| event.cursor.sequence > applied) {
                let Some(record) = Record::of(event) else { continue };
                let Applied { outcome, effects, took_state } = apply(&mut rows, at(event), record, None)?;
                done.outcomes.push((event.cursor.sequence, outcome));
                done.effects.extend(effects);
                // A state that the rows knew better was not taken, and what came since is in them.
                let Some(((user, _), again)) = took_state.zip(again.remove(&event.cursor.sequence.0)) else {
                    continue;
                };
                for event in &again.events {
                    if let Some(record) =
                        Record::of(event).filter(|record| !matches!(record, Record::State(_)))
                    {
                        apply(&mut rows, at(event), record, Some(&user))?;
                    }
                }
                if !again.is_whole
                    && let Some(account) = rows.account(&user)?
                {
                    rows.save(&Account { is_complete: false, ..account })?;
                }
            }
            schema::set_applied(&transaction, through)
        })();
        let result = result.and_then(|()| commit(transaction, self.checkpoint));
        if let Err(error) = result {
            // The patterns went along with a transaction that is not there.
            self.patterns = Patterns::load(&self.connection)?;
            return Err(error.into());
        }
        done.patterns = self.patterns.len();
        self.bytes_since_checkpoint += bytes;
        let rows = self.connection.total_changes() - self.rows_at_checkpoint;
        if (rows >= CHECKPOINT_ROWS || self.bytes_since_checkpoint >= CHECKPOINT_BYTES)
            && let Err(error) = self.checkpoint()
        {
            // What was applied is applied, and the next batch tries again.
            tracing::warn!(%error, "changes of the inbox's database cannot be moved into it");
        }
        Ok(done)
    }

    /// Different patterns that users follow.
    pub(crate) fn patterns(&self) -> usize {
        self.patterns.len()
    }
}

impl Drop for Projection {
    fn drop(&mut self) {
        let checkpoint = self.checkpoint;
        let closed = self.begin_transaction().and_then(|transaction| {
            schema::set_closed(&transaction, true)?;
            commit(transaction, checkpoint)
        });
        // What was erased stands in the changes until they are in the file.
        let moved = || self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        let closed = closed.and_then(|()| moved());
        if let Err(error) = closed {
            tracing::debug!(%error, "the database of the inbox is not closed in order, and is made anew if its changes are lost");
        }
    }
}

fn commit(transaction: Transaction<'_>, checkpoint: i64) -> rusqlite::Result<()> {
    schema::count_change(&transaction, checkpoint)?;
    transaction.commit()
}

fn at(event: &Event) -> At {
    At { place: event.cursor, time: event.time }
}

#[cfg(test)]
mod tests {
    use tidings_core::{Draft, DraftParts, Epoch, UnixMillis};
    use tidings_sse::EventType;

    use super::*;
    use crate::record::{RECORD_TYPE, StateItem, StatePart};
    use crate::sqlite::{Location, read, state};
    use crate::user::User;

    fn place(sequence: u64) -> Cursor {
        Cursor::new(Epoch(1), Sequence(sequence))
    }

    fn event(sequence: u64, record: &Record) -> Event {
        let event_type = Some(EventType::new(RECORD_TYPE).unwrap());
        let parts = DraftParts { event_type, ..DraftParts::new(record.topic(), record.data()) };
        Event { cursor: place(sequence), time: UnixMillis(1), draft: Draft::restore(parts) }
    }

    /// The state of a user with one item, as of a place.
    fn state_of(user: &User, as_of: u64) -> Record {
        let says = crate::Notification { title: "t".into(), ..crate::Notification::default() }.into();
        let item =
            StateItem { epoch: 1, sequence: 1, time: 1, flags: crate::Flags::default(), version: 1, says };
        Record::State(StatePart {
            user: user.clone(),
            as_of,
            version: 1,
            first: true,
            last: true,
            items: vec![item],
            mutes: Vec::new(),
            follows: Vec::new(),
        })
    }

    fn begun_after(sequence: u64) -> (Database, Projection) {
        let database = Database::at(Location::Memory);
        let mut projection = Projection::open(&database).unwrap();
        projection.begin(place(sequence)).unwrap();
        (database, projection)
    }

    /// The user was erased at 2, after the state was read and before it was written at 3; the log begins after 2.
    #[test]
    fn a_state_from_before_the_log_begins_brings_nobody_back() {
        let user = User::parse("alice").unwrap();
        for (as_of, items) in [(1, 0), (2, 1)] {
            let (database, mut projection) = begun_after(2);

            let batch = Batch { events: vec![event(3, &state_of(&user, as_of))], ..Batch::default() };
            projection.apply(batch, place(3)).unwrap();
            projection.is_whole().unwrap();

            let count = read::unread(&database.reader().unwrap(), &user).unwrap().count;
            assert_eq!(count, items, "as of {as_of}");
        }
    }

    #[test]
    fn nobody_is_said_to_be_in_need_while_the_database_does_not_know_all() {
        let (database, mut projection) = begun_after(2);
        let reader = database.reader().unwrap();

        assert_eq!(state::in_need(&reader, 2, 10).unwrap(), None, "it is late");
        projection.is_whole().unwrap();
        assert_eq!(state::in_need(&reader, 3, 10).unwrap(), None, "it has not come so far");
        assert_eq!(state::in_need(&reader, 2, 10).unwrap(), Some(Vec::new()));
    }
}
