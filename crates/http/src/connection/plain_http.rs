//! What a client is told that speaks plain HTTP to a port that speaks HTTPS: in plain HTTP, that it should not.

use std::io;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::answer::body::Body;
use crate::connection::linger::linger_unless_asked;
use crate::connection::visit::Visit;
use crate::connection::written::last_answer;
use crate::front::Front;
use crate::limits::{LINGER_SILENCE_MAX, PLAIN_HEAD_BYTES_MAX};

/// Whether a client begins with a letter, as every request of plain HTTP does. A handshake of TLS begins with 22, the type of
/// its record (RFC 8446, 5.1). Nothing is taken from the socket. Cancel safe.
pub(crate) async fn begins(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let read = stream.peek(&mut first).await?;
    Ok(read == 1 && first[0].is_ascii_alphabetic())
}

/// Answers, and closes. A client that does not take the answer in time is dropped, and so is one that has not asked when the
/// hub ends or others need its place.
pub(crate) async fn answer(front: &Front, visit: &Visit, mut stream: TcpStream) {
    let port = stream.local_addr().map_or(0, |address| address.port());
    let answered = timeout(front.config().head_wait_max, async {
        let head = read_head(&mut stream).await?;
        let answer = front.finish_unread(refusal(port));
        stream.write_all(&last_answer(answer, head.starts_with(b"HEAD ")).await).await
    });
    // Biased: whoever has asked is answered.
    let answered = tokio::select! {
        biased;
        answered = answered => answered,
        () = front.drain().begun() => return,
        () = visit.asked_to_leave() => return,
    };
    if let Ok(Ok(())) = answered {
        tracing::debug!(port, "a request in plain HTTP came to a port that speaks HTTPS");
        linger_unless_asked(front, visit, stream, LINGER_SILENCE_MAX).await;
    }
}

/// As much of a head as there is, up to a bound.
async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut bounded = stream.take(PLAIN_HEAD_BYTES_MAX as u64);
    while !head.windows(4).any(|four| four == b"\r\n\r\n") && bounded.read_buf(&mut head).await? > 0 {}
    Ok(head)
}

fn refusal(port: u16) -> Response<Body> {
    let text =
        format!("This is plain HTTP, and port {port} speaks HTTPS: write https:// in place of http://.\n");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
