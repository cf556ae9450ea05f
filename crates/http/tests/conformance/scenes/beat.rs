//! What is said while there is nothing to say.

use std::time::Duration;

use tidings_testkit::deadline::within;

use crate::said::Said;
use crate::world::{BOTH, Cell, World};

pub(crate) async fn heartbeat(cell: Cell) {
    let world = World::with(cell, |config| config.heartbeat = Duration::from_millis(100)).await;
    let mut subscriber = world.subscriber(BOTH);

    for _ in 0..2 {
        within("a heartbeat", async {
            loop {
                match subscriber.hear().await {
                    Some(Said::Heartbeat) => break,
                    Some(Said::Place(_) | Said::Retry(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        })
        .await;
    }

    world.publish("a", &["1"]).await;
    subscriber.expect(1, "a", "1").await;
}
