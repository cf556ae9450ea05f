//! The writer: one thread that places appends, makes them durable together, shows them, and answers.
//!
//! What it does with the disk is the same whether it runs in its thread or in a test that takes its power away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidings_core::tail::Announcer;
use tidings_core::{Clock, Cursor, Draft, Epoch, Event, Sequence, StoreError, UnixMillis};

use super::active::Active;
use super::ages::Now;
use super::config::Durability;
use super::descriptors::LackOfDescriptors;
use super::disk::Disk;
use super::fault::Fault;
use super::group::{Beginning, WriteGroup};
use super::header::{FORMAT, FORMAT_MIN, SegmentHeader};
use super::keys::Keys;
use super::log::Log;
use super::mend;
use super::meta::{Life, Meta};
use super::metrics::StoreMetrics;
use super::names;
use super::queue::{Append, Queue, Work};
use super::read::records::Records;
use super::record::v2::{self, EPOCH_RECORD_BYTES};
use super::retire::Retiring;
use super::seal::Sealer;
use super::space::Space;
use crate::limits::{GROUP_BYTES_MAX, RECORD_BYTES_MAX};

/// The one who writes.
pub(crate) struct LogWriter {
    pub(crate) log: Arc<Log>,
    pub(crate) announcer: Arc<Announcer>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) durability: Durability,
    pub(crate) segment_bytes: u64,
    pub(crate) meta: Meta,
    /// Whether `META` says that this process has the store.
    pub(crate) is_announced: bool,
    /// The epoch of this life.
    pub(crate) epoch: Epoch,
    /// Whether the log says so: it does with the first event of this life.
    pub(crate) is_begun: bool,
    pub(crate) sealer: Sealer,
    pub(crate) active: Active,
    pub(crate) keys: Keys,
    pub(crate) retiring: Retiring,
    pub(crate) space: Space,
    pub(crate) group: WriteGroup,
    /// The last event, and its time.
    pub(crate) head: Sequence,
    pub(crate) last_time: UnixMillis,
    /// The last event that is known to be on the disk, and since when.
    pub(crate) durable: Sequence,
    pub(crate) synced_at: Instant,
    /// Why nothing is written any more.
    pub(crate) stopped: Option<StoreError>,
    pub(crate) lack: LackOfDescriptors,
    pub(crate) metrics: StoreMetrics,
}

impl LogWriter {
    /// Works until the queue is closed and empty, or the store has stopped. Then all who wait are told why.
    pub(crate) fn run(mut self, queue: &Queue) -> Result<(), StoreError> {
        let mut appends = Vec::new();
        while self.stopped.is_none() && self.turn(queue, &mut appends) {}
        if let Some(error) = self.stopped.clone() {
            queue.refuse(error.clone());
            // What is in the queue is answered with the same error.
            while self.turn(queue, &mut appends) {}
            self.announcer.fail(error);
        }
        self.close()
    }

    /// Does what time asks for, then waits for appends, writes them and answers. False when none will come any more.
    ///
    /// `appends` is a buffer that is empty between two turns. Tests take turns of their own, so that the disk fails
    /// under the very code that writes in production.
    pub(crate) fn turn(&mut self, queue: &Queue, appends: &mut Vec<Append>) -> bool {
        self.tend();
        match queue.take(self.patience(), appends) {
            Work::Appends => self.commit(appends, queue),
            Work::Idle => {}
            Work::Closed => return false,
        }
        true
    }

    /// Writes appends, and says how many there were before they are answered: who comes back is counted once.
    fn commit(&mut self, appends: &mut Vec<Append>, queue: &Queue) {
        let count = appends.len();
        self.place_all(appends);
        let outcome = self.land();
        if self.durability == Durability::Fsync {
            queue.answering(count);
        }
        self.group.answer(outcome);
    }

    fn place_all(&mut self, appends: &mut Vec<Append>) {
        for append in appends.drain(..) {
            let epoch = if self.is_begun { 0 } else { EPOCH_RECORD_BYTES };
            let bytes = epoch + append.drafts.iter().map(v2::encoded_len).sum::<usize>();
            if self.group.bytes.len() + bytes > self.group_bytes_max() {
                self.flush();
            }
            match self.make_room(&append.drafts, bytes) {
                Ok(()) => self.place(append),
                Err(error) => {
                    // Whoever does not wait any more need not know.
                    let _ = append.reply.send(Err(error));
                }
            }
        }
    }

