//! The book of the notices: which streams are there, which have just left, and what is to be told. It knows no clock and sends
//! nothing.
//!
//! A stream that comes takes the place of one that has left within the debounce, if both have the same user and the same selectors; of
//! streams without a user, if both have the same address and the same selectors. Then nothing is told, and the stream is known to
//! the backend by the id of the one before: the notice that it has left must name an id that the backend knows.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use tidings_http::core::{ConnectionId, Selectors, UnixMillis, User};
use tokio::time::Instant;

use super::notice::{self, Happened, Notice};
use crate::limits::{NOTICES_BATCH_BYTES_MAX, NOTICES_BATCH_MAX, NOTICES_BATCH_WAIT, NOTICES_BYTES_MAX};

/// Who is there, who has just left, and what is to be told.
#[derive(Debug)]
pub(super) struct Book {
    debounce: Duration,
    here: HashMap<ConnectionId, Stream>,
    /// In the order in which they left.
    away: BTreeMap<u64, Away>,
    away_of: HashMap<Identity, VecDeque<u64>>,
    lefts: u64,
    queue: VecDeque<Notice>,
    /// When the first of the queue came into it.
    waits_since: Option<Instant>,
    /// Of those that are away and of the queue.
    bytes: usize,
    notices: u64,
    /// Left out since the last batch, because there was no room.
    dropped: u64,
}

/// A stream as the backend knows it.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) connection: ConnectionId,
    pub(super) user: Option<User>,
    pub(super) address: Option<IpAddr>,
    pub(super) selectors: Selectors,
}

#[derive(Debug)]
struct Away {
    stream: Stream,
    time: UnixMillis,
    reason: &'static str,
    until: Instant,
}

/// What a stream and the one that takes its place have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Identity {
    user: Option<User>,
    /// Of a stream without a user.
    address: Option<IpAddr>,
    selectors: Selectors,
}

/// What is taken out to be sent.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) notices: Vec<Notice>,
    /// How many were left out before them, since the last time.
    pub(super) dropped: u64,
}

impl Book {
    pub(super) fn new(debounce: Duration) -> Self {
        Self {
            debounce,
            here: HashMap::new(),
            away: BTreeMap::new(),
            away_of: HashMap::new(),
            lefts: 0,
            queue: VecDeque::new(),
            waits_since: None,
            bytes: 0,
            notices: 0,
            dropped: 0,
        }
    }

    /// A stream has come. Returns how many notices there was no room for.
    pub(super) fn join(&mut self, stream: Stream, time: UnixMillis, now: Instant) -> u64 {
        let id = stream.connection;
        if let Some(before) = self.take_away(&stream.identity(), now) {
            self.here.insert(id, Stream { connection: before.connection, ..stream });
            return 0;
        }
        self.tell(&stream, time, Happened::Connect, now);
        self.here.insert(id, stream);
        self.make_room()
    }

    /// A stream reads something else from now on, or has a user now. Returns how many notices there was no room for.
    pub(super) fn change(
        &mut self,
        id: ConnectionId,
        user: Option<&User>,
        selectors: &Selectors,
        time: UnixMillis,
        now: Instant,
    ) -> u64 {
        let Some(stream) = self.here.get_mut(&id) else { return 0 };
        if stream.user.as_ref() == user && stream.selectors == *selectors {
            return 0;
        }
        (stream.user, stream.selectors) = (user.cloned(), selectors.clone());
        let stream = stream.clone();
        self.tell(&stream, time, Happened::Change, now);
        self.make_room()
    }

    /// A stream has left. Returns how many notices there was no room for.
    pub(super) fn leave(
        &mut self,
        id: ConnectionId,
        reason: &'static str,
        time: UnixMillis,
        now: Instant,
    ) -> u64 {
        let Some(stream) = self.here.remove(&id) else { return 0 };
        self.lefts += 1;
        self.bytes += stream.bytes();
        self.away_of.entry(stream.identity()).or_default().push_back(self.lefts);
        self.away.insert(self.lefts, Away { stream, time, reason, until: now + self.debounce });
        self.make_room()
    }

    /// When there is something to do next: to send, or to count streams as gone.
    pub(super) fn due(&self) -> Option<Instant> {
        let is_full = self.queue.len() >= NOTICES_BATCH_MAX;
        let sends = self.waits_since.map(|since| if is_full { since } else { since + NOTICES_BATCH_WAIT });
        let settles = self.away.first_key_value().map(|(_, away)| away.until);
        sends.into_iter().chain(settles).min()
    }

    /// Takes out what is to be sent at once, if its time has come.
    pub(super) fn take(&mut self, now: Instant) -> Option<Taken> {
        self.settle(now);
        let since = self.waits_since?;
        let is_due = self.queue.len() >= NOTICES_BATCH_MAX || now >= since + NOTICES_BATCH_WAIT;
        is_due.then(|| self.take_some(now))
    }

