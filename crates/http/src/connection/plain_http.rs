//! What a client is told that speaks plain HTTP to a port that speaks HTTPS: in plain HTTP, that it should not.

use std::io;

use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::access::cors;
use crate::access::policy::Policy;
use crate::config::Cors;
use crate::connection::linger::linger_unless_asked;
use crate::connection::visit::Visit;
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
        stream.write_all(&refusal(&front.config().cors, port, head.starts_with(b"HEAD "))).await
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

/// The answer, with what every answer has.
fn refusal(cors: &Cors, port: u16, is_head: bool) -> Vec<u8> {
    let text =
        format!("This is plain HTTP, and port {port} speaks HTTPS: write https:// in place of http://.\n");
    let mut response = Response::new(());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
    // Nothing is decided by the headers of the request.
    cors::finish(cors, Policy::PUBLIC, &HeaderMap::new(), &mut response);
    let mut answer = b"HTTP/1.1 400 Bad Request\r\n".to_vec();
    for (name, value) in response.headers() {
        answer.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    answer.extend(b"\r\n");
    if !is_head {
        answer.extend(text.as_bytes());
    }
    answer
}
