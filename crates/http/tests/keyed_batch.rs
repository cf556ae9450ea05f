//! Batches with an idempotency key: sent again, cut off, changed, and sent by several requests at once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use support::batch::{HEAD, another_batch_after, batch, chunk, closing, published, refused_after, replayed};
use support::created;
use support::scene::Scene;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{query, read_all};
use tidings_core::memory::MemoryRetention;
use tidings_core::{Draft, DraftFields, Epoch, Hub, Limits, MemoryStore, Sequence, Start, StoreError, Topic};
use tidings_http::{Front, HttpConfig, Pages};
use tidings_testkit::deadline::within;
use tidings_testkit::http2::Peer;
use tidings_testkit::wire::Wire;

const KEY: &str = "idempotency-key: k\r\n";

/// A body of events with these data.
fn body(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("data: {text}\n\n")).collect()
}

/// Sends a whole batch under the key `k`, and returns the answer.
async fn send(scene: &Scene, body: &str) -> String {
    let mut wire = scene.connect().await;
    wire.send(batch(KEY, body)).await;
    wire.answer().await
}

/// A request with the key `k` whose body is still open.
async fn open(scene: &Scene) -> Wire {
    let mut wire = scene.connect().await;
    wire.send(format!("{HEAD}{KEY}transfer-encoding: chunked\r\n\r\n")).await;
    wire
}

