//! What the wire tests share: a hub on a port of its own, a connection, and answers that come again and again.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod batch;
pub(crate) mod frames;
pub(crate) mod lanes;
pub(crate) mod meter;
pub(crate) mod scene;
pub(crate) mod tls;
pub(crate) mod tokens;
pub(crate) mod websocket;

/// What every answer of a hub has that allows no other origin.
pub(crate) const UNSHARED: &str =
    "x-content-type-options: nosniff\r\ncross-origin-resource-policy: same-origin\r\n";

/// The answer to a publish that became the event with this number.
pub(crate) fn created(number: u64) -> String {
    let body = format!("{{\"id\":\"1-{number}\"}}\n");
    format!(
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\n{UNSHARED}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A refusal without headers of its own. `status` is the code and the reason.
pub(crate) fn problem(status: &str, kind: &str, detail: &str) -> String {
    problem_with(status, kind, detail, "")
}

/// A refusal with more lines in the head.
pub(crate) fn problem_with(status: &str, kind: &str, detail: &str, headers: &str) -> String {
    let (code, title) = status.split_once(' ').unwrap();
    let detail = detail.replace('\\', "\\\\").replace('"', "\\\"");
    let body = format!(
        "{{\"type\":\"urn:tidings:problem:{kind}\",\"title\":\"{title}\",\"status\":{code},\"detail\":\"{detail}\"}}\n"
    );
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\n{headers}{UNSHARED}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The head of every stream over HTTP/1.1, with more lines in it.
pub(crate) fn stream_head(headers: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\n\
         content-type: text/event-stream\r\n\
         cache-control: no-cache, no-store, no-transform\r\n\
         x-accel-buffering: no\r\n\
         incremental: ?1\r\n\
         {headers}{UNSHARED}transfer-encoding: chunked\r\n\
         \r\n"
    )
}

/// The first lines of every stream. They belong to the block that follows.
pub(crate) const OPENING_LINES: &str = ": heartbeat 15000\nretry: 3000\n";

/// The opening of a stream that stands after the event with this number, the last of the log, while the clock stands at one
/// hour.
pub(crate) fn opening(number: u64) -> String {
    opening_at(number, "01:00:00")
}

/// What stands in place of the id of a connection, which is another one for each.
pub(crate) const CONNECTION: &str = "0000000000000";

/// The same, at another time of the day.
pub(crate) fn opening_at(number: u64, time: &str) -> String {
    format!(
        "{OPENING_LINES}event: tidings.open\nid: 1-{number}\n\
         data: {{\"cursor\":\"1-{number}\",\"heartbeat_ms\":15000,\"time\":\"1970-01-01T{time}.000Z\",\"connection\":\"{CONNECTION}\"}}\n\n"
    )
}

/// A text that begins with an opening, whose `retry` is given as the least of what it may be, and the id of its connection as
/// zeros: each stream has others.
pub(crate) fn unspread(text: &str) -> String {
    let text = &without_id(text);
    let Some((before, rest)) = text.split_once("retry: ") else { return text.to_owned() };
    let (retry, rest) = rest.split_once('\n').unwrap();
    let retry: u64 = retry.parse().unwrap();
    assert!((3_000..=6_000).contains(&retry), "{text:?}");
    format!("{before}retry: 3000\n{rest}")
}

/// A text with zeros in place of the id of a connection.
pub(crate) fn without_id(text: &str) -> String {
    let Some((before, rest)) = text.split_once("\"connection\":\"") else { return text.to_owned() };
    let (id, rest) = rest.split_at(CONNECTION.len());
    // A text may come here twice.
    assert!(id == CONNECTION || id.parse::<tidings_core::ConnectionId>().is_ok(), "{text:?}");
    format!("{before}\"connection\":\"{CONNECTION}{rest}")
}

/// Reads the opening of a stream of HTTP/2.
pub(crate) async fn expect_opening(stream: &mut tidings_testkit::http2::Stream, opening: &str) {
    assert_eq!(unspread(&stream.take(opening.len()).await), opening);
}
