//! Keys that are taken away while streams are open that they have let in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::unfold;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};
use support::scene::Scene;
use support::tls::scene_with as scene_over_tls_with;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Selector};
use tidings_http::grants::jwt::{Algorithm, Key, KeySet, Keys, Minting, Rules, Verifier, mint};
use tidings_http::grants::signed_url::{Signed, SigningKey};
use tidings_http::grants::{Access, Allowed, Grants, KeyHash, NamedKey, NamedKeys};
use tidings_http::{AccessSettings, Body, Front, HttpConfig, Pages};
use tidings_testkit::deadline::{until, within, within_an_hour};
use tidings_testkit::faulty::{Fault, FaultyStore};
use tidings_testkit::http2::Peer;
use tidings_testkit::wire::Wire;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The time of the clock, in seconds.
const NOW: u64 = 3_600;
const TOLD: &str = "{\"reason\":\"the key that gave this stream its access was withdrawn\"}\n\nretry: ";

/// What a hub is told of its keys. Each of them can be another one.
#[derive(Clone, Copy)]
struct Told {
    backend: &'static str,
    cron: &'static str,
    tokens: &'static str,
    urls: &'static str,
    /// What the key of the backend may read.
    backend_reads: &'static str,
}

const OLD: Told = Told {
    backend: "k-backend-old",
    cron: "k-cron",
    tokens: "tokens-0123456789abcdef0123456789abcdef",
    urls: "urls-0123456789abcdef0123456789abcdef",
    backend_reads: "a",
};

impl Told {
    fn access(self) -> Access {
        let named = |name: &str, key: &str, reads: &str| {
            let (subscribe, publish, admin) = (allowed(reads), allowed("a"), name == "cron");
            let grants = Grants { subscribe, publish, admin, ..Grants::default() };
            NamedKey::new(name, KeyHash::of(key.as_bytes()), grants)
        };
        Access {
            anonymous: Grants { subscribe: allowed("public"), ..Grants::default() },
            keys: NamedKeys::new([
                named("backend", self.backend, self.backend_reads),
                named("cron", self.cron, "a"),
            ]),
            tokens: Some(verifier(Keys::fixed(Key::secret(self.tokens.as_bytes()).unwrap()))),
            signing: Some(SigningKey::new("default", self.urls.as_bytes())),
        }
    }

    fn config(self, config: &mut HttpConfig) {
        let settings = AccessSettings { access: self.access(), ..AccessSettings::default() };
        config.access = Some(Arc::new(settings));
        config.heartbeat = Duration::from_secs(1);
    }

    fn token(self) -> String {
        let claims = json!({"sub": "u1", "tidings": {"subscribe": ["a"], "publish": ["a"]}});
        minted(self.tokens.as_bytes(), &claims)
    }

    fn signed_url(self) -> String {
        let (expires, selectors) = (NOW + 1_000, [Selector::parse("a").unwrap()]);
        let signed = Signed { method: "GET", expires, selectors: &selectors };
        let signature = SigningKey::new("default", self.urls.as_bytes()).sign(&signed);
        format!("/events/a?expires={expires}&key=default&signature={signature}")
    }
}

fn minted(secret: &[u8], claims: &Value) -> String {
    mint(&Minting::Secret(secret.to_vec()), Algorithm::HS256, None, claims.as_object().unwrap()).unwrap()
}

fn verifier(keys: Keys) -> Verifier {
    let rules = Rules {
        algorithms: vec![Algorithm::HS256, Algorithm::EdDSA],
        audience: Vec::new(),
        issuer: Vec::new(),
        leeway_ms: 0,
        subscribe: Vec::new(),
        publish: Vec::new(),
    };
    Verifier::new(keys, rules)
}

fn allowed(text: &str) -> Allowed {
    Allowed::new([Selector::parse(text).unwrap()])
}

/// A front in somebody else's server, whose streams are tasks.
async fn front_with(access: Access) -> (Front, Fault) {
    let mut config = HttpConfig::default();
    config.access = Some(Arc::new(AccessSettings { access, ..AccessSettings::default() }));
    front_by(config, ManualClock::at(NOW * 1_000)).await
}

async fn front_by(config: HttpConfig, clock: Arc<ManualClock>) -> (Front, Fault) {
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let (store, fault) = FaultyStore::new(Arc::new(store));
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    (Front::new(hub, config, Pages::default(), clock).for_peer("192.0.2.1".parse().unwrap()), fault)
}

async fn send(front: &Front, request: &str, shown: &str) -> Response<Body> {
    let (method, target) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target).header("host", "localhost");
    if !shown.is_empty() {
        request = request.header("authorization", format!("Bearer {shown}"));
    }
    within_an_hour("an answer", front.handle(request.body(String::new()).unwrap())).await
}

