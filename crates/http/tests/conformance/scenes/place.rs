//! Where a subscriber begins, and where it goes on.

use tidings_testkit::deadline::within;

use crate::said::Said;
use crate::transport::Transport;
use crate::world::{BOTH, Cell, World};

pub(crate) async fn begins_now(cell: Cell) {
    let world = World::start(cell).await;
    world.publish("a", &["old"]).await;
    let mut subscriber = world.subscriber(BOTH);
    if cell.transport == Transport::Page {
        // Without a place it begins with the earliest event.
        subscriber = subscriber.with("since", "now");
    }

    match cell.transport {
        // Its answer waits for the first event.
        Transport::LongPoll | Transport::Page => {
            subscriber.begin();
            world.until_there_are(1).await;
            world.publish("b", &["2"]).await;
        }
        _ => {
            let told = async {
                while subscriber.place.is_none() {
                    subscriber.hear().await.expect("a place is told at once");
                }
            };
            within("a place", told).await;
            assert_eq!(subscriber.place.as_deref(), Some("1-1"));
            subscriber.leave();
            world.publish("b", &["2"]).await;
        }
    }

    subscriber.expect(2, "b", "2").await;
    world.publish("a", &["3"]).await;
    subscriber.expect(3, "a", "3").await;
}

pub(crate) async fn resume(cell: Cell) {
    let world = World::start(cell).await;
    world.publish("a", &["1", "2", "3", "4"]).await;
    let mut subscriber = world.subscriber(BOTH).at("1-0");
    subscriber.expect(1, "a", "1").await;
    subscriber.expect(2, "a", "2").await;

    subscriber.leave();
    world.publish("b", &["5"]).await;

    subscriber.expect(3, "a", "3").await;
    subscriber.expect(4, "a", "4").await;
    subscriber.expect(5, "b", "5").await;
    // One that has heard all of a quiet topic goes on, too.
    subscriber.leave();
    world.publish("other", &["unheard"]).await;
    subscriber.begin();
    world.publish("b", &["7"]).await;
    assert_eq!(
        subscriber.next().await,
        Said::Event { id: "1-7".to_owned(), topic: Some("b".to_owned()), data: "7".to_owned() }
    );
}
