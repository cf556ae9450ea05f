//! What subscribers cost: delivering to more of them allocates no more, and those that do not read hold little.
//!
//! The allocator of this test binary counts for the whole process, so its tests run one after another.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot go wrong here need not be told well"
)]

mod support;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Stats, StatsAlloc};
use support::scene::Scene;
use tidings_core::Limits;
use tidings_core::memory::MemoryRetention;
use tidings_testkit::deadline::{until, within};
use tidings_testkit::wire::Wire;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Mutex;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Held by the test that counts.
static COUNTING: Mutex<()> = Mutex::const_new(());

/// Events that are published while allocations are counted.
const EVENTS: usize = 200;

#[tokio::test]
async fn delivering_to_a_hundred_subscribers_allocates_no_more_than_delivering_to_one() {
    let _alone = COUNTING.lock().await;

    let one = allocations_of_delivery(1).await;
    let hundred = allocations_of_delivery(100).await;

    println!("{EVENTS} events: {one} allocations with one subscriber, {hundred} with a hundred");
    // What is shared by all varies by a wake here and there. One allocation for each delivery would be 19,800 more.
    assert!(
        hundred <= one + 5 * EVENTS,
        "{EVENTS} events took {one} allocations with one subscriber, and {hundred} with a hundred"
    );
}

/// Allocations of the whole process while events are published one after another, and each of the subscribers hears
/// each of them.
async fn allocations_of_delivery(subscribers: usize) -> usize {
    let scene = Scene::start().await;
    let mut sockets = Vec::new();
    for _ in 0..subscribers {
        sockets.push(subscribed(&scene).await);
    }
    // The first event makes what is made once.
    publish_and_hear(&scene, &mut sockets, 1).await;

    let before = ALLOCATOR.stats();
    for number in 2..2 + EVENTS {
        publish_and_hear(&scene, &mut sockets, number).await;
    }
    (ALLOCATOR.stats() - before).allocations
}

/// Publishes an event, and reads it from every socket without allocating.
async fn publish_and_hear(scene: &Scene, sockets: &mut [TcpStream], number: usize) {
    scene.publish("a", &["0123456789"]).await;
    let mut chunk = [0; 64];
    // `1a`, or one digit more of the size, and so on: the id grows with the number.
    let length = format!("1a\r\nid: 1-{number}\ndata: 0123456789\n\n\r\n").len();
    for socket in sockets {
        within("an event", socket.read_exact(&mut chunk[..length])).await.unwrap();
        assert!(chunk[..length].ends_with(b"data: 0123456789\n\n\r\n"));
    }
}

#[tokio::test]
async fn subscribers_that_do_not_read_hold_no_more_than_the_bounds_say() {
    let _alone = COUNTING.lock().await;
    let mut limits = Limits::default();
    limits.window_bytes_max = 1_048_576;
    limits.page_bytes_max = 65_536;
    limits.pages_max = 4;
    let retention = MemoryRetention { bytes_max: 1_048_576, ..MemoryRetention::default() };
    let scene = Scene::keeping(retention, limits).await;
    let mut stalled = Vec::new();
    for _ in 0..200 {
        stalled.push(subscribed(&scene).await);
    }
    let mut reading = Wire::over(subscribed(&scene).await);
    let text = "x".repeat(100_000);
    let before = live_bytes(ALLOCATOR.stats());

    let mut largest = before;
    for number in 1..=400 {
        scene.publish("a", &[&text]).await;
        reading.take_through(&format!("id: 1-{number}\n")).await;
        largest = largest.max(live_bytes(ALLOCATOR.stats()));
    }

    // Log and window hold a megabyte each, pages a quarter. All events would be 40 MB, and one for each of the stalled
    // 20 MB.
    let held = largest - before;
    println!("{held} bytes held at most");
    assert!(held <= 8_388_608, "40 MB for 200 readers that do not read were held in {held} bytes");
    assert_eq!(scene.hub.roster().count(), 201, "nobody was cut off for being slow");
    drop(stalled);
    until("the stalled ones to be forgotten", || scene.hub.roster().count() == 1).await;
}

