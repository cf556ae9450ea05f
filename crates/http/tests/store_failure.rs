//! Subscribers whose events must be read from a store that fails, over each protocol.
//!
//! A subscriber resumes after the first of three events, at a hub that keeps next to nothing in memory. Its place is found
//! by a first read, which succeeds. The events are the second read, which waits until the test says what becomes of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::{Duration, Instant};

use axum::body::Body;
use futures_util::future::join_all;
use http::Request;
use http_body_util::BodyExt;
use support::scene::{Scene, Stream};
use support::tls::tls;
use support::{OPENING_LINES, stream_head};
use tidings_core::{Cursor, Epoch, Limits, Sequence, StoreError};
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::{until, within};
use tidings_testkit::faulty::Fault;
use tidings_testkit::http2::{self, Peer};
use tower::ServiceExt;

const EVENTS: &str = "id: 1-2\ndata: two\n\nid: 1-3\ndata: three\n\n";

#[derive(Debug, Clone, Copy)]
enum Protocol {
    Plain,
    Tls,
    Http2,
    /// In another server, which is this test.
    Router,
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Plain, Self::Tls, Self::Http2, Self::Router];
}

/// A subscriber that waits for its events.
struct Resumed {
    scene: Scene,
    fault: Fault,
    carried: Carried,
}

/// A stream whose opening has been read.
enum Carried {
    Http1(Stream),
    Http2 { stream: http2::Stream, _peer: Peer },
    Router(Body),
}

impl Resumed {
    async fn over(protocol: Protocol) -> Self {
        let mut limits = Limits::default();
        limits.window_bytes_max = 1;
        let certificate = Certificate::new();
        let shown = matches!(protocol, Protocol::Tls | Protocol::Http2).then(|| tls(&certificate));
        let (scene, fault) = Scene::with_faulty_store_and(limits, |config| config.tls = shown).await;
        scene.publish("a", &["one", "two", "three"]).await;
        let first = Cursor { epoch: Epoch(1), sequence: Sequence(1) };
        until("the second event to leave memory", || scene.hub.has_evicted(first)).await;
        fault.hold_reads();
        fault.let_reads_through(1);
        let carried = Carried::begin(protocol, &scene, &certificate).await;
        Self { scene, fault, carried }
    }

    /// Lets the second read, and all that follow, fail.
    fn fail(&self, error: StoreError) {
        self.fault.refuse_reads(error);
        self.fault.let_all_reads_through();
    }

    /// Reads up to the end of the stream, which must be a farewell and nothing else.
    async fn expect_farewell(&mut self, protocol: Protocol) {
        let farewell = self.carried.rest().await;
        let retry = farewell.strip_prefix("retry: ").and_then(|rest| rest.strip_suffix("\n"));
        let retry: Option<u64> = retry.and_then(|retry| retry.parse().ok());
        assert!(retry.is_some_and(|retry| (3_000..=6_000).contains(&retry)), "{protocol:?}: {farewell:?}");
    }
}

impl Carried {
    async fn begin(protocol: Protocol, scene: &Scene, certificate: &Certificate) -> Self {
        let request = "GET /events/a HTTP/1.1\r\nhost: localhost\r\nlast-event-id: 1-1\r\n\r\n";
        match protocol {
            Protocol::Plain | Protocol::Tls => {
                let mut wire = match protocol {
                    Protocol::Plain => scene.connect().await,
                    _ => certificate.wire(scene.address).await,
                };
                wire.send(request).await;
                assert_eq!(wire.head().await, stream_head(""));
                let stream = Stream::of(wire).await;
                assert_eq!(stream.opening, OPENING_LINES);
                Self::Http1(stream)
            }
            Protocol::Http2 => {
                let mut peer = Peer::over(certificate.connect(scene.address, &["h2"]).await.unwrap()).await;
                let mut stream = peer.get("/events/a", &[("last-event-id", "1-1")]).await;
                stream.expect(OPENING_LINES).await;
                Self::Http2 { stream, _peer: peer }
            }
            Protocol::Router => {
                let request = Request::get("/events/a").header("last-event-id", "1-1").body(Body::empty());
                let answer = scene.front.router().oneshot(request.unwrap());
                let mut carried = Self::Router(within("an answer", answer).await.unwrap().into_body());
                carried.expect(OPENING_LINES).await;
                carried
            }
        }
    }

    /// Reads exactly this, however it is cut.
    async fn expect(&mut self, expected: &str) {
        match self {
            Self::Http1(stream) => stream.expect_events(expected).await,
            Self::Http2 { stream, .. } => stream.expect(expected).await,
            Self::Router(body) => {
                let mut text = String::new();
                while text.len() < expected.len() {
                    text += &frame(body).await.unwrap_or_else(|| panic!("the stream ended after {text:?}"));
                }
                assert_eq!(text, expected);
            }
        }
    }

    /// Everything up to the end.
    async fn rest(&mut self) -> String {
        let mut rest = String::new();
        match self {
            Self::Http1(stream) => loop {
                match stream.wire.chunk().await {
                    chunk if chunk.is_empty() => break,
                    chunk => rest += &chunk,
                }
            },
            Self::Http2 { stream, .. } => rest = stream.rest().await,
            Self::Router(body) => {
                while let Some(text) = frame(body).await {
                    rest += &text;
                }
            }
        }
        rest
    }
}

async fn frame(body: &mut Body) -> Option<String> {
    let frame = within("more of the stream", body.frame()).await?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_failure_of_the_store_is_asked_about_again_over_every_protocol() {
    join_all(Protocol::ALL.map(async |protocol| {
        let mut resumed = Resumed::over(protocol).await;

        resumed.fail(StoreError::Unavailable("the disk is away".into()));
        let fault = resumed.fault.clone();
        let recover = async {
            until(format!("a refused read over {protocol:?}"), || fault.reads_refused() > 0).await;
            fault.recover();
        };
        // The body of the router is read only while somebody waits for it.
        tokio::join!(resumed.carried.expect(EVENTS), recover);

        resumed.scene.publish("a", &["four"]).await;
        resumed.carried.expect("id: 1-4\ndata: four\n\n").await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_the_store_that_lasts_ends_streams_with_a_farewell_over_every_protocol() {
    join_all(Protocol::ALL.map(async |protocol| {
        let mut resumed = Resumed::over(protocol).await;

        let begun = Instant::now();

        resumed.fail(StoreError::Unavailable("the disk is away".into()));

        resumed.expect_farewell(protocol).await;
        assert_eq!(resumed.fault.reads_refused(), 21, "{protocol:?}: once, and 20 times again");
        assert!(begun.elapsed() >= Duration::from_secs(10), "{protocol:?}: half a second between two reads");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_has_stopped_is_not_asked_again_over_any_protocol() {
    join_all(Protocol::ALL.map(async |protocol| {
        let mut resumed = Resumed::over(protocol).await;

        resumed.fail(StoreError::Stopped("the disk is gone".into()));

        resumed.expect_farewell(protocol).await;
        assert_eq!(resumed.fault.reads_refused(), 1, "{protocol:?}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_takes_long_delays_no_other_subscriber() {
    let mut resumed = Resumed::over(Protocol::Plain).await;
    let mut other = resumed.scene.stream("/events/a").await;

    resumed.scene.publish("a", &["four"]).await;

    other.expect_events("id: 1-4\ndata: four\n\n").await;
    resumed.fault.let_all_reads_through();
    resumed.carried.expect(&format!("{EVENTS}id: 1-4\ndata: four\n\n")).await;
}
