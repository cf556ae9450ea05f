//! One subscriber: connects, hears, and, if it is restless, leaves, stalls and comes back. What it keeps between two
//! connections is what a browser keeps: the last event id and the delay it was told.

use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use fastrand::Rng;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Socket, Type};
use tidings_sse::Decoder;
use tidings_sse::decode::{Event, Item, Report};

use super::expected::{Expected, Tally};
use super::world::World;
use crate::connection::{Subscriber, is_own, request};
use crate::limits::{CONNECT_MAX, FIRST_CONNECT_SPREAD, FIRST_RETRY};

/// The type of the event that declares a gap.
const GAP: &str = "tidings.gap";

/// Reports the delay that the hub asks for.
const REPORT: Report = Report { comments: false, retries: true, ids: false };

pub(super) struct SoakReader {
    number: usize,
    restless: bool,
    selector: String,
    topics: Range<usize>,
    expected: Vec<Expected>,
    decoder: Decoder,
    retry: Duration,
    state: StreamState,
    /// A restart cut it off, and it is not back.
    cut_off: bool,
    rng: Rng,
}

enum StreamState {
    Away { until: Instant },
    Connected(Box<Connection>),
}

struct Connection {
    subscriber: Subscriber,
    /// The request, until it is sent.
    unsent: String,
    begun: Instant,
    /// How many hubs had ended when it began.
    ended: usize,
    /// The answer has begun.
    open: bool,
    /// When it does something next, or goes on reading.
    whim: Instant,
    stalled: bool,
}

impl SoakReader {
    pub(super) fn new(world: &World<'_>, number: usize) -> Self {
        let mut rng = Rng::with_seed(number as u64);
        let (selector, topics) = world.plan.selector(number);
        let until = Instant::now() + FIRST_CONNECT_SPREAD.mul_f64(rng.f64());
        Self {
            number,
            restless: number % 100 < world.plan.churn,
            selector,
            topics,
            expected: Vec::new(),
            decoder: Decoder::new(),
            retry: FIRST_RETRY,
            state: StreamState::Away { until },
            cut_off: false,
            rng,
        }
    }

    /// Whether it has a stream and reads it.
    pub(super) fn hears(&self) -> bool {
        matches!(&self.state, StreamState::Connected(connection) if connection.open && !connection.stalled)
    }

    pub(super) fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// The hub is about to be restarted.
    pub(super) fn expect_cut(&mut self) {
        self.cut_off = self.hears();
    }

    /// What it is doing, for the error message of a soak that waits for it in vain.
    pub(super) fn whereabouts(&self) -> String {
        let (id, state) = match &self.state {
            StreamState::Away { until } => {
                let rest = until.saturating_duration_since(Instant::now());
                (self.decoder.last_event_id(), format!("away for another {rest:?}"))
            }
            StreamState::Connected(connection) => {
                (connection.subscriber.last_event_id(), connection.whereabouts())
            }
        };
        format!("subscriber {} of {}, last event id {id:?}: {state}", self.number, self.selector)
    }

    /// How many events are still to come, when all are published.
    pub(super) fn missing(&self, world: &World<'_>) -> u64 {
        let topics = self.topics.clone().map(|topic| world.acknowledged(topic));
        self.expected.iter().zip(topics).map(|(expected, published)| expected.missing(published)).sum()
    }

    /// Does what time asks for.
    pub(super) fn tick(
        &mut self,
        world: &World<'_>,
        poll: &Registry,
        calm: bool,
        tally: &mut Tally,
    ) -> io::Result<Ready> {
        let now = Instant::now();
        match &mut self.state {
            StreamState::Away { until } if now >= *until => self.connect(world, poll, tally)?,
            StreamState::Connected(connection) if !connection.open => {
                if now > connection.begun + CONNECT_MAX {
                    self.leave(Duration::ZERO);
                }
            }
            StreamState::Connected(connection) if connection.stalled && (calm || now >= connection.whim) => {
                connection.stalled = false;
                connection.whim = now + pause(&mut self.rng, world);
                return Ok(Ready::Read);
            }
            StreamState::Connected(connection)
                if self.restless && !calm && !self.cut_off && now >= connection.whim =>
            {
                self.follow_whim(world, tally);
            }
            StreamState::Away { .. } | StreamState::Connected(_) => {}
        }
        Ok(Ready::Not)
    }

