//! The projection: the database, and the place of the log that it goes up to, which change in one transaction.

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tidings_core::{Cursor, Event, Sequence, Topic};

use crate::effect::{Applied, Effect, Outcome};
use crate::error::InboxError;
use crate::limits::{CHECKPOINT_BYTES, CHECKPOINT_ROWS, FOLLOWERS_MAX, TRANSACTION_ROWS_MAX};
use crate::past::Past;
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

/// What one transaction has done.
#[derive(Debug)]
pub(crate) struct Done {
    /// How many of the events were in it.
    pub(crate) taken: usize,
    /// The place of the log that the rows go up to.
    pub(crate) place: Cursor,
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
    pub(crate) fn checkpoint(&mut self) -> rusqlite::Result<()> {
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
        schema::set_beginning(&transaction, after.sequence.0)?;
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
        schema::set_whole(&transaction)?;
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

    /// Applies events and moves behind them, both or neither: to a place if it takes all of them. It takes one at least, and no further one once
    /// [`TRANSACTION_ROWS_MAX`] rows have changed.
    pub(crate) fn apply(
        &mut self,
        events: &[Event],
        through: Cursor,
        past: &mut dyn Past,
    ) -> Result<Done, InboxError> {
        let known = schema::applied(&self.connection)?;
        let applied = known.map_or(Sequence::ZERO, |place| place.sequence);
        let rows_before = self.connection.total_changes();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut rows =
            SqlRows { connection: &transaction, began_after: self.began_after, patterns: &mut self.patterns };
        let mut done =
            Done { taken: 0, place: through, outcomes: Vec::new(), effects: Vec::new(), patterns: 0 };
        let result = (|| {
            for event in events {
                if done.taken > 0 && transaction.total_changes() - rows_before >= TRANSACTION_ROWS_MAX {
                    break;
                }
                done.taken += 1;
                done.place = if done.taken < events.len() { event.cursor } else { through };
                if event.cursor.sequence > applied {
                    take(&mut rows, event, past, &mut done)?;
                }
            }
            // Events come again that were applied before a transaction behind them failed. The place never goes back behind rows that are there.
            let place = known.filter(|known| known.sequence > done.place.sequence).unwrap_or(done.place);
            Ok(schema::set_applied(&transaction, place)?)
        })();
        let result = result.and_then(|()| Ok(commit(transaction, self.checkpoint)?));
        if let Err(error) = result {
            // The patterns went along with a transaction that is not there.
            self.patterns = Patterns::load(&self.connection)?;
            return Err(error);
        }
        done.patterns = self.patterns.len();
        self.bytes_since_checkpoint +=
            events.iter().take(done.taken).map(|event| event.draft.bytes()).sum::<usize>();
        let rows = self.connection.total_changes() - self.rows_at_checkpoint;
        if (rows >= CHECKPOINT_ROWS || self.bytes_since_checkpoint >= CHECKPOINT_BYTES)
            && let Err(error) = self.checkpoint()
        {
            // What was applied is applied, and the next batch tries again.
            tracing::warn!(%error, "changes of the inbox's database cannot be moved into it");
        }
        Ok(done)
    }

    /// How many users follow a topic, counted up to one more than [`FOLLOWERS_MAX`] for each selector: more, if some follow it by several.
    pub(crate) fn followers(&self, topic: &Topic) -> Result<u64, InboxError> {
        let mut count = self
            .connection
            .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM follows WHERE selector = ?1 LIMIT ?2)")?;
        let most = (FOLLOWERS_MAX + 1).cast_signed();
        let mut all = 0;
        for selector in self.patterns.selectors(topic) {
            all += count.query_row((selector, most), |row| row.get::<_, i64>(0))?.cast_unsigned();
            if all > FOLLOWERS_MAX {
                break;
            }
        }
        Ok(all)
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

/// Applies one event, if it is a record; and behind a state that is news what the log says since.
fn take(
    rows: &mut SqlRows<'_>,
    event: &Event,
    past: &mut dyn Past,
    done: &mut Done,
) -> Result<(), InboxError> {
    let Some(record) = Record::of(event) else { return Ok(()) };
    let Applied { outcome, effects, took_state } = apply(rows, at(event), record, None)?;
    done.outcomes.push((event.cursor.sequence, outcome));
    done.effects.extend(effects);
    // A state that the rows knew better was not taken, and what came since is in them.
    let Some((user, as_of)) = took_state else { return Ok(()) };
    let is_whole = past.between(&user, as_of, event.cursor, &mut |event| {
        if let Some(record) =
            Record::of_user(event, &user).filter(|record| !matches!(record, Record::State(_)))
        {
            apply(rows, at(event), record, Some(&user))?;
        }
        Ok(())
    })?;
    if !is_whole && let Some(account) = rows.account(&user)? {
        rows.save(&Account { is_complete: false, ..account })?;
    }
    Ok(())
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
    use crate::past::Nothing;
    use crate::record::{Keep, Notify, RECORD_TYPE, StateItem, StatePart};
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

            projection.apply(&[event(3, &state_of(&user, as_of))], place(3), &mut Nothing).unwrap();
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

    /// The follower takes a step again from its beginning if one of its later transactions fails.
    #[test]
    fn events_that_come_again_from_further_back_are_applied_once() {
        let (database, mut projection) = begun_after(0);
        let user = User::parse("alice").unwrap();
        let says = crate::Notification { title: "t".into(), ..crate::Notification::default() };
        let record = Record::Notify(Notify {
            to: user.clone(),
            says: says.into(),
            keep: Keep { items: 10, unread: 10 },
        });
        let events: Vec<_> = (1..=3).map(|sequence| event(sequence, &record)).collect();

        for _ in 0..2 {
            for (at, one) in events.chunks(1).enumerate() {
                projection.apply(one, place(at as u64 + 1), &mut Nothing).unwrap();
            }
        }
        projection.apply(&events[..1], place(1), &mut Nothing).unwrap();
        projection.apply(&events[1..2], place(2), &mut Nothing).unwrap();

        let reader = database.reader().unwrap();
        assert_eq!(read::unread(&reader, &user).unwrap().count, 3);
        assert_eq!(schema::applied(&reader).unwrap(), Some(place(3)));
    }

    /// A short record may be about thousands of users.
    #[test]
    fn a_transaction_ends_when_it_has_changed_many_rows() {
        let (database, mut projection) = begun_after(0);
        let says = crate::Notification { title: "t".into(), ..crate::Notification::default() };
        let keep = Keep { items: 10, unread: 10 };
        let to: Vec<_> =
            (0..TRANSACTION_ROWS_MAX / 3).map(|number| User::parse(&format!("u{number}")).unwrap()).collect();
        let record = Record::NotifyMany(Notify { to: to.clone(), says: says.into(), keep });
        let events: Vec<_> = (1..=6).map(|sequence| event(sequence, &record)).collect();

        let (mut rest, mut transactions) = (&events[..], 0);
        while !rest.is_empty() {
            let done = projection.apply(rest, place(9), &mut Nothing).unwrap();
            let last = &rest[done.taken - 1];
            rest = &rest[done.taken..];
            let comes_to = if rest.is_empty() { place(9) } else { last.cursor };
            assert_eq!((done.place, projection.applied().unwrap()), (comes_to, Some(comes_to)));
            transactions += 1;
        }

        assert_eq!(transactions, 3, "two records in each");
        assert_eq!(read::unread(&database.reader().unwrap(), &to[0]).unwrap().count, 6);
    }
}
