//! The policy of a stream, as a machine without I/O or clock: what befalls the stream goes in, what to do comes out.
//!
//! Heartbeats, age, drain, stalled writes, failures of the store, what the client sends and what the hub has to say beside
//! the log are decided here alone. The lanes drive ten thousand of these in a thread, a task drives one. Places in the
//! log are the business of the [`Follower`](tidings_core::Follower), bytes that of the encoder.
//!
//! A task hands its bytes on and does not see the socket, so what carries them applies the two rules about the socket:
//! `connection/carry` and `connection/impatient` end a connection that takes nothing for `write_wait_max`, and `carry`
//! counts [`ClientBytes`]. What a client says where its transport has a way back is the business of that transport.
//!
//! A stream may go from one driver to another: what the next one must know of it is its [`Past`].

use std::time::Duration;

use tidings_core::store::{Bounds, Turn};
use tidings_core::{Sequence, StoreError};

use crate::limits::{
    AGE_SHARE_MIN, HEARTBEAT_SILENCE, HEARTBEAT_TICKS, PLACE_AGE_MAX, STORE_RETRIES_MAX, STORE_RETRY_WAIT,
    STRAY_BYTES_MAX, TICK_MAX, TICK_MIN, TICKS_MAX, WAKE_TICK,
};
use crate::stream::drain::delay;
use crate::stream::ending::Ending;

/// A moment, in ticks since the driver began. It begins again at zero after 2^32 of them, which are more than a year; what
/// is compared are times between moments, and those are much shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tick(pub u32);

impl Tick {
    /// Ticks since an earlier moment.
    pub fn since(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }
}

/// How streams are treated, over every protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConfig {
    /// Silence after which a heartbeat is sent. Default 15 s: half of the shortest time-out known on the way (30 s), as
    /// section 9.2.7 of the standard advises. It is sent after three quarters to all of this time.
    pub heartbeat: Duration,
    /// How long a client may take nothing of what is owed to it. Default 60 s: a phone in a tunnel. At the edge the
    /// connection is closed, and the client resumes by its id.
    pub write_wait_max: Duration,
    /// Bytes of large events, over all of them, that clients keep in memory because they do not read on in the middle of
    /// one. Each counts once, however many clients share it; events up to 16 KiB do not count. Default 64 MiB, as much
    /// as the window. Beyond that, the slowest clients are closed, and resume by their id; once half of it is used, those
    /// are that have taken nothing for 5 s. An event is as slow as the fastest of its readers.
    pub unread_bytes_max: usize,
    /// How old a stream may become; at nine tenths to all of it, it is ended in good order, and its client comes back.
    /// Default none.
    pub stream_age_max: Option<Duration>,
    /// The least delay before a client reconnects; each stream is told another, up to twice this one. Default 3 s, what
    /// browsers do by themselves.
    pub retry: Duration,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            write_wait_max: Duration::from_secs(60),
            unread_bytes_max: 67_108_864,
            stream_age_max: None,
            retry: Duration::from_secs(3),
        }
    }
}

/// What the streams of a hub have in common. Times are in ticks, so that a stream needs few bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    tick: Duration,
    heartbeat: u32,
    write_wait: u32,
    age: Option<u32>,
    /// The age of a place that is told anew.
    place_age: u32,
    /// The time that a heartbeat stands for, as clients are told it.
    beat: Duration,
    /// The delay before a client that was sent away may come back, before jitter.
    retry: Duration,
}

/// The time that a machine is told, and whether the hub is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The moment.
    pub tick: Tick,
    /// When subscribers are sent away, if the hub is ending.
    pub drain: Option<DrainTicks>,
}

/// The drain: every stream ends within it, each at its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainTicks {
    /// Its beginning.
    pub from: Tick,
    /// Its length.
    pub length: u32,
}

/// What the log holds: a client at a place in its older half may soon have lost events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogSpan {
    /// The place before the first event still held.
    pub floor: Sequence,
    /// The place of the last event.
    pub head: Sequence,
}

/// Whether bytes can be written to the client now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlet {
    /// Everything so far was taken.
    Open,
    /// The client owes us room: part of what was written has not been taken.
    Blocked,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// A heartbeat.
    Heartbeat,
    /// The end.
    End(Ending),
}

/// What to do when the store could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Ask the store again after this time.
    ReadAgain(Duration),
    /// End the stream.
    End(Ending),
}

/// One stream, as far as the rules need to know it: 24 bytes, since ten thousand of them stand in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// The newest place that the client was told, or the one at which the stream began.
    told: Sequence,
    told_at: Tick,
    opened_at: Tick,
    /// When the client last took a byte.
    written_at: Tick,
    client: ClientBytes,
    patience: StorePatience,
    /// The client has heard a block: it knows a place, and its page knows that bytes arrive.
    opened: bool,
}

