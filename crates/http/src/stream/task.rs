//! Stop 8 of the walk, for connections that cannot be parked: a stream of bytes over a subscription.
//!
//! Those of another server, of HTTP/2, and of TLS. Plain HTTP/1 connections of our own server go to the
//! [lanes](crate::lane) instead. What is due when is decided by the [machine](crate::stream::machine) for both.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::OptionFuture;
use futures_util::stream::unfold;
use futures_util::{FutureExt, Stream};
use tidings_core::presence::watched_topics;
use tidings_core::roster::{Attendance, TooManySelectors};
use tidings_core::{
    Clock, ConnectionId, Cursor, Delivery, Follower, Frame, Hub, InUse, Selectors, Sequence, Session,
    StoreError, Subscription, UnixMillis, Upcoming, Visitor,
};
use tokio::time::{Instant, sleep_until};

use super::beside::{Beside, News};
use super::drain::Drain;
use super::encode::{Encoder, Whereabouts};
use super::ending::Ending;
use super::expiry;
use super::gzip::{Coded, Deflater, Packed, Packing, Sum, blocks};
use super::machine::{AfterFailure, DrainTicks, Due, Machine, Now, Outlet, Past, Rules, Tick};
use super::metrics::{StreamEnd, StreamMetrics};
use super::permits::StreamPermit;
use crate::answer::watch::AnswerWatch;
use crate::inbox::task_inbox::TaskInbox;
use crate::limits::{CHUNK_BYTES_MAX, LARGE_PIECE_BYTES, OPENING_LOOK_WAIT};
use crate::unread::{FrameKey, KeptFrame, UnreadFrames};

/// What all tasks of a front share.
#[derive(Clone)]
pub(crate) struct TaskRules {
    pub(crate) rules: Arc<Rules>,
    pub(crate) drain: Drain,
    pub(crate) unread: UnreadFrames,
    pub(crate) deflater: Deflater,
    pub(crate) metrics: StreamMetrics,
    /// The time that an opening tells.
    pub(crate) clock: Arc<dyn Clock>,
}

/// One stream, and what it is carried by.
pub(crate) struct Carried {
    /// None if the client was sent it.
    pub(crate) opening: Option<Bytes>,
    /// The opening has its first block. Otherwise the client is told its place when nothing else comes first.
    pub(crate) is_opened: bool,
    pub(crate) subscription: Subscription,
    /// What it is told beside its subscription.
    pub(crate) beside: Option<Box<Beside>>,
    pub(crate) encoder: Encoder,
    /// Has the feed make the encoding.
    pub(crate) encoding: Option<InUse>,
    /// Whether it is compressed.
    pub(crate) coded: Coded,
    /// What let the subscriber in; none if it is anonymous.
    pub(crate) session: Option<Arc<Session>>,
    /// Given back when the stream ends.
    pub(crate) permit: Option<StreamPermit>,
    pub(crate) watch: AnswerWatch,
}

/// The bytes of a stream, from its opening to its end. If it is dropped before its end, its client has gone, or its carrier has
/// cut it off.
pub(crate) fn stream(shared: TaskRules, carried: Carried) -> impl Stream<Item = Bytes> + Send + 'static {
    let end = StreamEnd::counted(shared.metrics.clone());
    unfold(StreamTask::new(shared, carried, end), |mut task| async {
        let bytes = task.next().await?;
        Some((bytes, task))
    })
}

/// A part of a stream.
pub(crate) struct Part {
    pub(crate) bytes: Bytes,
    /// The bytes are the last, for this reason.
    pub(crate) ending: Option<Ending>,
    /// An event goes on in the next part, so that nothing may stand between them. That part is there at once.
    pub(crate) is_inside_event: bool,
}

/// The same, for a carrier that knows better why a stream ends, and counts its end.
pub(crate) fn parts(shared: TaskRules, carried: Carried) -> impl Stream<Item = Part> + Send + 'static {
    unfold(StreamTask::new(shared, carried, StreamEnd::taking_notes()), |mut task| async {
        let bytes = task.next().await?;
        let part = Part { bytes, ending: task.end.noted(), is_inside_event: task.is_inside_event() };
        Some((part, task))
    })
}

