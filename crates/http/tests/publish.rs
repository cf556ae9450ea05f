//! Publishing: what is taken, what is refused, and the exact answers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use support::scene::Scene;
use support::{created, problem, problem_with};
use tidings_core::{Limits, StoreError};

/// A publish of `hello` to the topic `a`, with more lines in the head.
fn post(target: &str, more: &str) -> String {
    format!("POST {target} HTTP/1.1\r\nhost: localhost\r\n{more}content-length: 5\r\n\r\nhello")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_is_answered_with_the_id_of_the_event() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    wire.send(post("/events/a", "")).await;

    assert_eq!(
        wire.answer().await,
        "HTTP/1.1 201 Created\r\n\
         content-type: application/json\r\n\
         x-content-type-options: nosniff\r\n\
         cross-origin-resource-policy: same-origin\r\n\
         content-length: 13\r\n\
         \r\n\
         {\"id\":\"1-1\"}\n"
    );
    assert_eq!(scene.log().await, ["a: hello"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_text_is_data_as_it_stands() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    let types = [
        "text/plain",
        "text/plain; charset=UTF-8",
        "text/html;charset=\"utf-8\"",
        "application/json",
        "Application/Activity+JSON",
        "application/xml",
        "application/atom+xml",
        "application/x-www-form-urlencoded",
    ];

    for (content_type, number) in types.iter().zip(1..) {
        wire.send(post("/events/a", &format!("content-type: {content_type}\r\n"))).await;
        assert_eq!(wire.answer().await, created(number), "{content_type}");
    }
    let body = "\u{4f60}\u{597d} \u{1f980}\n{\n  \"a\": 1\n}";
    wire.send(format!("POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
        .await;
    wire.answer().await;

    assert_eq!(scene.log().await.last().unwrap(), &format!("a: {body}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_utf_8_text_is_refused() {
    let scene = Scene::start().await;
    let foreign = |label| {
        format!(
            "the charset of the body is `{label}`, and the hub takes UTF-8, US-ASCII, ISO-8859-1 and windows-1252; send it as UTF-8"
        )
    };
    for (header, detail) in [
        ("content-type: image/png", "send text, JSON, XML, or text/event-stream"),
        ("content-type: ", "send text, JSON, XML, or text/event-stream"),
        ("content-type: text/plain; charset=iso-2022-jp", &*foreign("iso-2022-jp")),
        ("content-type: text/event-stream; charset=utf-16", &foreign("utf-16")),
        (
            "content-encoding: gzip",
            "the content-encoding of the body is `gzip`, and the hub takes none; send the body as it is",
        ),
        (
            "content-type: text/event-stream, text/event-stream",
            "the header content-type is a list, and may have one media type",
        ),
    ] {
        let mut wire = scene.connect().await;
        wire.send(post("/events/a", &format!("{header}\r\n"))).await;
        assert_eq!(
            wire.answer().await,
            problem("415 Unsupported Media Type", "unsupported-media-type", detail),
            "{header}"
        );
    }
    assert_eq!(scene.log().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_programs_call_text_becomes_utf_8_without_a_mark() {
    let scene = Scene::start().await;
    let bodies: [(&str, &[u8]); 6] = [
        ("application/json", b"\xef\xbb\xbf{}"),
        ("text/plain;charset=ISO-8859-1", b"plain"),
        ("text/plain; charset=ISO-8859-1", b"caf\xe9"),
        ("text/event-stream; charset=ISO-8859-1", b"\xef\xbb\xbfdata: caf\xc3\xa9\n\n"),
        ("text/plain; charset=windows-1252", b"5 \x80"),
        ("text/plain; charset=us-ascii", "caf\u{e9}".as_bytes()),
    ];
    for (content_type, body) in bodies {
        let mut wire = scene.connect().await;
        let length = body.len();
        let head = format!(
            "POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        );
        wire.send([head.as_bytes(), body].concat()).await;
        assert!(wire.answer().await.starts_with("HTTP/1.1 201 Created\r\n"), "{content_type}");
    }

    let log = scene.log().await;
    assert_eq!(log, ["a: {}", "a: plain", "a: caf\u{e9}", "a: caf\u{e9}", "a: 5 \u{20ac}", "a: caf\u{e9}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_grows_in_utf_8_counts_as_it_is_stored() {
    let mut limits = Limits::default();
    limits.event_bytes_max = 100_000;
    let scene = Scene::with_limits(limits, |_| ()).await;
    let head = "POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-type: text/plain; charset=latin1\r\n";
    let detail = "an event's data has at most 100000 bytes";
    let too_large = problem("413 Payload Too Large", "too-large", detail);
    for (length, expected) in [(50_000, created(1)), (50_001, too_large)] {
        let mut wire = scene.connect().await;
        wire.send(format!("{head}content-length: {length}\r\n\r\n")).await;
        wire.send(vec![0xe9; length]).await;
        assert_eq!(wire.answer().await, expected, "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_utf_16_is_told_so_and_what_to_do() {
    let scene = Scene::start().await;
    let detail = "the body is UTF-16; send it as UTF-8, which `iconv -f UTF-16 -t UTF-8` and PowerShell's \
                  `-Encoding utf8` make of it";
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    for (content_type, text) in [
        ("application/json", "\u{feff}{\"a\": 1}"),
        ("text/plain", "hello"),
        ("text/event-stream", "data: x\n\n"),
    ] {
        let (mut wire, body) = (scene.connect().await, wide(text));
        let length = body.len();
        let head = format!(
            "POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        );
        wire.send([head.as_bytes(), &body[..]].concat()).await;
        let answer = wire.answer().await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(answer.contains("problem:data-not-utf8\"") && answer.contains(detail), "{answer}");
    }
    assert_eq!(scene.log().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_query_sets_the_fields() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    wire.send(post("/events/a?event=tick&id=msg+1&retry=6000&_=123", "")).await;

    assert!(wire.answer().await.ends_with("{\"id\":\"msg 1\"}\n"));
    let mut stream = scene.stream("/events/a?since=earliest").await;
    stream.expect_events("event: tick\nid: msg 1\nretry: 6000\ndata: hello\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_field_is_refused_by_name() {
    let scene = Scene::start().await;
    for (query, kind, detail) in [
        (
            "event=a%0Ab",
            "bad-event-type",
            "an event type has no newline and no other control character, and this one has U+000A",
        ),
        (
            "event=a%0Db",
            "bad-event-type",
            "an event type has no newline and no other control character, and this one has U+000D",
        ),
        (
            "event=%00",
            "bad-event-type",
            "an event type has no newline and no other control character, and this one has U+0000",
        ),
        (
            "event=tidings.gap",
            "reserved-event-type",
            "event types that begin with `tidings.` are the hub's own",
        ),
        (
            "id=a%0Ab",
            "bad-id",
            "an id has no newline, no NUL and no other control character, and this one has U+000A",
        ),
        (
            "id=a%0Db",
            "bad-id",
            "an id has no newline, no NUL and no other control character, and this one has U+000D",
        ),
        (
            "id=%00",
            "bad-id",
            "an id has no newline, no NUL and no other control character, and this one has U+0000",
        ),
        ("id=", "bad-id", "an id needs at least one character"),
        ("id=+x", "bad-id", "an id neither begins nor ends with white space"),
        ("id=1-7", "reserved-id", "an id of this form is given by the hub itself"),
        ("retry=1.5", "bad-retry", "`retry` is a number of milliseconds, in digits"),
        ("retry=-5", "bad-retry", "`retry` is a number of milliseconds, in digits"),
        ("retry=+5", "bad-retry", "`retry` is a number of milliseconds, in digits"),
        ("retry=", "bad-retry", "`retry` is a number of milliseconds, in digits"),
        ("retry=99999999999999999999", "bad-retry", "`retry` is a number of milliseconds, in digits"),
        ("retry=86400001", "bad-retry", "a retry is at most 86400000 ms"),
        ("evnt=x", "unknown-parameter", "there is no parameter `evnt`; known here: event, id, retry, except"),
        ("id=1&id=2", "repeated-parameter", "the parameter `id` may be given once"),
        (
            "event=caf%E9",
            "query-not-utf8",
            "the parameter `event` must be percent-encoded UTF-8, and byte 4 of it, %E9, is not",
        ),
    ] {
        let mut wire = scene.connect().await;
        wire.send(post(&format!("/events/a?{query}"), "")).await;
        assert_eq!(wire.answer().await, problem("400 Bad Request", kind, detail), "{query}");
    }
    assert_eq!(scene.log().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_topic_is_refused_with_advice() {
    let scene = Scene::start().await;
    let slash = "the topic ends in a slash; drop it, or write %2F if the topic really ends in one";
    let empty = "the topic has an empty segment, which some programs on the way drop; take the slash away that is too much, \
                 or write %2F for a slash beside an empty segment that is meant";
    let nfc = "topics are compared byte by byte, and this one is not in Unicode's normal form NFC, which is `caf\u{e9}`; \
               in a URL that is caf%C3%A9";
    for (path, kind, detail) in [
        ("", "bad-topic", "a topic needs at least one character"),
        ("a/", "trailing-slash", slash),
        ("/orders", "empty-segment", empty),
        ("a//b", "empty-segment", empty),
        ("a//", "empty-segment", empty),
        ("/", "empty-segment", empty),
        ("//a%2Fb", "empty-segment", empty),
        ("a/../b", "bad-topic", "a topic has no segment `.` or `..`"),
        ("..%2Fa", "bad-topic", "a topic has no segment `.` or `..`"),
        ("a%0Ab", "bad-topic", "a topic has no control characters, and this one has U+000A"),
        ("a%00", "bad-topic", "a topic has no control characters, and this one has U+0000"),
        ("caf%65%CC%81", "bad-topic", nfc),
        ("a/*", "bad-topic", "`*` and `**` stand in selectors, not in topics"),
        ("a/caf%E9", "topic-not-utf8", "a topic is percent-encoded UTF-8, and byte 6 of it, %E9, is not"),
    ] {
        let mut wire = scene.connect().await;
        wire.send(post(&format!("/events/{path}"), "")).await;
        assert_eq!(wire.answer().await, problem("400 Bad Request", kind, detail), "{path}");
    }
    let mut wire = scene.connect().await;
    wire.send(post(&format!("/events/{}", ["a"; 65].join("/")), "")).await;
    let detail = "a topic or pattern has at most 64 segments, this one has 65";
    assert_eq!(wire.answer().await, problem("400 Bad Request", "pattern-too-complex", detail));
    let long = "x".repeat(513);
    let mut wire = scene.connect().await;
    wire.send(post(&format!("/events/{long}"), "")).await;
    let detail = "a topic has at most 512 bytes, this one has 513";
    assert_eq!(wire.answer().await, problem("400 Bad Request", "bad-topic", detail));
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_not_utf8_is_refused_with_the_place() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    wire.send(b"POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nabc\xffd").await;

    let detail = "an event's data is UTF-8 text, and byte 4 of it is not";
    assert_eq!(wire.answer().await, problem("400 Bad Request", "data-not-utf8", detail));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mebibyte_is_taken_and_one_byte_more_is_refused_before_it_is_sent() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    wire.send("POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-length: 1048576\r\n\r\n").await;
    wire.send(vec![b'x'; 1_048_576]).await;
    assert_eq!(wire.answer().await, created(1));

    wire.send("POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-length: 1048577\r\n\r\n").await;
    let refused = wire.answer().await;

    assert!(refused.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{refused}");
    assert!(refused.contains("an event's data has at most 1048576 bytes"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_unknown_length_is_bounded_too() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    wire.send("POST /events/a HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n").await;
    wire.send("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n").await;
    assert_eq!(wire.answer().await, created(1));

    wire.send("POST /events/a HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n100001\r\n").await;
    wire.send(vec![b'x'; 0x10_0001]).await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 413 Payload Too Large\r\n"));
    assert_eq!(scene.log().await, ["a: hello"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_expects_100_continue_gets_it_or_the_refusal() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    wire.send("POST /events/a HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        .await;
    wire.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
    wire.send("hi").await;
    assert_eq!(wire.answer().await, created(1));

    let mut wire = scene.connect().await;
    wire.send(
        "POST /events/a HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 9999999\r\n\r\n",
    )
    .await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 413 Payload Too Large\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_publish_with_a_key_is_the_same_publish() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    let keyed = post("/events/a", "idempotency-key: k1\r\n");
    wire.send(&keyed).await;
    assert_eq!(wire.answer().await, created(1));

    wire.send(&keyed).await;

    assert_eq!(
        wire.answer().await,
        "HTTP/1.1 201 Created\r\n\
         content-type: application/json\r\n\
         idempotency-replayed: true\r\n\
         x-content-type-options: nosniff\r\n\
         cross-origin-resource-policy: same-origin\r\n\
         content-length: 13\r\n\
         \r\n\
         {\"id\":\"1-1\"}\n"
    );
    assert_eq!(scene.log().await, ["a: hello"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_used_for_something_else_is_refused() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    wire.send(post("/events/a", "idempotency-key: k1\r\n")).await;
    wire.answer().await;

    wire.send(post("/events/b", "idempotency-key: k1\r\n")).await;

    let detail = "this idempotency key was used for another event; use a new key for a new event";
    assert_eq!(wire.answer().await, problem("422 Unprocessable Entity", "idempotency-key-reused", detail));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_visible_ascii() {
    let scene = Scene::start().await;
    let detail = "an idempotency key is 1 to 255 visible ASCII characters";
    let long = format!("idempotency-key: {}\r\n", "k".repeat(256));
    for header in ["idempotency-key: \r\n", "idempotency-key: a b\r\n", &long] {
        let mut wire = scene.connect().await;
        wire.send(post("/events/a", header)).await;
        assert_eq!(
            wire.answer().await,
            problem("400 Bad Request", "bad-idempotency-key", detail),
            "{header}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_needs_the_right_key() {
    let scene = Scene::with(|config| config.publish_key = Some("secret".to_owned())).await;
    let mut wire = scene.connect().await;
    wire.send(post("/events/a", "authorization: Bearer secret\r\n")).await;
    assert_eq!(wire.answer().await, created(1));

    for (header, kind, detail, challenge) in [
        ("", "key-required", "publishing needs the key, as `Authorization: Bearer KEY`", "Bearer"),
        (
            "authorization: Bearer secreT\r\n",
            "invalid-key",
            "this is not the publish key",
            "Bearer error=\"invalid_token\"",
        ),
    ] {
        let mut wire = scene.connect().await;
        wire.send(post("/events/a", header)).await;
        let refused = wire.answer().await;
        assert!(refused.contains(&format!("\r\nwww-authenticate: {challenge}\r\n")), "{refused}");
        let refused = refused.replace(&format!("www-authenticate: {challenge}\r\n"), "");
        assert_eq!(refused, problem("401 Unauthorized", kind, detail));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_stops_in_mid_body_blocks_no_other_and_is_ended() {
    let scene = Scene::with(|config| config.body_wait_max = Duration::from_millis(200)).await;
    let mut stopped = scene.connect().await;
    stopped.send("POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhe").await;

    let mut other = scene.connect().await;
    other.send(post("/events/a", "")).await;

    assert_eq!(other.answer().await, created(1));
    let refused = stopped.rest().await;
    assert!(refused.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{refused}");
    assert!(refused.contains("the body did not come in time; send it again"), "{refused}");
    assert_eq!(scene.log().await, ["a: hello"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_cut_off_is_not_published() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    wire.send("POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhe").await;

    wire.finish().await;
    wire.rest().await;

    assert_eq!(scene.log().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_is_told_and_gets_over_it() {
    let (scene, fault) = Scene::with_faulty_store().await;
    let mut wire = scene.connect().await;
    let mut stream = scene.stream("/events/a").await;
    fault.refuse(StoreError::Full("secret detail".into()));

    wire.send(post("/events/a", "")).await;
    let refused = wire.answer().await;

    assert!(refused.starts_with("HTTP/1.1 507 Insufficient Storage\r\n"), "{refused}");
    assert!(refused.contains("\r\nretry-after: 10\r\n"), "{refused}");
    assert!(refused.contains("\"type\":\"urn:tidings:problem:store-full\""), "{refused}");
    fault.recover();
    wire.send(post("/events/a", "")).await;
    assert_eq!(wire.answer().await, created(1));
    stream.expect_events("id: 1-1\ndata: hello\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_has_stopped_is_told_without_its_insides() {
    let (scene, fault) = Scene::with_faulty_store().await;
    fault.refuse(StoreError::Stopped("secret detail".into()));
    let mut wire = scene.connect().await;

    wire.send(post("/events/a", "")).await;
    let refused = wire.answer().await;

    assert!(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{refused}");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    assert!(!refused.contains("secret detail"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_of_more_than_the_disk_takes_is_told_to_wait() {
    let mut limits = Limits::default();
    limits.in_flight_bytes_max = 8;
    limits.admission_wait_max = Duration::from_millis(100);
    let (scene, fault) = Scene::with_faulty_store_and(limits, |_| ()).await;
    fault.hold();
    let mut first = scene.connect().await;
    let mut second = scene.connect().await;
    first.send(post("/events/a", "")).await;
    second.send(post("/events/a", "")).await;

    // One of the two waits for the disk, and the other for that one.
    let (refused, mut waiting) = tokio::select! {
        refused = first.answer() => (refused, second),
        refused = second.answer() => (refused, first),
    };
    fault.let_through(1);

    let detail = "more is being published than the disk can take; send it again in a moment";
    assert_eq!(refused, problem_with("429 Too Many Requests", "busy", detail, "retry-after: 1\r\n"));
    assert_eq!(waiting.answer().await, created(1));
}