/// What one driver of a stream tells the next, whose ticks are others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    age: Duration,
    told: Sequence,
    told_age: Duration,
    silence: Duration,
    opened: bool,
}

/// What a client may still send where its transport has no way back. A few bytes do no harm and are thrown away; they are
/// counted over the whole life of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientBytes {
    left: u16,
}

/// How often the store has failed a reader in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorePatience(u8);

impl Rules {
    /// For a driver that looks at its streams from time to time: 64 ticks to a heartbeat or more.
    pub fn for_sweeps(config: &StreamConfig) -> Self {
        Self::new(config, (config.heartbeat / HEARTBEAT_TICKS).clamp(TICK_MIN, TICK_MAX))
    }

    /// For a driver that is woken when something is due: ticks so short that streams are not woken together.
    pub fn for_wakes(config: &StreamConfig) -> Self {
        Self::new(config, WAKE_TICK)
    }

    fn new(config: &StreamConfig, tick: Duration) -> Self {
        let (beat, retry) = (config.heartbeat, config.retry);
        let rules = Self { tick, heartbeat: 0, write_wait: 0, age: None, place_age: 0, beat, retry };
        let in_ticks = |time| rules.ticks(time).max(1);
        Self {
            heartbeat: in_ticks(config.heartbeat),
            write_wait: in_ticks(config.write_wait_max),
            age: config.stream_age_max.map(in_ticks),
            place_age: in_ticks(PLACE_AGE_MAX),
            ..rules
        }
    }

    /// The length of a tick.
    pub fn tick(&self) -> Duration {
        self.tick
    }

    /// Whole ticks in a time, at most 2^31 of them.
    pub fn ticks(&self, time: Duration) -> u32 {
        u32::try_from(time.as_nanos() / self.tick.as_nanos()).map_or(TICKS_MAX, |ticks| ticks.min(TICKS_MAX))
    }

    /// The moment at which a driver has run for a time.
    pub fn moment(&self, elapsed: Duration) -> Tick {
        Tick((elapsed.as_nanos() / self.tick.as_nanos()) as u32)
    }

    /// How often a stream beats, as its client is told.
    pub fn heartbeat(&self) -> Duration {
        self.beat
    }

    /// Silence after which a stream that is looked at gets a heartbeat.
    fn silence(&self) -> u32 {
        ((f64::from(self.heartbeat) * HEARTBEAT_SILENCE) as u32).max(1)
    }

    /// When a stream that is woken rather than looked at beats: its share of the rest of the heartbeat's time.
    fn beat_after(&self, share: f64) -> u32 {
        let silence = self.silence();
        silence + (f64::from(self.heartbeat.saturating_sub(silence)) * share) as u32
    }

    /// How old a stream of this share may become: those that began together do not end together.
    fn age_of(&self, share: f64) -> Option<u32> {
        self.age.map(|age| (f64::from(age) * (AGE_SHARE_MIN + share * (1.0 - AGE_SHARE_MIN))) as u32)
    }

    /// A delay before coming back, from once to twice the usual one, so that clients which were sent away together do
    /// not come back together.
    pub fn delay(&self, share: f64) -> Duration {
        delay(self.retry, share)
    }
}

impl Past {
    /// How old the stream is.
    pub fn age(self) -> Duration {
        self.age
    }
}

impl DrainTicks {
    /// Ticks after its beginning at which the turn of a share comes.
    fn turn(self, share: f64) -> u32 {
        (f64::from(self.length) * share) as u32
    }
}

impl LogSpan {
    fn is_in_older_half(self, place: Sequence) -> bool {
        let behind = |place: Sequence| self.head.0.saturating_sub(place.0);
        behind(place) > behind(self.floor) / 2
    }
}

impl From<Bounds> for LogSpan {
    fn from(bounds: Bounds) -> Self {
        Self { floor: bounds.floor.sequence, head: bounds.head.sequence }
    }
}

impl Machine {
    /// A stream that begins now, and whose client was told its place.
    pub fn opened(told: Sequence, now: Tick) -> Self {
        Self { opened: true, ..Self::unopened(told, now) }
    }

    /// A stream that begins now at a place, and whose client has heard no block yet.
    pub fn unopened(place: Sequence, now: Tick) -> Self {
        let (client, patience) = (ClientBytes::default(), StorePatience::default());
        Self { told: place, told_at: now, opened_at: now, written_at: now, client, patience, opened: false }
    }

