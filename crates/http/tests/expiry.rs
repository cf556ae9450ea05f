//! Streams whose access ends: what their clients are told, over every way in which a stream is carried.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::json;
use support::lanes;
use support::scene::{Scene, Stream};
use support::tls::{scene as scene_over_tls, scene_with as scene_over_tls_with};
use support::tokens::{rules, token_of, verifier};
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Clock, Dismissal, Epoch, Hub, KeyLife, Limits, MemoryStore, Position, Session, Topic, UnixMillis, Whom,
};
use tidings_http::grants::Access;
use tidings_http::lane::{Framing, HeldFor, LaneConfig};
use tidings_http::{AccessSettings, Front, HttpConfig, Pages};
use tidings_testkit::deadline::{within, within_an_hour};
use tidings_testkit::http2::Peer;
use tidings_testkit::wire::Wire;
use tokio::time::advance;

/// The time at which the sessions here end.
const UNTIL: UnixMillis = UnixMillis(10_000);

/// What a client is told at a place when that time has come.
fn expired(place: &str) -> String {
    format!(
        "event: tidings.expired\nid: {place}\n\
         data: {{\"reason\":\"the access of this stream ended at 1970-01-01T00:00:10.000Z\"}}\n\n"
    )
}

fn withdrawn(place: &str) -> String {
    format!(
        "event: tidings.expired\nid: {place}\n\
         data: {{\"reason\":\"the access of this stream was withdrawn\"}}\n\n"
    )
}

/// What stands behind a block, which must be a line that says when to come back.
fn retry_behind(text: &str, block: &str) -> u64 {
    let rest =
        text.strip_prefix(block).unwrap_or_else(|| panic!("{block:?} is not the beginning of {text:?}"));
    let retry = rest.strip_prefix("retry: ").and_then(|rest| rest.strip_suffix('\n'));
    retry.unwrap_or_else(|| panic!("{rest:?} is no farewell")).parse().unwrap()
}

/// A clock that a test sets, and that counts how often it is asked.
#[derive(Default)]
struct CountingClock {
    ms: AtomicU64,
    asked: AtomicU64,
}

impl Clock for CountingClock {
    fn now(&self) -> UnixMillis {
        self.asked.fetch_add(1, Ordering::Relaxed);
        UnixMillis(self.ms.load(Ordering::Relaxed))
    }
}

/// A front in somebody else's server, whose streams are tasks.
struct Embedded {
    hub: Hub,
    front: Front,
    clock: Arc<CountingClock>,
}

impl Embedded {
    async fn start() -> Self {
        let clock = Arc::new(CountingClock::default());
        let store = Arc::new(MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default()));
        let hub = Hub::start(store, Limits::default()).await.unwrap();
        let front = Front::new(hub.clone(), HttpConfig::default(), Pages::default(), clock.clone());
        Self { hub, front, clock }
    }

    async fn get(&self, target: &str, session: Option<Session>) -> Body {
        let mut request = Request::get(target).body(Body::empty()).unwrap();
        if let Some(session) = session {
            request.extensions_mut().insert(Arc::new(session));
        }
        let request = request.map(|body| body.map_err(|_| ()));
        let mut body = Body::new(self.front.handle(request).await.into_body());
        next(&mut body).await;
        body
    }
}

