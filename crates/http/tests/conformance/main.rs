//! The same scenes over every transport and every carrier: what a subscriber hears does not depend on how it hears it.
//!
//! | file | noun |
//! |---|---|
//! | `transport` | in which form a subscriber hears, and how it asks for that |
//! | `carrier` | what brings the bytes: a version of HTTP, TLS, another program's server |
//! | `answer` | an answer, as bytes that come until it ends |
//! | `said` | what the bytes of each transport say |
//! | `subscriber` | hears, leaves, and comes back with its place |
//! | `world` | a hub, and one way to it |
//! | `matrix` | which scene plays where, and why one does not |
//! | `page` | the page of the documentation that says so |
//! | `scenes` | what is played |
//!
//! A scene knows neither transport nor carrier, but for what it expects at an end. A new transport is a variant of `Transport`, how it
//! asks, and how its bytes are read.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot go wrong here need not be told well"
)]

#[path = "../support/mod.rs"]
mod support;

mod answer;
mod carrier;
mod matrix;
mod page;
mod said;
mod scenes;
mod subscriber;
mod transport;
mod world;

use tokio::task::JoinSet;
use transport::Transport;
use world::Cell;

/// Plays a scene over all carriers of each transport, and says how often. Those of one transport are played at the same time.
async fn play<P: Future<Output = ()> + Send + 'static>(scene: &str, play: fn(Cell) -> P) {
    let cells = matrix::cells(scene);
    for transport in Transport::ALL {
        let mut plays = JoinSet::new();
        for cell in cells.iter().filter(|cell| cell.transport == transport) {
            let (cell, playing) = (*cell, tokio::spawn(play(*cell)));
            plays.spawn(async move { (cell, playing.await) });
        }
        let mut count = 0;
        while let Some(played) = plays.join_next().await {
            let (cell, played) = played.unwrap();
            assert!(played.is_ok(), "{scene} failed for {} over {}", transport.name(), cell.carrier.name());
            count += 1;
        }
        println!("{scene}: {}: {count}", transport.name());
    }
}

/// Makes a test of each scene.
macro_rules! scenes {
    ($($name:ident: $play:path, $what:literal;)*) => {
        /// Each scene, and what it shows.
        const SCENES: &[(&str, &str)] = &[$((stringify!($name), $what)),*];

        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                play(stringify!($name), $play).await;
            }
        )*
    };
}

scenes! {
    one_topic: scenes::order::one_topic, "each event of a topic, once and in order";
    several_topics: scenes::order::several_topics, "those of several topics, in one order, and none of others";
    patterns: scenes::order::patterns, "a pattern hears of topics that nobody has named";
    begins_now: scenes::place::begins_now, "a subscriber without a place hears what comes from now on, and can go on from there";
    resume: scenes::place::resume, "one that was away goes on behind the last id it has heard";
    no_loss: scenes::loss::no_loss, "one that leaves and comes back at random, while events are published, misses none and hears none twice";
    gap_of_another_log: scenes::gap::of_another_log, "a place of another log is told, before anything else, and once";
    gap_of_a_trimmed_log: scenes::gap::of_a_trimmed_log, "so is a place that the log no longer holds";
    heartbeat: scenes::beat::heartbeat, "the hub says that it is there while it has nothing to tell";
    slow_reader: scenes::slow::misses_nothing, "one that reads nothing for a time is cut off or waited for, comes back, and misses nothing";
    slow_reader_gap: scenes::slow::is_told_a_gap, "the same is told a gap if what it has missed is gone";
    farewell: scenes::ending::farewell, "at the end of the hub each is told so in its form";
    another_hub: scenes::ending::another_hub, "and goes on at a hub that is started again on the same log";
    dismissed: scenes::ending::dismissed, "one that an operator disconnects is told, and goes on where it was";
    access_ends: scenes::access::ends, "one whose token ends hears no event after it, is refused with it, and goes on with another";
}
