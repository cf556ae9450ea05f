//! The room that large heads of HTTP/1 share. A pipe stands for the network, and the clock is paused.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::head_share::HeadShare;
use super::http1::until_parked;
use super::visit::Visit;
use crate::config::HttpConfig;
use crate::console::Pages;
use crate::front::Front;
use crate::limits::{FIRST_REQUEST_GRACE, HEAD_FREE_BYTES, HEADS_BYTES_MAX};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn front() -> Front {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    Front::new(hub, HttpConfig::default(), Pages::default(), clock)
}

/// The client's end of a connection.
fn connect(front: &Front) -> DuplexStream {
    visit(front, &Arc::default()).0
}

/// The same of this visit, with the task that serves it.
fn visit(front: &Front, visit: &Arc<Visit>) -> (DuplexStream, JoinHandle<()>) {
    let (pipe, client) = duplex(1_048_576);
    let (front, visit) = (front.clone(), visit.clone());
    let served = tokio::spawn(async move {
        let _ = until_parked(&front, &visit, pipe).await;
    });
    (client, served)
}

/// Sends it, and gives the hub time to look at it.
async fn send(client: &mut DuplexStream, bytes: &str) {
    client.write_all(bytes.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(10)).await;
}

/// So many bytes of a head: its request line, and a header that may go on.
fn head_of(request_line: &str, bytes: usize) -> String {
    let begin = format!("{request_line} HTTP/1.1\r\nhost: localhost\r\na: ");
    begin.clone() + &"x".repeat(bytes - begin.len())
}

fn used(front: &Front) -> usize {
    front.budgets().heads.used()
}