async fn stream(front: &Front, target: &str, shown: &str) -> Body {
    let response = send(front, &format!("GET {target}"), shown).await;
    assert_eq!(response.status(), 200, "{target} {shown}");
    response.into_body()
}

async fn next(body: &mut Body) -> Option<String> {
    let frame = within_an_hour("more of the stream", body.frame()).await?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

/// All that a stream says until its end.
async fn rest(mut body: Body) -> String {
    let mut told = String::new();
    while let Some(text) = next(&mut body).await {
        assert_ne!(text, ":\n", "the stream goes on after {told:?}");
        told.push_str(&text);
    }
    told
}

async fn hears_of_it(body: Body) {
    let told = rest(body).await;
    assert!(told.contains("event: tidings.expired\nid: 1-") && told.contains(TOLD), "{told:?}");
}

/// A stream that was not touched hears the next event.
async fn goes_on(front: &Front, mut body: Body, topic: &str) {
    front.hub().publish(draft(topic, "news")).await.unwrap();
    loop {
        let text = next(&mut body).await.expect("the stream goes on");
        assert!(!text.contains("tidings.expired"), "{text}");
        if text.contains("data: news") {
            return;
        }
    }
}

async fn ticket(front: &Front, shown: &str) -> String {
    let response = send(front, "POST /tickets", shown).await;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    format!("/events/a?ticket={}", answer["ticket"].as_str().unwrap())
}

/// The streams that can be open, each with the exchange that ends it.
#[tokio::test(start_paused = true)]
async fn the_streams_of_a_key_that_is_taken_away_end_and_no_others() {
    let [other_backend, other_tokens, other_urls, other_grants] = [
        Told { backend: "k-backend-new", ..OLD },
        Told { tokens: "new-tokens-0123456789abcdef0123456789abcdef", ..OLD },
        Told { urls: "new-urls-0123456789abcdef0123456789abcdef", ..OLD },
        Told { backend_reads: "b", ..OLD },
    ];
    for (new, ended) in [
        (OLD, &[][..]),
        (other_backend, &[0, 1]),
        (other_tokens, &[3, 4, 5]),
        (other_urls, &[6]),
        (other_grants, &[0, 1]),
    ] {
        let (front, _) = front_with(OLD.access()).await;
        let of_ticket = ticket(&front, &OLD.token()).await;
        let of_backends_ticket = ticket(&front, OLD.backend).await;
        let ending =
            minted(OLD.tokens.as_bytes(), &json!({"exp": NOW + 100, "tidings": {"subscribe": ["a"]}}));
        let streams = [
            stream(&front, "/events/a", OLD.backend).await,
            stream(&front, &of_backends_ticket, "").await,
            stream(&front, "/events/a", OLD.cron).await,
            stream(&front, "/events/a", &OLD.token()).await,
            stream(&front, &of_ticket, "").await,
            stream(&front, "/events/a", &ending).await,
            stream(&front, &OLD.signed_url(), "").await,
            stream(&front, "/events/public", "").await,
        ];

        let number = front.replace_access(new.access()).await;

        assert_eq!(number, ended.len());
        for (at, body) in streams.into_iter().enumerate() {
            match ended.contains(&at) {
                true => hears_of_it(body).await,
                false => goes_on(&front, body, if at == 7 { "public" } else { "a" }).await,
            }
        }
        assert_eq!(front.replace_access(new.access()).await, 0, "nothing was exchanged");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_back_lets_in_again_and_its_new_streams_go_on() {
    let (front, _) = front_with(OLD.access()).await;
    let access = OLD.access();
    let first = stream(&front, "/events/a", OLD.backend).await;
    let without = Access { keys: NamedKeys::default(), ..access.clone() };
    assert_eq!(front.replace_access(without).await, 1);
    hears_of_it(first).await;
    assert_eq!(send(&front, "GET /events/a", OLD.backend).await.status(), 401);

    assert_eq!(front.replace_access(access).await, 0);

    let second = stream(&front, "/events/a", OLD.backend).await;
    goes_on(&front, second, "a").await;
}

/// It let its bearer in, and the stream had no end.
#[tokio::test(start_paused = true)]
async fn a_ticket_of_a_key_that_was_taken_away_is_no_ticket_any_more() {
    let (front, _) = front_with(OLD.access()).await;
    let [of_old, of_cron] = [ticket(&front, OLD.backend).await, ticket(&front, OLD.cron).await];

    front.replace_access(Told { backend: "k-backend-new", ..OLD }.access()).await;

    let refused = send(&front, &format!("GET {of_old}"), "").await;
    assert_eq!(refused.status(), 401);
    let body = refused.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("no ticket of this hub"));
    stream(&front, &of_cron, "").await;
}

/// The stream was on nobody's list when those of its key were ended.
#[tokio::test(start_paused = true)]
async fn a_stream_that_was_let_in_before_its_key_went_and_began_after_that_ends() {
    let (front, fault) = front_with(OLD.access()).await;
    fault.hold_reads();
    let read = |shown: &'static str| {
        let front = front.clone();
        tokio::spawn(async move { send(&front, "GET /events/a?since=1970-01-01T00:00:00Z", shown).await })
    };
    let (of_old, of_cron) = (read(OLD.backend), read(OLD.cron));
    until("they are let in", || front.hub().roster().count() == 2).await;

    let new = Told { backend: "k-backend-new", ..OLD };
    assert_eq!(front.replace_access(new.access()).await, 0, "the streams have not begun");
    fault.let_all_reads_through();

    hears_of_it(of_old.await.unwrap().into_body()).await;
    goes_on(&front, of_cron.await.unwrap().into_body(), "a").await;
}

/// The public key of RFC 8037, A.2, and that of test 2 of RFC 8032, 7.1.
const FIRST: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const SECOND: &str = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";

fn set(keys: &[(&str, &str)]) -> KeySet {
    let key = |(kid, x): &(&str, &str)| json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x});
    let keys: Vec<_> = keys.iter().map(key).collect();
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// RFC 8037, A.1.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
     MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