    /// A stream that goes on.
    pub fn going_on(past: Past, rules: &Rules, now: Tick) -> Self {
        // To the nearest tick, or a stream that goes to and fro would never grow old.
        let ago = |time| Tick(now.0.wrapping_sub(rules.ticks(time + rules.tick() / 2)));
        Self {
            told_at: ago(past.told_age),
            opened_at: ago(past.age),
            written_at: ago(past.silence),
            opened: past.opened,
            ..Self::unopened(past.told, now)
        }
    }

    /// What the next driver must know.
    pub fn past(&self, rules: &Rules, now: Tick) -> Past {
        let since = |tick| rules.tick() * now.since(tick);
        Past {
            age: since(self.opened_at),
            told: self.told,
            told_age: since(self.told_at),
            silence: since(self.written_at),
            opened: self.opened,
        }
    }

    /// What is due at a moment. `share`, from 0 to 1, spreads what would otherwise befall all streams at once.
    pub fn due(&self, rules: &Rules, share: f64, now: Now, outlet: Outlet) -> Due {
        if now.drain.is_some_and(|drain| now.tick.since(drain.from) >= drain.turn(share)) {
            return Due::End(Ending::Drain);
        }
        if rules.age_of(share).is_some_and(|age| self.age(now.tick) >= age) {
            return Due::End(Ending::Age);
        }
        let silence = now.tick.since(self.written_at);
        match outlet {
            Outlet::Blocked if silence > rules.write_wait => Due::End(Ending::WriteStalled),
            Outlet::Open if silence >= rules.silence() => Due::Heartbeat,
            Outlet::Blocked | Outlet::Open => Due::Nothing,
        }
    }

    /// Ticks until something is due, if nothing else happens.
    pub fn wake_after(&self, rules: &Rules, share: f64, now: Now, outlet: Outlet) -> u32 {
        let silence = match outlet {
            Outlet::Open => rules.beat_after(share),
            Outlet::Blocked => rules.write_wait + 1,
        };
        let silent = silence.saturating_sub(now.tick.since(self.written_at));
        let age = rules.age_of(share).map(|age| age.saturating_sub(self.age(now.tick)));
        let turn = now.drain.map(|drain| drain.turn(share).saturating_sub(now.tick.since(drain.from)));
        [age, turn].into_iter().flatten().fold(silent, u32::min)
    }

    /// Ticks since the stream began.
    pub fn age(&self, now: Tick) -> u32 {
        now.since(self.opened_at)
    }

    /// The client took a block, and with it knows this place.
    pub fn wrote(&mut self, told: Sequence, now: Tick) {
        (self.told, self.told_at, self.written_at, self.opened) = (told, now, now, true);
    }

    /// The client took bytes that tell it no place: a heartbeat, or part of what was written.
    pub fn progressed(&mut self, now: Tick) {
        self.written_at = now;
    }

    /// Whether the client has heard a block.
    pub fn is_opened(&self) -> bool {
        self.opened
    }

    /// Whether a heartbeat should tell the place: it is news to the client, and the last one is old or may soon be lost.
    pub fn is_news(&self, place: Sequence, log: LogSpan, rules: &Rules, now: Tick) -> bool {
        place > self.told && (now.since(self.told_at) >= rules.place_age || log.is_in_older_half(self.told))
    }

    /// The store could not be read.
    pub fn store_failed(&mut self, error: &StoreError) -> AfterFailure {
        self.patience.failed(error)
    }

    /// The store was read.
    pub fn store_answered(&mut self) {
        self.patience = StorePatience::default();
    }

    /// The client sent bytes where its transport has no way back.
    ///
    /// # Errors
    ///
    /// The end of the stream.
    pub fn client_sent(&mut self, bytes: usize) -> Result<(), Ending> {
        self.client.sent(bytes)
    }
}

impl Default for ClientBytes {
    fn default() -> Self {
        Self { left: STRAY_BYTES_MAX }
    }
}

impl ClientBytes {
    /// The client sent bytes, and they were thrown away.
    ///
    /// # Errors
    ///
    /// The end of the stream.
    pub fn sent(&mut self, bytes: usize) -> Result<(), Ending> {
        let left = u16::try_from(bytes).ok().and_then(|bytes| self.left.checked_sub(bytes));
        self.left = left.ok_or(Ending::ClientBytes)?;
        Ok(())
    }
}

impl StorePatience {
    /// The store could not be read. A passing error is asked about again, a bounded number of times.
    pub fn failed(&mut self, error: &StoreError) -> AfterFailure {
        if error.turn() == Turn::TryAgain && self.0 < STORE_RETRIES_MAX {
            self.0 += 1;
            return AfterFailure::ReadAgain(STORE_RETRY_WAIT);
        }
        tracing::error!(%error, "streams end because the store cannot be read");
        AfterFailure::End(Ending::StoreFailed)
    }
}

#[cfg(test)]
mod tests;