    /// Reads what has come, unless it stalls.
    pub(super) fn attend(&mut self, world: &World<'_>, buffer: &mut [u8], tally: &mut Tally) {
        let Self { state: StreamState::Connected(connection), expected, topics, retry, .. } = self else {
            return;
        };
        if connection.stalled {
            return;
        }
        let mut heard = |item: Item<'_>| match item {
            Item::Event(event) => hear(&event, world, topics, expected, tally),
            Item::Retry(told) => *retry = told.as_duration(),
            Item::Comment(_) | Item::Id(_) => {}
        };
        let goes_on = connection.send().and_then(|()| connection.subscriber.read_to_end(buffer, &mut heard));
        if !connection.open && connection.subscriber.is_open() {
            connection.open = true;
            self.cut_off &= connection.ended != world.ended.load(SeqCst);
            for (expected, topic) in self.expected.iter_mut().zip(self.topics.clone()) {
                expected.begin(world.acknowledged(topic));
            }
        }
        if !matches!(goes_on, Ok(true)) {
            let spread = self.rng.f64() / 2.0;
            self.leave(self.retry.mul_f64(1.0 + spread));
        }
    }

    fn connect(&mut self, world: &World<'_>, poll: &Registry, tally: &mut Tally) -> io::Result<()> {
        let mut decoder = std::mem::take(&mut self.decoder);
        let mut since = "";
        let mut header = String::new();
        tally.streams += 1;
        if decoder.last_event_id().is_empty() {
            since = self.begin_anew(world);
            decoder = Decoder::new().with_report(REPORT);
        } else {
            tally.resumed += 1;
            header = format!("Last-Event-ID: {}\r\n", decoder.last_event_id());
        }
        let target = format!("/events/{}{since}", self.selector);
        let mut socket = begin_to_connect(world)?;
        poll.register(&mut socket, Token(self.number), Interest::READABLE | Interest::WRITABLE)?;
        self.state = StreamState::Connected(Box::new(Connection {
            subscriber: Subscriber::going_on(socket, decoder),
            unsent: request(&world.address.to_string(), &target, &header),
            begun: Instant::now(),
            ended: world.ended.load(SeqCst),
            open: false,
            whim: Instant::now() + pause(&mut self.rng, world),
            stalled: false,
        }));
        Ok(())
    }

    /// Has nothing to resume by: hears what comes from now on, or now and then all there is.
    fn begin_anew(&mut self, world: &World<'_>) -> &'static str {
        if self.topics.len() == 1 && world.plan.keeps_all() && self.rng.u8(..) < 26 {
            self.expected = vec![Expected::exactly(1)];
            return "?since=earliest";
        }
        self.expected = self.topics.clone().map(|topic| Expected::live(world.acknowledged(topic))).collect();
        ""
    }

    fn follow_whim(&mut self, world: &World<'_>, tally: &mut Tally) {
        let pause = pause(&mut self.rng, world);
        match self.rng.u8(0..5) {
            0 => {
                self.leave(pause);
                self.decoder = Decoder::new();
            }
            1 | 2 => self.leave(pause),
            _ => {
                let StreamState::Connected(connection) = &mut self.state else { return };
                tally.stalls += 1;
                connection.stalled = true;
                connection.whim = Instant::now() + 2 * pause;
            }
        }
    }

    fn leave(&mut self, pause: Duration) {
        let away = StreamState::Away { until: Instant::now() + pause };
        if let StreamState::Connected(connection) = std::mem::replace(&mut self.state, away) {
            self.decoder = connection.subscriber.into_decoder();
        }
    }
}

/// Whether there may be something to read of which the system will not tell.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ready {
    Read,
    Not,
}

impl Connection {
    fn whereabouts(&self) -> String {
        let state = match (self.open, self.stalled) {
            (false, _) => "connecting",
            (true, false) => "reading",
            (true, true) => "stalled",
        };
        format!("{state}, connected {:?} ago, {} bytes read", self.begun.elapsed(), self.subscriber.bytes)
    }

    /// Sends the request, once the connection stands.
    fn send(&mut self) -> io::Result<()> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        match io::Write::write(&mut self.subscriber.socket, self.unsent.as_bytes()) {
            Ok(count) => drop(self.unsent.drain(..count)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected) => {
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn hear(
    event: &Event<'_>,
    world: &World<'_>,
    topics: &Range<usize>,
    expected: &mut [Expected],
    tally: &mut Tally,
) {
    if event.event_type == Some(GAP) {
        tally.gaps += 1;
        // What retention took is gone by the operator's wish. Other gaps have to be without a loss.
        if event.data.contains("\"reason\":\"expired\"") {
            expected.iter_mut().for_each(Expected::allow_gap);
        }
        return;
    }
    if is_own(event) {
        return;
    }
    match parse(event.data).filter(|(topic, number)| {
        topics.contains(topic) && (1..=world.acknowledged(*topic) + 1).contains(number)
    }) {
        Some((topic, number)) => expected[topic - topics.start].hear(number, tally),
        None => tally.strangers += 1,
    }
}

/// From nothing to twice the calm of the plan.
fn pause(rng: &mut Rng, world: &World<'_>) -> Duration {
    world.plan.calm().mul_f64(2.0 * rng.f64())
}

/// The topic and number of an event.
fn parse(data: &str) -> Option<(usize, u64)> {
    let mut words = data.strip_prefix("soak ")?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Begins to connect, without waiting: thousands come back at once.
fn begin_to_connect(world: &World<'_>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(world.address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    // "Under way" is no failure, and whatever is one is told when it is written to.
    let _ = socket.connect(&world.address.into());
    Ok(TcpStream::from_std(socket.into()))
}