pub(crate) struct StreamTask {
    opening: Option<Bytes>,
    subscription: Subscription,
    beside: Option<Box<Beside>>,
    encoder: Encoder,
    /// What a compressed stream needs beside the others.
    deflate: Option<Box<Deflate>>,
    shared: TaskRules,
    machine: Machine,
    /// What its clock counts from.
    began: Instant,
    share: f64,
    /// The store has failed, and is asked again then.
    read_again_at: Option<Instant>,
    /// It has heard nothing, and the rings do not show yet what the log has up to a place: they are looked at again then.
    opens_after: Option<(Sequence, Instant)>,
    /// The farewell comes next, and nothing after it.
    parting: Option<Ending>,
    ended: bool,
    end: StreamEnd,
    watch: AnswerWatch,
    large: Option<LargeFrame>,
    session: Option<Arc<Session>>,
    /// The age at which it is asked whether the session is over; none if that cannot be.
    expires_after: Option<u32>,
    permit: Option<StreamPermit>,
    /// The feed makes the encoding while there is a stream of it.
    _encoding: Option<InUse>,
}

/// A stream that is compressed.
struct Deflate {
    /// Of all that was said, if it ends with that: messages are compressed each by itself.
    sum: Option<Sum>,
    /// What comes next, while its large events are compressed.
    upcoming: Option<Delivery>,
}

/// A large frame that is handed out in pieces. When the next is asked for, the one before has been handed
/// to the connection; over HTTP/2 up to one more may wait there.
struct LargeFrame {
    kept: KeptFrame,
    rest: Bytes,
    handed_out: usize,
}

/// A stream that another driver goes on with.
pub(crate) struct Handed {
    pub(crate) follower: Follower,
    pub(crate) attendance: Attendance,
    /// None if no driver had it before.
    pub(crate) past: Option<Past>,
    pub(crate) session: Option<Arc<Session>>,
    pub(crate) permit: Option<StreamPermit>,
}

/// What came first.
enum First {
    Upcoming(Result<Upcoming, StoreError>),
    News(News),
    /// Look at the time again.
    Time,
}

impl StreamTask {
    pub(crate) fn new(shared: TaskRules, carried: Carried, end: StreamEnd) -> Self {
        let Carried {
            opening,
            is_opened,
            subscription,
            beside,
            encoder,
            encoding,
            coded,
            session,
            permit,
            watch,
        } = carried;
        let begin = if is_opened { Machine::opened } else { Machine::unopened };
        let inbox = beside.as_deref().and_then(Beside::inbox);
        let place = inbox.map_or_else(|| subscription.cursor(), TaskInbox::place);
        Self {
            opening,
            machine: begin(place.sequence, Tick::default()),
            // As much as a chunk, a TLS record or an HTTP/2 frame holds: a client that stops reading keeps one of them in
            // memory, and its place in the log.
            subscription: subscription.in_pieces_of(CHUNK_BYTES_MAX),
            beside,
            encoder,
            deflate: (coded != Coded::Identity)
                .then(|| Box::new(Deflate { sum: coded.sum(), upcoming: None })),
            share: shared.drain.share(),
            shared,
            began: Instant::now(),
            read_again_at: None,
            opens_after: None,
            parting: None,
            ended: false,
            end,
            watch,
            large: None,
            // It is asked at once, and then it is known.
            expires_after: session.as_ref().filter(|session| session.can_end()).map(|_| 0),
            session,
            permit,
            _encoding: encoding,
        }
    }

    /// Goes on with a stream that another driver had.
    pub(crate) fn going_on(mut self, past: Past) -> Self {
        self.machine = Machine::going_on(past, &self.shared.rules, Tick::default());
        self
    }