fn signed_by_first() -> String {
    let claims = json!({"sub": "u1", "tidings": {"subscribe": ["a"]}});
    mint(&Minting::Pem(PRIVATE.as_bytes().to_vec()), Algorithm::EdDSA, Some("1"), claims.as_object().unwrap())
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn of_a_set_the_keys_that_stay_keep_their_streams_and_one_that_goes_ends_its_own() {
    let access =
        |keys: &[(&str, &str)]| Access { tokens: Some(verifier(Keys::of_set(set(keys)))), ..OLD.access() };
    let (front, _) = front_with(access(&[("1", FIRST)])).await;
    let body = stream(&front, "/events/a", &signed_by_first()).await;

    assert_eq!(front.replace_access(access(&[("2", SECOND), ("1", FIRST)])).await, 0);
    assert_eq!(front.replace_access(access(&[("2", SECOND)])).await, 1);

    hears_of_it(body).await;
}

/// An issuer exchanges its keys as it likes. What they have signed ends by itself.
#[tokio::test(start_paused = true)]
async fn keys_that_are_fetched_end_no_streams_when_they_go() {
    let fetched = Keys::awaited();
    fetched.renew(set(&[("1", FIRST)]));
    let access = Access { tokens: Some(verifier(fetched.clone())), ..OLD.access() };
    let (front, _) = front_with(access.clone()).await;
    let body = stream(&front, "/events/a", &signed_by_first()).await;

    fetched.renew(set(&[("2", SECOND)]));
    assert_eq!(front.replace_access(access).await, 0);

    goes_on(&front, body, "a").await;
}

/// The last words of a stream over sockets, without its opening and its heartbeats.
async fn last_words(wire: &mut Wire) -> String {
    let mut words = String::new();
    loop {
        match &*within("more of the stream", wire.chunk()).await {
            "" => return words,
            ":\n" => {}
            chunk => words += chunk,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streams_of_a_key_that_is_taken_away_end_over_plain_http_tls_and_http_2() {
    let get = |key: &str| {
        format!("GET /events/a HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n")
    };
    let plain = Scene::with(|config| OLD.config(config)).await;
    let (secure, certificate) = scene_over_tls_with(|config| OLD.config(config)).await;
    let (mut ended, mut going_on) = (Vec::new(), Vec::new());
    for (key, wires) in [(OLD.backend, &mut ended), (OLD.cron, &mut going_on)] {
        for mut wire in [plain.connect().await, certificate.wire(secure.address).await] {
            wire.send(get(key)).await;
            wire.head().await;
            assert!(wire.chunk().await.contains("tidings.open"));
            wires.push(wire);
        }
    }
    let mut peer = Peer::over(certificate.connect(secure.address, &["h2"]).await.unwrap()).await;
    let bearer = format!("Bearer {}", OLD.backend);
    let mut stream = peer.get("/events/a", &[("authorization", &bearer)]).await;
    assert_eq!(stream.head.status, 200);
    // A stream comes to its lane a moment after its opening was written.
    for (scene, streams) in [(&plain, 2), (&secure, 3)] {
        let all = async { while scene.hub.roster().list(None, 10).await.subscribers.len() < streams {} };
        within("all are listed", all).await;
    }

    let new = Told { backend: "k-backend-new", ..OLD };
    let numbers =
        [plain.front.replace_access(new.access()).await, secure.front.replace_access(new.access()).await];

    assert_eq!(numbers, [1, 2]);
    for wire in &mut ended {
        let told = last_words(wire).await;
        assert!(told.starts_with("event: tidings.expired\nid: 1-0\n") && told.contains(TOLD), "{told:?}");
    }
    let told = stream.rest().await;
    assert!(told.contains("event: tidings.expired\nid: 1-0\n") && told.contains(TOLD), "{told:?}");
    for (scene, wire) in [&plain, &secure].into_iter().zip(&mut going_on) {
        scene.publish("a", &["news"]).await;
        while !within("the event", wire.chunk()).await.contains("data: news") {}
    }
}

/// A producer whose body goes on as long as the test likes, and its answer.
fn produce(front: &Front, shown: &str) -> (mpsc::UnboundedSender<&'static str>, JoinHandle<(u16, Value)>) {
    let (pieces, receiver) = mpsc::unbounded_channel();
    let frames = unfold(receiver, |mut receiver: mpsc::UnboundedReceiver<&'static str>| async move {
        let piece = receiver.recv().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from_static(piece.as_bytes()))), receiver))
    });
    let request =
        Request::post("/events/a").header("host", "localhost").header("content-type", "text/event-stream");
    let request = request.header("authorization", format!("Bearer {shown}"));
    let request = request.body(StreamBody::new(Box::pin(frames))).unwrap();
    let front = front.clone();
    let answer = async move {
        let response = front.handle(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    };
    (pieces, tokio::spawn(answer))
}

