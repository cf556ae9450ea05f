//! Publishing with a `text/event-stream` body: a batch, or a producer that never ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use futures_util::{StreamExt, stream};
use http_body_util::StreamBody;
use support::batch::{HEAD, another_batch_after, batch, chunk, published, refused_after, replayed};
use support::problem;
use support::scene::Scene;
use tidings_core::StoreError;
use tidings_testkit::deadline::within;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_published_in_order_with_the_fields_of_each_block() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    let body = ": a comment\n\
        event: tick\nid: first\nretry: 500\ndata: one\n\n\
        data: two\ndata: lines\n\n\
        id: only an id\n\n\
        event: nothing\n\n\
        retry: 7\n\n\
        data:\n\n\
        event: without data at the end\n";

    wire.send(batch("", body)).await;

    assert_eq!(wire.answer().await, published(3, "\"1-3\""));
    let mut stream = scene.stream("/events/a?since=earliest").await;
    stream
        .expect_events(
            "event: tick\nid: first\nretry: 500\ndata: one\n\n\
             id: 1-2\ndata: two\ndata: lines\n\n\
             id: 1-3\ndata: \n\n",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_ends_inside_an_event_is_told_so() {
    let scene = Scene::start().await;

    for end in ["data: two", "data: two\n", "data: two\nid: 2\n: x"] {
        let mut wire = scene.connect().await;
        wire.send(batch("", &format!("data: one\n\n{end}"))).await;

        let detail = "event 2 of the body was not published; end it with a blank line";
        assert_eq!(wire.answer().await, refused_after(1, "400 Bad Request", "unfinished-event", detail));
    }
    assert_eq!(scene.log().await, ["a: one", "a: one", "a: one"]);
}

/// What `curl -d @FILE` makes of a file was answered 201 if its first line was no data.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_line_end_is_told_what_dropped_them() {
    let scene = Scene::start().await;
    let detail = "event 1 of the body was not published; end it with a blank line. The body has no line end at all: \
                  `curl -d @FILE` drops those of the file, `curl --data-binary @FILE` keeps them";

    for body in ["data: onedata: two", "event: tickdata: one", ": a commentdata: one", "id: 1data: one", "x"]
    {
        let mut wire = scene.connect().await;
        wire.send(batch("", body)).await;
        assert_eq!(
            wire.answer().await,
            refused_after(0, "400 Bad Request", "unfinished-event", detail),
            "{body}"
        );
    }
    for (body, count) in [("", 0), ("\n", 0), (": only a comment\n", 0), ("data: one\r\r", 1)] {
        let mut wire = scene.connect().await;
        wire.send(batch("", body)).await;
        let id = if count == 0 { "null" } else { "\"1-1\"" };
        assert_eq!(wire.answer().await, published(count, id), "{body:?}");
    }
}

