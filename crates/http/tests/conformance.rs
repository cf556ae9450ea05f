//! The same scenes over every transport and every carrier: what a subscriber hears does not depend on how it hears it.
//!
//! A transport is a row of [`Transport`]: how it asks, and what its bytes say. A carrier is a row of [`Carrier`]: what brings the bytes. A
//! scene knows neither. A new transport needs a row, its parameters, and how its bytes are read.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot go wrong here need not be told well"
)]

mod support;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use support::scene::Scene;
use support::tls::scene as scene_over_tls;
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::within;
use tidings_testkit::http2::{self, Peer};
use tidings_testkit::wire::Wire;
use tower::ServiceExt;

/// In which form a subscriber hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    EventStream,
    Envelope,
    Lines,
    Poll,
    LongPoll,
    Page,
}

/// What brings it the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
    Http10,
    Http11,
    Tls,
    Http2,
    Router,
}

const TRANSPORTS: [Transport; 6] = [
    Transport::EventStream,
    Transport::Envelope,
    Transport::Lines,
    Transport::Poll,
    Transport::LongPoll,
    Transport::Page,
];
const CARRIERS: [Carrier; 5] =
    [Carrier::Http10, Carrier::Http11, Carrier::Tls, Carrier::Http2, Carrier::Router];

/// What a subscriber hears, whatever the transport.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Event {
        id: String,
        topic: String,
        data: String,
    },
    Gap {
        reason: String,
    },
    /// Where to go on, without an event.
    Place(String),
}

impl Transport {
    fn accept(self) -> &'static str {
        match self {
            Self::EventStream | Self::Envelope | Self::Poll | Self::LongPoll => "text/event-stream",
            Self::Lines => "application/x-ndjson",
            Self::Page => "application/json",
        }
    }

    /// Its own parameters.
    fn query(self) -> &'static str {
        match self {
            Self::EventStream | Self::Lines => "",
            Self::Envelope => "&envelope=json",
            Self::Poll => "&mode=poll",
            Self::LongPoll => "&mode=long-poll",
            Self::Page => "&wait=25s",
        }
    }

    /// Whether an answer ends, and the client comes back.
    fn is_finite(self) -> bool {
        matches!(self, Self::Poll | Self::LongPoll | Self::Page)
    }

    /// What the complete pieces at the beginning of a text say. What is not complete stays in it.
    fn read(self, text: &mut String) -> Vec<Said> {
        let (end, whole) = match self {
            Self::Lines => ("\n", text.rfind('\n').map(|at| at + 1)),
            Self::Page => ("\n", text.ends_with('\n').then_some(text.len())),
            Self::EventStream | Self::Envelope | Self::Poll | Self::LongPoll => {
                ("\n\n", text.rfind("\n\n").map(|at| at + 2))
            }
        };
        let Some(whole) = whole else { return Vec::new() };
        let rest = text.split_off(whole);
        let pieces = std::mem::replace(text, rest);
        pieces
            .split(end)
            .filter(|piece| !piece.trim().is_empty())
            .flat_map(|piece| self.said(piece))
            .collect()
    }

    fn said(self, piece: &str) -> Vec<Said> {
        match self {
            Self::EventStream | Self::Envelope | Self::Poll | Self::LongPoll => said_in_block(piece),
            Self::Lines => said_in_document(&serde_json::from_str(piece).unwrap()),
            Self::Page => {
                let page: Value = serde_json::from_str(piece).unwrap();
                let events = page["events"].as_array().unwrap();
                let gap = page["gap"]["reason"].as_str();
                let gap = gap.map(|reason| Said::Gap { reason: reason.to_owned() });
                let mut said: Vec<_> =
                    gap.into_iter().chain(events.iter().flat_map(said_in_document)).collect();
                said.push(Said::Place(page["cursor"].as_str().unwrap().to_owned()));
                said
            }
        }
    }
}

fn said_in_block(block: &str) -> Vec<Said> {
    let field = |name: &str| {
        block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned)
    };
    let id = field("id");
    let data = field("data");
    match (field("event").as_deref(), data) {
        (Some("tidings.gap"), Some(data)) => {
            let gap: Value = serde_json::from_str(&data).unwrap();
            vec![Said::Gap { reason: gap["reason"].as_str().unwrap().to_owned() }]
        }
        (None, Some(data)) => match (field("topic"), id) {
            (Some(topic), Some(id)) => vec![Said::Event { id, topic, data }],
            _ => said_in_document(&serde_json::from_str(&data).unwrap()),
        },
        (_, _) => id.into_iter().map(Said::Place).collect(),
    }
}

