//! A subscriber that takes nothing for a time.

use std::time::Duration;

use tidings_core::Limits;
use tidings_core::memory::MemoryRetention;
use tidings_http::HttpConfig;

use super::gap;
use crate::carrier::Carrier;
use crate::said::Said;
use crate::subscriber::Subscriber;
use crate::world::{BOTH, Cell, World};

/// Bytes of an event. Together they are more than the sockets of loopback take.
const LARGE: usize = 200_000;
const EVENTS: u64 = 24;

fn impatient(config: &mut HttpConfig) {
    config.write_wait_max = Duration::from_millis(200);
}

/// A subscriber that has an answer, and does not read on while events are published. One that never ends is cut off, unless there is
/// no socket on which the hub could see it.
async fn stalled(cell: Cell, world: &World, text: &str) -> Subscriber {
    let mut subscriber = world.subscriber(BOTH).at("1-0").with("on_gap", "earliest");
    subscriber.comes_back = true;
    world.publish("a", &["1"]).await;
    subscriber.expect(1, "a", "1").await;
    subscriber.begin();
    for _ in 2..=EVENTS {
        world.publish("b", &[text]).await;
    }
    if !cell.transport.is_finite() && cell.carrier != Carrier::Router {
        world.until_there_are(0).await;
    }
    subscriber
}

pub(crate) async fn misses_nothing(cell: Cell) {
    let world = World::keeping(cell, MemoryRetention::default(), Limits::default(), impatient).await;
    let text = "x".repeat(LARGE);

    let mut subscriber = stalled(cell, &world, &text).await;

    for number in 2..=EVENTS {
        subscriber.expect(number, "b", &text).await;
    }
    world.publish("a", &["last"]).await;
    subscriber.expect(EVENTS + 1, "a", "last").await;
}

pub(crate) async fn is_told_a_gap(cell: Cell) {
    let (retention, limits) = gap::short();
    let world = World::keeping(cell, retention, limits, impatient).await;

    let mut subscriber = stalled(cell, &world, &"x".repeat(LARGE)).await;

    world.publish("a", &["last"]).await;
    world.until_shown().await;
    let (mut heard, mut gaps, mut is_told) = (1, 0, false);
    while heard <= EVENTS {
        match subscriber.next().await {
            Said::Gap { reason } => {
                assert_eq!(reason, "expired");
                gaps += 1;
                is_told = true;
            }
            Said::Event { id, .. } => {
                let number: u64 = id.strip_prefix("1-").unwrap().parse().unwrap();
                assert!(number == heard + 1 || is_told && number > heard, "{number} after {heard}");
                heard = number;
                is_told = false;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(gaps > 0, "the log keeps ten events of {EVENTS}");
}
