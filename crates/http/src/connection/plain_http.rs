//! What a client is told that speaks plain HTTP to a port that speaks HTTPS: in plain HTTP, that it should not.

use std::io;

use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use memchr::memmem;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::answer::body::Body;
use crate::connection::linger::linger_unless_asked;
use crate::connection::visit::Visit;
use crate::connection::written::{last_answer, write_within};
use crate::front::Front;
use crate::limits::{LINGER_SILENCE_MAX, PLAIN_HEAD_BYTES_MAX};

/// Whether a client begins with a letter or an empty line, as every request of plain HTTP does. A handshake of TLS begins with
/// 22, the type of its record (RFC 8446, 5.1). Nothing is taken from the socket. Cancel safe.
pub(crate) async fn begins(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let read = stream.peek(&mut first).await?;
    Ok(read == 1 && matches!(first[0], b'a'..=b'z' | b'A'..=b'Z' | b'\r' | b'\n'))
}

/// Answers, and closes. A client that does not take the answer in time is dropped.
pub(crate) async fn answer(front: &Front, visit: &Visit, mut stream: TcpStream) {
    let port = stream.local_addr().map_or(0, |address| address.port());
    let head = read_head(front, visit, &mut stream).await;
    let head = head.trim_ascii_start();
    let answer = front.finish_unrouted(&origins(head), refusal(port));
    let answer = last_answer(answer, head.starts_with(b"HEAD ")).await;
    if write_within(front.config().head_wait_max, &mut stream, &answer).await.is_ok() {
        tracing::debug!(port, "a request in plain HTTP came to a port that speaks HTTPS");
        linger_unless_asked(front, visit, stream, LINGER_SILENCE_MAX).await;
    }
}

/// As much of a head as comes, up to a bound, until the hub ends or others need the place. A part is enough to be answered.
async fn read_head(front: &Front, visit: &Visit, stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut bounded = stream.take(PLAIN_HEAD_BYTES_MAX as u64);
    let read = async { while !is_whole(&head) && matches!(bounded.read_buf(&mut head).await, Ok(1..)) {} };
    // Biased: what has come is read.
    tokio::select! {
        biased;
        _ = timeout(front.config().head_wait_max, read) => {}
        () = front.drain().begun() => {}
        () = visit.asked_to_leave() => {}
    }
    head
}

/// Whether nothing more of a head is to come: its empty line is there, whichever line ends it has, or it is one line without a
/// version, as of HTTP/0.9 or of another protocol.
fn is_whole(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    let Some(end) = memchr::memchr(b'\n', head) else { return false };
    let has_version = memmem::find(&head[..end], b"HTTP/").is_some();
    !has_version || memmem::find(head, b"\n\n").is_some() || memmem::find(head, b"\n\r\n").is_some()
}

/// The lines of a head that say for which page it is sent.
fn origins(head: &[u8]) -> HeaderMap {
    let values = head.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let is_origin = line[..colon].eq_ignore_ascii_case(ORIGIN.as_str().as_bytes());
        is_origin.then(|| HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()).flatten()
    });
    values.map(|value| (ORIGIN, value)).collect()
}

fn refusal(port: u16) -> Response<Body> {
    let text =
        format!("This is plain HTTP, and port {port} speaks HTTPS: write https:// in place of http://.\n");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
