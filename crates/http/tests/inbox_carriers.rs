//! The stream of an inbox over each way in which a stream is carried, and what becomes of clients that are slow or gone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::io::Write;

use flate2::write::GzDecoder;
use support::scene::Scene;
use support::tls::scene as scene_over_tls;
use support::{UNSHARED, stream_head, unspread};
use tidings_http::tidings_inbox::{Inbox, InboxSettings, Mark, Notification, User, Which};
use tidings_testkit::deadline::{until, within};
use tidings_testkit::http2::Peer;
use tidings_testkit::wire::Wire;

const ACCEPT: &str = "accept: text/event-stream\r\n";

fn alice() -> User {
    User::parse("alice").unwrap()
}

/// Gives a scene an inbox.
async fn inbox(scene: &Scene) -> Inbox {
    let settings = InboxSettings::default();
    let inbox = Inbox::start(scene.hub.clone(), settings, scene.clock.clone()).await.unwrap();
    within("the inbox", inbox.ready()).await;
    let _ = scene.front.clone().with_inbox(inbox.clone());
    inbox
}

async fn notify(inbox: &Inbox, title: &str) -> String {
    let says = Notification { title: title.into(), ..Notification::default() };
    within("a notification", inbox.notify(&alice(), says, None)).await.unwrap().id.to_string()
}

/// The opening of a stream whose user has these unread items, the last of which is that with this id.
fn opening(id: &str, count: u64) -> String {
    let version = if count == 0 { "0" } else { id.split_once('-').unwrap().1 };
    format!(
        ": heartbeat 15000\nretry: 3000\nevent: unread\nid: {id}\ndata: {{\"count\":{count},\"version\":{version}}}\n\n"
    )
}

