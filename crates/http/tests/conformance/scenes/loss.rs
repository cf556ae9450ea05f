//! Subscribers that come and go at random, while events are published.

use crate::world::{BOTH, Cell, World};

/// Events that are published.
const EVENTS: u64 = 90;

/// Subscribers at once, each with chances of its own.
const SUBSCRIBERS: u64 = 3;

/// The same numbers each time, from a seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }
}

/// The topic of an event.
fn topic(number: u64) -> &'static str {
    ["a", "b", "other"][Chance(number).below(3) as usize]
}

pub(crate) async fn no_loss(cell: Cell) {
    let world = World::start(cell).await;

    let readers: Vec<_> = (0..SUBSCRIBERS)
        .map(|seed| {
            let mut subscriber = world.subscriber(BOTH).at("1-0");
            tokio::spawn(async move {
                let mut chance = Chance(seed);
                for number in (1..=EVENTS).filter(|number| topic(*number) != "other") {
                    match chance.below(8) {
                        // With an answer that has begun, or is on its way.
                        0 => subscriber.leave(),
                        1 => {
                            subscriber.leave();
                            subscriber.begin();
                            for _ in 0..chance.below(50) {
                                tokio::task::yield_now().await;
                            }
                            subscriber.leave();
                        }
                        _ => {}
                    }
                    subscriber.expect(number, topic(number), &number.to_string()).await;
                }
            })
        })
        .collect();
    let mut chance = Chance(99);
    for number in 1..=EVENTS {
        world.publish(topic(number), &[&number.to_string()]).await;
        for _ in 0..chance.below(20) {
            tokio::task::yield_now().await;
        }
    }

    for reader in readers {
        reader.await.unwrap();
    }
}
