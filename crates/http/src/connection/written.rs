//! An answer that the hub writes to a connection by itself, because hyper has it no more or never had it.

use std::io;
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Response};
use http_body_util::BodyExt;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::answer::body::Body;

/// An answer in bytes: the last one of its connection. To a HEAD it has no content.
pub(crate) async fn last_answer(answer: Response<Body>, is_head: bool) -> Vec<u8> {
    let (mut parts, body) = answer.into_parts();
    let content = body.collect().await.unwrap_or_else(|never| match never {}).to_bytes();
    parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(content.len()));
    let reason = parts.status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", parts.status.as_u16()).into_bytes();
    for (name, value) in &parts.headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    if !is_head {
        bytes.extend(content);
    }
    bytes
}

/// Writes all of it, to a peer that takes it within the wait.
pub(crate) async fn write_within<S>(wait: Duration, stream: &mut S, bytes: &[u8]) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    let write = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    timeout(wait, write).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
