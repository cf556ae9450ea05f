//! What must hold of any bytes that come as a request: hyper reads them, the front answers, and neither panics. The
//! fuzz target calls this with bytes of its own, the corpus test with those that are kept.
//!
//! The clock is paused, so that waiting for an answer that does not come takes no time.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tidings_http::{Cors, Front, Hosts, HttpConfig, Pages};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Bytes that the connection holds in each direction. A longer input is cut.
const BYTES_MAX: usize = 65_536;

/// The first byte chooses settings, the rest is what the client sends.
pub(crate) fn check(bytes: &[u8]) {
    let Some((choice, request)) = bytes.split_first() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let said = runtime.expect("a runtime can be built").block_on(answer(*choice, request));
    if !said.is_empty() {
        check_answer(&said);
    }
}

/// What a front says to these bytes, as far as it comes in no time.
async fn answer(choice: u8, request: &[u8]) -> Vec<u8> {
    let front = front(choice).await;
    let (client, server) = tokio::io::duplex(BYTES_MAX);
    let service = service_fn(async |request| Ok::<_, Infallible>(front.handle(request).await));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(server), service);
    // Not biased: both go on until nothing more comes. A connection that ends with an error has said why, or nothing.
    let (said, _) = tokio::join!(talk(client, request), connection);
    said
}

async fn front(choice: u8) -> Front {
    let clock = ManualClock::at(3_600_000);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.expect("a hub in memory starts");
    let mut config = HttpConfig::default();
    if choice & 1 != 0 {
        config.hosts = Hosts::LoopbackAnd(vec!["hub.example".parse().expect("a host")]);
    }
    if choice & 2 != 0 {
        config.publish_key = Some("key".to_owned());
    }
    if choice & 4 != 0 {
        config.cors = Cors::Any;
    }
    Front::new(hub, config, Pages::default(), clock)
}

/// Sends, reads until nothing has come for a second, and goes away.
async fn talk(mut client: DuplexStream, request: &[u8]) -> Vec<u8> {
    let request = &request[..request.len().min(BYTES_MAX)];
    // A server that refuses may close before it has read everything.
    let _ = client.write_all(request).await;
    let mut said = Vec::new();
    while let Ok(Ok(1..)) = tokio::time::timeout(Duration::from_secs(1), client.read_buf(&mut said)).await {}
    said
}

/// The first answer is complete up to its body, it is one that the hub means to give, and nothing of the request has
/// become a line of its own in it.
fn check_answer(said: &[u8]) {
    let end = said.windows(4).position(|found| found == b"\r\n\r\n").expect("a head that ends");
    let head = std::str::from_utf8(&said[..end]).expect("a head is text");
    let body = &said[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next().expect("split yields one");
    let (version, status) = status.split_once(' ').expect("a status line");
    assert!(version == "HTTP/1.1" || version == "HTTP/1.0", "{head:?}");
    let code: u16 = status.get(..3).and_then(|code| code.parse().ok()).expect("a status of three digits");
    assert!((100..=599).contains(&code) && code != 500, "{head:?}");
    let headers: Vec<_> = lines.map(|line| line.split_once(": ").expect("a header")).collect();
    let header = |name: &str| headers.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);

    match header("content-type") {
        Some("application/problem+json") => {
            let length = header("content-length").expect("a problem has a length");
            // HEAD has no body.
            if !body.is_empty() {
                let body = &body[..length.parse().expect("a length is a number")];
                let problem: serde_json::Value = serde_json::from_slice(body).expect("a problem is JSON");
                assert_eq!(problem["status"], code, "{problem}");
            }
        }
        Some("text/event-stream") if header("transfer-encoding").is_some() && !body.is_empty() => {
            let chunk = body.split(|byte| *byte == b'\r').nth(1).expect("a chunk after its size");
            let blocks = std::str::from_utf8(&chunk[1..]).expect("a stream is text");
            assert!(blocks.split('\n').all(is_line_of_ours), "{blocks:?}");
        }
        _ => {}
    }
}

/// Whether a stream of a hub without events may have this line.
fn is_line_of_ours(line: &str) -> bool {
    let starts = [": heartbeat ", "id: 1-", "retry: ", "data: {\"requested\":", "data: {\"cursor\":\"1-0\""];
    line.is_empty()
        || line == "event: tidings.gap"
        || line == "event: tidings.open"
        || starts.iter().any(|start| line.starts_with(start))
}
