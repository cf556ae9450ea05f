//! The event source: drives the machine with real time, real chance and a real connection.
//!
//! It owns all that it needs and spawns nothing: it moves when it is polled, and dropping it closes the connection.

use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tidings_sse::Decoder;
use tidings_sse::decode::{DecodeError, OwnedEvent, OwnedItem, Report};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use url::Url;

use crate::attempt::Attempts;
use crate::backoff::Roll;
use crate::beginning::Beginning;
use crate::config::{ConfigError, EventSourceBuilder, Keep};
use crate::error::{Error, Missing};
use crate::expired::Expired;
use crate::gap::{Gap, PRESENCE_TYPE, RESERVED_TYPE_PREFIX};
use crate::item::{Event, Item, Open, Reconnecting};
use crate::limits::LAST_LOOK_WAIT;
use crate::machine::{Action, Machine, Mode, Outcome, Policy, ReadyState};
use crate::opening::Opening;
use crate::partial::Partial;
use crate::token::TokenSource;
use crate::transport::{AnswerBody, HttpAnswer};

/// A stream of server-sent events that outlives its connections.
///
/// As a `Stream` it yields [`Item`]s: what opened, what was heard, and why it reconnects. An `Err` is the last item.
/// Without reconnection the stream may also just end.
///
/// Nothing is read unless it is polled, so a slow reader slows the server down, not the memory up; and nothing runs
/// beside it, so dropping it closes the connection at once. `next` and `next_event` are cancel-safe.
///
/// ```no_run
/// use tidings_client::EventSource;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut source = EventSource::new("https://example.com/events/orders")?;
/// while let Some(event) = source.next_event().await? {
///     println!("{}: {}", event.type_or_message(), event.data);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "an event source does nothing unless it is polled"]
pub struct EventSource {
    attempts: Attempts,
    machine: Machine,
    mode: Mode,
    phase: SourcePhase,
    decoder: Decoder,
    /// What the last chunk said and nobody has taken yet, each with how many replacements there were by then.
    heard: VecDeque<(OwnedItem, u64)>,
    /// Up to the last item that was taken.
    replaced: u64,
    /// What ended the connection, to be told after what was heard.
    over: Option<Error>,
    /// The beginning of this connection's stream.
    opening: Opening,
    /// Its name, once the hub has told it.
    connection: Option<String>,
    comments: bool,
    /// That of the last event that was given out; the decoder is ahead.
    last_event_id: String,
    keep: Option<Keep>,
    /// The last event id has changed since the hook was called.
    is_kept: bool,
}

enum SourcePhase {
    /// A connection is due.
    Due,
    Connecting(Pin<Box<dyn Future<Output = Result<HttpAnswer, Error>> + Send>>),
    Open(Box<Connected>),
    Waiting(Pin<Box<Sleep>>),
    Closed,
}

struct Connected {
    url: Url,
    body: AnswerBody,
    /// Set when there is a limit to silence.
    alarm: Option<Pin<Box<Sleep>>>,
    /// When to look at the socket for the last time, once the alarm has gone off.
    last_look: Option<Instant>,
}

impl std::fmt::Debug for SourcePhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Due => "Due",
            Self::Connecting(_) => "Connecting",
            Self::Open(_) => "Open",
            Self::Waiting(_) => "Waiting",
            Self::Closed => "Closed",
        })
    }
}

