//! What a client is told that comes beyond the limit of connections.
//!
//! A browser's `EventSource` gives up for good on any status but 200, so it is let in, told when to come back, and
//! sent away. Any other client gets 503.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::connection::linger::linger;
use crate::limits::{REFUSAL_LOOK_BYTES_MAX, REFUSAL_WAIT_MAX};
use crate::tls::Tls;

/// Answers with one refusal, and closes. A client that does not take the answer in time is dropped.
pub(crate) async fn refuse(stream: TcpStream, tls: Option<&Tls>, retry: Duration) {
    let Some(tls) = tls else { return answer(stream, retry).await };
    if let Ok(Ok(stream)) = timeout(REFUSAL_WAIT_MAX, tls.accept_http_1(stream)).await {
        answer(stream, retry).await;
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, retry: Duration) {
    let asked = timeout(REFUSAL_WAIT_MAX, wants_events(&mut stream)).await;
    let answer = match asked {
        Ok(true) => come_back(retry),
        Ok(false) | Err(_) => crowded(),
    };
    let sent = async {
        stream.write_all(&answer).await?;
        stream.flush().await
    };
    if let Ok(Ok(())) = timeout(REFUSAL_WAIT_MAX, sent).await {
        linger(stream).await;
    }
}

/// Reads a request's head as far as it must.
async fn wants_events<S: AsyncRead + Unpin>(stream: &mut S) -> bool {
    let mut head = Vec::with_capacity(REFUSAL_LOOK_BYTES_MAX);
    while head.len() < REFUSAL_LOOK_BYTES_MAX && !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    head.starts_with(b"GET ")
        && head.to_ascii_lowercase().windows(17).any(|part| part == b"text/event-stream")
}

fn come_back(retry: Duration) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n\
                access-control-allow-origin: *\r\nconnection: close\r\n\r\n";
    format!("{head}retry: {}\n\n", retry.as_millis()).into_bytes()
}

fn crowded() -> Vec<u8> {
    let body = Problem::new(ProblemType::TooManyConnections, "try again in a few seconds").into_text();
    let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 5\r\n\
                connection: close\r\ncontent-length:";
    format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes()
}