/// What a stream tells of a notification.
fn told(id: &str, title: &str, count: u64) -> String {
    let version = id.split_once('-').unwrap().1;
    format!(
        "event: notification\ndata: {{\"id\":\"{id}\",\"title\":\"{title}\",\"time\":\"1970-01-01T01:00:00.000Z\",\
         \"read\":false,\"seen\":false,\"archived\":false}}\n\n\
         event: unread\nid: {id}\ndata: {{\"count\":{count},\"version\":{version}}}\n\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_1_1_it_has_the_head_of_every_stream_and_ends_in_good_order() {
    let scene = Scene::start().await;
    let inbox = inbox(&scene).await;
    let mut wire = scene.get("/inbox/alice", ACCEPT).await;
    assert_eq!(wire.head().await, stream_head(""));
    assert_eq!(unspread(&wire.chunk().await), opening("1-0", 0));

    let id = notify(&inbox, "one").await;
    assert_eq!(wire.chunk().await, told(&id, "one", 1));
    until("one subscriber", || scene.hub.roster().count() == 1).await;

    scene.begin_end().verdict().await;
    let farewell = wire.chunk().await;
    assert!(farewell.starts_with("retry: ") && farewell.ends_with('\n'), "{farewell}");
    assert_eq!(wire.chunk().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_1_0_it_ends_with_its_connection() {
    let scene = Scene::start().await;
    let inbox = inbox(&scene).await;
    let mut wire = scene.connect().await;
    wire.send(format!("GET /inbox/alice HTTP/1.0\r\n{ACCEPT}connection: keep-alive\r\n\r\n")).await;
    let head = stream_head("").replace("HTTP/1.1", "HTTP/1.0").replace("transfer-encoding: chunked\r\n", "");
    assert_eq!(wire.head().await, head);
    let expected = opening("1-0", 0);
    assert_eq!(unspread(&wire.take(expected.len()).await), expected);

    let id = notify(&inbox, "one").await;
    wire.expect(&told(&id, "one", 1)).await;
    scene.begin_end().verdict().await;
    assert!(wire.rest().await.starts_with("retry: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_and_http_2_it_is_the_same_bytes() {
    let (scene, certificate) = scene_over_tls().await;
    let inbox = inbox(&scene).await;
    let secure = certificate.connect(scene.address, &["http/1.1"]).await.unwrap();
    let mut secure = Wire::over(secure);
    secure.send(format!("GET /inbox/alice HTTP/1.1\r\nhost: localhost\r\n{ACCEPT}\r\n")).await;
    assert_eq!(secure.head().await, stream_head(""));
    assert_eq!(unspread(&secure.chunk().await), opening("1-0", 0));
    let socket = certificate.connect(scene.address, &["h2"]).await.unwrap();
    let mut peer = Peer::over(socket).await;
    let mut stream = peer.get("/inbox/alice", &[("accept", "text/event-stream")]).await;
    assert_eq!(stream.head.headers["x-accel-buffering"], "no");
    let expected = opening("1-0", 0);
    assert_eq!(unspread(&stream.take(expected.len()).await), expected);

    let id = notify(&inbox, "one").await;

    assert_eq!(secure.chunk().await, told(&id, "one", 1));
    stream.expect(&told(&id, "one", 1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_it_is_one_gzip_stream_to_its_end() {
    let scene = Scene::with(|config| config.compression = true).await;
    let inbox = inbox(&scene).await;
    let first = notify(&inbox, "one").await;
    let mut decoder = GzDecoder::new(Vec::new());
    let mut wire = scene.get("/inbox/alice", &format!("{ACCEPT}accept-encoding: gzip\r\n")).await;
    let head = wire.head().await;
    assert!(head.contains("\r\ncontent-encoding: gzip\r\n"), "{head}");
    decoder.write_all(&wire.chunk_bytes().await).unwrap();
    let second = notify(&inbox, "two").await;
    decoder.write_all(&wire.chunk_bytes().await).unwrap();
    decoder.flush().unwrap();
    let read = unspread(&String::from_utf8(std::mem::take(decoder.get_mut())).unwrap());
    assert_eq!(read, opening(&first, 1) + &told(&second, "two", 2));

    scene.begin_end().verdict().await;
    loop {
        let chunk = wire.chunk_bytes().await;
        if chunk.is_empty() {
            break;
        }
        decoder.write_all(&chunk).unwrap();
    }
    assert!(decoder.finish().unwrap().starts_with(b"retry: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_and_counts_have_a_length_and_leave_their_connection_open() {
    let scene = Scene::with(|config| config.compression = true).await;
    let inbox = inbox(&scene).await;
    let id = notify(&inbox, "one").await;
    let mut wire = scene.connect().await;
    let ask = |method: &str, target: &str, more: &str| {
        format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n{ACCEPT}{more}\r\n")
    };

    wire.send(ask("GET", "/inbox/alice/count", "")).await;
    let body = "retry: 10000\ndata: {\"count\": 1}\n\n";
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache, no-store, no-transform\r\n\
         {UNSHARED}content-length: {}\r\n\r\n",
        body.len()
    );
    assert_eq!(wire.answer().await, head.clone() + body);
    wire.send(ask("HEAD", "/inbox/alice/count", "")).await;
    let of_head = wire.head().await;
    let lines = |head: &str| {
        let mut lines: Vec<_> = head.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&of_head), lines(&head));

    for (target, more) in
        [("/inbox/alice?mode=poll", ""), ("/inbox/alice?mode=long-poll", "last-event-id: 1-0\r\n")]
    {
        wire.send(ask("GET", target, more)).await;
        let answer = wire.answer().await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(format!("{head}\r\n").contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
        assert!(!head.contains("x-accel-buffering"), "{head}");
        assert!(body.ends_with("\n\n") && body.contains(&format!("\nid: {id}\n")), "{body}");
    }
    wire.send(ask("HEAD", "/inbox/alice", "")).await;
    assert!(wire.head().await.contains("\r\nincremental: ?1\r\n"));
    wire.send(ask("GET", "/inbox/alice?mode=poll", "accept-encoding: gzip\r\n")).await;
    let head = wire.head().await;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut decoder = GzDecoder::new(Vec::new());
    decoder.write_all(&wire.take_bytes(length.parse().unwrap()).await).unwrap();
    let read = String::from_utf8(decoder.finish().unwrap()).unwrap();
    assert!(unspread(&read).ends_with(&opening(&id, 1)), "{read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_gone_leaves_nothing_behind() {
    let scene = Scene::start().await;
    let inbox = inbox(&scene).await;
    let mut wire = scene.get("/inbox/alice", ACCEPT).await;
    wire.head().await;
    wire.chunk().await;
    until("one subscriber", || scene.hub.roster().count() == 1).await;

    drop(wire);
    // The first is answered by a reset, and the second cannot be written.
    within("its end", async {
        while scene.hub.roster().count() > 0 {
            notify(&inbox, "x").await;
        }
    })
    .await;
}

/// It holds one change, however much there is: what it has not been told stays in the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_for_a_time_ends_with_the_true_count() {
    let scene = Scene::start().await;
    let inbox = inbox(&scene).await;
    let mut slow = scene.get("/inbox/alice", ACCEPT).await;
    let mut quick = scene.get("/inbox/alice", ACCEPT).await;
    for wire in [&mut slow, &mut quick] {
        wire.head().await;
        wire.chunk().await;
    }
    let body: Box<str> = "x".repeat(8_000).into();
    let (mut heard, mut ids) = (0, Vec::new());
    for number in 0..900 {
        let title = number.to_string().into();
        let says = Notification { title, body: Some(body.clone()), ..Notification::default() };
        ids.push(inbox.notify(&alice(), says, None).await.unwrap().id);
        heard += quick.chunk().await.matches("event: notification\n").count();
    }
    assert_eq!(heard, 900, "another one is not held up");
    inbox.mark(&alice(), Mark::Read, Which::Through(ids[449].sequence.0)).await.unwrap();
    quick.chunk().await;

    let mut text = String::new();
    while !text.ends_with(&format!(
        "{{\"count\":450,\"version\":{}}}\n\n",
        inbox.unread(&alice()).await.unwrap().version
    )) {
        text += &slow.chunk().await;
    }

    let told: Vec<_> = ids.iter().filter(|id| text.contains(&format!("data: {{\"id\":\"{id}\""))).collect();
    let notifications = text.matches("event: notification\n").count();
    assert_eq!(told.len(), notifications, "none is told twice");
    assert!(
        notifications == 900 || text.contains("event: tidings.gap\n"),
        "{notifications} of 900 and no gap"
    );
}