async fn has_published_first(front: &Front, pieces: &mpsc::UnboundedSender<&'static str>) {
    pieces.send("data: one\n\n").unwrap();
    until("the first event", || front.hub().bounds().head.sequence.0 == 1).await;
}

/// They went on for as long as they liked.
#[tokio::test(start_paused = true)]
async fn a_producer_publishes_no_more_when_its_access_is_over() {
    let ending = json!({"sub": "u1", "exp": NOW + 10, "tidings": {"publish": ["a"]}});
    for (shown, what, expected) in [
        (OLD.backend.to_owned(), "key", Some((401, "the key that let this request in was withdrawn"))),
        (OLD.token(), "key of tokens", Some((401, "the key that let this request in was withdrawn"))),
        (
            minted(OLD.tokens.as_bytes(), &ending),
            "time",
            Some((401, "the access of this request ended at 1970")),
        ),
        (OLD.token(), "order", Some((403, "an operator keeps this user"))),
        (OLD.cron.to_owned(), "key", None),
        (OLD.cron.to_owned(), "time", None),
        (OLD.cron.to_owned(), "order", None),
    ] {
        let clock = ManualClock::at(NOW * 1_000);
        let mut config = HttpConfig::default();
        OLD.config(&mut config);
        let (front, _) = front_by(config, clock.clone()).await;
        let (pieces, answer) = produce(&front, &shown);
        has_published_first(&front, &pieces).await;

        match what {
            "key" => drop(front.replace_access(Told { backend: "k-backend-new", ..OLD }.access()).await),
            "key of tokens" => {
                let new = "new-tokens-0123456789abcdef0123456789abcdef";
                front.replace_access(Told { tokens: new, ..OLD }.access()).await;
            }
            "time" => clock.set((NOW + 10) * 1_000),
            _ => {
                let order = Request::post("/admin/disconnect").header("host", "localhost");
                let order = order.header("authorization", format!("Bearer {}", OLD.cron));
                let order = order.body(r#"{"user":"u1","deny_for":60}"#.to_owned()).unwrap();
                assert_eq!(front.handle(order).await.status(), 200);
            }
        }
        pieces.send("data: two\n\n").unwrap();
        // If it is refused, its body is let go of.
        let _ = pieces.send("data: three\n\n");
        drop(pieces);

        let (status, answer) = within_an_hour("the answer", answer).await.unwrap();
        match expected {
            Some((refused, detail)) => {
                assert_eq!((status, &answer["published"]), (refused, &json!(1)), "{what}: {answer}");
                assert!(answer["detail"].as_str().unwrap().contains(detail), "{what}: {answer}");
            }
            None => assert_eq!((status, &answer["published"]), (201, &json!(3)), "{what}: {answer}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_producer_ends_with_the_publish_key_that_let_it_in() {
    for (new, status, published) in [("old", 201, 2), ("new", 401, 1)] {
        let mut config = HttpConfig::default();
        config.publish_key = Some("old".to_owned());
        let (front, _) = front_by(config, ManualClock::at(NOW * 1_000)).await;
        let (pieces, answer) = produce(&front, "old");
        has_published_first(&front, &pieces).await;

        front.replace_publish_key(new);
        pieces.send("data: two\n\n").unwrap();
        drop(pieces);

        let (found, answer) = within_an_hour("the answer", answer).await.unwrap();
        assert_eq!((found, &answer["published"]), (status, &json!(published)), "{new}: {answer}");
    }
}