/// Sends the key `k` with a single event, and returns the answer.
async fn send_single(scene: &Scene, key: &str, data: &str) -> String {
    let mut wire = scene.connect().await;
    let length = data.len();
    wire.send(format!("POST /events/a HTTP/1.1\r\nhost: localhost\r\nidempotency-key: {key}\r\ncontent-length: {length}\r\n\r\n{data}")).await;
    wire.answer().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_cut_off_goes_on_where_it_was() {
    let scene = Scene::start().await;
    for end in ["", "data: thr"] {
        let mut wire = scene.connect().await;
        wire.send(format!("{HEAD}{KEY}content-length: 1000\r\n\r\n{}{end}", body(&["one", "two"]))).await;
        wire.finish().await;
        wire.rest().await;
    }
    assert_eq!(scene.log().await, ["a: one", "a: two"]);

    let answer = send(&scene, &body(&["one", "two", "three"])).await;

    assert_eq!(answer, published(3, "\"1-3\""));
    assert_eq!(scene.log().await, ["a: one", "a: two", "a: three"]);
    assert_eq!(send(&scene, &body(&["one", "two", "three"])).await, replayed(3, "\"1-3\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_events_are_taken_behind_a_batch_unless_its_body_had_ended() {
    let scene = Scene::start().await;
    let mut wire = open(&scene).await;
    let mut stream = scene.stream("/events/a?since=earliest").await;
    wire.send(chunk(&body(&["one"]))).await;
    // When the end arrives, the event is placed already.
    stream.expect_events("id: 1-1\ndata: one\n\n").await;
    wire.send("0\r\n\r\n").await;
    assert_eq!(wire.answer().await, published(1, "\"1-1\""));

    assert_eq!(send(&scene, &body(&["one", "two"])).await, published(2, "\"1-2\""));
    assert_eq!(send(&scene, &body(&["one", "two", "three"])).await, another_batch_after(2));

    assert_eq!(scene.log().await, ["a: one", "a: two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_with_other_content_is_refused_and_publishes_nothing() {
    let scene = Scene::start().await;
    let whole = "event: t\nid: 1\nretry: 5\ndata: one\n\ndata: two\n\n";
    assert_eq!(send(&scene, whole).await, published(2, "\"1-2\""));

    for other in [
        "event: u\nid: 1\nretry: 5\ndata: one\n\ndata: two\n\n",
        "event: t\nid: 2\nretry: 5\ndata: one\n\ndata: two\n\n",
        "event: t\nid: 1\nretry: 6\ndata: one\n\ndata: two\n\n",
        "event: t\nid: 1\nretry: 5\ndata: uno\n\ndata: two\n\n",
        "event: t\nid: 1\nretry: 5\ndata: one\n\n",
        "data: two\n\nevent: t\nid: 1\nretry: 5\ndata: one\n\n",
        "event: t\nid: 1\nretry: 5\ndata: one\ndata: two\n\ndata: three\n\n",
    ] {
        assert_eq!(send(&scene, other).await, another_batch_after(0), "{other:?}");
    }
    let mut wire = scene.connect().await;
    wire.send(batch(KEY, whole).replace("/events/a", "/events/b")).await;
    assert_eq!(wire.answer().await, another_batch_after(0), "another topic");

    assert_eq!(scene.log().await, ["a: one", "a: two"]);
    // What does not belong to an event may differ.
    let commented = format!(": again\n\n{}", whole.replace("data: two", ": x\ndata:two"));
    assert_eq!(send(&scene, &commented).await, replayed(2, "\"1-2\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_repeated_batch_has_the_last_id_that_the_publisher_gave() {
    let scene = Scene::start().await;
    let whole = "data: one\n\nid: own\ndata: two\n\n";

    assert_eq!(send(&scene, whole).await, published(2, "\"own\""));

    assert_eq!(send(&scene, whole).await, replayed(2, "\"own\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_and_a_single_event_never_share_a_key() {
    let scene = Scene::start().await;
    assert_eq!(send(&scene, &body(&["one"])).await, published(1, "\"1-1\""));
    let mut wire = scene.connect().await;
    assert_eq!(send_single(&scene, "s", "one").await, created(2));

    let single = send_single(&scene, "k", "one").await;
    wire.send(batch("idempotency-key: s\r\n", &body(&["one"]))).await;

    assert!(single.starts_with("HTTP/1.1 422 "), "{single}");
    assert_eq!(wire.answer().await, another_batch_after(0));
    // No event of a batch has a key that another publisher could choose.
    assert_eq!(send_single(&scene, "k/1", "one").await, created(3));
    assert_eq!(scene.log().await, ["a: one", "a: one", "a: one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_the_credential_that_was_shown() {
    let scene = Scene::with(|config| config.publish_key = Some("secret".to_owned())).await;
    let of_nobody = |data: &'static str| -> Draft {
        let fields = DraftFields { key: Some("k".into()), ..DraftFields::default() };
        scene.hub.draft(Topic::parse("a").unwrap(), data.into(), fields).unwrap()
    };
    scene.hub.publish(of_nobody("nobody's")).await.unwrap();
    let mut wire = scene.connect().await;

    let shown = format!("{KEY}authorization: Bearer secret\r\n");
    wire.send(batch(&shown, &body(&["one"]))).await;
    assert_eq!(wire.answer().await, published(1, "\"1-2\""));
    wire.send(batch(&shown, &body(&["one"]))).await;
    assert_eq!(wire.answer().await, replayed(1, "\"1-2\""));

    assert!(scene.hub.publish(of_nobody("nobody's")).await.unwrap().repeated);
    assert_eq!(scene.log().await, ["a: nobody's", "a: one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_many_groups_is_repeated_and_continued() {
    let scene = Scene::start().await;
    let texts: Vec<_> = (1..=20_000).map(|number| number.to_string()).collect();
    let events: Vec<_> = texts.iter().map(|text| format!("data: {text}\n\n")).collect();
    let mut wire = scene.connect().await;
    wire.send(format!("{HEAD}{KEY}content-length: 1000000\r\n\r\n{}", events[..12_345].concat())).await;
    wire.finish().await;
    wire.rest().await;
    assert_eq!(scene.log().await.len(), 12_345);

    let on = send(&scene, &events.concat()).await;
    let again = send(&scene, &events.concat()).await;

    assert_eq!(on, published(20_000, "\"1-20000\""));
    assert_eq!(again, replayed(20_000, "\"1-20000\""));
    let expected: Vec<_> = texts.iter().map(|text| format!("a: {text}")).collect();
    assert_eq!(scene.log().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_count_the_whole_batch() {
    let (scene, fault) = Scene::with_faulty_store().await;
    let mut stream = scene.stream("/events/a").await;
    let mut wire = open(&scene).await;
    wire.send(chunk(&body(&["one", "two"]))).await;
    stream.expect_events("id: 1-1\ndata: one\n\nid: 1-2\ndata: two\n\n").await;
    fault.refuse(StoreError::Full("no space".into()));
    wire.send(chunk(&body(&["three"]))).await;
    let full = wire.answer().await;
    assert!(full.starts_with("HTTP/1.1 507 ") && full.contains("\"published\":2}"), "{full}");
    fault.recover();

    let detail = "event 4 of the body: an event's data has at most 1048576 bytes";
    let large = format!("data: {}\n\n", "x".repeat(1_048_577));
    let refused = send(&scene, &format!("{}{large}", body(&["one", "two", "three"]))).await;
    assert_eq!(refused, refused_after(3, "413 Payload Too Large", "too-large", detail));
    let detail = "event 5 of the body was not published; end it with a blank line";
    let unfinished = send(&scene, &format!("{}data: five", body(&["one", "two", "three", "four"]))).await;
    assert_eq!(unfinished, refused_after(4, "400 Bad Request", "unfinished-event", detail));

    // The bad events were not placed, so their batch may be mended.
    let mended = body(&["one", "two", "three", "four", "five"]);
    assert_eq!(send(&scene, &mended).await, published(5, "\"1-5\""));
    assert_eq!(scene.log().await, ["a: one", "a: two", "a: three", "a: four", "a: five"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_that_is_cut_off_says_how_much_of_the_batch_is_published() {
    let scene = Scene::start().await;
    send(&scene, &body(&["one", "two", "three"])).await;
    let mut wire = open(&scene).await;
    wire.send(chunk(&body(&["one"]))).await;

    // Not UTF-8: the body is read no further.
    wire.send(b"1\r\n\xff\r\n").await;

    let detail = "the body is UTF-8 text, and byte 12 is not";
    let refused = refused_after(3, "400 Bad Request", "data-not-utf8", detail);
    assert_eq!(wire.answer().await, closing(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_open_requests_take_turns_and_publish_each_event_once() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/events/a").await;
    let (mut first, mut second) = (open(&scene).await, open(&scene).await);
    first.send(chunk(&body(&["one"]))).await;
    stream.expect_events("id: 1-1\ndata: one\n\n").await;
    second.send(chunk(&body(&["one", "two"]))).await;
    stream.expect_events("id: 1-2\ndata: two\n\n").await;
    first.send(chunk(&body(&["two", "three"]))).await;
    stream.expect_events("id: 1-3\ndata: three\n\n").await;

    first.send("0\r\n\r\n").await;
    second.send(chunk(&body(&["three"]))).await;
    second.send("0\r\n\r\n").await;

    assert_eq!(first.answer().await, published(3, "\"1-3\""));
    assert_eq!(second.answer().await, published(3, "\"1-3\""));
    assert_eq!(scene.log().await, ["a: one", "a: two", "a: three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_overtaken_by_other_content_is_refused() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/events/a").await;
    let (mut first, mut second) = (open(&scene).await, open(&scene).await);
    first.send(chunk(&body(&["one"]))).await;
    stream.expect_events("id: 1-1\ndata: one\n\n").await;
    second.send(chunk(&body(&["one", "two"]))).await;
    stream.expect_events("id: 1-2\ndata: two\n\n").await;

    first.send(chunk(&body(&["other"]))).await;

    assert_eq!(first.answer().await, closing(&another_batch_after(1)));
    second.send("0\r\n\r\n").await;
    assert_eq!(second.answer().await, published(2, "\"1-2\""));
    assert_eq!(scene.log().await, ["a: one", "a: two"]);
}

/// A request with the key `k` whose body arrives in pieces of about this number of bytes.
fn in_pieces(
    bytes: &Bytes,
    size: usize,
) -> http::Request<impl http_body::Body<Data = Bytes, Error = Infallible> + Unpin + use<>> {
    let cut = |at: usize| bytes.slice(at..(at + size).min(bytes.len()));
    let pieces: Vec<_> = (0..bytes.len()).step_by(size).map(cut).collect();
    let frames = stream::unfold(pieces.into_iter(), |mut pieces| async move {
        tokio::task::yield_now().await;
        Some((Ok(Frame::data(pieces.next()?)), pieces))
    });
    http::Request::post("/events/a")
        .header("content-type", "text/event-stream")
        .header("idempotency-key", "k")
        .body(StreamBody::new(Box::pin(frames)))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_batch_that_many_requests_send_at_once_is_published_once() {
    for round in 0..10 {
        let scene = Scene::start().await;
        let texts: Vec<_> = (1..=6_000).map(|number| format!("{round}.{number}")).collect();
        let whole = Bytes::from(texts.iter().map(|text| format!("data: {text}\n\n")).collect::<String>());
        let requests = [17, 100, 1_000, 5_000, 70_000, 1_000_000].map(|size| {
            let (front, request) = (scene.front.clone(), in_pieces(&whole, size + round));
            tokio::spawn(async move {
                let answer = front.handle(request).await;
                (answer.status().as_u16(), answer.into_body().collect().await.unwrap().to_bytes())
            })
        });

        for answer in within("the answers", join_all(requests)).await {
            let (status, text) = answer.unwrap();
            assert_eq!((status, &text[..]), (201, &b"{\"published\":6000,\"id\":\"1-6000\"}\n"[..]));
        }

        let expected: Vec<_> = texts.iter().map(|text| format!("a: {text}")).collect();
        assert_eq!(scene.log().await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_placed_events_are_lost_while_it_is_sent_is_told_so() {
    let clock = ManualClock::at(0);
    let store = Arc::new(MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default()));
    let hub = Hub::start(store.clone(), Limits::default()).await.unwrap();
    let front = Front::new(hub, HttpConfig::default(), Pages::new([]), clock);
    let piece = |text| Ok::<_, Infallible>(Frame::data(Bytes::from(body(&[text]))));
    let lost = store.clone();
    let frames = stream::unfold(0, move |at| {
        let lost = lost.clone();
        async move {
            let placed = async |head: u64| {
                while tidings_core::Store::bounds(&*lost).head.sequence < Sequence(head) {
                    tokio::task::yield_now().await;
                }
            };
            match at {
                0 => {}
                1 => placed(1).await,
                2 => {
                    placed(2).await;
                    lost.begin_epoch(Epoch(2), Sequence(1));
                }
                _ => return None,
            }
            Some((piece(["one", "two", "three"][at]), at + 1))
        }
    });
    let request = http::Request::post("/events/a")
        .header("content-type", "text/event-stream")
        .header("idempotency-key", "k");
    let request = request.body(StreamBody::new(Box::pin(frames))).unwrap();

    let answer = within("the answer", front.handle(request)).await;

    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()), (503, &b"1"[..]));
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(text.ends_with(b"\"published\":1}\n"), "{text:?}");
    let whole = Bytes::from(body(&["one", "two", "three"]));
    assert_eq!(within("the answer", front.handle(in_pieces(&whole, 1_000))).await.status(), 201);
    let log = read_all(&*store, query(Start::Earliest, &["**"])).await;
    assert_eq!(
        log.iter().map(|event| event.draft.data().clone()).collect::<Vec<_>>(),
        ["one", "two", "three"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_2_a_batch_is_repeated_and_ends_as_over_http_1() {
    let (scene, certificate) = support::tls::scene().await;
    let stream = certificate.connect(scene.address, &["h2", "http/1.1"]).await.unwrap();
    let mut peer = Peer::over(stream).await;
    let headers = [("content-type", "text/event-stream"), ("idempotency-key", "k")];

    for (body, status, replayed) in [
        ("data: one\n\ndata: two\n\n", 201, None),
        ("data: one\n\ndata: two\n\n", 201, Some("true")),
        ("data: one\n\n", 422, None),
    ] {
        let mut answer = peer.request("POST", "/events/a", &headers, body).await;

        let header = answer.head.headers.get("idempotency-replayed").map(|value| value.to_str().unwrap());
        assert_eq!((answer.head.status.as_u16(), header), (status, replayed), "{body:?}");
        if status == 201 {
            assert_eq!(answer.rest().await, "{\"published\":2,\"id\":\"1-2\"}\n");
        }
    }
    assert_eq!(scene.log().await, ["a: one", "a: two"]);
}
