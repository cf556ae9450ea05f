//! A hub that ends, and a subscriber that is sent away.

use tidings_core::{Dismissal, Topic, Whom};
use tidings_testkit::deadline::within;

use crate::said::Said;
use crate::subscriber::Subscriber;
use crate::transport::Transport;
use crate::world::{BOTH, Cell, World};

/// A subscriber that has heard the first event, and is at the hub.
async fn at_the_hub(world: &World) -> Subscriber {
    world.publish("a", &["1"]).await;
    let mut subscriber = world.subscriber(BOTH).at("1-0");
    subscriber.expect(1, "a", "1").await;
    if world.transport.is_finite() {
        // The rest of the answer.
        subscriber.rest().await;
    }
    if world.transport.waits() {
        subscriber.begin();
        world.until_there_are(1).await;
    }
    subscriber
}

/// The last words of an answer. Each form has its own, and in all of them the client stands at `1-1`.
fn assert_farewell(transport: Transport, rest: &[Said], code: u16) {
    let place = Said::Place("1-1".to_owned());
    match (transport, rest) {
        // A line that belongs to no block: the client knows its place.
        (
            Transport::EventStream
            | Transport::EventStreamWithTime
            | Transport::EventStreamByPost
            | Transport::Envelope,
            [Said::Retry(retry)],
        )
        | (Transport::Lines | Transport::Iframe, [.., Said::Retry(retry)]) => {
            assert!((3_000..=20_000).contains(retry), "{rest:?}");
            assert!(rest.len() == 1 || rest[rest.len() - 2] == place, "{rest:?}");
        }
        (Transport::WebSocket, [before @ .., Said::Retry(_), Said::Closed(closed)]) => {
            assert_eq!((before.last(), *closed), (Some(&place), code));
        }
        (Transport::LongPoll, [Said::Retry(250), told, Said::Retry(retry)]) => {
            assert!(*told == place && *retry >= 3_000, "{rest:?}");
        }
        (Transport::Page, [place_of_page]) => assert_eq!(*place_of_page, place),
        _ => panic!("{transport:?} is told {rest:?}"),
    }
}

pub(crate) async fn farewell(cell: Cell) {
    let world = World::start(cell).await;
    let mut subscriber = at_the_hub(&world).await;

    let World { scene, .. } = world;
    let ending = scene.begin_end();

    let rest = subscriber.rest().await;
    assert_farewell(cell.transport, &rest, 4_000);
    assert_eq!(subscriber.place.as_deref(), Some("1-1"));
    ending.verdict().await;
}

pub(crate) async fn another_hub(cell: Cell) {
    let world = World::start(cell).await;
    let mut subscriber = at_the_hub(&world).await;
    // What comes as the hub ends is heard before its end, or after.
    world.publish("b", &["2"]).await;

    let (world, ()) = tokio::join!(world.again(), async {
        if cell.transport.waits() {
            subscriber.rest().await;
        }
    });

    subscriber.door = world.door.clone();
    world.publish("a", &["3"]).await;
    if subscriber.place.as_deref() != Some("1-2") {
        subscriber.expect(2, "b", "2").await;
    }
    subscriber.expect(3, "a", "3").await;
}

pub(crate) async fn dismissed(cell: Cell) {
    let world = World::start(cell).await;
    let mut subscriber = at_the_hub(&world).await;

    let whom = Whom::Topic(Topic::parse("a").unwrap());
    let roster = world.scene.hub.roster();
    // A parked stream comes to its lane a moment after its opening was written.
    within("somebody to send away", async {
        while roster.dismiss(&whom, Dismissal::ByOperator).await == 0 {}
    })
    .await;

    let rest = subscriber.rest().await;
    assert_farewell(cell.transport, &rest, 4_004);
    world.publish("b", &["2"]).await;
    subscriber.expect(2, "b", "2").await;
}
