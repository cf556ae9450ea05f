//! Events that are gone before they were heard.

use tidings_core::Limits;
use tidings_core::memory::MemoryRetention;

use crate::said::Said;
use crate::world::{BOTH, Cell, World};

/// Fills a block of the memory store, so that the log lets it go.
pub(crate) const LARGE: usize = 50_000;

/// A log that keeps ten events, and a memory that keeps less.
pub(crate) fn short() -> (MemoryRetention, Limits) {
    let mut limits = Limits::default();
    limits.window_bytes_max = 2 * LARGE;
    (MemoryRetention { events_max: 10, ..MemoryRetention::default() }, limits)
}

pub(crate) async fn of_another_log(cell: Cell) {
    let world = World::start(cell).await;
    world.publish("a", &["1"]).await;

    let mut subscriber = world.subscriber(BOTH).at("9-9").with("on_gap", "earliest");

    assert_eq!(subscriber.next().await, Said::Gap { reason: "other-epoch".to_owned() });
    subscriber.expect(1, "a", "1").await;
    world.publish("b", &["2"]).await;
    subscriber.expect(2, "b", "2").await;
}

pub(crate) async fn of_a_trimmed_log(cell: Cell) {
    let (retention, limits) = short();
    let world = World::keeping(cell, retention, limits, |_| ()).await;
    world.publish("a", &["1"]).await;
    let mut subscriber = world.subscriber(BOTH).at("1-0").with("on_gap", "earliest");
    subscriber.expect(1, "a", "1").await;
    subscriber.leave();

    let text = "x".repeat(LARGE);
    for _ in 2..=60 {
        world.publish("b", &[&text]).await;
    }
    world.until_shown().await;

    assert_eq!(subscriber.next().await, Said::Gap { reason: "expired".to_owned() });
    // The earliest that the log holds, and then all of it.
    let Said::Event { id, .. } = subscriber.next().await else { panic!("no event after the gap") };
    let earliest: u64 = id.strip_prefix("1-").unwrap().parse().unwrap();
    assert!((3..=51).contains(&earliest), "{earliest}");
    for number in earliest + 1..=60 {
        subscriber.expect(number, "b", &text).await;
    }
    world.publish("a", &["61"]).await;
    subscriber.expect(61, "a", "61").await;
}