impl EventSource {
    /// An event source in managed mode, with every setting as it comes. It connects when it is first polled.
    ///
    /// # Errors
    ///
    /// If it is no URL, or none of HTTP.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Ok(Self::builder(url)?.build())
    }

    /// Sets up an event source.
    ///
    /// # Errors
    ///
    /// If it is no URL, or none of HTTP.
    pub fn builder(url: &str) -> Result<EventSourceBuilder, ConfigError> {
        EventSourceBuilder::new(url)
    }

    pub(crate) fn assemble(attempts: Attempts, policy: Policy, builder: EventSourceBuilder) -> Self {
        let mode = policy.mode;
        let comments = builder.comments || mode == Mode::Managed;
        let decoder = Decoder::new()
            .with_last_event_id(builder.last_event_id.clone())
            .with_limits(builder.limits)
            .with_report(Report { comments, retries: true, ids: true });
        Self {
            attempts,
            machine: Machine::new(policy),
            mode,
            phase: SourcePhase::Due,
            decoder,
            heard: VecDeque::new(),
            replaced: 0,
            over: None,
            opening: Opening::default(),
            connection: None,
            comments: builder.comments,
            last_event_id: builder.last_event_id,
            keep: builder.keep,
            is_kept: true,
        }
    }

    /// The next item. `None` when the stream is over. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Item, Error>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The next event. What is no event is passed over, but for a gap: no loss is silent. Cancel-safe.
    ///
    /// # Errors
    ///
    /// What ends the stream for good. And, in managed mode, [`Error::Gap`] when events are gone: fetch the state anew that was made of
    /// them, and call this again, which goes on behind the gap.
    pub async fn next_event(&mut self) -> Result<Option<Event>, Error> {
        while let Some(item) = self.next().await {
            match item? {
                Item::Event(event) => return Ok(Some(event)),
                Item::Gap(gap) => return Err(Error::Gap(gap)),
                Item::Open(_)
                | Item::Beginning(_)
                | Item::Partial(_)
                | Item::Expired(_)
                | Item::Comment(_)
                | Item::Reconnecting(_) => {}
            }
        }
        Ok(None)
    }

    /// Closes the connection. What was received and not yet taken is dropped, and the stream is over.
    pub fn close(&mut self) {
        self.machine.close();
        self.phase = SourcePhase::Closed;
        self.connection = None;
        self.heard.clear();
        self.over = None;
    }

    /// Where it stands, as of the last item that was taken.
    pub fn ready_state(&self) -> ReadyState {
        self.machine.ready_state()
    }

    /// The id to go on after, as of the last item that was taken. Empty if there is none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// The name of the connection, as of the last item that was taken: [`Publisher::excepting`](crate::Publisher::excepting) takes it.
    /// `None` while there is no connection, and while the hub has not told it by an [`Item::Beginning`]. Managed mode only.
    pub fn connection(&self) -> Option<&str> {
        self.connection.as_deref()
    }

    /// How many times the stream had bytes that are not UTF-8, in whose place U+FFFD stands, up to the last item that was taken. A
    /// stream has no charset but UTF-8, whatever its `Content-Type` says.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// The URL that every attempt starts at.
    pub fn url(&self) -> &str {
        self.attempts.first.url.as_str()
    }

    /// The origin of events, such as `https://example.com`: that of the URL that answered. `None` while there is no
    /// connection.
    pub fn origin(&self) -> Option<String> {
        match &self.phase {
            SourcePhase::Open(connected) => Some(connected.url.origin().ascii_serialization()),
            SourcePhase::Due | SourcePhase::Connecting(_) | SourcePhase::Waiting(_) | SourcePhase::Closed => {
                None
            }
        }
    }

    /// Moves on until there is something to tell.
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Item, Error>>> {
        loop {
            while let Some((item, replaced)) = self.heard.pop_front() {
                self.replaced = replaced;
                if let Some(item) = self.tell(item) {
                    return Poll::Ready(Some(Ok(item)));
                }
            }
            if let Some(error) = self.over.take() {
                return Poll::Ready(self.end(error));
            }
            match &mut self.phase {
                SourcePhase::Due => self.connect(),
                SourcePhase::Connecting(attempt) => match ready!(attempt.as_mut().poll(cx)) {
                    Ok(answer) => return Poll::Ready(Some(Ok(self.open(answer)))),
                    Err(error) => self.over = Some(error),
                },
                SourcePhase::Open(connected) => match ready!(connected.poll(cx, &mut self.machine)) {
                    Ok(chunk) => self.hear(&chunk),
                    Err(error) => self.over = Some(error),
                },
                SourcePhase::Waiting(sleep) => {
                    ready!(sleep.as_mut().poll(cx));
                    self.phase = SourcePhase::Due;
                }
                SourcePhase::Closed => return Poll::Ready(None),
            }
        }
    }

    fn connect(&mut self) {
        let attempt = self.attempts.clone().make(self.decoder.last_event_id().to_owned());
        self.phase = SourcePhase::Connecting(Box::pin(attempt));
    }

    fn open(&mut self, answer: HttpAnswer) -> Item {
        self.machine.open(now());
        self.decoder.reconnect();
        self.opening = Opening::default();
        let open = Open { url: answer.url.to_string(), headers: answer.headers };
        self.phase = SourcePhase::Open(Box::new(Connected {
            url: answer.url,
            body: answer.body,
            alarm: None,
            last_look: None,
        }));
        Item::Open(open)
    }

    fn hear(&mut self, chunk: &[u8]) {
        if let Err(error) = self.decode(chunk) {
            self.over = Some(error.into());
        }
    }

    fn decode(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        let mut feed = self.decoder.feed(chunk);
        while let Some(item) = feed.next_owned()? {
            self.heard.push_back((item, feed.decoder().replaced()));
        }
        Ok(())
    }

    /// Acts on what was heard, and makes an item of what the caller should hear, too.
    fn tell(&mut self, mut item: OwnedItem) -> Option<Item> {
        if let Some(stall_after) = self.opening.hear(&mut item) {
            self.machine.take_stall_deadline(stall_after);
        }
        match item {
            OwnedItem::Event(event) => self.tell_event(event),
            OwnedItem::Comment(text) => self.comments.then_some(Item::Comment(text)),
            OwnedItem::Retry(retry) => {
                self.machine.take_retry(retry.as_duration());
                None
            }
            OwnedItem::Id(id) => {
                self.set_last_event_id(&id);
                None
            }
        }
    }

    /// In managed mode the hub's own events are no events to the caller: some are items of their own, and those of types that this
    /// version does not know are passed over. Only presence is heard as it is, by callers who asked for it. Their ids count: the stream has come that far.
    fn tell_event(&mut self, event: OwnedEvent) -> Option<Item> {
        self.set_last_event_id(&event.last_event_id);
        if self.mode == Mode::Strict || !event.type_or_message().starts_with(RESERVED_TYPE_PREFIX) {
            return Some(Item::Event(event));
        }
        if let Some(expired) = Expired::of_event(&event) {
            self.attempts.token.iter().for_each(TokenSource::expire);
            return Some(Item::Expired(expired));
        }
        if event.type_or_message() == PRESENCE_TYPE {
            return Some(Item::Event(event));
        }
        if let Some(beginning) = Beginning::of_event(&event) {
            self.connection.clone_from(&beginning.connection);
            return Some(Item::Beginning(beginning));
        }
        let gap = Gap::of_event(&event).map(Item::Gap);
        gap.or_else(|| Partial::of_event(&event).map(Item::Partial))
    }

    fn set_last_event_id(&mut self, id: &str) {
        if self.last_event_id != id {
            id.clone_into(&mut self.last_event_id);
            self.is_kept = false;
        }
    }

    /// The connection is over: what now?
    fn end(&mut self, error: Error) -> Option<Result<Item, Error>> {
        self.connection = None;
        match self.machine.end(self.outcome(&error), now(), Roll::draw()) {
            Action::Reconnect { after } => {
                self.phase = SourcePhase::Waiting(Box::pin(sleep(after)));
                Some(Ok(Item::Reconnecting(Reconnecting { error, after })))
            }
            Action::Finish => {
                self.phase = SourcePhase::Closed;
                None
            }
            Action::Fail => {
                self.phase = SourcePhase::Closed;
                Some(Err(error))
            }
        }
    }

    /// What the error is to the machine. A token that was refused is like a failed connection while the next one may be taken.
    fn outcome(&self, error: &Error) -> Outcome {
        let is_refused = error.status() == Some(StatusCode::UNAUTHORIZED) && self.mode == Mode::Managed;
        match &self.attempts.token {
            Some(token) if is_refused && token.may_give_a_better_one() => Outcome::Broken,
            Some(_) | None => error.outcome(),
        }
    }

    /// The caller is back for more, so it has dealt with what it had.
    fn keep_last_event_id(&mut self) {
        if !self.is_kept
            && let Some(keep) = &mut self.keep
        {
            (keep.0)(&self.last_event_id);
        }
        self.is_kept = true;
    }
}

