//! Lanes without a server: the test accepts the sockets and parks them. The first event is `1-1`.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, selectors};
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Follower, Hub, Limits, MemoryStore, OnGap, Position, Request};
use tidings_http::lane::{Framing, Held, LaneConfig, Lanes, Parked};
use tidings_http::stream::machine::StreamConfig;
use tidings_http::stream::{Coded, Encoder, Opening};
use tidings_testkit::deadline::{Deadline, PATIENCE, within};

pub(crate) struct Scene {
    pub(crate) hub: Hub,
    pub(crate) lanes: Lanes<Box<dyn Held>>,
    pub(crate) listener: TcpListener,
}

impl Scene {
    pub(crate) async fn new(config: LaneConfig) -> Self {
        Self::with_limits(config, Limits::default(), MemoryRetention::default()).await
    }

    pub(crate) async fn with_limits(config: LaneConfig, limits: Limits, retention: MemoryRetention) -> Self {
        let store = Arc::new(MemoryStore::new(Epoch(1), ManualClock::at(0), retention));
        let hub = Hub::start(store, limits).await.unwrap();
        let lanes = Lanes::start(&hub, &config).unwrap();
        Self { hub, lanes, listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    pub(crate) async fn park(&self, texts: &[&str], from: Position, framing: Framing) -> TcpStream {
        self.park_holding(texts, from, framing, Box::new(())).await
    }

    pub(crate) async fn park_holding(
        &self,
        texts: &[&str],
        from: Position,
        framing: Framing,
        held: Box<dyn Held>,
    ) -> TcpStream {
        let request = Request { selectors: selectors(texts), from, on_gap: OnGap::Earliest };
        self.park_with(request, framing, held, Opening::Event, true).await
    }

    /// A client that has heard no block yet.
    pub(crate) async fn park_unopened(&self, texts: &[&str], from: Position, opening: Opening) -> TcpStream {
        let request = Request { selectors: selectors(texts), from, on_gap: OnGap::Earliest };
        self.park_with(request, Framing::Raw, Box::new(()), opening, false).await
    }

    pub(crate) async fn park_with(
        &self,
        request: Request,
        framing: Framing,
        held: Box<dyn Held>,
        opening: Opening,
        is_opened: bool,
    ) -> TcpStream {
        let located = within("a place", self.hub.locate(&request)).await.unwrap();
        assert_eq!(located.gap, None);
        let client = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let one_topic = request.selectors.single_topic().is_some();
        let attendance = self.hub.roster().attend(&request.selectors).unwrap();
        self.lanes.park(Parked {
            stream,
            follower: Follower::new(request.selectors, request.on_gap, located.place),
            is_opened,
            past: None,
            encoder: if one_topic { Encoder::Sse(opening) } else { Encoder::SseWithTopics(opening) },
            framing,
            coded: Coded::Identity,
            attendance,
            entry: None,
            held,
        });
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.set_write_timeout(Some(PATIENCE)).unwrap();
        client
    }

    pub(crate) async fn publish(&self, topic: &str, texts: &[&str]) {
        let drafts = texts.iter().map(|text| draft(topic, text)).collect();
        within("the answer to a publish", self.hub.publish_all(drafts)).await.unwrap();
    }
}

/// Whether it is one line that says when to come back.
pub(crate) fn is_farewell(text: &str) -> bool {
    text.starts_with("retry: ") && text.ends_with('\n') && text.lines().count() == 1
}

pub(crate) fn quiet() -> LaneConfig {
    LaneConfig { lanes: 2, stream: beating(Duration::from_secs(3_600)) }
}

pub(crate) fn beating(heartbeat: Duration) -> StreamConfig {
    StreamConfig { heartbeat, ..StreamConfig::default() }
}

pub(crate) fn read_exactly(client: &mut TcpStream, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    client.read_exact(&mut bytes).unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

/// The data lines of the next `count` events, from an unframed stream.
pub(crate) fn read_data(client: &mut TcpStream, count: usize) -> Vec<String> {
    let mut text = String::new();
    let mut buffer = [0; 65_536];
    while text.matches("\n\n").count() < count {
        let read = client.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the stream ended after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

/// Everything until the stream ends. Heartbeats do not put the deadline off.
pub(crate) fn read_to_end(client: &mut TcpStream) -> String {
    let deadline = Deadline::new();
    let mut bytes = Vec::new();
    let mut buffer = [0; 65_536];
    loop {
        deadline.check("the end of the stream");
        match client.read(&mut buffer).unwrap() {
            0 => return String::from_utf8(bytes).unwrap(),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Exactly one block of an unframed stream.
pub(crate) fn read_block(reader: &mut BufReader<TcpStream>) -> String {
    let mut text = String::new();
    while !text.ends_with("\n\n") {
        assert_ne!(reader.read_line(&mut text).unwrap(), 0, "the stream ended after {text:?}");
    }
    text
}
