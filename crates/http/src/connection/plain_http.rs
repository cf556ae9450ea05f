//! What a client is told that speaks plain HTTP to a port that speaks HTTPS: in plain HTTP, that it should not.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::connection::linger::linger;
use crate::front::Front;
use crate::limits::PLAIN_HEAD_BYTES_MAX;

/// Whether a client begins with a letter, as every request of plain HTTP does. A handshake of TLS begins with 22, the type of
/// its record (RFC 8446, 5.1). Nothing is taken from the socket. Cancel safe.
pub(crate) async fn begins(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let read = stream.peek(&mut first).await?;
    Ok(read == 1 && first[0].is_ascii_alphabetic())
}

/// Answers, and closes. A client that does not take the answer in time is dropped.
pub(crate) async fn answer(front: &Front, mut stream: TcpStream) {
    let port = stream.local_addr().map_or(0, |address| address.port());
    let answered = timeout(front.config().head_wait_max, async {
        let head = read_head(&mut stream).await?;
        stream.write_all(&refusal(port, head.starts_with(b"HEAD "))).await
    });
    if let Ok(Ok(())) = answered.await {
        tracing::debug!(port, "a request in plain HTTP came to a port that speaks HTTPS");
        linger(front, stream).await;
    }
}

/// As much of a head as there is, up to a bound.
async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut bounded = stream.take(PLAIN_HEAD_BYTES_MAX as u64);
    while !head.windows(4).any(|four| four == b"\r\n\r\n") && bounded.read_buf(&mut head).await? > 0 {}
    Ok(head)
}

fn refusal(port: u16, is_head: bool) -> Vec<u8> {
    let text =
        format!("This is plain HTTP, and port {port} speaks HTTPS: write https:// in place of http://.\n");
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n\
         cross-origin-resource-policy: same-origin\r\ncache-control: no-store\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        text.len()
    );
    (if is_head { head } else { head + &text }).into_bytes()
}
