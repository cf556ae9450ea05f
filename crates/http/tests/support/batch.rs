//! Requests with a body of `text/event-stream`, and what answers them.

use super::{UNSHARED, problem};

pub(crate) const HEAD: &str =
    "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/event-stream\r\n";

/// A whole batch.
pub(crate) fn batch(more: &str, body: &str) -> String {
    format!("{HEAD}{more}content-length: {}\r\n\r\n{body}", body.len())
}

/// One chunk of an open-ended body.
pub(crate) fn chunk(payload: &str) -> String {
    format!("{:x}\r\n{payload}\r\n", payload.len())
}

/// The answer to a batch.
pub(crate) fn published(count: u64, id: &str) -> String {
    let body = format!("{{\"published\":{count},\"id\":{id}}}\n");
    format!(
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\n{UNSHARED}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The answer to a batch that added nothing to the log.
pub(crate) fn replayed(count: u64, id: &str) -> String {
    published(count, id).replace("application/json\r\n", "application/json\r\nidempotency-replayed: true\r\n")
}

/// The refusal of a batch whose key is that of another one.
pub(crate) fn another_batch_after(count: u64) -> String {
    let detail = "this idempotency key was used for other events; use a new key for a new batch";
    refused_after(count, "422 Unprocessable Entity", "idempotency-key-reused", detail)
}

/// An answer that says that its connection closes, because the body of its request was not read to its end.
pub(crate) fn closing(answer: &str) -> String {
    answer.replacen("content-length", "connection: close\r\ncontent-length", 1)
}

/// A refusal after a number of events.
pub(crate) fn refused_after(count: u64, status: &str, kind: &str, detail: &str) -> String {
    let whole = problem(status, kind, detail);
    let (head, body) = whole.split_once("\r\n\r\n").unwrap();
    let body = body.replace("\"}", &format!("\",\"published\":{count}}}"));
    let head: String = head
        .lines()
        .filter(|line| !line.starts_with("content-length"))
        .fold(String::new(), |head, line| head + line + "\r\n");
    format!("{head}content-length: {}\r\n\r\n{body}", body.len())
}
