//! `?except=`: the connection that a publisher names gets no echo, and everybody else gets the event.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::meter::Meter;
use support::scene::{Scene, Stream};
use support::tls::scene as tls_scene;
use support::{OPENING_LINES, created, expect_opening, opening, stream_head, unspread};
use tidings_core::ConnectionId;
use tidings_core::contract::fixture::draft;
use tidings_testkit::deadline::{until, within};
use tidings_testkit::http2::Peer;
use tidings_testkit::wire::Wire;

/// What a stream of one topic has of an event.
fn event(number: u64, data: &str) -> String {
    format!("id: 1-{number}\ndata: {data}\n\n")
}

/// What a stream has in place of an event of which it gets no echo.
fn place(number: u64) -> String {
    format!("event: tidings.cursor\nid: 1-{number}\ndata: {{\"cursor\":\"1-{number}\"}}\n\n")
}

/// The ids of the streams, in the order in which they began.
async fn ids<const N: usize>(scene: &Scene) -> [ConnectionId; N] {
    // A stream whose opening has arrived may not have come to its lane yet.
    loop {
        let page = within("a list", scene.hub.roster().list(None, N + 1)).await;
        let ids: Vec<_> = page.subscribers.iter().map(|subscriber| subscriber.id).collect();
        match ids.try_into() {
            Ok(ids) => return ids,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// Reads exactly these blocks of a stream, however they are cut into chunks.
async fn expect_events(wire: &mut Wire, expected: &str) {
    let mut text = String::new();
    while text.len() < expected.len() {
        text += &wire.chunk().await;
    }
    assert_eq!(text, expected);
}

/// Publishes a text to `a`, with this after the path and with these lines in the head, and returns the answer.
async fn post(scene: &Scene, query: &str, headers: &str, body: &str) -> String {
    let mut wire = scene.connect().await;
    let length = body.len();
    wire.send(format!(
        "POST /events/a{query} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n{body}"
    ))
    .await;
    wire.answer().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_named_connection_gets_the_place_of_the_event_and_others_get_the_event() {
    let scene = Scene::start().await;
    let mut own = scene.stream("/events/a").await;
    let mut other = scene.stream("/events/a").await;
    let [id, _] = ids(&scene).await;

    assert_eq!(post(&scene, &format!("?except={id}"), "", "x").await, created(1));
    own.expect_events(&place(1)).await;
    other.expect_events(&event(1, "x")).await;

    assert_eq!(post(&scene, "", "", "y").await, created(2));
    own.expect_events(&event(2, "y")).await;
    other.expect_events(&event(2, "y")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_patterns_and_of_several_topics_get_no_echo_either() {
    let scene = Scene::start().await;
    let mut pattern = scene.stream("/events/**").await;
    let [id] = ids(&scene).await;

    post(&scene, &format!("?except={id}"), "", "x").await;
    pattern.expect_events(&place(1)).await;
    post(&scene, "", "", "y").await;
    pattern.expect_events(&format!("topic: a\n{}", event(2, "y"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_is_told_in_the_form_that_the_stream_asked_for() {
    let scene = Scene::start().await;
    let mut by_id = scene.get("/events/a?opening=id", "").await;
    assert_eq!(by_id.head().await, stream_head(""));
    let mut by_id = Stream::of(by_id).await;
    let mut untold = scene.get("/events/a?opening=none", "").await;
    assert_eq!(untold.head().await, stream_head(""));
    let mut untold = Stream::of(untold).await;
    let [one, other] = ids(&scene).await;

    post(&scene, &format!("?except={one}"), "", "x").await;
    by_id.expect_events("id: 1-1\n\n").await;
    post(&scene, &format!("?except={other}"), "", "y").await;
    by_id.expect_events(&event(2, "y")).await;
    post(&scene, "", "", "z").await;
    by_id.expect_events(&event(3, "z")).await;
    untold.expect_events(&format!("{}{}", event(1, "x"), event(3, "z"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_comes_back_from_before_the_event_gets_it() {
    let scene = Scene::start().await;
    scene.publish("a", &["first"]).await;
    let mut own = scene.stream("/events/a").await;
    let [id] = ids(&scene).await;
    post(&scene, &format!("?except={id}"), "", "x").await;
    own.expect_events(&place(2)).await;

    let mut again = scene.get("/events/a", "last-event-id: 1-1\r\n").await;
    assert_eq!(again.head().await, stream_head(""));
    Stream::of(again).await.expect_events(&event(2, "x")).await;
    // And one that comes back with the place that it was told does not.
    let mut again = scene.get("/events/a", "last-event-id: 1-2\r\n").await;
    assert_eq!(again.head().await, stream_head(""));
    let mut again = Stream::of(again).await;
    scene.publish("a", &["y"]).await;
    again.expect_events(&event(3, "y")).await;
}

/// What a page needs that shows the newest events first: the id of its connection, and of each later one.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_asks_for_it_hears_its_id_before_events_and_behind_a_gap() {
    let scene = Scene::start().await;
    scene.publish("a", &["1", "2", "3"]).await;

    let mut before = scene.get("/events/a?last=2&opening=always", "").await;
    assert_eq!(before.head().await, stream_head(""));
    let first = before.chunk().await;
    let id = first.split_once("\"connection\":\"").unwrap().1.split('"').next().unwrap();
    assert_eq!(unspread(&first), opening(1));
    expect_events(&mut before, &format!("{}{}", event(2, "2"), event(3, "3"))).await;
    post(&scene, &format!("?except={id}"), "", "4").await;
    expect_events(&mut before, &place(4)).await;

    let mut behind = scene.get("/events/a?opening=always", "last-event-id: gone\r\n").await;
    behind.head().await;
    let gap = "event: tidings.gap\nid: 1-0\n\
               data: {\"requested\":\"gone\",\"reason\":\"unknown\",\"resumes_after\":\"1-0\"}\n\n";
    let expected = opening(0).replace(OPENING_LINES, &format!("{OPENING_LINES}{gap}"));
    assert_eq!(unspread(&behind.chunk().await), expected);
    // Where it begins anyway it is told once.
    let mut anyway = scene.stream("/events/a?opening=always").await;
    assert_eq!(anyway.opening, opening(4));
    scene.publish("a", &["5"]).await;
    anyway.expect_events(&event(5, "5")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_names_the_connection_for_all_its_events() {
    let scene = Scene::start().await;
    let mut own = scene.stream("/events/a").await;
    let mut other = scene.stream("/events/a").await;
    let [id, _] = ids(&scene).await;

    let body = "data: 1\n\ndata: 2\n\ndata: 3\n\n";
    let answer = post(&scene, &format!("?except={id}"), "content-type: text/event-stream\r\n", body).await;
    assert!(answer.ends_with("{\"published\":3,\"id\":\"1-3\"}\n"), "{answer}");

    // One block, that of the last, since all are handed out together.
    own.expect_events(&place(3)).await;
    post(&scene, "", "", "4").await;
    other.expect_events(&[1, 2, 3, 4].map(|number| event(number, &number.to_string())).concat()).await;
    own.expect_events(&event(4, "4")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_id_or_is_given_twice_is_refused_and_nothing_is_published() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/events/a").await;
    let [id] = ids(&scene).await;

    for (query, kind) in [
        ("?except=".to_owned(), "bad-connection"),
        ("?except=A-b".to_owned(), "bad-connection"),
        (format!("?except=0{id}"), "bad-connection"),
        (format!("?except={}", "z".repeat(3_000)), "bad-connection"),
        (format!("?except={id}&except={id}"), "repeated-parameter"),
    ] {
        for head in ["", "content-type: text/event-stream\r\n"] {
            let answer = post(&scene, &query, head, "data: x\n\n").await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{query}: {answer}");
            assert!(answer.contains(&format!("urn:tidings:problem:{kind}\"")), "{query}: {answer}");
        }
    }
    assert_eq!(scene.log().await, [""; 0]);
    assert_eq!(post(&scene, "", "", "x").await, created(1));
    stream.expect_events(&event(1, "x")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_nobody_is_no_fault() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/events/a").await;

    assert_eq!(post(&scene, "?except=zz", "", "x").await, created(1));

    stream.expect_events(&event(1, "x")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_is_repeated_is_the_same_whomever_it_names() {
    let scene = Scene::start().await;
    let key = "idempotency-key: \"k\"\r\n";

    assert_eq!(post(&scene, "?except=zz", key, "x").await, created(1));
    let again = post(&scene, "?except=yy", key, "x").await;

    assert!(again.starts_with("HTTP/1.1 201 ") && again.contains("idempotency-replayed: true"), "{again}");
    assert_eq!(scene.log().await, ["a: x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_over_tls_gets_no_echo() {
    let (scene, certificate) = tls_scene().await;
    let mut wire = certificate.wire(scene.address).await;
    wire.send("GET /events/a HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(wire.head().await, stream_head(""));
    let mut own = Stream::of(wire).await;
    let [id] = ids(&scene).await;

    publish_around_an_echo(&scene, id).await;

    own.expect_events(&after_an_echo()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_over_http_2_gets_no_echo() {
    let (scene, certificate) = tls_scene().await;
    let stream = certificate.connect(scene.address, &["h2"]).await.unwrap();
    let mut peer = Peer::over(stream).await;
    let mut own = peer.get("/events/a", &[]).await;
    expect_opening(&mut own, &opening(0)).await;
    let [id] = ids(&scene).await;

    publish_around_an_echo(&scene, id).await;

    own.expect(&after_an_echo()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_stream_gets_large_events_around_an_echo() {
    let scene = Scene::start().await;
    let mut own = scene.stream("/events/a").await;
    let [id] = ids(&scene).await;

    publish_around_an_echo(&scene, id).await;

    own.expect_events(&after_an_echo()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_over_http_2_that_wants_no_places_goes_on_after_an_echo() {
    let (scene, certificate) = tls_scene().await;
    let stream = certificate.connect(scene.address, &["h2"]).await.unwrap();
    let mut peer = Peer::over(stream).await;
    let mut own = peer.get("/events/a?opening=none", &[]).await;
    expect_opening(&mut own, OPENING_LINES).await;
    let [id] = ids(&scene).await;

    publish_echo(&scene, id).await;
    scene.publish("a", &["y"]).await;

    own.expect(&event(2, "y")).await;
}

/// Publishes an event of which the only stream gets no echo, and waits until the stream has passed it.
async fn publish_echo(scene: &Scene, id: ConnectionId) {
    let published = within("an echo", scene.hub.publish(draft("a", "x").excepting(id))).await.unwrap();
    until("the event to be shown", || scene.hub.shown() >= published.cursor.sequence).await;
    let passed = async {
        while within("a list", scene.hub.roster().list(None, 1)).await.subscribers[0].behind.is_some() {
            tokio::task::yield_now().await;
        }
    };
    within("the stream to pass the event", passed).await;
}

/// An empty chunk would end its answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_over_tls_that_wants_no_places_goes_on_after_an_echo() {
    let (scene, certificate) = tls_scene().await;
    let mut wire = certificate.wire(scene.address).await;
    wire.send("GET /events/a?opening=none HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(wire.head().await, stream_head(""));
    let mut own = Stream::of(wire).await;
    let [id] = ids(&scene).await;

    publish_echo(&scene, id).await;
    scene.publish("a", &["y"]).await;

    own.expect_events(&event(2, "y")).await;
}

/// What is counted as delivered are events, and not the places that stand for some of them.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_spared_is_not_counted_as_delivered() {
    let scene = Scene::start().await;
    let mut own = scene.stream("/events/a").await;
    let mut other = scene.stream("/events/a").await;
    let [id, _] = ids(&scene).await;
    post(&scene, &format!("?except={id}"), "", "x").await;
    own.expect_events(&place(1)).await;
    other.expect_events(&event(1, "x")).await;
    post(&scene, "", "", "y").await;
    own.expect_events(&event(2, "y")).await;
    other.expect_events(&event(2, "y")).await;

    Meter::of(&scene.front).expect(&[("tidings_delivered_events_total", 3.0)]).await;
}

/// Larger than a chunk, a record and a frame of HTTP/2 together.
fn large() -> String {
    "l".repeat(100_000)
}

/// An event, one without an echo, a large one, and a large one without an echo, which are handed out together.
async fn publish_around_an_echo(scene: &Scene, id: ConnectionId) {
    let large = large();
    let drafts = vec![
        draft("a", "1"),
        draft("a", "echo").excepting(id),
        draft("a", "3"),
        draft("a", "echo").excepting(id),
        draft("a", &large),
        draft("a", &large).excepting(id),
    ];
    within("a publish", scene.hub.publish_all(drafts)).await.unwrap();
}

fn after_an_echo() -> String {
    [event(1, "1"), event(3, "3"), event(5, &large()), place(6)].concat()
}
