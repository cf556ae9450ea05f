//! A rebuild comes to the same rows as the follower, from any part of any history; and what is killed begins anew.

mod history;
mod killed;

use std::path::Path;

use proptest::prelude::*;
use rusqlite::Connection;
use tidings_core::{Cursor, Event};

use self::history::history;
use super::attempt::{Stopping, load};
use super::router::Router;
use super::{NEW, beside};
use crate::error::InboxError;
use crate::item::id;
use crate::limits::REBUILD_PART_EVENTS;
use crate::past::Past;
use crate::projection::Projection;
use crate::record::SHARED_TOPIC;
use crate::sqlite::{Database, Location};
use crate::user::User;

/// All that the database says, but for the keys of users. Its counts must be those of its rows.
fn rows(connection: &Connection) -> Vec<String> {
    let wrong = "SELECT count(*) FROM users WHERE items <> (SELECT count(*) FROM items WHERE user = key)
         OR unread <> (SELECT count(*) FROM items WHERE user = key AND flags & 2 = 0)";
    assert_eq!(connection.query_row(wrong, [], |row| row.get(0)), Ok(0), "users whose counts are wrong");
    let queries = [
        "SELECT format('%s %d %d %d %d %d %d %d %d', name, bucket, unread, items, version, needs_from, complete, forgot, preferred) FROM users",
        "SELECT format('%s %d %d %d %d %d %s %s %s %s', name, sequence, epoch, time, flags, items.version, expires, kind, dedupe, says)
             FROM items JOIN users ON key = user",
        "SELECT format('%s deleted %d %d %d', name, deleted.version, sequence, epoch) FROM deleted JOIN users ON key = user",
        "SELECT format('%s mutes %s', name, kind) FROM mutes JOIN users ON key = user",
        "SELECT format('%s follows %s', name, selector) FROM follows JOIN users ON key = user",
        "SELECT format('%s %d', name, value) FROM meta WHERE name IN ('epoch', 'sequence', 'began_after') OR name LIKE 'erased%'",
    ];
    let mut rows = Vec::new();
    for query in queries {
        let mut of_one: Vec<String> = connection
            .prepare(query)
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        of_one.sort();
        rows.extend(of_one);
    }
    rows
}

/// As the follower reads again what came between a state and its record.
struct Again<'a>(&'a [Event]);

impl Past for Again<'_> {
    fn between(
        &mut self,
        user: &User,
        after: u64,
        before: Cursor,
        take: &mut dyn FnMut(&Event) -> Result<(), InboxError>,
    ) -> Result<bool, InboxError> {
        let (user, shared) = (user.topic(), SHARED_TOPIC);
        let mut between = self.0.iter().filter(|other| {
            let (sequence, topic) = (other.cursor.sequence, other.draft.topic());
            sequence.0 > after && sequence < before.sequence && (*topic == user || topic.as_str() == shared)
        });
        between.try_for_each(take)?;
        Ok(true)
    }
}

/// Follows the events from one of them on.
fn follow(projection: &mut Projection, events: &[Event], from: usize) {
    for batch in events[from..].chunks(100) {
        let through = batch.last().unwrap().cursor;
        let done = projection.apply(batch, through, &mut Again(events)).unwrap();
        assert_eq!(done.taken, batch.len());
    }
}

/// What the follower comes to.
fn followed(events: &[Event], after: Cursor) -> Vec<String> {
    let database = Database::at(Location::Memory);
    let mut projection = Projection::open(&database).unwrap();
    projection.begin(after).unwrap();
    follow(&mut projection, events, 0);
    rows(&database.reader().unwrap())
}

fn rebuild(events: &[Event], after: Cursor, parts: u64, path: &Path) {
    let mut router = Router::create(path, parts * REBUILD_PART_EVENTS).unwrap();
    for event in events {
        router.take(event).unwrap();
    }
    let place = events.last().map_or(after, |event| event.cursor);
    let spills = router.finish().unwrap();
    let new = beside(path, NEW);
    load(spills, &new, place, after.sequence.0, &Stopping::default()).unwrap();
    Database::at(Location::File(path.to_owned())).take(&new).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_rebuild_comes_to_the_rows_that_the_follower_comes_to(
        seed in any::<u64>(),
        begins in prop_oneof![Just(0.0), 0.0..1.0_f64],
        ends in prop_oneof![Just(1.0), 0.0..1.0_f64],
        parts in prop::sample::select(vec![1, 2, 64, 128]),
    ) {
        let all = history(seed, 1_500);
        let begins = (all.len() as f64 * begins) as usize;
        let ends = begins + ((all.len() - begins) as f64 * ends) as usize;
        let after = begins.checked_sub(1).map_or(id(1, 0), |last| all[last].cursor);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("inbox.db");

        rebuild(&all[begins..ends], after, parts, &path);

        let database = Database::at(Location::File(path.clone()));
        let mut projection = Projection::open(&database).unwrap();
        prop_assert_eq!(rows(&database.reader().unwrap()), followed(&all[begins..ends], after));
        // The follower goes on from there as if it had come there itself.
        follow(&mut projection, &all[begins..], ends - begins);
        prop_assert_eq!(rows(&database.reader().unwrap()), followed(&all[begins..], after));
        drop(projection);
        let names: Vec<_> = dir.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        prop_assert_eq!(names, ["inbox.db"]);
    }
}
