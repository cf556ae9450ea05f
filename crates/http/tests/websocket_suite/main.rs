//! The cases of the public suite for WebSocket, [Autobahn](https://github.com/crossbario/autobahn-testsuite) 25.10.1, by its numbers.
//!
//! The suite itself runs on Python 2 alone, and it tests servers that echo. Ours does not, but a hub to which a socket publishes what
//! it also reads is one: see `case`. Its cases of binary messages end with 1003 here, since a message is text.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot go wrong here need not be told well"
)]

mod case;
mod closing;
mod compression;
mod fragments;
mod framing;
mod sizes;
#[path = "../support/mod.rs"]
mod support;
mod utf8;

use case::Case;
use support::scene::Scene;
use tidings_core::Limits;
use tidings_http::HttpConfig;

/// A hub that takes the largest messages of the suite.
async fn scene() -> Scene {
    let mut limits = Limits::default();
    (limits.event_bytes_max, limits.in_flight_bytes_max) = (16 << 20, 256 << 20);
    let change = |config: &mut HttpConfig| {
        config.bodies_bytes_max = 256 << 20;
        config.compression = true;
    };
    Scene::with_limits(limits, change).await
}

async fn pass(name: &str, cases: Vec<Case>, count: usize) {
    let scene = scene().await;
    for case in &cases {
        case.pass(&scene).await;
    }
    println!("{name}: {} cases of Autobahn's suite", cases.len());
    assert_eq!(cases.len(), count, "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_pings_reserved_bits_and_opcodes_are_as_the_suite_says() {
    pass("1 to 4", framing::cases(), 16 + 11 + 7 + 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_are_as_the_suite_says() {
    pass("5", fragments::cases(), 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn utf_8_is_as_the_suite_says() {
    pass("6", utf8::cases(), 145).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_is_as_the_suite_says() {
    pass("7", closing::cases(), 6 + 6 + 1 + 13 + 9 + 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_are_as_the_suite_says() {
    pass("9 and 10", sizes::cases(), 6 + 6 + 9 + 9 + 6 + 6 + 6 + 6 + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compression_is_as_the_suite_says() {
    let count = compression::pass(&scene().await).await;
    println!("12 and 13: {count} cases of Autobahn's suite");
    assert_eq!(count, 18 + 7 * 18);
}