    /// Does what time asks for: a sync that is due, retention.
    pub(crate) fn tend(&mut self) {
        if self.stopped.is_some() {
            return;
        }
        if self.sync_due_in().is_some_and(|due| due.is_zero()) && self.sync().is_err() {
            // The failure has stopped the store, which ends the writer. To end the segment would sync again.
            return;
        }
        let now = Now::of(&*self.clock);
        self.retiring.look(&self.log.view(), now);
        self.space.look(&*self.disk, now.uptime);
        let (base, first) = (self.active.segment.base(), self.active.first_time);
        // A start must not take a hole that a reader has found for what a crash tore: only the newest segment can have been torn.
        let has_holes = !self.active.segment.holes.now().is_empty();
        if has_holes || first.is_some_and(|first| self.retiring.ends(base, first, now)) {
            let _ = self.roll(0);
        }
        let plan = self.retiring.plan(&self.log.view(), self.active.end, now);
        // What was written before a release may be what is left of the events that leave.
        if self.retiring.takes_what_was_held(&plan) && self.sync().is_err() {
            return;
        }
        self.metrics.holds(plan.held_bytes);
        self.retiring.carry_out(plan, &self.log, &*self.disk);
    }

    /// Makes everything durable and says so.
    pub(crate) fn close(mut self) -> Result<(), StoreError> {
        if let Some(error) = &self.stopped {
            // Nothing is lost if nothing was acknowledged that is not durable.
            return if self.durable == self.head { Ok(()) } else { Err(error.clone()) };
        }
        // The next start need not look for what a crash may have torn there.
        if let Err(error) = self.active.segment.file.set_len(self.active.end) {
            tracing::warn!(%error, "the space set aside could not be given back");
        }
        self.sync_data()?;
        self.meta.life = Life::Closed { head: self.head };
        if let Err(fault) = self.meta.write(&*self.disk) {
            tracing::warn!(%fault, "the next start will take this end for a crash, which loses nothing");
        }
        Ok(())
    }

    /// How long to wait for appends before something else is to be done.
    fn patience(&self) -> Option<Duration> {
        // A writer that has stopped waits for nobody.
        let ends_in = self.stopped.as_ref().map(|_| Duration::ZERO);
        let looks = [self.retiring.interval(), self.space.interval()];
        [ends_in, self.sync_due_in()].into_iter().chain(looks).flatten().min()
    }

    /// A group ends where the segment does.
    fn group_bytes_max(&self) -> usize {
        GROUP_BYTES_MAX.min(usize::try_from(self.active.room()).unwrap_or(usize::MAX))
    }

    /// Makes sure that an append fits behind the group.
    fn make_room(&mut self, drafts: &[Draft], bytes: usize) -> Result<(), StoreError> {
        if let Some(error) = &self.stopped {
            return Err(error.clone());
        }
        if bytes > RECORD_BYTES_MAX {
            return Err(StoreError::Refused(
                format!("an append has at most {RECORD_BYTES_MAX} bytes").into(),
            ));
        }
        // With state records a holder lets the oldest events go, which makes room.
        let is_kept_out = drafts.iter().any(|draft| !draft.is_state());
        if is_kept_out {
            self.space.look(&*self.disk, self.clock.uptime());
            self.space.admit()?;
        }
        self.announce()?;
        if (self.group.bytes.len() + bytes) as u64 <= self.active.room() {
            return Ok(());
        }
        // The group is empty, or it would have had room for one more.
        let bytes = bytes as u64;
        if is_kept_out {
            self.space.admit_more(bytes, self.segment_bytes, &*self.disk, self.clock.uptime())?;
        }
        self.roll(bytes)
    }

    /// Says in `META` that this process has the store, if a full disk has kept it from saying so at its start.
    fn announce(&mut self) -> Result<(), StoreError> {
        if !self.is_announced {
            self.meta.write(&*self.disk).map_err(|fault| self.passing_or_stop(&fault))?;
            self.is_announced = true;
        }
        Ok(())
    }