    /// The same without waiting: nobody comes back to a hub that ends.
    pub(super) fn take_at_end(&mut self, now: Instant) -> Option<Taken> {
        while let Some((number, _)) = self.away.first_key_value() {
            self.count_as_gone(*number, now);
        }
        (!self.queue.is_empty()).then(|| self.take_some(now))
    }

    /// Says in the next batch that these were left out.
    pub(super) fn count_dropped(&mut self, notices: u64) {
        self.dropped += notices;
    }

    /// Leaves out what is to be sent, and returns how many notices that were. Streams may still come back.
    pub(super) fn empty_queue(&mut self) -> u64 {
        let queue = std::mem::take(&mut self.queue);
        self.bytes -= queue.iter().map(Notice::bytes).sum::<usize>();
        self.waits_since = None;
        queue.len() as u64
    }

    /// Notices that wait, and streams that may come back.
    pub(super) fn waiting(&self) -> u64 {
        (self.queue.len() + self.away.len()) as u64
    }

    fn take_some(&mut self, now: Instant) -> Taken {
        let mut taken = Taken { notices: Vec::new(), dropped: std::mem::take(&mut self.dropped) };
        let mut bytes = 0;
        while let Some(notice) = self.queue.front() {
            bytes += notice.bytes();
            let fits = taken.notices.len() < NOTICES_BATCH_MAX && bytes <= NOTICES_BATCH_BYTES_MAX;
            if !fits && !taken.notices.is_empty() {
                break;
            }
            self.bytes -= notice.bytes();
            taken.notices.extend(self.queue.pop_front());
        }
        self.waits_since = (!self.queue.is_empty()).then_some(now);
        taken
    }

    /// Counts streams as gone whose debounce is over: no more of them at once than are sent at once, because others wait for the book
    /// meanwhile. [`due`](Self::due) says whether there are more.
    fn settle(&mut self, now: Instant) {
        for _ in 0..NOTICES_BATCH_MAX {
            match self.away.first_key_value() {
                Some((number, away)) if away.until <= now => self.count_as_gone(*number, now),
                _ => return,
            }
        }
    }

    fn count_as_gone(&mut self, number: u64, now: Instant) {
        let Some(away) = self.remove(number) else { return };
        self.tell(&away.stream, away.time, Happened::Disconnect(away.reason), now);
    }

    fn tell(&mut self, stream: &Stream, time: UnixMillis, happened: Happened, now: Instant) {
        self.notices += 1;
        self.bytes += stream.bytes();
        self.waits_since.get_or_insert(now);
        let Stream { connection, user, address, selectors } = stream.clone();
        let number = self.notices;
        self.queue.push_back(Notice { number, connection, user, address, selectors, time, happened });
    }

    /// The stream with this identity that left last, if its debounce is not over. Nothing is done here for streams whose debounce is
    /// over, because those who call it must not be held up.
    fn take_away(&mut self, identity: &Identity, now: Instant) -> Option<Stream> {
        let number = *self.away_of.get(identity)?.back()?;
        let may_come_back = self.away.get(&number).is_some_and(|away| now < away.until);
        may_come_back.then(|| self.remove(number)).flatten().map(|away| away.stream)
    }

    fn remove(&mut self, number: u64) -> Option<Away> {
        let away = self.away.remove(&number)?;
        self.bytes -= away.stream.bytes();
        let identity = away.stream.identity();
        if let Some(numbers) = self.away_of.get_mut(&identity) {
            // It is the first or the last of them.
            match numbers.front() {
                Some(first) if *first == number => numbers.pop_front(),
                _ => numbers.pop_back(),
            };
            if numbers.is_empty() {
                self.away_of.remove(&identity);
            }
        }
        Some(away)
    }

    /// Leaves out the oldest, if there are too many.
    fn make_room(&mut self) -> u64 {
        let mut left_out = 0;
        while self.bytes > NOTICES_BYTES_MAX {
            if let Some(notice) = self.queue.pop_front() {
                self.bytes -= notice.bytes();
            } else if let Some((number, _)) = self.away.first_key_value() {
                self.remove(*number);
            } else {
                break;
            }
            left_out += 1;
        }
        if self.queue.is_empty() {
            self.waits_since = None;
        }
        self.dropped += left_out;
        left_out
    }
}

impl Stream {
    fn identity(&self) -> Identity {
        Identity {
            user: self.user.clone(),
            address: if self.user.is_some() { None } else { self.address },
            selectors: self.selectors.clone(),
        }
    }

    fn bytes(&self) -> usize {
        notice::bytes(self.user.as_ref(), &self.selectors)
    }
}

#[cfg(test)]
mod tests;