    /// The next bytes; none after the end. Cancel safe: nothing is taken until it returns.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        if let Some(piece) = self.next_piece() {
            return Some(piece);
        }
        if let Some(ending) = self.parting.take() {
            return Some(self.farewell(ending));
        }
        while !self.ended {
            if let Some(bytes) = self.deflated().await {
                return Some(bytes);
            }
            let now = self.now();
            match self.due(now) {
                Due::End(ending) => return Some(self.last(ending)),
                Due::Heartbeat => return Some(self.heartbeat()),
                Due::Nothing => {}
            }
            match self.first(self.wake_after(now)).await {
                First::Time => {}
                First::News(News::Inbox(Ok(blocks))) => return Some(self.blocks(blocks)),
                First::News(News::Inbox(Err(ending))) => return Some(self.farewell(ending)),
                First::News(News::Presence(notice)) => {
                    let now = self.now().tick;
                    self.machine.progressed(now);
                    let notice = self.encoder.presence(&notice);
                    return Some(self.block(notice));
                }
                First::Upcoming(Ok(Upcoming::Delivery(delivery))) => {
                    self.machine.store_answered();
                    if let Some(deflate) = &mut self.deflate {
                        deflate.upcoming = Some(delivery);
                        continue;
                    }
                    let bytes = self.encode(&delivery);
                    // Of an event of which it gets no echo, a client that wants no places hears nothing.
                    if !bytes.is_empty() {
                        return Some(bytes);
                    }
                }
                First::Upcoming(Ok(Upcoming::Nothing)) if self.is_shown_all() => {
                    if let Some(open) = self.open() {
                        return Some(open);
                    }
                }
                First::Upcoming(Ok(Upcoming::Nothing)) => {}
                First::Upcoming(Ok(Upcoming::End)) => {
                    let dismissed = self.subscription.dismissed();
                    return Some(self.farewell(dismissed.map_or(Ending::HubClosed, Ending::from)));
                }
                First::Upcoming(Err(error)) => match self.machine.store_failed(&error) {
                    AfterFailure::ReadAgain(after) => self.read_again_at = Some(Instant::now() + after),
                    AfterFailure::End(ending) => return Some(self.farewell(ending)),
                },
            }
        }
        None
    }

    /// Whether the next bytes go on with the event of the last ones, so that nothing may stand between them. They are there at once.
    pub(crate) fn is_inside_event(&self) -> bool {
        self.large.as_ref().is_some_and(|large| !large.rest.is_empty())
    }

    /// Why it has ended, or ends.
    pub(crate) fn noted(&self) -> Option<Ending> {
        self.end.noted()
    }

    /// Its carrier knows why it ends.
    pub(crate) fn note(&mut self, ending: Ending) {
        self.end.note(ending);
    }

    /// The client said something: it is there, and there is no need to find that out.
    pub(crate) fn has_heard(&mut self) {
        let now = self.now().tick;
        self.machine.progressed(now);
    }

    /// Whether another driver may go on now. One that is told something beside its events stays, or it would be told the whole state again.
    pub(crate) fn can_be_handed_over(&self) -> bool {
        let is_between_blocks = self.opening.is_none() && self.large.is_none() && self.parting.is_none();
        is_between_blocks && !self.ended && self.beside.is_none()
    }

    /// Hands the stream over. What is left is only to be dropped.
    pub(crate) fn hand_over(&mut self) -> Handed {
        let past = Some(self.machine.past(&self.shared.rules, self.now().tick));
        let (follower, attendance) = self.subscription.hand_over();
        self.end.goes_on();
        let (session, permit) = (self.session.take(), self.permit.take());
        Handed { follower, attendance, past, session, permit }
    }

    /// The name of its connection on the roster.
    pub(crate) fn id(&self) -> ConnectionId {
        self.subscription.id()
    }

    /// Goes on with other selectors, or with something else that lets the client have them, at the same place.
    pub(crate) fn change(
        &mut self,
        hub: &Hub,
        selectors: Selectors,
        visitor: Visitor,
    ) -> Result<(), TooManySelectors> {
        let session = visitor.session.clone();
        let watches_the_same = watched_topics(&selectors).eq(watched_topics(self.subscription.selectors()));
        self.subscription.change(selectors, visitor)?;
        // Another watch would tell the whole state again.
        if !watches_the_same {
            self.beside = Beside::watch(hub, self.subscription.selectors());
        }
        self.expires_after = session.as_ref().filter(|session| session.can_end()).map(|_| 0);
        self.session = session;
        self.opens_after = None;
        Ok(())
    }

    /// What let the client in.
    pub(crate) fn session(&self) -> Option<&Arc<Session>> {
        self.session.as_ref()
    }

    /// What is due. The clock is asked with each heartbeat and when the session should be over, not at each event.
    fn due(&mut self, now: Now) -> Due {
        let due = self.machine.due(&self.shared.rules, self.share, now, Outlet::Open);
        let Some(expires_after) = self.expires_after else { return due };
        let age = self.machine.age(now.tick);
        if due != Due::Heartbeat && age < expires_after {
            return due;
        }
        let time = self.shared.clock.now();
        if let Some(ending) = expiry::ending(self.session.as_deref(), time) {
            return Due::End(ending);
        }
        let left = |until: UnixMillis| Duration::from_millis(until.0.saturating_sub(time.0));
        let until = self.session.as_ref().and_then(|session| session.until);
        let ticks = |until| self.shared.rules.ticks(left(until)).max(1);
        // Without a time, it is looked at with the heartbeats alone.
        self.expires_after = Some(until.map_or(u32::MAX, |until| age.saturating_add(ticks(until))));
        due
    }

    /// Ticks until something is due, if nothing else happens.
    fn wake_after(&self, now: Now) -> u32 {
        let wake_after = self.machine.wake_after(&self.shared.rules, self.share, now, Outlet::Open);
        let age = self.machine.age(now.tick);
        self.expires_after.map_or(wake_after, |after| wake_after.min(after.saturating_sub(age)))
    }

    /// Waits for events, or for a number of ticks. Cancel safe.
    async fn first(&mut self, wake_after: u32) -> First {
        // One more, since the tick that is now began in the past.
        let mut wake_at = Instant::now() + self.shared.rules.tick() * (wake_after + 1);
        let ending = self.shared.drain.has_begun();
        if let Some(at) = self.read_again_at {
            tokio::select! {
                () = sleep_until(at) => self.read_again_at = None,
                () = sleep_until(wake_at) => {}
                () = self.shared.drain.begun(), if !ending => {}
            }
            return First::Time;
        }
        let opens_at = self.opens_after.map(|(_, at)| at).filter(|at| *at > Instant::now());
        wake_at = opens_at.map_or(wake_at, |at| at.min(wake_at));
        let waits = self.machine.is_opened() || opens_at.is_some();
        let passes_over = self.inbox().is_some();
        let subscription = &mut self.subscription;
        let upcoming = async {
            loop {
                let upcoming = match waits {
                    true => subscription.next().await.map(Upcoming::from),
                    false => subscription.upcoming().await,
                };
                // Here, so that a flow of records does not keep the inbox from being read.
                if !(passes_over && matches!(upcoming, Ok(Upcoming::Delivery(_)))) {
                    return upcoming;
                }
            }
        };
        // Boxed, since few streams ask for it.
        let news = self.beside.as_mut().map(|beside| beside.next().boxed());
        // Biased: news, of which there are few, before events, and events before heartbeats.
        tokio::select! {
            biased;
            () = self.shared.drain.begun(), if !ending => First::Time,
            Some(news) = OptionFuture::from(news) => First::News(news),
            upcoming = upcoming => First::Upcoming(upcoming),
            () = sleep_until(wake_at) => First::Time,
        }
    }

    fn now(&self) -> Now {
        let rules = &self.shared.rules;
        let moment = |at: Instant| rules.moment(at.saturating_duration_since(self.began));
        let drain = self.shared.drain.window_now();
        let drain =
            drain.map(|(from, length)| DrainTicks { from: moment(from), length: rules.ticks(length) });
        Now { tick: moment(Instant::now()), drain }
    }

    fn encode(&mut self, delivery: &Delivery) -> Bytes {
        let now = self.now().tick;
        self.machine.wrote(self.subscription.cursor().sequence, now);
        let id = self.subscription.id();
        let (bytes, packing) = match delivery {
            Delivery::Frames(frames) if frames.iter().any(|frame| !frame.is_for(id)) => {
                return self.encode_without_echo(frames);
            }
            Delivery::Frames(frames) => match &frames[..] {
                [frame] => self.event(frame),
                frames => (self.together(frames), Packing::Plain),
            },
            Delivery::Gap(gap) => {
                let gap = self.encoder.gap(gap);
                (self.block(gap), Packing::Plain)
            }
        };
        self.shared.metrics.delivered(delivery, bytes.len());
        match delivery {
            Delivery::Frames(frames) if frames.len() == 1 && bytes.len() > CHUNK_BYTES_MAX => {
                self.begin_large(&frames[0], bytes, packing)
            }
            Delivery::Frames(_) | Delivery::Gap(_) => bytes,
        }
    }

    /// An event, and how it is packed.
    fn event(&mut self, frame: &Frame) -> (Bytes, Packing) {
        let Some(deflate) = &mut self.deflate else {
            return (self.encoder.event(frame), Packing::Plain);
        };
        let Packed { bytes, sum, packing } = self.shared.deflater.event(self.encoder, frame);
        deflate.sum = deflate.sum.map(|before| before.then(sum));
        (bytes, packing)
    }

    /// A block that is no event.
    fn block(&mut self, block: Bytes) -> Bytes {
        match self.deflate.as_mut().and_then(|deflate| deflate.sum.as_mut()) {
            Some(sum) => {
                *sum = sum.then(Sum::of(&block));
                blocks::stored(&block).into()
            }
            None => block,
        }
    }

    /// Blocks of an inbox.
    fn blocks(&mut self, blocks: Bytes) -> Bytes {
        let (place, now) = (self.place(), self.now().tick);
        self.machine.wrote(place.sequence, now);
        self.shared.metrics.add_delivered(1, blocks.len() as u64);
        let bytes = self.block(blocks);
        match bytes.len() > CHUNK_BYTES_MAX {
            true => {
                let (rest, kept) = self.shared.unread.keep_own(bytes);
                self.begin_kept(rest, kept)
            }
            false => bytes,
        }
    }

    /// What comes next, if it waited for its large events to be compressed. Cancel safe.
    async fn deflated(&mut self) -> Option<Bytes> {
        let Some(Delivery::Frames(frames)) = &self.deflate.as_ref()?.upcoming else {
            let gap = self.deflate.as_mut()?.upcoming.take()?;
            return Some(self.encode(&gap));
        };
        if self.shared.deflater.must_prepare(self.encoder, frames) {
            // Boxed, since most streams are not compressed.
            Box::pin(self.shared.deflater.prepare(self.encoder, frames)).await;
        }
        let frames = self.deflate.as_mut()?.upcoming.take()?;
        // Of an event of which it gets no echo, a client that wants no places hears nothing.
        Some(self.encode(&frames)).filter(|bytes| !bytes.is_empty())
    }

    /// Frames without those of which this client gets no echo. It is told the place if the last one is such a frame; else
    /// the event behind it tells a place.
    fn encode_without_echo(&mut self, frames: &[Frame]) -> Bytes {
        let id = self.subscription.id();
        let mut left: Vec<_> = frames.iter().filter(|frame| frame.is_for(id)).cloned().collect();
        let large = left.pop_if(|last| self.encoder.borrow(last).len() > CHUNK_BYTES_MAX);
        let mut bytes = self.together(&left);
        if let Some(last) = frames.last().filter(|last| !last.is_for(id)) {
            let place = self.encoder.cursor(last.event().cursor).unwrap_or_default();
            bytes = [bytes, self.block(place)].concat().into();
        }
        self.shared.metrics.delivered(&Delivery::Frames(left), bytes.len());
        let Some(large) = large else { return bytes };
        let (whole, packing) = self.event(&large);
        self.shared.metrics.delivered(&Delivery::Frames(vec![large.clone()]), whole.len());
        [bytes, self.begin_large(&large, whole, packing)].concat().into()
    }

    /// The first piece of a large frame, which comes alone. It counts among those that are kept.
    fn begin_large(&mut self, frame: &Frame, bytes: Bytes, packing: Packing) -> Bytes {
        let key = FrameKey { cursor: frame.event().cursor, encoder: self.encoder, packing };
        let (rest, kept) = self.shared.unread.keep(key, bytes);
        self.begin_kept(rest, kept)
    }

    fn begin_kept(&mut self, rest: Bytes, kept: KeptFrame) -> Bytes {
        self.watch.holds(Some(kept.let_go().clone()));
        self.large.insert(LargeFrame { kept, rest, handed_out: 0 }).hand_out()
    }

    /// The next piece of a large frame, or none if there is no more of it.
    fn next_piece(&mut self) -> Option<Bytes> {
        let large = self.large.as_mut()?;
        large.kept.took(large.handed_out);
        if !large.rest.is_empty() {
            return Some(large.hand_out());
        }
        self.large = None;
        self.watch.holds(None);
        None
    }

    /// Whether the rings, with which it has caught up, show all that the log had when it first had. Otherwise something
    /// may be about to come.
    fn is_shown_all(&mut self) -> bool {
        let head = self.subscription.bounds().head.sequence;
        let through = self.opens_after.map_or(head, |(through, _)| through.min(head));
        let is_shown = self.subscription.cursor().sequence >= through;
        self.opens_after = (!is_shown).then(|| (through, Instant::now() + OPENING_LOOK_WAIT));
        is_shown
    }

    /// Tells the place to a client that has heard nothing, now that nothing comes first. None if it did not ask for that.
    fn open(&mut self) -> Option<Bytes> {
        let (place, now) = (self.place(), self.now().tick);
        let whereabouts = self.whereabouts(place);
        self.machine.wrote(place.sequence, now);
        let open = self.encoder.open(whereabouts)?;
        Some(self.block(open))
    }

    fn heartbeat(&mut self) -> Bytes {
        let (passed, now) = (self.subscription.advance(), self.now().tick);
        let place = self.inbox().map_or(passed, TaskInbox::place);
        self.machine.progressed(now);
        let log = self.subscription.bounds().into();
        let is_news = self.machine.is_news(place.sequence, log, &self.shared.rules, now);
        let is_opened = self.machine.is_opened();
        let heartbeat = self.encoder.heartbeat(self.whereabouts(place), is_opened, is_news);
        // One that did not ask for places is not looked at again at once.
        if is_news || heartbeat.tells {
            self.machine.wrote(place.sequence, now);
        }
        self.block(heartbeat.bytes)
    }

    /// The place that the client has come to.
    fn place(&self) -> Cursor {
        self.inbox().map_or_else(|| self.subscription.cursor(), TaskInbox::place)
    }

    /// The inbox that the client is told of, in place of what the subscription delivers.
    fn inbox(&self) -> Option<&TaskInbox> {
        self.beside.as_deref().and_then(Beside::inbox)
    }

    fn whereabouts(&self, place: Cursor) -> Whereabouts {
        Whereabouts {
            place,
            connection: self.subscription.id(),
            heartbeat: self.shared.rules.heartbeat(),
            time: self.shared.clock.now(),
        }
    }

    /// What is at hand, so that it need not be asked for again, and then the farewell.
    fn last(&mut self, ending: Ending) -> Bytes {
        if let Some(Beside::Inbox(inbox)) = self.beside.as_deref_mut().filter(|_| ending.comes_after_events())
            && let Some(blocks) = inbox.at_hand()
        {
            let blocks = self.blocks(blocks);
            if self.large.is_some() {
                self.parting = Some(ending);
                return blocks;
            }
            return [blocks, self.farewell(ending)].concat().into();
        }
        // The rings answer at once; a read of the store would only be begun.
        let live = self.inbox().is_none() && self.subscription.is_live() && ending.comes_after_events();
        let delivery = if live { self.subscription.next().now_or_never() } else { None };
        let Some(delivery) = delivery.and_then(Result::ok).flatten() else { return self.farewell(ending) };
        let events = self.encode(&delivery);
        if events.len() > CHUNK_BYTES_MAX {
            self.parting = Some(ending);
            return events;
        }
        [events, self.farewell(ending)].concat().into()
    }

    fn farewell(&mut self, ending: Ending) -> Bytes {
        tracing::debug!(%ending, "a stream ends");
        self.ended = true;
        self.end.note(ending);
        let place = self.place();
        let farewell = self.encoder.farewell(place, self.shared.rules.delay(self.shared.drain.share()));
        let last = if ending == Ending::AccessEnded {
            let reason = expiry::reason(self.session.as_deref(), self.shared.clock.now());
            [self.encoder.expired(place, &reason), farewell].concat().into()
        } else {
            farewell
        };
        match self.deflate.as_ref().and_then(|deflate| deflate.sum) {
            Some(sum) => blocks::end(sum, &last).into(),
            None => last,
        }
    }

    fn together(&mut self, frames: &[Frame]) -> Bytes {
        if self.deflate.is_some() {
            let pieces: Vec<_> = frames.iter().map(|frame| self.event(frame).0).collect();
            return pieces.concat().into();
        }
        let pieces: Vec<_> = frames.iter().map(|frame| self.encoder.borrow(frame)).collect();
        pieces.concat().into()
    }
}

impl LargeFrame {
    fn hand_out(&mut self) -> Bytes {
        self.handed_out = self.rest.len().min(LARGE_PIECE_BYTES);
        self.rest.split_to(self.handed_out)
    }
}

impl Drop for StreamTask {
    fn drop(&mut self) {
        if self.watch.is_cut_off() {
            self.end.note(Ending::WriteStalled);
        }
        // A client to which nothing was noted has gone.
        self.subscription.note_ending(self.end.noted().unwrap_or(Ending::ClientGone).code());
    }
}
