//! The router: puts each record of the log into the spills of the parts of the users that it concerns.

use std::io;
use std::path::Path;

use tidings_core::Event;

use super::spill::{Spill, Spilled};
use crate::limits::{PRUNE_BUCKETS, REBUILD_PART_EVENTS, REBUILD_PARTS_MAX, REBUILD_PARTS_MIN};
use crate::record::{ERASE, Notify, RECORD_TYPE, Record, bucket_of, hash_of};
use crate::rules::At;
use crate::user::User;

/// The spills of all parts. A user is of the part that its hash says, so a part has whole buckets of users, or is a piece of one.
pub(super) struct Router {
    spills: Vec<Spill>,
}

impl Router {
    /// Spills for about this many events.
    pub(super) fn create(database: &Path, events: u64) -> io::Result<Self> {
        let parts =
            (events / REBUILD_PART_EVENTS).next_power_of_two().clamp(REBUILD_PARTS_MIN, REBUILD_PARTS_MAX);
        let spills = (0..parts).map(|number| Spill::create(database, number as usize));
        Ok(Self { spills: spills.collect::<io::Result<_>>()? })
    }

    /// Takes an event, if it is a record.
    pub(super) fn take(&mut self, event: &Event) -> io::Result<()> {
        let Some(event_type) = event.draft.event_type() else { return Ok(()) };
        if event_type.as_str() != RECORD_TYPE || !event.draft.topic().is_reserved() {
            return Ok(());
        }
        let at = At { place: event.cursor, time: event.time };
        let data = event.draft.data();
        // The topic names the user, unless something in the name had to be written otherwise.
        let name = event.draft.topic().as_str().strip_prefix("inbox/").filter(|name| !name.contains('%'));
        if let Some(name) = name.filter(|_| !data.starts_with(ERASE)) {
            return self.of(name).write(at, data);
        }
        match Record::of(event) {
            None => Ok(()),
            Some(
                Record::Notify(Notify { to: user, .. })
                | Record::Mark { user, .. }
                | Record::Delete { user, .. }
                | Record::Mute { user, .. }
                | Record::Follow { user, .. },
            ) => self.of(user.as_str()).write(at, data),
            Some(Record::State(part)) => self.of(part.user.as_str()).write(at, data),
            Some(Record::NotifyMany(Notify { to, says, keep })) => {
                self.divide(at, to, |to| Record::NotifyMany(Notify { to, says: says.clone(), keep }))
            }
            Some(Record::Expire { through, users: Some(users) }) => {
                self.divide(at, users, |users| Record::Expire { through, users: Some(users) })
            }
            Some(Record::NotifyTopic(_) | Record::Expire { users: None, .. }) => {
                self.spills.iter_mut().try_for_each(|spill| spill.write(at, data))
            }
            Some(Record::Erase { user }) => self.of_bucket(bucket_of(&user), at, data),
            Some(Record::Prune { bucket, .. }) => self.of_bucket(bucket, at, data),
        }
    }

    /// All spills, to be read.
    pub(super) fn finish(self) -> io::Result<Vec<Spilled>> {
        self.spills.into_iter().map(Spill::read).collect()
    }

    /// Each part gets the record with its own users.
    fn divide(&mut self, at: At, users: Vec<User>, of: impl Fn(Vec<User>) -> Record) -> io::Result<()> {
        let mut of_parts: Vec<Vec<User>> = self.spills.iter().map(|_| Vec::new()).collect();
        for user in users {
            let part = self.part(user.as_str());
            of_parts[part].push(user);
        }
        for (spill, users) in self.spills.iter_mut().zip(of_parts) {
            if !users.is_empty() {
                spill.write(at, &of(users).data())?;
            }
        }
        Ok(())
    }

    /// All parts that have users of a bucket get the record.
    fn of_bucket(&mut self, bucket: u16, at: At, data: &[u8]) -> io::Result<()> {
        let apart = self.spills.len().min(PRUNE_BUCKETS.into());
        let mut spills = self.spills.iter_mut().skip(usize::from(bucket) % apart).step_by(apart);
        spills.try_for_each(|spill| spill.write(at, data))
    }

    fn of(&mut self, name: &str) -> &mut Spill {
        let part = self.part(name);
        &mut self.spills[part]
    }

    fn part(&self, name: &str) -> usize {
        let parts = self.spills.len() as u64;
        // Less than the number of spills.
        usize::try_from(hash_of(name) % parts).unwrap_or(0)
    }
}