/// What the hub says until it ends the connection.
async fn rest(client: &mut DuplexStream) -> String {
    let mut said = Vec::new();
    client.read_to_end(&mut said).await.unwrap();
    String::from_utf8(said).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_head_takes_room_for_what_it_has_beyond_its_first_bytes_until_its_request_is_answered() {
    let front = front().await;
    let mut client = connect(&front);

    for request in 1..=2 {
        send(&mut client, &head_of("GET /healthz", HEAD_FREE_BYTES)).await;
        assert_eq!(used(&front), 0, "request {request}");
        send(&mut client, &"x".repeat(10_000)).await;
        assert_eq!(used(&front), 10_000, "request {request}");
        send(&mut client, &"x".repeat(10_000)).await;
        assert_eq!(used(&front), 20_000, "request {request}");
        send(&mut client, "\r\n\r\n").await;
        assert_eq!(used(&front), 0, "request {request}");
    }
    // Of the next head much less than of those before.
    send(&mut client, &head_of("GET /healthz", HEAD_FREE_BYTES + 1)).await;
    assert_eq!(used(&front), 1);
}

/// A request keeps its head for as long.
#[tokio::test(start_paused = true)]
async fn a_head_whose_body_does_not_come_keeps_its_room() {
    let front = front().await;
    let mut client = connect(&front);
    let head = head_of("POST /events/a", HEAD_FREE_BYTES + 5_000);

    send(&mut client, &head).await;
    send(&mut client, "\r\ncontent-length: 2\r\n\r\n1").await;
    assert_eq!(used(&front), 5_000);
    send(&mut client, "2").await;

    assert_eq!(used(&front), 0);
    let mut answer = [0; 12];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 201");
}

#[tokio::test(start_paused = true)]
async fn what_a_connection_has_taken_is_given_back_when_its_client_leaves() {
    let front = front().await;
    let mut client = connect(&front);
    send(&mut client, &head_of("GET /healthz", 50_000)).await;
    assert_eq!(used(&front), 50_000 - HEAD_FREE_BYTES);

    drop(client);
    sleep(Duration::from_millis(10)).await;

    assert_eq!(used(&front), 0);
}

/// 4,096 connections of the lobby could hold 256 MiB for more than a minute.
#[tokio::test(start_paused = true)]
async fn a_head_for_which_there_is_no_room_is_refused_and_ordinary_ones_are_answered() {
    let front = front().await;
    let taken = front.budgets().heads.try_take(HEADS_BYTES_MAX - 1_000).unwrap();
    let mut fits = connect(&front);
    send(&mut fits, &head_of("GET /healthz", HEAD_FREE_BYTES + 900)).await;
    assert_eq!(used(&front), HEADS_BYTES_MAX - 100);

    for (method, has_content) in [("GET", true), ("HEAD", false)] {
        let mut client = connect(&front);
        send(&mut client, &head_of(&format!("{method} /healthz"), HEAD_FREE_BYTES + 101)).await;
        // The share of one that is refused is free while its answer is read.
        assert_eq!(used(&front), HEADS_BYTES_MAX - 100);
        let said = rest(&mut client).await;
        let (head, content) = said.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
        for line in ["retry-after: 5", "connection: close", "x-content-type-options: nosniff"] {
            assert!(head.lines().any(|found| found == line), "{line} is not in {head}");
        }
        assert_eq!(content.contains("urn:tidings:problem:heads-full"), has_content, "{said}");
    }
    let mut ordinary = connect(&front);
    send(&mut ordinary, HEALTH).await;
    let mut answer = [0; 12];
    ordinary.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");

    drop(taken);
    let mut later = connect(&front);
    send(&mut later, &(head_of("GET /healthz", 30_000) + "\r\n\r\n")).await;
    later.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

/// It may still be sending, and its system forgets the answer if the connection is closed meanwhile.
#[tokio::test(start_paused = true)]
async fn a_client_whose_head_had_no_room_has_a_moment_to_read_that_also_when_others_need_its_place() {
    let front = front().await;
    let _taken = front.budgets().heads.try_take(HEADS_BYTES_MAX).unwrap();
    let place = Arc::new(Visit::default());
    let (mut client, served) = visit(&front, &place);
    send(&mut client, &head_of("GET /healthz", 2 * HEAD_FREE_BYTES)).await;
    assert!(rest(&mut client).await.starts_with("HTTP/1.1 503 "));

    place.ask_to_leave();
    sleep(FIRST_REQUEST_GRACE / 2).await;

    assert!(!served.is_finished());
}

/// hyper refuses it, and has not read more.
#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_large_takes_no_more_than_the_largest_may() {
    let front = front().await;
    let head_bytes_max = front.config().head_bytes_max;
    let taken = front.budgets().heads.try_take(HEADS_BYTES_MAX - (head_bytes_max - HEAD_FREE_BYTES));
    let mut client = connect(&front);

    send(&mut client, &head_of("GET /healthz", 500_000)).await;

    let said = rest(&mut client).await;
    assert!(said.starts_with("HTTP/1.1 431 "), "{said}");
    drop(taken);
}

/// It had the idle time, 75 s, and took no room.
#[tokio::test(start_paused = true)]
async fn half_a_head_that_comes_with_the_request_before_it_has_the_time_and_the_room_of_a_head() {
    let front = front().await;
    let mut client = connect(&front);
    let began = Instant::now();

    send(&mut client, &(HEALTH.to_owned() + "GET /heal")).await;
    let said = rest(&mut client).await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    assert_eq!(began.elapsed().as_secs(), front.config().head_wait_max.as_secs());

    // It comes with the end of the body, while the request is open.
    let (mut client, began) = (connect(&front), Instant::now());
    send(&mut client, "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\n").await;
    send(&mut client, "xGET /heal").await;
    let said = rest(&mut client).await;
    assert!(said.starts_with("HTTP/1.1 201 "), "{said}");
    assert_eq!(began.elapsed().as_secs(), front.config().head_wait_max.as_secs());

    let mut client = connect(&front);
    let body = "x".repeat(60_000);
    let publish =
        format!("POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    send(&mut client, &(publish + &body + &head_of("GET /healthz", HEAD_FREE_BYTES + 3_000))).await;
    assert_eq!(used(&front), 3_000);
}

#[tokio::test]
async fn a_share_follows_its_head_down_and_is_never_larger_than_that_of_the_largest_head() {
    let front = front().await;
    let largest = front.config().head_bytes_max - HEAD_FREE_BYTES;
    let mut share = HeadShare::new(&front);

    for (head_bytes, taken) in
        [(u64::MAX, largest), (20_000, 20_000 - HEAD_FREE_BYTES), (30_000, 30_000 - HEAD_FREE_BYTES), (0, 0)]
    {
        assert!(share.holds(head_bytes));
        assert_eq!(used(&front), taken, "{head_bytes} bytes");
    }
}