impl Connected {
    /// The next bytes, or why there will be none.
    fn poll(&mut self, cx: &mut Context<'_>, machine: &mut Machine) -> Poll<Result<Bytes, Error>> {
        // Bytes before the alarm: a reader that was away for long finds what arrived meanwhile.
        if let Poll::Ready(bytes) = self.body.poll_bytes(cx) {
            machine.hear(now());
            self.last_look = None;
            let bytes = bytes.map(|bytes| bytes.map_err(|error| Error::broken(&self.url, error)));
            return Poll::Ready(bytes.unwrap_or(Err(Error::Ended)));
        }
        let Some((deadline, after)) = machine.silence_deadline().zip(machine.silence_max()) else {
            return Poll::Pending;
        };
        ready!(self.poll_alarm(cx, self.last_look.unwrap_or(deadline.into())));
        if self.last_look.is_none() {
            self.last_look = Some(Instant::now() + LAST_LOOK_WAIT);
            return self.poll(cx, machine);
        }
        Poll::Ready(Err(Error::timed_out(&self.url, Missing::Bytes, after)))
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() != deadline {
            alarm.as_mut().reset(deadline);
        }
        alarm.as_mut().poll(cx)
    }
}

impl Stream for EventSource {
    type Item = Result<Item, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.keep_last_event_id();
        this.poll_item(cx)
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
