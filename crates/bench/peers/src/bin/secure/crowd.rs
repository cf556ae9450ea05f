//! The subscribers, and what they have heard together.

use std::io;
use std::iter::repeat_n;
use std::ops::{Range, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::EVENT_BYTES;
use crate::connection::{Connection, Door};

/// Connections, or streams, that are being opened at once.
const OPENING_MAX: usize = 64;

/// Without anything new for so long, what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Crowd {
    door: Door,
    connections: Vec<Connection>,
    heard: Arc<Heard>,
    subscribers: u64,
}

/// Counted by all subscribers. They share a thread, so the order of these does not matter.
#[derive(Default)]
struct Heard {
    delivered: AtomicU64,
    repeated: AtomicU64,
    ended: AtomicU64,
    /// At how many deliveries all have what was published.
    goal: AtomicU64,
    reached: Notify,
}

/// What was heard until a moment, or between two.
#[derive(Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) delivered: u64,
    pub(crate) repeated: u64,
}

impl Crowd {
    pub(crate) fn new(door: Door) -> Self {
        Self { door, connections: Vec::new(), heard: Arc::default(), subscribers: 0 }
    }

    /// Opens connections with so many streams each, and waits until each stream has its first block. Which they are.
    pub(crate) async fn join(&mut self, connections: usize, streams: usize) -> io::Result<Range<usize>> {
        let (door, heard) = (&self.door, &self.heard);
        let open = |_| async move {
            let mut connection = door.connect().await?;
            for _ in 0..streams {
                subscribe(door, &mut connection, heard).await?;
            }
            Ok(connection)
        };
        let opening = stream::iter(0..connections).map(open).map(patiently).buffer_unordered(OPENING_MAX);
        let mut opened: Vec<_> = opening.try_collect().await?;
        let first = self.connections.len();
        self.connections.append(&mut opened);
        self.subscribers += (connections * streams) as u64;
        Ok(first..self.connections.len())
    }

    /// Opens so many further streams on each of these connections, many at once, since that takes more of the server
    /// than one after the other. How many that are.
    pub(crate) async fn join_on(&mut self, connections: Range<usize>, streams: usize) -> io::Result<usize> {
        let further = connections.len() * streams;
        let (door, heard) = (&self.door, &self.heard);
        let asked = self.connections[connections].iter().flat_map(|connection| repeat_n(connection, streams));
        let open = |connection: &Connection| {
            let connection = connection.another();
            async move { subscribe(door, &mut connection?, heard).await }
        };
        stream::iter(asked)
            .map(open)
            .map(patiently)
            .buffer_unordered(OPENING_MAX)
            .try_collect::<()>()
            .await?;
        self.subscribers += further as u64;
        Ok(further)
    }

    /// Publishes these events one after the other, each when all subscribers have the one before it.
    pub(crate) async fn publish(
        &self,
        publisher: &mut Connection,
        door: &Door,
        events: Range<u64>,
    ) -> io::Result<()> {
        for event in events {
            self.heard.goal.fetch_add(self.subscribers, Relaxed);
            patiently(publisher.ask_and_read(door.publish(data(event)))).await?;
            if patiently(self.heard.all()).await.is_err() {
                eprintln!("nothing came for {PATIENCE:?}; what is missing counts as lost");
                return Ok(());
            }
        }
        self.check_that_all_are_open()
    }

    pub(crate) fn tally(&self) -> Tally {
        Tally { delivered: self.heard.delivered.load(Relaxed), repeated: self.heard.repeated.load(Relaxed) }
    }

    /// Fails when the server closed a stream: what was measured is then not what was asked.
    pub(crate) fn check_that_all_are_open(&self) -> io::Result<()> {
        match self.heard.ended.load(Relaxed) {
            0 => Ok(()),
            ended => Err(io::Error::other(format!("the server closed {ended} streams"))),
        }
    }
}

impl Heard {
    async fn all(&self) -> io::Result<()> {
        while self.delivered.load(Relaxed) < self.goal.load(Relaxed) {
            self.reached.notified().await;
        }
        Ok(())
    }

    fn add(&self, event: u64, expected: &mut u64) {
        if event < *expected {
            self.repeated.fetch_add(1, Relaxed);
            return;
        }
        // Those that were left out are lost, even if they come later.
        *expected = event + 1;
        if self.delivered.fetch_add(1, Relaxed) + 1 >= self.goal.load(Relaxed) {
            self.reached.notify_one();
        }
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self { delivered: self.delivered - before.delivered, repeated: self.repeated - before.repeated }
    }
}

/// Opens a stream, reads its first block, and leaves the rest of it to a task that ends with the stream.
async fn subscribe(door: &Door, connection: &mut Connection, heard: &Arc<Heard>) -> io::Result<()> {
    let mut body = connection.ask(door.subscribe()).await?.into_body();
    let mut lines = Lines::default();
    let mut has_block = false;
    while !has_block {
        let bytes = next(&mut body).await.ok_or_else(|| io::Error::other("a stream ended at once"))?;
        lines.take(&bytes, |line| has_block |= line.is_empty());
    }
    tokio::spawn(listen(body, lines, heard.clone()));
    Ok(())
}

async fn listen(mut body: Incoming, mut lines: Lines, heard: Arc<Heard>) {
    let mut expected = 0;
    while let Some(bytes) = next(&mut body).await {
        lines.take(&bytes, |line| {
            if let Some(event) = number(line) {
                heard.add(event, &mut expected);
            }
        });
    }
    heard.ended.fetch_add(1, Relaxed);
    heard.reached.notify_one();
}

/// The next bytes of a stream, or nothing if it has ended, in whatever way. hyper releases flow control for what is
/// read here.
async fn next(body: &mut Incoming) -> Option<hyper::body::Bytes> {
    loop {
        let frame = body.frame().await?.ok()?;
        if let Ok(bytes) = frame.into_data() {
            return Some(bytes);
        }
    }
}

/// Text in pieces, made into lines.
#[derive(Default)]
struct Lines {
    unfinished: Vec<u8>,
}

impl Lines {
    fn take(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) if self.unfinished.is_empty() => each(end),
                Some(end) => {
                    self.unfinished.extend_from_slice(end);
                    each(&std::mem::take(&mut self.unfinished));
                }
                None => self.unfinished.extend_from_slice(part),
            }
        }
    }
}

async fn patiently<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, work).await?
}

/// The data of an event: its number, and padding.
fn data(event: u64) -> String {
    format!("{:x<EVENT_BYTES$}", format!("bench {event:016x} "))
}

fn number(line: &[u8]) -> Option<u64> {
    let digits = line.strip_prefix(b"data: bench ")?.get(..16)?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