/// An event, or what a hub says beside events.
fn said_in_document(document: &Value) -> Vec<Said> {
    let text = |name: &str| document[name].as_str().map(str::to_owned);
    if let (Some(id), Some(topic), Some(data)) = (text("id"), text("topic"), text("data")) {
        return vec![Said::Event { id, topic, data }];
    }
    let gap = document["gap"]["reason"].as_str().map(|reason| Said::Gap { reason: reason.to_owned() });
    gap.into_iter().chain(text("cursor").map(Said::Place)).collect()
}

/// A hub, and one way to it.
struct World {
    scene: Scene,
    carrier: Carrier,
    certificate: Option<Certificate>,
}

impl World {
    async fn start(carrier: Carrier) -> Self {
        if matches!(carrier, Carrier::Tls | Carrier::Http2) {
            let (scene, certificate) = scene_over_tls().await;
            return Self { scene, carrier, certificate: Some(certificate) };
        }
        Self { scene: Scene::start().await, carrier, certificate: None }
    }

    async fn ask(&self, target: &str, accept: &str) -> Answer {
        let version = if self.carrier == Carrier::Http10 { "1.0" } else { "1.1" };
        let request = format!("GET {target} HTTP/{version}\r\nhost: localhost\r\naccept: {accept}\r\n\r\n");
        match self.carrier {
            Carrier::Http10 | Carrier::Http11 => {
                let mut wire = self.scene.connect().await;
                wire.send(request).await;
                Answer::of_wire(wire).await
            }
            Carrier::Tls => {
                let mut wire = self.certificate.as_ref().unwrap().wire(self.scene.address).await;
                wire.send(request).await;
                Answer::of_wire(wire).await
            }
            Carrier::Http2 => {
                let certificate = self.certificate.as_ref().unwrap();
                let socket = certificate.connect(self.scene.address, &["h2"]).await.unwrap();
                let mut peer = Peer::over(socket).await;
                let stream = peer.get(target, &[("accept", accept)]).await;
                let length = stream.head.headers.get("content-length");
                let left = length.map(|length| length.to_str().unwrap().parse().unwrap());
                Answer { bytes: Bytes::Http2 { stream, left, _peer: peer } }
            }
            Carrier::Router => {
                let request = Request::get(target).header("host", "localhost").header("accept", accept);
                let request = request.body(Body::empty()).unwrap();
                let sent = self.scene.front.router().oneshot(request);
                let response = within("an answer", sent).await.unwrap();
                assert_eq!(response.status(), 200);
                Answer { bytes: Bytes::Router(response.into_body()) }
            }
        }
    }
}

/// An answer that comes.
struct Answer {
    bytes: Bytes,
}

enum Bytes {
    /// With so many bytes to come; without a number, until the end of the connection.
    Plain {
        wire: Wire,
        left: Option<usize>,
    },
    Chunked(Wire),
    Http2 {
        stream: http2::Stream,
        left: Option<usize>,
        _peer: Peer,
    },
    Router(Body),
}

impl Answer {
    async fn of_wire(mut wire: Wire) -> Self {
        let head = wire.head().await;
        assert!(head.split(' ').nth(1) == Some("200"), "{head}");
        let line = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let left = line("content-length").map(|length| length.parse().unwrap());
        let is_chunked = line("transfer-encoding") == Some("chunked");
        let bytes = if is_chunked { Bytes::Chunked(wire) } else { Bytes::Plain { wire, left } };
        Self { bytes }
    }

    /// More of its text. None at its end.
    async fn more(&mut self) -> Option<String> {
        match &mut self.bytes {
            Bytes::Plain { left: Some(0), .. } | Bytes::Http2 { left: Some(0), .. } => None,
            Bytes::Plain { wire, left } => Some(
                wire.take(left.take().map_or(1, |all| {
                    *left = Some(0);
                    all
                }))
                .await,
            ),
            Bytes::Chunked(wire) => Some(wire.chunk().await).filter(|chunk| !chunk.is_empty()),
            Bytes::Http2 { stream, left, .. } => Some(
                stream
                    .take(left.take().map_or(1, |all| {
                        *left = Some(0);
                        all
                    }))
                    .await,
            ),
            Bytes::Router(body) => {
                let frame = within("more of the answer", body.frame()).await?;
                Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
            }
        }
    }
}

/// A subscriber that goes on where it was, as often as its answers end.
struct Subscriber<'a> {
    world: &'a World,
    transport: Transport,
    /// What it asks for, without a place.
    target: String,
    /// Where it goes on.
    place: Option<String>,
    answer: Option<Answer>,
    text: String,
    said: std::collections::VecDeque<Said>,
}

impl<'a> Subscriber<'a> {
    fn new(world: &'a World, transport: Transport, target: &str, place: Option<&str>) -> Self {
        Self {
            world,
            transport,
            target: target.to_owned(),
            place: place.map(str::to_owned),
            answer: None,
            text: String::new(),
            said: std::collections::VecDeque::new(),
        }
    }

