//! What a WebSocket costs whose client says nothing: little more than a stream.
//!
//! The allocator of this test binary counts for the whole process.

#![cfg(target_os = "linux")]
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what cannot go wrong here need not be told well"
)]

mod support;

use std::alloc::System;
use std::time::Duration;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::scene::Scene;
use support::websocket::HANDSHAKE;
use tidings_testkit::deadline::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::sleep;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Connections that are counted, and as many before them that have what is made once made.
const COUNTED: usize = 200;

/// Bytes that the issue allows beyond those of a stream.
const MORE_MAX: usize = 1_024;

#[tokio::test]
async fn a_websocket_whose_client_says_nothing_holds_at_most_a_kilobyte_more_than_a_stream() {
    let scene = Scene::start().await;
    // What the first connection starts goes on.
    drop(opened(&scene, HANDSHAKE, b"cursor").await);
    within("its end", async {
        while scene.hub.roster().count() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;

    let stream = bytes_each(&scene, "accept: text/event-stream\r\n", b"event: tidings.open").await;
    let socket = bytes_each(&scene, HANDSHAKE, b"cursor").await;

    println!("{stream} bytes for a stream, {socket} for a WebSocket");
    assert!(socket <= stream + MORE_MAX, "{stream} bytes for a stream, {socket} for a WebSocket");
}

/// Bytes of this process for one more connection, with both its ends.
async fn bytes_each(scene: &Scene, headers: &str, opening: &[u8]) -> usize {
    let mut connections = Vec::with_capacity(2 * COUNTED);
    let before = Handle::current().metrics().num_alive_tasks();
    let mut held = [0; 2];
    for held in &mut held {
        for _ in 0..COUNTED {
            connections.push(opened(scene, headers, opening).await);
        }
        within("the tasks to end", async {
            while Handle::current().metrics().num_alive_tasks() > before {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let stats = ALLOCATOR.stats();
        *held = stats.bytes_allocated - stats.bytes_deallocated;
    }
    (held[1] - held[0]) / COUNTED
}

/// A connection whose opening was read.
async fn opened(scene: &Scene, headers: &str, opening: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(scene.address).await.unwrap();
    let request = format!("GET /events/a HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let (mut bytes, mut length) = ([0; 2_048], 0);
    while !bytes[..length].windows(opening.len()).any(|window| window == opening) {
        length += within("an opening", socket.read(&mut bytes[length..])).await.unwrap();
    }
    socket
}
