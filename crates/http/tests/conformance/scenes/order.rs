//! All that is published, each event once, and in the order of the log.

use crate::world::{BOTH, Cell, World};

pub(crate) async fn one_topic(cell: Cell) {
    let world = World::start(cell).await;
    world.publish("a", &["1", "2"]).await;

    let mut subscriber = world.subscriber(&["a"]).at("1-0");

    subscriber.expect(1, "a", "1").await;
    subscriber.expect(2, "a", "2").await;
    for number in (4..=20).step_by(2) {
        world.publish("b", &["unheard"]).await;
        world.publish("a", &[&number.to_string()]).await;
        subscriber.expect(number, "a", &number.to_string()).await;
    }
}

pub(crate) async fn several_topics(cell: Cell) {
    let world = World::start(cell).await;
    world.publish("a", &["1", "2"]).await;
    world.publish("other", &["unheard"]).await;
    world.publish("b", &["4"]).await;

    let mut subscriber = world.subscriber(BOTH).at("1-0");

    subscriber.expect(1, "a", "1").await;
    subscriber.expect(2, "a", "2").await;
    subscriber.expect(4, "b", "4").await;
    for number in 5..=30 {
        let topic = ["a", "other", "b"][number as usize % 3];
        world.publish(topic, &[&number.to_string()]).await;
        if topic != "other" {
            subscriber.expect(number, topic, &number.to_string()).await;
        }
    }
}

pub(crate) async fn patterns(cell: Cell) {
    let world = World::start(cell).await;
    world.publish("rooms/1", &["1"]).await;
    world.publish("rooms/1/x", &["unheard"]).await;

    let mut subscriber = world.subscriber(&["rooms/*", "**/y"]).at("1-0");

    subscriber.expect(1, "rooms/1", "1").await;
    world.publish("rooms/new", &["3"]).await;
    subscriber.expect(3, "rooms/new", "3").await;
    // Both match, and it comes once.
    world.publish("rooms/y", &["4"]).await;
    world.publish("somewhere/else/y", &["5"]).await;
    subscriber.expect(4, "rooms/y", "4").await;
    subscriber.expect(5, "somewhere/else/y", "5").await;
}
