//! `tidings pub --event-stream` of events that cannot be published as they are: the pipe goes on, what happened is said, and the exit
//! code tells.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use support::origin::{Origin, Then};
use support::program::run_with_input;
use support::published::events;
use tidings_testkit::hub::Hub;

fn url(hub: &Hub, target: &str) -> String {
    format!("http://{}/events/{target}", hub.address)
}

/// The data of all events of a topic.
fn data(hub: &Hub, topic: &str) -> Vec<String> {
    events(hub, topic).into_iter().map(|(_, data, _)| data).collect()
}

#[test]
fn an_event_that_is_no_text_is_told_by_its_line_and_the_next_are_published() {
    let hub = support::hub(&["--memory"]);
    let input = b": caf\xe9\n\ndata: caf\xe9\n\nevent: \xff\ndata: x\n\nid: \xc3\x28\ndata: y\n\ndata: z\n\n";

    let left = run_with_input(&["pub", &url(&hub, "a"), "--event-stream"], input);

    assert_eq!(left.code, Some(1));
    assert!(left.stderr.starts_with("the event at line 3 is not UTF-8: U+FFFD stands"), "{left:?}");
    assert!(left.stderr.contains("error: 4 events published, the last as "), "{left:?}");
    assert!(left.stderr.ends_with("; 3 events were not UTF-8 and mended"), "{left:?}");
    assert_eq!(data(&hub, "a"), ["caf\u{fffd}", "x", "y", "z"]);
}

#[test]
fn an_event_that_the_hub_does_not_take_is_left_out_and_the_next_are_published() {
    let hub = support::hub(&["--memory", "--event-bytes-max", "1KiB"]);
    let long = "x".repeat(1_025);
    let bad = [
        "retry: 99999999999\ndata: a".to_owned(),
        format!("data: {long}"),
        format!("id: {}\ndata: c", "i".repeat(300)),
        format!("event: {}\ndata: e", "t".repeat(300)),
        "id: \u{1}\ndata: f".to_owned(),
    ];
    for (number, bad) in bad.iter().enumerate() {
        let topic = number.to_string();
        let input = format!("data: one\n\n{bad}\n\ndata: two\n\n{bad}\n\n{bad}\n\ndata: three\n\n");

        let left = run_with_input(&["pub", &url(&hub, &topic), "--event-stream"], input.as_bytes());

        assert_eq!(data(&hub, &topic), ["one", "two", "three"], "{bad}: {left:?}");
        assert_eq!(left.code, Some(1), "{left:?}");
        assert!(left.stderr.starts_with("the event at line 3 is"), "{left:?}");
        let kind = if number == 1 { "too long and left out" } else { "refused by the hub and left out" };
        assert!(left.stderr.ends_with(&format!("; 3 events were {kind}")), "{left:?}");
    }
}

#[test]
fn an_event_with_a_line_that_is_too_long_for_the_program_is_left_out_and_the_next_are_published() {
    let hub = support::hub(&["--memory"]);
    let input = [b"data: one\n\ndata: ", &b"x".repeat((16 << 20) + 10)[..], b"\n\ndata: two\n\n"].concat();

    let left = run_with_input(&["pub", &url(&hub, "a"), "--event-stream"], &input);

    assert_eq!(data(&hub, "a"), ["one", "two"]);
    let told = "the event at line 3 has a line, 3, of more than 16777216 bytes: it is not published";
    assert!(left.stderr.contains(told), "{left:?}");
    assert!(left.stderr.ends_with("; 1 event was too long and left out"), "{left:?}");
    assert_eq!(left.code, Some(1));
}

/// The standard ignores a field that nobody knows, so these were streams without events, and all was well.
#[test]
fn lines_of_text_are_no_event_stream() {
    let hub = support::hub(&["--memory"]);
    for (input, line, text) in [
        ("one\ntwo\n", 1, "one"),
        ("{\"a\":1}\n", 1, "{\"a\":1}"),
        ("retry: 1\n: c\n\nData: x\u{1b}\n\n", 4, "Data: x\\u{1b}"),
    ] {
        let left = run_with_input(&["pub", &url(&hub, "a"), "--event-stream"], input.as_bytes());

        let told = format!(
            "error: 0 events published, then standard input is no event-stream: line {line} is `{text}`, and"
        );
        assert!(left.code == Some(1) && left.stderr.starts_with(&told), "{left:?}");
    }
    for input in ["", "\n", ": c\n\nretry: 1\n\n", "id\n", "data: x\n\nother: y\n\n", "other: y\ndata: x\n\n"]
    {
        let left = run_with_input(&["pub", &url(&hub, "a"), "--event-stream"], input.as_bytes());
        assert_eq!(left.code, Some(0), "{input}: {left:?}");
    }
    assert_eq!(data(&hub, "a"), ["x", "x"]);
}

#[test]
fn a_topic_that_the_hub_does_not_take_ends_the_pipe_at_once() {
    let hub = support::hub(&["--memory"]);

    let left =
        run_with_input(&["pub", &url(&hub, "inbox/a"), "--event-stream"], b"data: one\n\ndata: two\n\n");

    assert_eq!(left.code, Some(1));
    assert!(left.stderr.contains("error: 0 events published, and the next was not"), "{left:?}");
}

#[test]
fn events_of_a_stream_that_are_too_long_together_are_published_in_parts() {
    let answer = |status: &str, body: &str| {
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json");
        (format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()), Then::Cut)
    };
    let too_large = || answer("413 Content Too Large", "");
    let origin =
        Origin::start([too_large(), answer("201 Created", r#"{"published":1,"id":"1"}"#), too_large()]);
    let input = b"id: 1\ndata: one\n\nid: 2\ndata: two\n\n";

    let left = run_with_input(&["pub", &origin.url(), "--event-stream"], input);

    let requests: Vec<_> = (0..3).map(|_| String::from_utf8(origin.request().body).unwrap()).collect();
    let (one, two) = ("id: 1\ndata: one\n\n", "id: 2\ndata: two\n\n");
    assert_eq!(requests, [[one, two].concat(), one.to_owned(), two.to_owned()]);
    assert_eq!(left.code, Some(1));
    let words = "error: 1 event published, the last as 1; 1 event was too long and left out";
    assert!(left.stderr.ends_with(words), "{left:?}");
}
