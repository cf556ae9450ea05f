//! Connections without a request: for how long they may be, and when others get their places. A pipe stands for the network,
//! and the clock is paused: it jumps to whatever is due next.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::SendStream;
use h2::client::{Builder, ResponseFuture, SendRequest};
use http::Request;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::http1::until_parked;
use super::http2;
use super::visit::Visit;
use crate::config::HttpConfig;
use crate::console::Pages;
use crate::front::Front;
use crate::limits::{FIRST_REQUEST_GRACE, LINGER_SILENCE_MAX};

const ASK: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A moment, in which a connection does what it has to do.
const MOMENT: Duration = Duration::from_millis(10);

async fn front() -> Front {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    Front::new(hub, HttpConfig::default(), Pages::default(), clock)
}

/// A client of HTTP/2, and a task that ends with its connection.
async fn http_2(visit: &Arc<Visit>) -> (SendRequest<Bytes>, JoinHandle<()>) {
    let (front, visit) = (front().await, visit.clone());
    let (near, far) = duplex(1 << 20);
    let served = tokio::spawn(async move {
        let _ = http2::serve(&front, &visit, TaskTracker::new(), near).await;
    });
    let (requests, connection) = Builder::new().handshake(far).await.unwrap();
    tokio::spawn(connection);
    (requests.ready().await.unwrap(), served)
}

async fn publish(requests: &SendRequest<Bytes>, length: usize) -> (ResponseFuture, SendStream<Bytes>) {
    let request = Request::post("https://localhost/events/a").header("content-length", length);
    let mut requests = requests.clone().ready().await.unwrap();
    requests.send_request(request.body(()).unwrap(), false).unwrap()
}

/// Sends this many bytes, at a rate that the hub allows.
async fn send_steadily(body: &mut SendStream<Bytes>, bytes: usize, is_all: bool) {
    let (mut left, step) = (bytes, 1_200);
    while left > 0 {
        let piece = left.min(step);
        left -= piece;
        body.send_data(vec![b'x'; piece].into(), is_all && left == 0).unwrap();
        sleep(Duration::from_secs(1)).await;
    }
}

/// Its time ran from one look at the connection to the next, so it was up to twice as long, or next to nothing.
#[tokio::test(start_paused = true)]
async fn a_connection_of_http_2_may_be_idle_for_seventy_five_seconds_after_its_last_answer() {
    for (begins, seconds) in [(1, 1), (9, 75)] {
        let (requests, served) = http_2(&Arc::default()).await;
        sleep(Duration::from_secs(begins)).await;
        let length = 1_200 * seconds;
        let (answer, mut body) = publish(&requests, length).await;
        send_steadily(&mut body, length, true).await;
        assert_eq!(answer.await.unwrap().status(), 201);
        // The last step of the body has a second behind it.
        let began = Instant::now() - Duration::from_secs(1);

        served.await.unwrap();

        let idle = began.elapsed();
        assert!((75..=76).contains(&idle.as_secs()), "{idle:?} after {seconds} s of a body");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_thrown_away_over_http_2_keeps_no_place_from_others_for_long() {
    for is_asked in [false, true] {
        let visit = Arc::new(Visit::default());
        let (requests, served) = http_2(&visit).await;
        let (answer, mut body) = publish(&requests, 5 * 1_048_576).await;
        assert_eq!(answer.await.unwrap().status(), 413);
        send_steadily(&mut body, 1_200, false).await;
        assert!(!visit.is_at_rest());

        send_steadily(&mut body, 1_200 * LINGER_SILENCE_MAX.as_secs() as usize, false).await;
        assert!(visit.is_at_rest());
        if is_asked {
            visit.ask_to_leave();
            assert!(timeout(Duration::from_secs(5), served).await.is_ok(), "it does not leave");
        } else {
            // Longer than a connection may be idle.
            send_steadily(&mut body, 1_200 * 200, false).await;
            assert!(!served.is_finished(), "a body was cut that comes steadily");
        }
    }
}

async fn http_1(visit: &Arc<Visit>) -> DuplexStream {
    let (front, visit) = (front().await, visit.clone());
    let (near, far) = duplex(65_536);
    tokio::spawn(async move {
        let _ = until_parked(&front, &visit, near).await;
    });
    far
}

async fn is_answered(client: &mut DuplexStream) -> bool {
    let mut said = [0; 1_024];
    let read = client.read(&mut said).await.unwrap();
    said[..read].starts_with(b"HTTP/1.1 200 OK\r\n")
}

#[tokio::test(start_paused = true)]
async fn a_client_in_the_middle_of_its_head_has_a_moment_for_the_rest() {
    let visit = Arc::new(Visit::default());
    let mut client = http_1(&visit).await;
    client.write_all(ASK.as_bytes()).await.unwrap();
    assert!(is_answered(&mut client).await);
    sleep(2 * FIRST_REQUEST_GRACE).await;

    // Both are seen at once.
    client.write_all(&ASK.as_bytes()[..5]).await.unwrap();
    visit.ask_to_leave();
    sleep(FIRST_REQUEST_GRACE - MOMENT).await;
    client.write_all(&ASK.as_bytes()[5..]).await.unwrap();
    assert!(is_answered(&mut client).await, "it was closed in the middle of its head");

    client.write_all(&ASK.as_bytes()[..5]).await.unwrap();
    sleep(FIRST_REQUEST_GRACE + MOMENT).await;
    visit.ask_to_leave();
    assert_eq!(client.read(&mut [0; 16]).await.unwrap(), 0);
}