async fn next(body: &mut Body) -> Option<String> {
    let frame = within_an_hour("more of the stream", body.frame()).await?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

fn until(until: UnixMillis) -> Option<Session> {
    Some(Session { until: Some(until), ..Session::default() })
}

#[tokio::test(start_paused = true)]
async fn a_task_ends_at_the_time_of_its_session_and_what_comes_back_with_its_place_has_the_rest() {
    let hub = Embedded::start().await;
    let mut stream = hub.get("/events/a", until(UNTIL)).await;
    let mut later = hub.get("/events/a", until(UnixMillis(60_000))).await;
    let mut anonymous = hub.get("/events/a", None).await;
    for body in [&mut stream, &mut later, &mut anonymous] {
        hub.hub.publish(draft("other", "unheard")).await.unwrap();
        assert!(futures_util::FutureExt::now_or_never(body.frame()).is_none());
    }
    hub.hub.publish(draft("a", "1")).await.unwrap();
    assert_eq!(next(&mut stream).await.unwrap(), "id: 1-4\ndata: 1\n\n");

    advance(Duration::from_millis(10_000)).await;
    hub.clock.ms.store(UNTIL.0, Ordering::Relaxed);
    let farewell = next(&mut stream).await.unwrap();
    hub.hub.publish(draft("a", "2")).await.unwrap();

    assert!((3_000..=6_000).contains(&retry_behind(&farewell, &expired("1-4"))));
    assert_eq!(next(&mut stream).await, None);
    for body in [&mut later, &mut anonymous] {
        let mut heard = String::new();
        while heard.matches("\n\n").count() < 2 {
            heard += &next(body).await.unwrap();
        }
        assert_eq!(heard, "id: 1-4\ndata: 1\n\nid: 1-5\ndata: 2\n\n");
    }
    let mut resumed = Body::new(
        hub.front
            .handle(Request::get("/events/a?last_event_id=1-4").body(String::new()).unwrap())
            .await
            .into_body(),
    );
    next(&mut resumed).await;
    assert_eq!(next(&mut resumed).await.unwrap(), "id: 1-5\ndata: 2\n\n");
}

#[tokio::test(start_paused = true)]
async fn a_task_gets_no_event_once_its_session_is_over_though_it_is_at_hand() {
    let hub = Embedded::start().await;
    let mut stream = hub.get("/events/a", until(UNTIL)).await;
    assert!(futures_util::FutureExt::now_or_never(stream.frame()).is_none());

    advance(Duration::from_millis(10_100)).await;
    hub.clock.ms.store(UNTIL.0, Ordering::Relaxed);
    hub.hub.publish(draft("a", "secret")).await.unwrap();

    let farewell = next(&mut stream).await.unwrap();
    retry_behind(&farewell, &expired("1-0"));
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_task_asks_the_clock_now_and_then_and_not_at_each_event() {
    for session in [until(UNTIL), Some((*KeyLife::default().session()).clone())] {
        let hub = Embedded::start().await;
        let mut stream = hub.get("/events/a", session.clone()).await;

        let before = hub.clock.asked.load(Ordering::Relaxed);
        for text in 0..100 {
            hub.hub.publish(draft("a", &text.to_string())).await.unwrap();
            next(&mut stream).await.unwrap();
        }

        // The store asks for the time of each event.
        let asked = hub.clock.asked.load(Ordering::Relaxed) - before;
        assert!(asked <= 100 + 2, "{asked} times, {session:?}");
    }
}

/// A clock that goes back, or that a machine's sleep has moved: what counts is what it shows.
#[tokio::test(start_paused = true)]
async fn a_task_goes_on_while_the_clock_says_that_its_session_lasts() {
    let hub = Embedded::start().await;
    let mut stream = hub.get("/events/a", until(UNTIL)).await;

    advance(Duration::from_secs(10)).await;
    for _ in 0..3 {
        assert_eq!(next(&mut stream).await.unwrap(), ":\n");
    }
    hub.clock.ms.store(UNTIL.0, Ordering::Relaxed);

    retry_behind(&next(&mut stream).await.unwrap(), &expired("1-0"));
}

/// The lanes here have the clock of the machine, which is long past that time.
#[tokio::test(flavor = "multi_thread")]
async fn a_parked_stream_ends_in_the_sweep_after_the_time_of_its_session_and_others_go_on() {
    let stream = lanes::beating(Duration::from_millis(200));
    let scene = lanes::Scene::new(LaneConfig { lanes: 1, stream }).await;
    let held = |session: Session| Box::new(HeldFor { session: Arc::new(session), held: () });
    let session = || held(until(UNTIL).unwrap());
    let mut raw = scene.park_holding(&["a"], Position::Now, Framing::Raw, session()).await;
    let mut chunked = scene.park_holding(&["a"], Position::Now, Framing::Chunked, session()).await;
    let lasting = held(until(UnixMillis(u64::MAX)).unwrap());
    let mut lasting = scene.park_holding(&["a"], Position::Now, Framing::Raw, lasting).await;
    let mut anonymous = scene.park(&["a"], Position::Now, Framing::Raw).await;

    let retry = retry_behind(&lanes::read_to_end(&mut raw).replace(":\n", ""), &expired("1-0"));
    let other = lanes::read_to_end(&mut chunked);
    let last = other.split_once("event: ").unwrap().1.strip_suffix("\n\r\n0\r\n\r\n").unwrap();
    let other = retry_behind(&format!("event: {last}\n"), &expired("1-0"));

    assert_ne!(retry, other, "they would come back together");
    scene.publish("a", &["x"]).await;
    for client in [&mut lasting, &mut anonymous] {
        let events: Vec<_> = lanes::read_data(client, 1);
        assert_eq!(events, ["x"]);
    }
}

async fn withdraw(scene: &Scene) {
    let whom = Whom::Topic(Topic::parse("a").unwrap());
    // A parked stream comes to its lane a moment after its opening was written.
    let ended = async { while scene.hub.roster().dismiss(&whom, Dismissal::AccessEnded).await == 0 {} };
    within("the stream to be there", ended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_that_is_withdrawn_is_told_over_plain_http_tls_and_http_2() {
    let plain = Scene::start().await;
    plain.publish("a", &["1"]).await;
    let mut stream = plain.stream("/events/a").await;
    withdraw(&plain).await;
    let rest = within("the end", stream.wire.chunk()).await;
    retry_behind(&rest, &withdrawn("1-1"));
    assert_eq!(stream.wire.chunk().await, "");

    let (secure, certificate) = scene_over_tls().await;
    let mut wire = certificate.wire(secure.address).await;
    wire.send("GET /events/a HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    wire.head().await;
    let mut stream = Stream::of(wire).await;
    withdraw(&secure).await;
    retry_behind(&stream.wire.chunk().await, &withdrawn("1-0"));
    assert_eq!(stream.wire.chunk().await, "");

    let mut peer = Peer::over(certificate.connect(secure.address, &["h2"]).await.unwrap()).await;
    let mut stream = peer.get("/events/a", &[]).await;
    stream.take(support::opening(0).len()).await;
    withdraw(&secure).await;
    retry_behind(&stream.rest().await, &withdrawn("1-0"));
}

/// A hub that takes tokens, and whose streams are looked at often. Its clock stands at one hour.
fn with_tokens(config: &mut HttpConfig) {
    let access = Access { tokens: Some(verifier(rules())), ..Access::default() };
    config.access = Some(Arc::new(AccessSettings { access, ..AccessSettings::default() }));
    config.heartbeat = Duration::from_millis(200);
}

/// A token that ends ten seconds after the hour.
fn bearer() -> String {
    let claims = json!({"sub": "u1", "exp": 3_610, "tidings": {"subscribe": ["a"]}});
    format!("Bearer {}", token_of(&claims))
}

/// The chunks of a stream up to its end, without its opening and its heartbeats.
async fn last_words(wire: &mut Wire) -> String {
    let mut words = String::new();
    loop {
        match &*wire.chunk().await {
            "" => return words,
            ":\n" => {}
            chunk => words += chunk,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_token_over_plain_http_tls_and_http_2() {
    let told = expired("1-0").replace("00:00:10", "01:00:10");
    let get = format!("GET /events/a HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\r\n", bearer());
    let plain = Scene::with(with_tokens).await;
    let (secure, certificate) = scene_over_tls_with(with_tokens).await;
    let mut wires = [plain.connect().await, certificate.wire(secure.address).await];
    for wire in &mut wires {
        wire.send(&get).await;
        wire.head().await;
        assert!(wire.chunk().await.contains("tidings.open"));
    }
    let mut peer = Peer::over(certificate.connect(secure.address, &["h2"]).await.unwrap()).await;
    let mut stream = peer.get("/events/a", &[("authorization", &bearer())]).await;
    assert_eq!(stream.head.status, 200);

    for scene in [&plain, &secure] {
        scene.clock.set(3_610_000);
    }

    for wire in &mut wires {
        let last = within("the last words", last_words(wire)).await;
        retry_behind(&last, &told);
    }
    let rest = stream.rest().await.replace(":\n", "");
    let (_, last) = rest.split_once("\n\n").unwrap();
    retry_behind(last, &told);
    assert_eq!(
        plain
            .get("/events/a", &format!("authorization: {}\r\n", bearer()))
            .await
            .head()
            .await
            .split(' ')
            .nth(1),
        Some("401")
    );
}
