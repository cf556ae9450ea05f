//! WebSockets between a lane and a task: a socket whose client says nothing has no task, and nothing is lost or repeated when it goes
//! to and fro.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use support::scene::Scene;
use support::websocket::{Came, WebSocket, masked};
use tidings_core::{Attendee, ConnectionId, Dismissal, RosterListener, Whom};
use tidings_testkit::deadline::within;
use tokio::runtime::Handle;
use tokio::time::sleep;

/// Larger than what the system keeps for a socket that is not read.
const LARGE: usize = 1_000_000;

/// Longer than a client must say nothing before its socket goes back to a lane.
const QUIET: Duration = Duration::from_millis(1_300);

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Waits until there are this many tasks.
async fn have_tasks(count: usize) {
    within("the number of tasks", async {
        while tasks() != count {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

fn data(event: &Value) -> usize {
    event["data"].as_str().and_then(|data| data.split(' ').next()?.parse().ok()).unwrap()
}

/// A scene with one socket in its lane, and how many tasks there are then.
async fn parked(target: &str) -> (Scene, WebSocket, usize) {
    let scene = Scene::start().await;
    // What the first connection starts goes on.
    drop(WebSocket::opened(&scene, "/events/warm").await);
    within("the end of a socket", async {
        while scene.hub.roster().count() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let before = tasks();
    let socket = WebSocket::opened(&scene, target).await;
    have_tasks(before).await;
    (scene, socket, before)
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_whose_clients_say_nothing_have_no_task_and_hear_everything() {
    let (scene, mut one, before) = parked("/events/a").await;
    let mut others = Vec::new();
    for _ in 0..20 {
        others.push(WebSocket::opened(&scene, "/events?topic=a&topic=b").await);
    }
    have_tasks(before).await;

    scene.publish("a", &["1"]).await;

    assert_eq!(data(&one.json().await), 1);
    for socket in &mut others {
        assert_eq!(data(&socket.json().await), 1);
    }
    assert_eq!(scene.hub.roster().list(None, 100).await.subscribers.len(), 21);
    assert_eq!(tasks(), before);

    one.wire.send(masked(0x89, b"x")).await;
    assert_eq!(one.next().await, Came::Pong(b"x".to_vec()));
    assert_eq!(tasks(), before + 1);
    scene.publish("a", &["2"]).await;
    assert_eq!(data(&one.json().await), 2);
    have_tasks(before).await;
    scene.publish("a", &["3"]).await;
    assert_eq!(data(&one.json().await), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_of_which_a_part_comes_is_read_by_a_task_while_events_go_on() {
    let (scene, mut socket, before) = parked("/events/a").await;
    let ping = masked(0x89, b"are you there");

    socket.wire.send(&ping[..1]).await;
    have_tasks(before + 1).await;
    scene.publish("a", &["1"]).await;
    assert_eq!(data(&socket.json().await), 1);
    sleep(QUIET).await;
    assert_eq!(tasks(), before + 1, "it is in the middle of a frame");
    socket.wire.send(&ping[1..]).await;

    assert_eq!(socket.next().await, Came::Pong(b"are you there".to_vec()));
    have_tasks(before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_frames_in_a_packet_are_answered_one_after_the_other() {
    let (_scene, mut socket, before) = parked("/events/a").await;
    let publish = |number: u8| json!({ "publish": { "topic": "b", "data": "x" }, "ref": number }).to_string();
    let frames = [
        masked(0x89, b"1"),
        masked(0x81, publish(1).as_bytes()),
        masked(0x81, publish(2).as_bytes()),
        masked(0x8a, b""),
        masked(0x89, b"2"),
    ];

    socket.wire.send(frames.concat()).await;

    assert_eq!(socket.next().await, Came::Pong(b"1".to_vec()));
    let (mut published, mut pongs) = (Vec::new(), 0);
    for _ in 0..3 {
        match socket.next().await {
            Came::Text(answer) => published.push(answer["ref"].clone()),
            Came::Pong(payload) => pongs += usize::from(payload == b"2"),
            Came::Close(..) => panic!("it is closed"),
        }
    }
    assert_eq!((published, pongs), (vec![json!(1), json!(2)], 1));
    have_tasks(before).await;
}

/// Each client says something now and then, in all the ways in which it can, while small and large events come.
#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_go_to_and_fro_hear_each_event_once_and_in_order() {
    const EVENTS: usize = 300;
    let (scene, first, before) = parked("/events/a").await;
    let mut sockets = vec![first];
    for _ in 0..7 {
        sockets.push(WebSocket::opened(&scene, "/events/a").await);
    }
    let readers = sockets.into_iter().enumerate().map(|(number, mut socket)| async move {
        let mut heard = Vec::new();
        let mut pongs = 0;
        let mut sent = 0;
        while heard.len() < EVENTS {
            match socket.next().await {
                Came::Text(event) if event.get("data").is_some() => heard.push(data(&event)),
                Came::Text(_) => {}
                Came::Pong(_) => pongs += 1,
                Came::Close(code, reason) => panic!("closed {code:?} {reason}"),
            }
            // At other places for each of them, and seldom enough that its lane has it again meanwhile.
            if heard.len() % 60 == 20 + number * 3 && sent <= heard.len() / 60 {
                let ping = masked(0x89, b"now");
                match sent % 3 {
                    0 => socket.wire.send(&ping).await,
                    1 => socket.wire.send(ping.repeat(2)).await,
                    _ => {
                        socket.wire.send(&ping[..3]).await;
                        socket.wire.send(&ping[3..]).await;
                    }
                }
                sent += 1;
            }
        }
        (heard, pongs > 0)
    });
    let publisher = async {
        for number in 0..EVENTS {
            // Now and then one that no socket takes at once.
            let padding = if number % 50 == 49 { LARGE } else { 10 };
            scene.publish("a", &[&format!("{number} {}", "x".repeat(padding))]).await;
            sleep(Duration::from_millis(25)).await;
        }
    };

    let (heard, ()) =
        within("all events", async { tokio::join!(futures_util::future::join_all(readers), publisher) })
            .await;

    let all: Vec<usize> = (0..EVENTS).collect();
    for (heard, has_pong) in heard {
        assert_eq!(heard, all);
        assert!(has_pong);
    }
    have_tasks(before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_for_a_time_gets_whole_frames_and_is_then_heard() {
    let (scene, mut socket, _) = parked("/events/a").await;
    for number in 0..8 {
        scene.publish("a", &[&format!("{number} {}", "x".repeat(LARGE))]).await;
    }
    socket.wire.send(masked(0x89, b"x")).await;

    let (mut heard, mut pongs) = (Vec::new(), 0);
    while heard.len() < 8 || pongs < 1 {
        match socket.next().await {
            Came::Text(event) => heard.push(data(&event)),
            Came::Pong(_) => pongs += 1,
            Came::Close(..) => panic!("it is closed"),
        }
    }
    assert_eq!((heard, pongs), ((0..8).collect::<Vec<_>>(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_a_client_in_the_middle_of_a_large_event_gets_the_rest_of_it_and_is_told_why() {
    let (scene, mut socket, _) = parked("/events/a").await;
    for number in 0..8 {
        scene.publish("a", &[&format!("{number} {}", "x".repeat(LARGE))]).await;
    }

    let ending = scene.begin_end();

    let (mut last, mut farewell) = (None, None);
    let code = loop {
        match socket.next().await {
            Came::Text(event) if event.get("data").is_some() => {
                assert!(farewell.is_none(), "the farewell is the last");
                last = Some(event["cursor"].clone());
            }
            Came::Text(word) => farewell = Some(word),
            Came::Pong(_) => {}
            Came::Close(code, _) => break code,
        }
    };
    assert_eq!(code, Some(4_000));
    let farewell = farewell.unwrap();
    assert!(farewell["retry_ms"].is_u64(), "{farewell}");
    assert_eq!(farewell.get("cursor").cloned(), last, "it goes on behind what it has");
    drop(socket);
    ending.verdict().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_dismissed_is_told_so_wherever_it_is() {
    let (scene, mut parked, before) = parked("/events/a").await;
    let named = only(&scene).await;
    assert_eq!(dismiss(&scene, named).await, 1);
    let last = parked.json().await;
    assert!(last["retry_ms"].is_u64(), "{last}");
    assert_eq!(parked.next().await, Came::Close(Some(4_004), "dismissed".to_owned()));
    assert_eq!(scene.hub.roster().count(), 0);
    drop(parked);
    have_tasks(before).await;

    // While it goes to a task, or is there.
    for wait_us in (0..1_000).step_by(50) {
        let mut socket = WebSocket::opened(&scene, "/events/a").await;
        let named = only(&scene).await;
        socket.wire.send(masked(0x89, b"x")).await;
        sleep(Duration::from_micros(wait_us)).await;
        assert_eq!(dismiss(&scene, named).await, 1, "after {wait_us} us");
        assert_eq!(socket.close_code().await, Some(4_004));
        assert_eq!(scene.hub.roster().count(), 0);
    }
}

async fn only(scene: &Scene) -> ConnectionId {
    within("the one who is there", async {
        loop {
            if let [one] = &scene.hub.roster().list(None, 10).await.subscribers[..] {
                return one.id;
            }
        }
    })
    .await
}

async fn dismiss(scene: &Scene, id: ConnectionId) -> usize {
    scene.hub.roster().dismiss(&Whom::Connection(id), Dismissal::ByOperator).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_without_a_close_is_gone_wherever_its_socket_is() {
    let (scene, socket, before) = parked("/events/a").await;
    drop(socket);
    have_tasks(before).await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;
    socket.wire.send(masked(0x89, b"x")).await;
    assert_eq!(socket.next().await, Came::Pong(b"x".to_vec()));
    drop(socket);
    have_tasks(before).await;

    within("an empty roster", async {
        while scene.hub.roster().count() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl RosterListener for Heard {
    fn joined(&self, who: Attendee<'_>) {
        self.0.lock().unwrap().push(format!("+{}", who.id));
    }

    fn left(&self, who: Attendee<'_>) {
        self.0.lock().unwrap().push(format!("-{} {}", who.id, who.ending.unwrap_or("?")));
    }

    fn asks_for_all(&self) -> bool {
        true
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_goes_to_and_fro_has_come_once_and_leaves_once() {
    let (scene, mut socket, before) = parked("/events/a").await;
    let id = only(&scene).await;
    let heard = Arc::new(Heard::default());
    scene.hub.roster().add_listener(heard.clone());

    for _ in 0..2 {
        socket.wire.send(masked(0x89, b"x")).await;
        assert_eq!(socket.next().await, Came::Pong(b"x".to_vec()));
        assert_eq!(only(&scene).await, id);
        have_tasks(before).await;
        assert_eq!(only(&scene).await, id);
    }
    socket.wire.send(masked(0x88, b"\x03\xe8")).await;
    assert_eq!(socket.close_code().await, Some(1_000));

    assert_eq!(*heard.0.lock().unwrap(), [format!("-{id} client-gone")]);
}

/// They took room as a part of a message does, and it was given back with the next message alone: the client was taken for one that
/// sends too slowly.
#[tokio::test(flavor = "multi_thread")]
async fn many_pongs_in_a_packet_are_no_message_that_comes_too_slowly() {
    let (_scene, mut socket, before) = parked("/events/a").await;

    socket.wire.send(masked(0x8a, b"").repeat(900)).await;

    sleep(Duration::from_secs(1)).await;
    have_tasks(before).await;
    socket.wire.send(masked(0x89, b"x")).await;
    assert_eq!(socket.next().await, Came::Pong(b"x".to_vec()));
}

/// A task that is gone forgets nothing of what its client has sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_one_pace_however_often_its_socket_goes_to_a_task() {
    let (_scene, mut socket, before) = parked("/events/a").await;
    socket.wire.send(masked(0x8a, b"").repeat(900)).await;
    socket.wire.send(masked(0x89, b"x")).await;
    assert_eq!(socket.next().await, Came::Pong(b"x".to_vec()));
    have_tasks(before).await;

    socket.wire.send(masked(0x8a, b"").repeat(900)).await;

    assert_eq!(socket.close_code().await, Some(4_101));
}