#[tokio::test]
async fn subscribers_at_places_of_their_own_share_the_large_event_that_they_do_not_read() {
    let _alone = COUNTING.lock().await;
    let scene = Scene::start().await;
    let mut sockets = Vec::new();
    for _ in 0..50 {
        sockets.push(subscribed(&scene).await);
    }
    let text = "x".repeat(1_000_000);
    scene.publish("a", &[&text]).await;
    scene.publish("a", &[&text]).await;
    let before = live_bytes(ALLOCATOR.stats());

    // Each takes the first event whole, so the lane goes on with the second for it alone.
    let mut chunk = vec![0; "f424f\r\nid: 1-1\ndata: \n\n\r\n".len() + text.len()];
    for socket in &mut sockets {
        within("the first event", socket.read_exact(&mut chunk)).await.unwrap();
        assert!(chunk.ends_with(b"x\n\n\r\n"));
        within("the second event", socket.read_exact(&mut chunk[..100])).await.unwrap();
    }

    let held = live_bytes(ALLOCATOR.stats()).saturating_sub(before);
    println!("{held} bytes held");
    assert!(held <= 4_194_304, "50 readers of one event of 1 MB hold {held} bytes");
}

#[tokio::test]
async fn subscribers_that_resume_from_the_store_share_the_large_event_that_they_do_not_read() {
    let _alone = COUNTING.lock().await;
    let mut limits = Limits::default();
    limits.window_bytes_max = 1_048_576;
    let scene = Scene::keeping(MemoryRetention::default(), limits).await;
    let text = "x".repeat(1_000_000);
    scene.publish("a", &[text.as_str(); 4]).await;
    let before = live_bytes(ALLOCATOR.stats());

    let mut stalled = Vec::new();
    for _ in 0..30 {
        let mut socket = subscribed_to(&scene, 1).await;
        within("an event that the window has not", socket.read_exact(&mut [0; 100])).await.unwrap();
        stalled.push(socket);
    }

    let held = live_bytes(ALLOCATOR.stats()).saturating_sub(before);
    println!("{held} bytes held");
    assert!(held <= 6_291_456, "30 readers of one event of 1 MB hold {held} bytes");
}

#[tokio::test]
async fn large_events_that_are_not_read_are_kept_within_a_bound() {
    let _alone = COUNTING.lock().await;
    let mut limits = Limits::default();
    limits.window_bytes_max = 1_048_576;
    let retention = MemoryRetention { bytes_max: 1_048_576, ..MemoryRetention::default() };
    let scene = Scene::keeping_with(retention, limits, |config| config.unread_bytes_max = 4_500_000).await;
    let text = "x".repeat(1_000_000);
    let (mut stalled, mut reading) = (Vec::new(), Wire::over(subscribed(&scene).await));
    let before = live_bytes(ALLOCATOR.stats());

    for number in 1..=30 {
        // Each stalls in an event of its own.
        stalled.push(subscribed_to(&scene, number - 1).await);
        scene.publish("a", &[&text]).await;
        reading.take_through(&format!("id: 1-{number}\n")).await;
        let mut first = [0; 100];
        within("an event", stalled[number - 1].read_exact(&mut first)).await.unwrap();
    }

    // Log, window and reader have a megabyte or two each, and four events are kept.
    until("the others to be ended", || scene.hub.roster().count() <= 1 + 4).await;
    let held = live_bytes(ALLOCATOR.stats()).saturating_sub(before);
    println!("{held} bytes held");
    assert!(held <= 12_582_912, "30 readers in 30 events of 1 MB hold {held} bytes");
    assert!(scene.hub.roster().count() >= 4, "more were ended than had to be");
}

/// Bytes that are allocated and not freed.
fn live_bytes(stats: Stats) -> usize {
    stats.bytes_allocated - stats.bytes_deallocated
}

/// A socket whose stream has begun. The system takes little for it, so that it stalls soon when it is not read.
async fn subscribed(scene: &Scene) -> TcpStream {
    subscribed_to(scene, 0).await
}

/// The same, after this event.
async fn subscribed_to(scene: &Scene, after: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(scene.address).await.unwrap();
    let resumed = if after == 0 { String::new() } else { format!("last-event-id: 1-{after}\r\n") };
    let request = format!("GET /events/a HTTP/1.1\r\nhost: localhost\r\n{resumed}\r\n");
    within("a place for a request", stream.write_all(request.as_bytes())).await.unwrap();
    let opening = async {
        let mut said = Vec::new();
        while !said.ends_with(b"\n\r\n") || !said.windows(7).any(|seven| seven == b"retry: ") {
            said.push(stream.read_u8().await.unwrap());
        }
    };
    within("the opening of a stream", opening).await;
    stream
}