/// Lines of text were answered 201, with no event published: the standard ignores lines that are no fields.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_lines_that_are_no_fields_is_refused_with_the_first_one() {
    let scene = Scene::start().await;
    let refused = |number: u64, line: &str| {
        let detail = format!(
            "the body has no event, and line {number} is neither a field nor a comment: `{line}`; an event is the line \
             `data: TEXT` and a blank one, and `tidings pub URL -` publishes each line of a text"
        );
        refused_after(0, "400 Bad Request", "no-event-stream", &detail)
    };

    for (body, number, line) in [
        ("one\ntwo\n", 1, "one"),
        ("[1]\n[2]", 1, "[1]"),
        (": a comment\n\nData: x\n\n", 3, "Data: x"),
        ("id: 1\n\n data: x\n\n", 3, " data: x"),
        ("\u{feff}\t\u{8ba2}\n", 1, "\\t\\xe8\\xae\\xa2"),
    ] {
        let mut wire = scene.connect().await;
        wire.send(batch("", body)).await;
        assert_eq!(wire.answer().await, refused(number, line), "{body:?}");
    }

    let long = "x".repeat(100_000);
    let mut producer = scene.connect().await;
    producer.send(format!("{HEAD}transfer-encoding: chunked\r\n\r\n")).await;
    producer.send(chunk(&format!(": {long}\n{long}"))).await;
    producer.send(chunk(&format!("{long}\n"))).await;
    producer.send("0\r\n\r\n").await;
    assert_eq!(producer.answer().await, refused(2, &format!("{}...", "x".repeat(200))));
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_an_event_lines_that_are_no_fields_are_ignored_as_the_standard_says() {
    let scene = Scene::start().await;
    for body in ["one\ndata: 1\n\n", "data: 1\n\none\n\n", "data: 1\nData: 2\n\n"] {
        let mut wire = scene.connect().await;
        wire.send(batch("", body)).await;
        assert!(wire.answer().await.starts_with("HTTP/1.1 201 Created\r\n"), "{body:?}");
    }

    let mut producer = scene.connect().await;
    producer.send(format!("{HEAD}transfer-encoding: chunked\r\n\r\n")).await;
    producer.send(chunk("one\n")).await;
    producer.send(chunk("data: 1\n\n")).await;
    producer.send("0\r\n\r\n").await;
    assert!(producer.answer().await.starts_with("HTTP/1.1 201 Created\r\n"));

    assert_eq!(scene.log().await, ["a: 1", "a: 1", "a: 1", "a: 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_batch_publishes_nothing() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    wire.send(batch("", "")).await;

    assert_eq!(wire.answer().await, published(0, "null"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_is_heard_while_its_request_is_open() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/events/a").await;
    let mut producer = scene.connect().await;
    producer.send(format!("{HEAD}transfer-encoding: chunked\r\n\r\n")).await;

    producer.send(chunk("data: one\n\n")).await;
    stream.expect_events("id: 1-1\ndata: one\n\n").await;
    producer.send(chunk("data: t")).await;
    producer.send(chunk("wo\n")).await;
    producer.send(chunk("\n")).await;
    stream.expect_events("id: 1-2\ndata: two\n\n").await;
    producer.send(chunk("data: three\r\r")).await;
    stream.expect_events("id: 1-3\ndata: three\n\n").await;
    producer.send("0\r\n\r\n").await;

    assert_eq!(producer.answer().await, published(3, "\"1-3\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_events_in_one_body_keep_their_order() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    let body: String = (1..=10_000).map(|number| format!("data: {number}\n\n")).collect();

    wire.send(batch("", &body)).await;

    assert_eq!(wire.answer().await, published(10_000, "\"1-10000\""));
    let expected: Vec<_> = (1..=10_000).map(|number| format!("a: {number}")).collect();
    assert_eq!(scene.log().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_end_has_no_limit_and_an_event_has() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    let event = format!("data: {}\n\n", "x".repeat(1_048_576));
    wire.send(batch("", &event.repeat(3))).await;
    assert_eq!(wire.answer().await, published(3, "\"1-3\""));

    let mut wire = scene.connect().await;
    wire.send(batch("", &format!("data: ok\n\ndata: {}\n\n", "x".repeat(1_048_577)))).await;

    let detail = "event 2 of the body: an event's data has at most 1048576 bytes";
    assert_eq!(wire.answer().await, refused_after(1, "413 Payload Too Large", "too-large", detail));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_before_a_bad_one_are_published() {
    let scene = Scene::start().await;
    let control = "an id has no newline, no NUL and no other control character, and this one has U+0009";
    for (bad, kind, detail) in [
        (
            "event: tidings.x\ndata: 1\n\n",
            "reserved-event-type",
            "event types that begin with `tidings.` are the hub's own",
        ),
        ("id: 1-9\ndata: 1\n\n", "reserved-id", "an id of this form is given by the hub itself"),
        ("id: a\tb\ndata: 1\n\n", "bad-id", control),
        ("retry: 86400001\ndata: 1\n\n", "bad-retry", "a retry is at most 86400000 ms"),
    ] {
        let before = scene.log().await.len();
        let mut wire = scene.connect().await;
        wire.send(batch("", &format!("data: one\n\ndata: two\n\n{bad}data: after\n\n"))).await;

        let detail = format!("event 3 of the body: {detail}");
        assert_eq!(wire.answer().await, refused_after(2, "400 Bad Request", kind, &detail));
        assert_eq!(scene.log().await[before..], ["a: one", "a: two"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_utf8_is_refused_with_the_place() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    wire.send(format!("{HEAD}content-length: 18\r\n\r\ndata: 1\n\n")).await;
    wire.send(b"data: \xff\n\n").await;

    let detail = "the body is UTF-8 text, and byte 16 is not";
    assert_eq!(wire.answer().await, refused_after(1, "400 Bad Request", "data-not-utf8", detail));
    assert_eq!(scene.log().await, ["a: 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_with_a_key_can_be_sent_again() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    let request = batch("idempotency-key: k\r\n", "data: one\n\ndata: two\n\n");
    wire.send(&request).await;
    assert_eq!(wire.answer().await, published(2, "\"1-2\""));

    wire.send(&request).await;

    assert_eq!(wire.answer().await, replayed(2, "\"1-2\""));
    assert_eq!(scene.log().await, ["a: one", "a: two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_belong_in_the_blocks() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    wire.send(batch("", "data: 1\n\n").replace("/events/a", "/events/a?event=tick")).await;

    let detail = "`event` stands in the blocks of a text/event-stream body, not in the query";
    assert_eq!(wire.answer().await, problem("400 Bad Request", "field-in-query", detail));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_that_is_cut_off_has_published_its_complete_events() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    wire.send(format!("{HEAD}content-length: 1000\r\n\r\ndata: one\n\ndata: tw")).await;

    wire.finish().await;
    wire.rest().await;

    assert_eq!(scene.log().await, ["a: one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_that_falls_silent_is_ended_after_a_while() {
    let scene = Scene::with(|config| config.producer_wait_max = Duration::from_millis(200)).await;
    let mut wire = scene.connect().await;
    wire.send(format!("{HEAD}transfer-encoding: chunked\r\n\r\n")).await;
    wire.send(chunk("data: one\n\n")).await;

    let refused = wire.rest().await;

    let detail = "the body did not come in time; send it again";
    let expected = refused_after(1, "408 Request Timeout", "too-slow", detail);
    assert_eq!(refused.replace("connection: close\r\n", ""), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_ends_a_batch_and_says_how_far_it_came() {
    let (scene, fault) = Scene::with_faulty_store().await;
    let mut wire = scene.connect().await;
    let mut stream = scene.stream("/events/a").await;
    wire.send(format!("{HEAD}transfer-encoding: chunked\r\n\r\n")).await;
    wire.send(chunk("data: one\n\n")).await;
    stream.expect_events("id: 1-1\ndata: one\n\n").await;
    fault.refuse(StoreError::Full("secret detail".into()));

    wire.send(chunk("data: two\n\n")).await;
    let refused = wire.answer().await;

    assert!(refused.starts_with("HTTP/1.1 507 Insufficient Storage\r\n"), "{refused}");
    assert!(refused.contains("\"published\":1}"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_differs_from_the_first_is_refused() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    wire.send(batch("idempotency-key: k\r\n", "data: one\n\ndata: two\n\n")).await;
    wire.answer().await;

    wire.send(batch("idempotency-key: k\r\n", "data: one\n\ndata: other\n\n")).await;

    assert_eq!(wire.answer().await, another_batch_after(0));
    assert_eq!(scene.log().await, ["a: one", "a: two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_arrive_while_a_group_is_written_are_the_next_group() {
    let (scene, fault) = Scene::with_faulty_store().await;
    fault.hold();
    let piece =
        |text: String| Ok::<_, std::convert::Infallible>(http_body::Frame::data(bytes::Bytes::from(text)));
    let event = move |number: u64| piece(format!("data: {number}\n\n"));
    let opened = fault.clone();
    let last = stream::once(async move {
        opened.let_through(2);
        event(1_000)
    });
    let body = StreamBody::new(Box::pin(stream::iter((1..1_000).map(event)).chain(last)));
    let request = http::Request::post("/events/a").header("content-type", "text/event-stream").body(body);

    let answer = scene.front.handle(request.unwrap());
    let published = within("the answer to a batch", answer).await.status();

    // The first event alone, and all that came while it was written.
    assert_eq!(published, 201);
    assert_eq!(fault.left(), 0);
    let expected: Vec<_> = (1..=1_000).map(|number| format!("a: {number}")).collect();
    assert_eq!(scene.log().await, expected);
}
