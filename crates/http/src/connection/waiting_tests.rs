//! Bodies over HTTP/2 that wait for room, and others beside them on the same connection. A pipe stands for the network, and
//! the clock is paused: it jumps to whatever is due next.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::request;
use http::{Request, Response};
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tokio::io::duplex;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use super::http2;
use crate::config::HttpConfig;
use crate::console::Pages;
use crate::front::Front;
use crate::limits::{HTTP2_ALL_WAITING_BODIES_MAX, HTTP2_WAITING_BODIES_MAX};

const LARGE: usize = 100_000;

/// A request whose answer has not come, and its body.
type Open = (ResponseFuture, SendStream<Bytes>);

/// A hub that has room for one large body and one large page, which is there.
async fn front() -> Front {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    hub.publish(draft("page", &"x".repeat(LARGE))).await.unwrap();
    let config = HttpConfig { bodies_bytes_max: LARGE, answers_bytes_max: 150_000, ..HttpConfig::default() };
    Front::new(hub, config, Pages::default(), clock)
}

/// A client whose streams take nothing of an answer until they are let.
async fn connect(front: &Front) -> SendRequest<Bytes> {
    let (near, far) = duplex(1 << 20);
    let front = front.clone();
    tokio::spawn(async move { http2::serve(&front, &Arc::default(), TaskTracker::new(), near).await });
    let (requests, connection) = Builder::new().handshake(far).await.unwrap();
    tokio::spawn(connection);
    let requests = requests.ready().await.unwrap();
    // Until the settings of the hub have come, a client may ask for too much at once.
    sleep(Duration::from_secs(1)).await;
    requests
}

async fn open(requests: &SendRequest<Bytes>, request: request::Builder, body: usize) -> Open {
    let mut requests = requests.clone().ready().await.unwrap();
    let (answer, mut sender) = requests.send_request(request.body(()).unwrap(), false).unwrap();
    sender.send_data(vec![b'x'; body].into(), false).unwrap();
    (answer, sender)
}

fn post(declared: Option<usize>) -> request::Builder {
    let request = Request::post("https://localhost/events/a");
    match declared {
        Some(bytes) => request.header("content-length", bytes),
        None => request,
    }
}

fn get_page() -> request::Builder {
    Request::get("https://localhost/events/page").header("accept", "application/json")
}

async fn publish_small(requests: &SendRequest<Bytes>) -> u16 {
    let (answer, mut sender) = open(requests, post(Some(16_000)), 15_999).await;
    sender.send_data(Bytes::from_static(b"x"), true).unwrap();
    answer.await.unwrap().status().as_u16()
}

async fn text(answer: Response<RecvStream>) -> String {
    let mut body = answer.into_body();
    let mut text = Vec::new();
    while let Some(data) = body.data().await {
        text.extend_from_slice(&data.unwrap());
    }
    String::from_utf8(text).unwrap()
}

/// All of them waited, and what they had sent filled the window of the connection until they were refused after six seconds.
#[tokio::test(start_paused = true)]
async fn a_small_body_is_published_beside_a_hundred_large_ones_that_find_no_room() {
    for declared in [Some(LARGE), None] {
        let front = front().await;
        let requests = connect(&front).await;
        let first = open(&requests, post(Some(LARGE)), 1).await;
        sleep(Duration::from_millis(10)).await;
        let began = Instant::now();
        let mut large = Vec::new();
        for _ in 0..100 {
            large.push(open(&requests, post(declared), LARGE / 2).await);
        }

        assert_eq!(publish_small(&requests).await, 201);

        assert!(began.elapsed() <= Duration::from_secs(1), "after {:?}, {declared:?}", began.elapsed());
        assert_eq!(refused_at_once(large, began).await, 100 - HTTP2_WAITING_BODIES_MAX, "{declared:?}");
        drop(first);
    }
}

/// How many were refused because others waited already. The others waited until the room was needed no more.
async fn refused_at_once(open: Vec<Open>, began: Instant) -> usize {
    let (answers, _senders): (Vec<_>, Vec<_>) = open.into_iter().unzip();
    let mut answers: FuturesUnordered<_> = answers.into_iter().collect();
    let mut refused = 0;
    while let Some(answer) = answers.next().await {
        let answer = answer.unwrap();
        if began.elapsed() > Duration::from_secs(4) {
            break;
        }
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (503, &"5".parse().unwrap())
        );
        let text = text(answer).await;
        assert!(text.contains("as many others wait for room as may"), "{text}");
        refused += 1;
    }
    refused
}

/// Each connection had its two places, so ten thousand of them made the hub keep 1.3 GB in no budget.
#[tokio::test(start_paused = true)]
async fn only_so_many_bodies_wait_over_all_connections() {
    let front = front().await;
    let number = 2 + HTTP2_ALL_WAITING_BODIES_MAX / HTTP2_WAITING_BODIES_MAX;
    let connections = join_all((0..number).map(|_| connect(&front))).await;
    let _first = open(&connections[0], post(Some(LARGE)), 1).await;
    sleep(Duration::from_millis(10)).await;
    let began = Instant::now();
    let mut large = Vec::new();
    for requests in &connections[1..] {
        for _ in 0..HTTP2_WAITING_BODIES_MAX {
            large.push(open(requests, post(Some(LARGE)), 1).await);
        }
    }

    assert_eq!(refused_at_once(large, began).await, HTTP2_WAITING_BODIES_MAX);
}

#[tokio::test(start_paused = true)]
async fn as_many_large_bodies_as_may_wait_are_published_when_there_is_room() {
    let front = front().await;
    let requests = connect(&front).await;
    let mut first = open(&requests, post(Some(LARGE)), LARGE - 1).await;
    let mut waiting = Vec::new();
    for _ in 0..HTTP2_WAITING_BODIES_MAX {
        waiting.push(open(&requests, post(Some(LARGE)), LARGE - 1).await);
    }
    sleep(Duration::from_secs(1)).await;

    for (answer, sender) in std::iter::once(&mut first).chain(&mut waiting) {
        sender.send_data(Bytes::from_static(b"x"), true).unwrap();
        assert_eq!(answer.await.unwrap().status(), 201);
    }
}

/// Their bodies stayed unread while they waited for room among the answers.
#[tokio::test(start_paused = true)]
async fn a_small_body_is_published_beside_requests_for_pages_that_have_bodies_and_find_no_room() {
    let front = front().await;
    let requests = connect(&front).await;
    let unread = connect(&front).await;
    let (page, mut end) = open(&unread, get_page(), 0).await;
    end.send_data(Bytes::new(), true).unwrap();
    let _page = page.await.unwrap();
    let began = Instant::now();
    let mut pages = Vec::new();
    for _ in 0..100 {
        pages.push(open(&requests, get_page(), LARGE / 2).await);
    }

    assert_eq!(publish_small(&requests).await, 201);

    assert!(began.elapsed() <= Duration::from_secs(1), "after {:?}", began.elapsed());
}
