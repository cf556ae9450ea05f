//! Subscribing: the exact bytes of a stream, and where it begins.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use support::scene::{Scene, Stream};
use support::{OPENING_LINES, opening, opening_at, problem, stream_head, unspread, without_id};
use tidings_core::Epoch;
use tidings_core::memory::MemoryRetention;
use tidings_testkit::deadline::{until, within};

/// The stream of a request with these lines in its head.
async fn resumed(scene: &Scene, target: &str, headers: &str) -> Stream {
    let mut wire = scene.get(target, headers).await;
    assert_eq!(wire.head().await, stream_head(""));
    Stream::of(wire).await
}

/// A gap as the stream tells it.
fn gap(requested: &str, reason: &str, place: u64) -> String {
    format!(
        "event: tidings.gap\nid: 1-{place}\ndata: {{\"requested\":\"{requested}\",\"reason\":\"{reason}\",\"resumes_after\":\"1-{place}\"}}\n\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_exactly_these_bytes() {
    let scene = Scene::start().await;
    let mut wire = scene.get("/events/news", "accept: text/event-stream\r\n").await;

    assert_eq!(wire.head().await, stream_head(""));
    let opening = "A6\r\n: heartbeat 15000\nretry: 3000\nevent: tidings.open\nid: 1-0\n\
         data: {\"cursor\":\"1-0\",\"heartbeat_ms\":15000,\"time\":\"1970-01-01T01:00:00.000Z\",\
         \"connection\":\"0000000000000\"}\n\n\r\n";
    assert_eq!(without_id(&wire.take(opening.len()).await), opening);
    scene.publish("other", &["unheard"]).await;
    scene.publish("news", &["hello", "two\nlines"]).await;
    let two_events = async {
        let mut text = String::new();
        while text.len() < 52 {
            text += &wire.chunk().await;
        }
        text
    };
    let text = within("two events", two_events).await;
    assert_eq!(text, "id: 1-2\ndata: hello\n\nid: 1-3\ndata: two\ndata: lines\n\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_1_0_a_stream_is_delimited_by_its_end() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    // A proxy may ask to keep the connection, and must be told that it cannot.
    wire.send("GET /events/news HTTP/1.0\r\naccept: text/event-stream\r\nconnection: keep-alive\r\n\r\n")
        .await;

    let head = stream_head("").replace("HTTP/1.1", "HTTP/1.0").replace("transfer-encoding: chunked\r\n", "");
    assert_eq!(wire.head().await, head);
    assert_eq!(unspread(&wire.take(opening(0).len()).await), opening(0));
    scene.publish("news", &["one"]).await;
    scene.publish("news", &["two"]).await;
    wire.expect("id: 1-1\ndata: one\n\nid: 1-2\ndata: two\n\n").await;
    scene.begin_end().verdict().await;
    let farewell = wire.rest().await;
    assert!(farewell.starts_with("retry: ") && farewell.ends_with("0\n"), "{farewell:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_topics_on_one_connection_are_labelled_and_in_order() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/events?topic=a&topic=b%2F*&topic=a").await;

    scene.publish("a", &["1"]).await;
    scene.publish("b", &["unheard"]).await;
    scene.publish("b/x", &["2"]).await;
    scene.publish("a", &["3"]).await;

    stream
        .expect_events(
            "topic: a\nid: 1-1\ndata: 1\n\n\
             topic: b/x\nid: 1-3\ndata: 2\n\n\
             topic: a\nid: 1-4\ndata: 3\n\n",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_stand_in_the_path_too() {
    let scene = Scene::start().await;
    let mut one = scene.stream("/events/orders/*").await;
    let mut any = scene.stream("/events/**").await;
    let mut exact = scene.stream("/events?topic=orders/1").await;

    scene.publish("orders/1", &["x"]).await;
    scene.publish("orders/1/items", &["y"]).await;

    one.expect_events("topic: orders/1\nid: 1-1\ndata: x\n\n").await;
    any.expect_events("topic: orders/1\nid: 1-1\ndata: x\n\ntopic: orders/1/items\nid: 1-2\ndata: y\n\n")
        .await;
    exact.expect_events("id: 1-1\ndata: x\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_percent_encoded_however_the_client_likes() {
    let scene = Scene::start().await;
    let chinese = "/events/%E8%AE%A2%E5%8D%95/1";
    for (target, topic) in [
        ("/events/orders/42", "orders/42"),
        ("/events/orders%2f42", "orders/42"),
        ("/events?topic=orders%2F42", "orders/42"),
        (chinese, "\u{8ba2}\u{5355}/1"),
        ("/events/https%3A%2F%2Fexample.com%2Fa%2F", "https://example.com/a/"),
        ("/events/a+b", "a+b"),
        ("/events?topic=a+b", "a b"),
    ] {
        let mut stream = scene.stream(target).await;
        scene.publish(topic, &["x"]).await;
        let number = scene.hub.bounds().head.sequence;
        stream.expect_events(&format!("id: 1-{number}\ndata: x\n\n")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_after_the_last_event_id() {
    let scene = Scene::start().await;
    scene.publish("a", &["1", "2", "3"]).await;
    for (target, headers) in [
        ("/events/a", "last-event-id: 1-1\r\n"),
        ("/events/a?last_event_id=1-1", ""),
        ("/events/a?lastEventId=1-1", ""),
        ("/events/a?last_event_id=1-3", "last-event-id: 1-1\r\n"),
        ("/events/a?last_event_id=1-1", "last-event-id: \r\n"),
        ("/events/a?since=earliest", "last-event-id: 1-1\r\n"),
        ("/events/a?last=1", "last-event-id: 1-1\r\n"),
        ("/events/a?since=earliest&last_event_id=1-1", ""),
    ] {
        let mut stream = resumed(&scene, target, headers).await;

        assert_eq!(stream.opening, OPENING_LINES, "{target} {headers}");
        stream.expect_events("id: 1-2\ndata: 2\n\nid: 1-3\ndata: 3\n\n").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publishers_own_id_is_a_place_too() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;
    for id in ["369", "msg%201", "%E8%AE%A2"] {
        wire.send(format!("POST /events/a?id={id} HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n\r\nx")).await;
        wire.answer().await;
    }

    let mut stream = resumed(&scene, "/events/a", "last-event-id: 369\r\n").await;
    stream.expect_events("id: msg 1\ndata: x\n\nid: \u{8ba2}\ndata: x\n\n").await;
    let mut stream = resumed(&scene, "/events/a", "last-event-id: msg 1\r\n").await;
    stream.expect_events("id: \u{8ba2}\ndata: x\n\n").await;
    let stream = resumed(&scene, "/events/a", "last-event-id: \u{8ba2}\r\n").await;
    assert_eq!(stream.opening, opening(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_may_begin_in_the_past() {
    let scene = Scene::start().await;
    scene.publish("a", &["1"]).await;
    scene.clock.set(4_200_000);
    scene.publish("a", &["2"]).await;
    scene.publish("b", &["other"]).await;
    scene.clock.set(4_500_000);
    let at_the_end = opening_at(3, "01:15:00");

    for (query, events) in [
        ("since=earliest", "id: 1-1\ndata: 1\n\nid: 1-2\ndata: 2\n\n"),
        ("since=10m", "id: 1-2\ndata: 2\n\n"),
        ("since=600s", "id: 1-2\ndata: 2\n\n"),
        ("since=1h", "id: 1-1\ndata: 1\n\nid: 1-2\ndata: 2\n\n"),
        ("since=7d", "id: 1-1\ndata: 1\n\nid: 1-2\ndata: 2\n\n"),
        ("since=1970-01-01T01:05:00Z", "id: 1-2\ndata: 2\n\n"),
        ("since=1970-01-01T09:05:00%2B08:00", "id: 1-2\ndata: 2\n\n"),
        ("since=1960-01-01T00:00:00Z", "id: 1-1\ndata: 1\n\nid: 1-2\ndata: 2\n\n"),
        ("last=1", "id: 1-2\ndata: 2\n\n"),
        ("last=10000", "id: 1-1\ndata: 1\n\nid: 1-2\ndata: 2\n\n"),
        ("last=0", ""),
        ("since=0s", ""),
    ] {
        let mut stream = scene.stream(&format!("/events/a?{query}")).await;

        let opening = if events.is_empty() { &at_the_end } else { OPENING_LINES };
        assert_eq!(stream.opening, opening, "{query}");
        stream.expect_events(events).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_events_are_a_gap_in_the_head_and_in_the_stream() {
    let retention = MemoryRetention { events_max: 2, ..MemoryRetention::default() };
    let scene = Scene::with_past(retention, "a", &["1", "2", "3", "4", "5"]).await;

    let mut wire = scene.get("/events/a", "last-event-id: 1-1\r\n").await;
    let head = wire.head().await;
    let mut latest = scene.get("/events/a?on_gap=latest", "last-event-id: 1-1\r\n").await;
    let latest_head = latest.head().await;

    assert_eq!(head, stream_head("tidings-gap: expired; resumes-after=1-3\r\n"));
    let mut stream = Stream::of(wire).await;
    assert_eq!(stream.opening, OPENING_LINES.to_owned() + &gap("1-1", "expired", 3));
    stream.expect_events("id: 1-4\ndata: 4\n\nid: 1-5\ndata: 5\n\n").await;
    assert_eq!(latest_head, stream_head("tidings-gap: expired; resumes-after=1-5\r\n"));
    assert_eq!(Stream::of(latest).await.opening, OPENING_LINES.to_owned() + &gap("1-1", "expired", 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_last_event_id_is_answered_200() {
    let scene = Scene::start().await;
    let long = "x".repeat(10_000);
    let epoch = Epoch(77).to_string();
    for (id, requested, reason) in [
        (b"never-seen".to_vec(), "never-seen".to_owned(), "unknown"),
        (b"1-99".to_vec(), "1-99".to_owned(), "unknown"),
        (format!("{epoch}-5").into_bytes(), format!("{epoch}-5"), "other-epoch"),
        (b"a\"b\\c".to_vec(), "a\\\"b\\\\c".to_owned(), "unknown"),
        (b"\xff\xfe".to_vec(), "\u{fffd}\u{fffd}".to_owned(), "unknown"),
        (b"caf\xe9".to_vec(), "caf\u{fffd}".to_owned(), "unknown"),
        (b"a\tb".to_vec(), "ab".to_owned(), "unknown"),
        (b"</script>".to_vec(), "</script>".to_owned(), "unknown"),
        (long.clone().into_bytes(), long[..256].to_owned(), "unknown"),
    ] {
        let mut wire = scene.connect().await;
        wire.send("GET /events/a HTTP/1.1\r\nhost: h\r\nlast-event-id: ").await;
        wire.send([&id[..], b"\r\n\r\n"].concat()).await;

        assert_eq!(wire.head().await, stream_head(&format!("tidings-gap: {reason}; resumes-after=1-0\r\n")));
        assert_eq!(unspread(&wire.chunk().await), OPENING_LINES.to_owned() + &gap(&requested, reason, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_the_query_may_hold_anything_and_breaks_no_line() {
    let scene = Scene::start().await;

    let mut wire = scene.get("/events/a?last_event_id=x%0D%0Adata:%20evil%0A%0A%00", "").await;

    assert_eq!(wire.head().await, stream_head("tidings-gap: unknown; resumes-after=1-0\r\n"));
    assert_eq!(unspread(&wire.chunk().await), OPENING_LINES.to_owned() + &gap("xdata: evil", "unknown", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_parameter_is_refused_by_name() {
    let scene = Scene::start().await;
    let known = "there is no parameter `lats`; known here: topic, last_event_id, lastEventId, since, last, on_gap, opening, with, envelope, mode, origin, wait";
    let since = "`since` is `earliest`, `now`, an age such as 90s, 10m, 2h or 7d, or a time such as 2026-11-21T08:00:00Z";
    let no_zone = "`since` has no time zone: write Z for UTC, as in since=2026-11-21T08:00:00Z, or an offset, as in \
                   since=2026-11-21T10:00:00%2B02:00";
    let opening = "`opening` is `event`, `always`, `id` or `none`";
    let last = "`last` is a number of events, at most 10000";
    let plus = "`since` has a space where `+` was meant: in a query string `+` is a space, so write %2B, as in \
                since=2026-11-21T08:00:00%2B02:00";
    let plus_and_space = &plus.replace("21T08", "21%2008");
    let twice = "the path names a topic, and so does the parameter `topic`; for several topics use \
                 /events?topic=...&topic=... without a topic in the path";
    for (query, kind, detail) in [
        ("lats=3", "unknown-parameter", known),
        ("since=yesterday", "bad-since", since),
        ("since=2026-11-21", "bad-since", no_zone),
        ("since=2026-11-21T08:00:00", "bad-since", no_zone),
        ("since=2026-11-21%2008:00", "bad-since", no_zone),
        ("since=2026-11-21T08:00:00%2B25:00", "bad-since", "the offset in `since` is more than 23:59"),
        ("since=2026-11-21T08:00:00-24", "bad-since", "the offset in `since` is more than 23:59"),
        ("since=2026-13-21T08:00:00Z", "bad-since", since),
        ("since=10", "bad-since", since),
        ("since=", "bad-since", since),
        ("since=-5m", "bad-since", since),
        ("since=m", "bad-since", since),
        ("since=99999999999999999999d", "bad-since", since),
        ("since=18446744073709551615d", "bad-since", since),
        ("since=%E8%AE%A2", "bad-since", since),
        ("last=10001", "bad-last", last),
        ("last=-1", "bad-last", last),
        ("last=ten", "bad-last", last),
        ("last=", "bad-last", last),
        ("since=1h&last=3", "since-and-last", "give `since` or `last`, not both"),
        ("last=3&last=3", "repeated-parameter", "the parameter `last` may be given once"),
        ("with=all", "bad-with", "`with` is `time`"),
        ("on_gap=never", "bad-on-gap", "`on_gap` is `earliest` or `latest`"),
        ("since=2026-11-21T08:00:00+02:00", "bad-since", plus),
        ("since=2026-11-21%2008:00:00+02:00", "bad-since", plus_and_space),
        ("since=2026-11-21+08:00:00+02:00", "bad-since", plus_and_space),
        ("since=2026-11-21T08:00:00%20%2B02:00", "bad-since", since),
        ("topic=b", "topics-twice", twice),
        ("last=3&topic=a", "topics-twice", twice),
        ("topic=a/..", "topics-twice", twice),
        ("topic=", "topics-twice", twice),
        (
            "topic=%FF",
            "query-not-utf8",
            "the parameter `topic` must be percent-encoded UTF-8, and byte 1 of it, %FF, is not",
        ),
        ("opening=json", "bad-opening", opening),
        ("opening=", "bad-opening", opening),
        ("opening=Event", "bad-opening", opening),
        ("opening=id&opening=id", "repeated-parameter", "the parameter `opening` may be given once"),
    ] {
        let mut wire = scene.get(&format!("/events/a?{query}"), "").await;
        assert_eq!(wire.answer().await, problem("400 Bad Request", kind, detail), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_selection_is_refused_with_advice() {
    let scene = Scene::start().await;
    let many: String = (0..101).map(|number| format!("topic={number}&")).collect();
    let (segments, stars, too_complex) = (["a"; 65].join("/"), ["*"; 17].join("/"), "pattern-too-complex");
    let has = |what, most, count| format!("a {what} has at most {most}, this one has {count}");
    let slash = "the topic ends in a slash; drop it, or write %2F if the topic really ends in one";
    let empty = "the topic has an empty segment, which some programs on the way drop; take the slash away that is too much, \
                 or write %2F for a slash beside an empty segment that is meant";
    let nfc = |text: &str, in_url: &str| {
        let detail = format!(
            "topics are compared byte by byte, and this one is not in Unicode's normal form NFC, which is `{text}`; in a \
             URL that is {in_url}"
        );
        &*detail.leak()
    };
    for (target, kind, detail) in [
        ("/events", "bad-topics", "a subscription needs at least one topic"),
        (&format!("/events?{many}"), "bad-topics", "a subscription has at most 100 topics"),
        ("/events/", "bad-topic", "a topic needs at least one character"),
        ("/events/?topic=a", "bad-topic", "a topic needs at least one character"),
        ("/events/a/", "trailing-slash", slash),
        ("/events?topic=a/", "trailing-slash", slash),
        ("/events?topic=b&topic=a/", "trailing-slash", slash),
        ("/events//a", "empty-segment", empty),
        ("/events/caf%65%CC%81", "bad-topic", nfc("caf\u{e9}", "caf%C3%A9")),
        ("/events?topic=a%20e%CC%81%2F*", "bad-topic", nfc("a \u{e9}/*", "a%20%C3%A9/*")),
        ("/events/a//**", "empty-segment", empty),
        ("/events?topic=a//b", "empty-segment", empty),
        ("/events?topic=/a", "empty-segment", empty),
        ("/events?topic=a/..", "bad-topic", "a topic has no segment `.` or `..`"),
        ("/events/a/../b", "bad-topic", "a topic has no segment `.` or `..`"),
        ("/events/%2e%2e/b", "bad-topic", "a topic has no segment `.` or `..`"),
        ("/events/a%0Ab", "bad-topic", "a topic has no control characters, and this one has U+000A"),
        ("/events/a%00", "bad-topic", "a topic has no control characters, and this one has U+0000"),
        ("/events/%C2%85", "bad-topic", "a topic has no control characters, and this one has U+0085"),
        ("/events/%FF", "topic-not-utf8", "a topic is percent-encoded UTF-8, and byte 1 of it, %FF, is not"),
        (&format!("/events/{segments}"), too_complex, &has("topic or pattern", "64 segments", 65)),
        (&format!("/events/{segments}/*"), too_complex, &has("topic or pattern", "64 segments", 66)),
        (&format!("/events?topic={stars}"), too_complex, &has("pattern", "16 segments `*` and `**`", 17)),
        ("/events/**/a/**/b/**/c/**", too_complex, &has("pattern", "3 segments `**`", 4)),
    ] {
        let mut wire = scene.get(target, "").await;
        assert_eq!(wire.answer().await, problem("400 Bad Request", kind, detail), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_buster_is_passed_over() {
    let scene = Scene::start().await;

    let stream = scene.stream("/events/a?_=1700000000&_x=1&_x=2").await;

    assert_eq!(stream.opening, opening(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_the_head_alone_and_registers_no_subscriber() {
    let scene = Scene::start().await;
    let mut wire = scene.connect().await;

    wire.send("HEAD /events/a HTTP/1.1\r\nhost: h\r\naccept: text/event-stream\r\n\r\n").await;
    let head = wire.head().await;
    wire.send("POST /events/a HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n\r\nx").await;

    // RFC 9112 section 6.1 allows a HEAD to be answered without the framing that a GET would have.
    assert_eq!(head, stream_head("").replace("transfer-encoding: chunked\r\n", ""));
    assert_eq!(wire.answer().await, support::created(1));
    assert_eq!(scene.hub.roster().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_leaves_is_forgotten() {
    let scene = Scene::start().await;
    let first = scene.stream("/events/a").await;
    let mut second = scene.stream("/events/a").await;
    assert_eq!(scene.hub.roster().count(), 2);

    drop(first);
    until("the first subscriber to be forgotten", || scene.hub.roster().count() == 1).await;

    scene.publish("a", &["x"]).await;
    second.expect_events("id: 1-1\ndata: x\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_a_text_can_be_arrives_to_the_byte() {
    let scene = Scene::start().await;
    let mut stream = scene.stream("/events/a").await;
    let big = "\u{4f60}".repeat(300_000);
    let texts =
        ["", "\u{1f980}\u{200d}", " two spaces", "{\n  \"a\": [1,\n2]\n}", "\u{feff}bom", ":colon", &big];

    scene.publish("a", &texts).await;

    for (text, number) in texts.iter().zip(1..) {
        let lines: String = text.split('\n').map(|line| format!("data: {line}\n")).collect();
        stream.expect_events(&format!("id: 1-{number}\n{lines}\n")).await;
    }
}
