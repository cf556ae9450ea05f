//! Openings of parked streams: who is told a place, when, and in which form.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use support::lanes::{Scene, beating, quiet, read_block, read_exactly};
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Cursor, Epoch, Hub, Limits, MemoryStore, Position, Sequence};
use tidings_http::lane::{LaneConfig, Lanes};
use tidings_http::stream::Opening;
use tidings_testkit::deadline::block_until;
use tidings_testkit::faulty::FaultyStore;

/// What a lane tells a client that has heard nothing yet, while the clock of the machine has whatever time.
fn read_open(client: &mut TcpStream, place: &str) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let block = read_block(&mut reader);
    let begin = format!(
        "event: tidings.open\nid: {place}\ndata: {{\"cursor\":\"{place}\",\"heartbeat_ms\":3600000,\"time\":\""
    );
    assert!(
        block.starts_with(&begin) && block.contains("Z\",\"connection\":\"") && block.ends_with("\"}\n\n"),
        "{block:?}"
    );
    assert_eq!(block.matches("event: ").count(), 1, "{block:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_behind_the_head_is_told_its_place_once_it_has_caught_up_and_heard_nothing() {
    let scene = Scene::new(quiet()).await;
    scene.publish("other", &["1", "2", "3"]).await;

    let mut client = scene.park_unopened(&["a"], Position::Earliest, Opening::Event).await;
    read_open(&mut client, "1-3");

    scene.publish("a", &["x"]).await;
    read_exactly(&mut client, "id: 1-4\ndata: x\n\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_with_a_backlog_is_not_told_its_place_beside_it() {
    let scene = Scene::new(quiet()).await;
    scene.publish("a", &["1"]).await;
    scene.publish("other", &["2"]).await;

    let mut client = scene.park_unopened(&["a"], Position::Earliest, Opening::Event).await;
    read_exactly(&mut client, "id: 1-1\ndata: 1\n\n");

    scene.publish("a", &["3"]).await;
    read_exactly(&mut client, "id: 1-3\ndata: 3\n\n");
}

/// The rings no longer hold what comes next, so the store is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_the_store_has_nothing_for_is_told_its_place() {
    let mut limits = Limits::default();
    limits.window_bytes_max = 1;
    let scene = Scene::with_limits(quiet(), limits, MemoryRetention::default()).await;
    scene.publish("other", &["1", "2", "3"]).await;
    block_until("memory to hold nothing", || scene.hub.has_evicted(Cursor::new(Epoch(1), Sequence(1))));

    let mut client = scene.park_unopened(&["a"], Position::Earliest, Opening::Event).await;
    read_open(&mut client, "1-3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_told_its_place_in_the_form_that_it_asked_for() {
    let scene = Scene::new(quiet()).await;
    scene.publish("other", &["1"]).await;

    let mut by_id = scene.park_unopened(&["a"], Position::Earliest, Opening::Id).await;
    read_exactly(&mut by_id, "id: 1-1\n\n");
    let mut not_at_all = scene.park_unopened(&["a"], Position::Earliest, Opening::Nothing).await;

    scene.publish("a", &["x"]).await;
    read_exactly(&mut by_id, "id: 1-2\ndata: x\n\n");
    read_exactly(&mut not_at_all, "id: 1-2\ndata: x\n\n");
}

/// A place alone, too: without it the client would lose nothing but a false gap, and it does not want to hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_wants_no_places_hears_heartbeats_alone() {
    let scene = Scene::new(LaneConfig { lanes: 1, stream: beating(Duration::from_millis(320)) }).await;
    let mut client = scene.park_unopened(&["a"], Position::Now, Opening::Nothing).await;

    scene.publish("other", &["1"]).await;

    read_exactly(&mut client, ":\n:\n:\n");
}

/// A heartbeat says nothing that opens a stream.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_store_cannot_be_read_beats_and_is_told_its_place_when_it_can() {
    let store = MemoryStore::new(Epoch(1), ManualClock::at(0), MemoryRetention::default());
    let (store, fault) = FaultyStore::new(Arc::new(store));
    let mut limits = Limits::default();
    limits.window_bytes_max = 1;
    let hub = Hub::start(Arc::new(store), limits).await.unwrap();
    let stream = beating(Duration::from_millis(320));
    let lanes = Lanes::start(&hub, &LaneConfig { lanes: 1, stream }).unwrap();
    let scene = Scene { hub, lanes, listener: TcpListener::bind("127.0.0.1:0").unwrap() };
    scene.publish("other", &["1", "2", "3"]).await;
    block_until("memory to hold nothing", || scene.hub.has_evicted(Cursor::new(Epoch(1), Sequence(1))));

    fault.hold_reads();
    fault.let_reads_through(1);
    let mut client = scene.park_unopened(&["a"], Position::Earliest, Opening::Id).await;
    read_exactly(&mut client, ":\n:\n");
    fault.let_all_reads_through();

    let mut reader = BufReader::new(client.try_clone().unwrap());
    let block = read_block(&mut reader);
    assert_eq!(block.trim_start_matches(":\n"), "id: 1-3\n\n");
}