    /// The next event or gap. Places on the way are kept.
    async fn next(&mut self) -> Said {
        loop {
            match self.said.pop_front() {
                Some(Said::Place(place)) => self.place = Some(place),
                Some(said) => {
                    if let Said::Event { id, .. } = &said {
                        self.place = Some(id.clone());
                    }
                    return said;
                }
                None => self.hear().await,
            }
        }
    }

    async fn hear(&mut self) {
        let Some(answer) = &mut self.answer else { return self.ask().await };
        match answer.more().await {
            Some(text) => {
                self.text += &text;
                self.said.extend(self.transport.read(&mut self.text));
            }
            None => {
                assert!(self.transport.is_finite(), "{:?} ended", self.transport);
                self.answer = None;
            }
        }
    }

    async fn ask(&mut self) {
        let place = self.place.as_ref().map(|place| format!("&last_event_id={place}")).unwrap_or_default();
        let target = format!("{}{}{place}", self.target, self.transport.query());
        let answer = self.world.ask(&target, self.transport.accept()).await;
        self.answer = Some(answer);
    }

    async fn expect(&mut self, number: u64, topic: &str, data: &str) {
        let event = Said::Event { id: format!("1-{number}"), topic: topic.to_owned(), data: data.to_owned() };
        assert_eq!(self.next().await, event, "{:?} over {:?}", self.transport, self.world.carrier);
    }
}

const BOTH: &str = "/events?topic=a&topic=b";

/// What was, and then what is published, each once, in order, with its topic, and nothing of other topics.
async fn order_and_no_loss(world: &World, transport: Transport) {
    world.scene.publish("a", &["1", "2"]).await;
    world.scene.publish("other", &["x"]).await;
    world.scene.publish("b", &["4"]).await;
    let mut subscriber = Subscriber::new(world, transport, BOTH, Some("1-0"));
    subscriber.expect(1, "a", "1").await;
    subscriber.expect(2, "a", "2").await;
    subscriber.expect(4, "b", "4").await;
    for number in 5..=30 {
        let topic = ["a", "other", "b"][number as usize % 3];
        world.scene.publish(topic, &[&number.to_string()]).await;
        if topic != "other" {
            subscriber.expect(number, topic, &number.to_string()).await;
        }
    }
}

/// A pattern hears of topics that nobody has named.
async fn patterns(world: &World, transport: Transport) {
    world.scene.publish("rooms/1", &["1"]).await;
    world.scene.publish("rooms/1/x", &["2"]).await;
    let mut subscriber = Subscriber::new(world, transport, "/events?topic=rooms/*", Some("1-0"));
    subscriber.expect(1, "rooms/1", "1").await;
    world.scene.publish("rooms/new", &["3"]).await;
    subscriber.expect(3, "rooms/new", "3").await;
}

/// Who was away goes on behind the last id it has heard.
async fn resume_by_id(world: &World, transport: Transport) {
    world.scene.publish("a", &["1", "2", "3", "4"]).await;
    let mut subscriber = Subscriber::new(world, transport, BOTH, Some("1-0"));
    subscriber.expect(1, "a", "1").await;
    subscriber.expect(2, "a", "2").await;
    let place = subscriber.place.clone();
    drop(subscriber);
    world.scene.publish("b", &["5"]).await;

    let mut again = Subscriber::new(world, transport, BOTH, place.as_deref());
    again.expect(3, "a", "3").await;
    again.expect(4, "a", "4").await;
    again.expect(5, "b", "5").await;
}

/// A place of another log is told, before anything else, and once.
async fn a_gap_is_declared(world: &World, transport: Transport) {
    world.scene.publish("a", &["1"]).await;
    let target = format!("{BOTH}&on_gap=earliest");
    let mut subscriber = Subscriber::new(world, transport, &target, Some("9-9"));
    assert_eq!(subscriber.next().await, Said::Gap { reason: "other-epoch".to_owned() }, "{transport:?}");
    subscriber.expect(1, "a", "1").await;
    world.scene.publish("b", &["2"]).await;
    subscriber.expect(2, "b", "2").await;
}

/// Runs a scene over a transport and each carrier, and counts.
macro_rules! over_all_carriers {
    ($transport:expr, $($scene:ident),*) => {{
        let mut count = 0;
        for carrier in CARRIERS {
            $(
                println!("{:?} over {carrier:?}: {}", $transport, stringify!($scene));
                let world = World::start(carrier).await;
                $scene(&world, $transport).await;
                count += 1;
            )*
        }
        count
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transport_over_every_carrier_says_the_same() {
    for transport in TRANSPORTS {
        let count =
            over_all_carriers!(transport, order_and_no_loss, patterns, resume_by_id, a_gap_is_declared);
        println!("{transport:?}: {count} scenes");
    }
}