    fn place(&mut self, append: Append) {
        let begin = Beginning {
            after: Cursor::new(self.epoch, self.head),
            ends: (!self.is_begun).then(|| self.log.view().line.epoch()),
            durable: self.durable,
            time: match self.group.events.first() {
                Some(event) => event.time,
                None => self.clock.now().max(self.last_time),
            },
        };
        let log = &self.log;
        let events = KnownEvents { log, disk: &*self.disk, keys: &self.keys };
        let known = |hash: u64, draft: &Draft| Ok(events.of(hash, draft)?);
        self.group.place(append, begin, |key| log.hash.of_key(key), &known);
    }

    /// Writes the group, shows it, answers everyone in it.
    fn flush(&mut self) {
        let outcome = self.land();
        self.group.answer(outcome);
    }

    /// Writes the group and shows it.
    fn land(&mut self) -> Result<(), StoreError> {
        if !self.group.is_empty() {
            self.write()?;
            self.metrics.wrote(self.group.events.len(), self.group.bytes.len());
            self.show();
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        if self.group.bytes.is_empty() {
            return Ok(());
        }
        if let Err(fault) = self.active.write(&mut self.group.bytes) {
            // Nobody knows how much of it was written.
            let cut = if fault.is_full() { self.active.cut() } else { Err(fault) };
            return Err(match cut {
                Ok(()) => self.full(),
                Err(fault) => self.stop(&fault),
            });
        }
        self.space.wrote();
        match self.durability {
            Durability::Fsync => self.sync_data(),
            Durability::Interval(_) | Durability::None => Ok(()),
        }
    }

    /// Lets readers and tails see the group.
    fn show(&mut self) {
        let Some(last) = self.group.events.last() else { return };
        (self.head, self.last_time) = (last.cursor.sequence, last.time);
        if self.durability == Durability::Fsync {
            self.durable = self.head;
        }
        if let Some(ends) = self.group.ends {
            self.active.index.begin_epoch(self.epoch, ends);
        }
        let end = self.active.end;
        let offsets = self.group.offsets.iter().map(|offset| (end + u64::from(*offset)) as u32);
        let drafts = self.group.events.iter().map(|event| &event.draft);
        self.active.index.extend(offsets.zip(drafts), &self.log.hash);
        for (hash, at) in self.group.keys.drain() {
            self.keys.remember(hash, self.group.events[at as usize].cursor.sequence);
        }
        self.active.first_time.get_or_insert(self.last_time);
        self.retiring.wrote(self.active.segment.base(), Now::of(&*self.clock));
        self.active.end += self.group.bytes.len() as u64;
        match self.group.ends {
            Some(_) => self.log.begin_epoch(self.epoch, self.head),
            None => self.log.show(self.head),
        }
        self.is_begun = true;
        self.announcer.announce(self.group.take_events());
    }

    /// Ends the newest segment and begins another one, with room for so many bytes at least.
    fn roll(&mut self, bytes: u64) -> Result<(), StoreError> {
        if self.active.is_empty() && !self.active.is_old() {
            let extended = self.active.extend(bytes);
            return extended.map_err(|fault| self.passing_or_stop(&fault));
        }
        // Only the newest segment may have records that are not durable.
        self.sync()?;
        let header = SegmentHeader {
            format: FORMAT,
            epoch: self.log.view().line.epoch(),
            base: self.head.next(),
            time_before: self.last_time,
            key_check: self.log.hash.check(),
        };
        match Active::create(&*self.disk, header, &self.log.hash, bytes.max(self.segment_bytes)) {
            Ok(active) if self.active.is_empty() => {
                self.lack.over();
                // It has the name of the old one, and is in its place.
                self.log.replace(active.segment.clone());
                self.active = active;
                Ok(())
            }
            Ok(active) => {
                self.lack.over();
                self.active.finish(self.last_time);
                self.log.push(active.segment.clone());
                self.active = active;
                self.sealer.wake();
                Ok(())
            }
            Err(fault) => Err(self.passing_or_stop(&fault)),
        }
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        if self.durable == self.head {
            return Ok(());
        }
        self.sync_data()?;
        self.durable = self.head;
        self.synced_at = Instant::now();
        Ok(())
    }

    /// A failed sync is never tried again: the system may have dropped what it could not write, and say yes.
    fn sync_data(&mut self) -> Result<(), StoreError> {
        let begun = Instant::now();
        let synced = self.active.segment.file.sync_data();
        self.metrics.synced(begun.elapsed());
        synced.map_err(|error| self.stop(&Fault::io(&self.active.segment.name())(error)))
    }

    fn sync_due_in(&self) -> Option<Duration> {
        match self.durability {
            Durability::Interval(interval) if self.durable < self.head => {
                Some(interval.saturating_sub(self.synced_at.elapsed()))
            }
            _ => None,
        }
    }

    fn passing_or_stop(&mut self, fault: &Fault) -> StoreError {
        if fault.is_without_descriptor() {
            // Nothing was opened, so nothing was changed: unlike after a failed sync, all is known.
            self.lack.tell(fault, Instant::now());
            return StoreError::Unavailable("the hub has no file descriptor left for its log".into());
        }
        if fault.is_full() { self.full() } else { self.stop(fault) }
    }

    fn full(&mut self) -> StoreError {
        self.space.refused(&*self.disk, self.clock.uptime());
        StoreError::Full("there is no space left for its log".into())
    }

    /// Writes nothing any more, since nobody knows what the disk has. The error says what may be gone.
    fn stop(&mut self, fault: &Fault) -> StoreError {
        let acknowledged = match (self.durability, self.durable < self.head) {
            (Durability::Fsync, _) => "what was acknowledged is on the disk".to_owned(),
            (Durability::Interval(_) | Durability::None, false) => {
                "all that was acknowledged is on the disk".to_owned()
            }
            (Durability::Interval(_) | Durability::None, true) => {
                format!("events after {} up to {} were acknowledged and may be gone", self.durable, self.head)
            }
        };
        tracing::error!(%fault, "the store stops for good; {acknowledged}");
        self.meta.life = Life::Failed { durable: self.durable, acknowledged: self.head };
        if let Err(fault) = self.meta.write(&*self.disk) {
            tracing::error!(%fault, "the directory could not be marked; the next start takes this end for a crash");
        }
        let error = StoreError::Stopped(format!("{fault}; {acknowledged}").into());
        self.stopped = Some(error.clone());
        error
    }
}

/// Where the events are looked up that have a key already.
struct KnownEvents<'a> {
    log: &'a Log,
    disk: &'a dyn Disk,
    keys: &'a Keys,
}

impl KnownEvents<'_> {
    /// The event that has the key of a draft, if it is still held. In version 1 keys had no credential, since a hub had one
    /// publish key at the most: a key that was used there counts for all.
    fn of(&self, hash: u64, draft: &Draft) -> Result<Option<Event>, Fault> {
        let Some(key) = draft.key() else { return Ok(None) };
        if let Some((event, _)) = self.held(hash)?
            && event.draft.key() == Some(key)
        {
            return Ok(Some(event));
        }
        let text = match draft.batch_part() {
            // There each event of a batch had a key of its own. The hub cannot say how far that batch came, so it refuses.
            Some(part) if part.before == 0 => &format!("{}/1", key.as_str()),
            _ => key.as_str(),
        };
        let old = self.held(self.log.hash.of(text))?;
        let old = old.filter(|(event, format)| {
            *format == FORMAT_MIN && event.draft.key().is_some_and(|known| known.as_str() == text)
        });
        Ok(old.map(|(event, _)| event))
    }

    /// The event that may have a key, and the version of its segment. One that cannot be read cannot be compared, and is not told to
    /// subscribers any more: its publisher may place it again.
    fn held(&self, hash: u64) -> Result<Option<(Event, u32)>, Fault> {
        let Some(sequence) = self.keys.find(hash) else { return Ok(None) };
        match self.read(sequence) {
            // The event may be whole beside an index that is not.
            Err(Fault::Damaged { base, file, .. }) if file == names::index(base) => {
                mend::mend_one(self.log, self.disk, base)?;
                self.read(sequence)
            }
            // A reader will find out that it is a hole.
            Err(fault @ Fault::Damaged { .. }) => {
                tracing::warn!(%fault, "the event with an idempotency key cannot be read, so the key counts as new");
                Ok(None)
            }
            // Its file is gone. The next reading finds that out, too.
            Err(fault) if fault.missing_of().is_some() => Ok(None),
            event => event,
        }
    }

    fn read(&self, sequence: Sequence) -> Result<Option<(Event, u32)>, Fault> {
        let view = self.log.view();
        let span = view.readable_after(sequence.previous()).next();
        let Some(span) = span.filter(|span| span.sequence(span.start) == sequence) else { return Ok(None) };
        let event = Records::new(span).event(span.start, &view.line)?;
        Ok(Some((event, span.segment.header.format)))
    }
}
