//! Lanes over real sockets: exact bytes, slow readers, leaving, heartbeats, drain.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{BufReader, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use support::lanes::{Scene, beating, is_farewell, quiet, read_block, read_data, read_exactly, read_to_end};
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft_with, selectors};
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Dismissal, DraftFields, Epoch, Hub, Limits, MemoryStore, Position, Sequence, Session, Subscriber, Topic,
    Transport, User, Whom,
};
use tidings_http::lane::{Framing, HeldFor, LaneConfig, Lanes};
use tidings_http::stream::machine::StreamConfig;
use tidings_testkit::deadline::{block_until, within};

#[tokio::test(flavor = "multi_thread")]
async fn every_member_gets_the_exact_bytes_of_its_framing_and_form() {
    let scene = Scene::new(quiet()).await;
    let mut chunked = scene.park(&["a"], Position::Now, Framing::Chunked).await;
    let mut raw = scene.park(&["a"], Position::Now, Framing::Raw).await;
    let mut labelled = scene.park(&["*"], Position::Now, Framing::Raw).await;

    scene.publish("a", &["x"]).await;
    read_exactly(&mut chunked, "11\r\nid: 1-1\ndata: x\n\n\r\n");
    scene.publish("b", &["y"]).await;
    scene.publish("a", &["z"]).await;
    read_exactly(&mut chunked, "11\r\nid: 1-3\ndata: z\n\n\r\n");

    read_exactly(&mut raw, "id: 1-1\ndata: x\n\nid: 1-3\ndata: z\n\n");
    read_exactly(
        &mut labelled,
        "topic: a\nid: 1-1\ndata: x\n\ntopic: b\nid: 1-2\ndata: y\n\ntopic: a\nid: 1-3\ndata: z\n\n",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_may_begin_in_the_past_and_goes_on_live() {
    let mut limits = Limits::default();
    limits.window_bytes_max = 2_000;
    limits.page_events_max = 7;
    let scene = Scene::with_limits(quiet(), limits, MemoryRetention::default()).await;
    let all: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    for text in &all {
        scene.publish("a", &[text]).await;
    }

    let mut earliest = scene.park(&["a"], Position::Earliest, Framing::Raw).await;
    let mut resumed = scene.park(&["a"], Position::Id("1-10".to_owned()), Framing::Raw).await;
    let mut last = scene.park(&["a"], Position::Last(5), Framing::Raw).await;

    assert_eq!(read_data(&mut earliest, 100), all);
    assert_eq!(read_data(&mut resumed, 90), all[10..]);
    assert_eq!(read_data(&mut last, 5), all[95..]);
    scene.publish("a", &["live"]).await;
    for client in [&mut earliest, &mut resumed, &mut last] {
        assert_eq!(read_data(client, 1), ["live"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_reader_disturbs_no_other_and_misses_nothing() {
    let mut limits = Limits::default();
    limits.window_bytes_max = 100_000;
    let scene = Scene::with_limits(quiet(), limits, MemoryRetention::default()).await;
    let stalled = scene.park(&["a"], Position::Now, Framing::Raw).await;
    let mut reading = scene.park(&["a"], Position::Now, Framing::Raw).await;
    let texts: Vec<_> = (0..3_000).map(|n| format!("{n:04}{}", "x".repeat(10_000))).collect();

    for ten in texts.chunks(10) {
        scene.publish("a", &ten.iter().map(String::as_str).collect::<Vec<_>>()).await;
        assert_eq!(read_data(&mut reading, 10), ten);
    }

    let mut stalled = BufReader::new(stalled);
    for text in texts {
        assert_eq!(read_block(&mut stalled).lines().nth(1), Some(&*format!("data: {text}")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_reader_that_retention_overtakes_is_told_of_the_gap() {
    let mut limits = Limits::default();
    limits.window_bytes_max = 100_000;
    let retention = MemoryRetention { events_max: 50, ..MemoryRetention::default() };
    let scene = Scene::with_limits(quiet(), limits, retention).await;
    let mut stalled = BufReader::new(scene.park(&["a"], Position::Now, Framing::Raw).await);
    for n in 0..2_000 {
        scene.publish("a", &[&format!("{n:04}{}", "x".repeat(10_000))]).await;
    }

    let (mut place, mut gaps) = (0, 0);
    while place < 2_000 {
        let block = read_block(&mut stalled);
        let id: u64 = block.split_once("id: 1-").unwrap().1.split_once('\n').unwrap().0.parse().unwrap();
        if block.starts_with("event: tidings.gap\n") {
            let asked = format!(
                "data: {{\"requested\":\"1-{place}\",\"reason\":\"expired\",\"resumes_after\":\"1-{id}\"}}"
            );
            assert!(block.ends_with(&format!("{asked}\n\n")), "{block}");
            gaps += 1;
        } else {
            assert_eq!(id, place + 1, "an event was skipped without a word");
        }
        place = id;
    }
    assert!(gaps > 0, "retention was to overtake the reader");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_is_forgotten() {
    let scene = Scene::new(quiet()).await;
    let mut clients = Vec::new();
    for n in 0..40 {
        clients
            .push(scene.park(&[if n % 2 == 0 { "a" } else { "b" }], Position::Now, Framing::Chunked).await);
    }
    assert_eq!(scene.hub.roster().count(), 40);

    for client in clients.drain(..20) {
        client.shutdown(Shutdown::Both).unwrap();
    }

    block_until("half have left", || scene.hub.roster().count() == 20);
    scene.publish("a", &["x"]).await;
    scene.publish("b", &["x"]).await;
    for (n, client) in clients.iter_mut().enumerate() {
        read_exactly(client, &format!("11\r\nid: 1-{}\ndata: x\n\n\r\n", 1 + n % 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stray_bytes_are_passed_over_but_not_without_end() {
    let scene = Scene::new(quiet()).await;
    let mut polite = scene.park(&["a"], Position::Now, Framing::Raw).await;
    let mut flooding = scene.park(&["a"], Position::Now, Framing::Raw).await;

    polite.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    block_until("the end of the flooding one", || flooding.write_all(&[b'x'; 65_536]).is_err());

    block_until("the flooding one is gone", || scene.hub.roster().count() == 1);
    scene.publish("a", &["x"]).await;
    read_exactly(&mut polite, "id: 1-1\ndata: x\n\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trickle_of_stray_bytes_ends_a_stream_at_the_same_number_as_a_flood() {
    let scene = Scene::new(quiet()).await;
    let mut trickling = scene.park(&["a"], Position::Now, Framing::Raw).await;
    trickling.set_nodelay(true).unwrap();

    for _ in 0..4_096 {
        trickling.write_all(b"x").unwrap();
    }
    scene.publish("a", &["x"]).await;
    read_exactly(&mut trickling, "id: 1-1\ndata: x\n\n");
    trickling.write_all(b"x").unwrap();

    block_until("the trickling one is gone", || scene.hub.roster().count() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roster_lists_parked_streams_in_pages_and_ends_them_by_id_user_and_topic() {
    let scene = Scene::new(quiet()).await;
    let user: User = "u1".into();
    let session =
        Arc::new(Session { user: Some(user.clone()), token_id: Some("t1".into()), ..Session::default() });
    let with_user = || Box::new(HeldFor { session: session.clone(), held: () });
    let mut clients = [
        scene.park_holding(&["a"], Position::Now, Framing::Raw, with_user()).await,
        scene.park_holding(&["b"], Position::Now, Framing::Raw, with_user()).await,
        scene.park(&["a", "b"], Position::Now, Framing::Raw).await,
        scene.park(&["c"], Position::Now, Framing::Raw).await,
    ];
    let roster = scene.hub.roster();

    let mut listed = Vec::new();
    loop {
        let after = listed.last().map(|subscriber: &Subscriber| subscriber.id);
        let page = within("a page of the roster", roster.list(after, 1)).await;
        listed.extend(page.subscribers);
        if !page.more {
            break;
        }
    }
    assert_eq!(listed.len(), 4);
    assert!(listed.is_sorted_by_key(|subscriber| subscriber.id), "{listed:?}");
    let users = listed.iter().filter(|subscriber| subscriber.visitor.user() == Some("u1")).count();
    assert_eq!(users, 2);

    let of_c = listed.iter().find(|subscriber| subscriber.selectors == selectors(&["c"])).unwrap().id;
    for (whom, ended) in [
        (Whom::Connection(of_c), vec![3]),
        (Whom::Connection(of_c), vec![]),
        (Whom::Token("t2".into()), vec![]),
        (Whom::User(user.clone()), vec![0, 1]),
        (Whom::Token("t1".into()), vec![]),
        (Whom::Topic(Topic::parse("b").unwrap()), vec![2]),
    ] {
        let count = within("the end of some", roster.dismiss(&whom, Dismissal::ByOperator)).await;
        assert_eq!(count, ended.len(), "{whom:?}");
        for client in ended {
            let farewell = read_to_end(&mut clients[client]);
            assert!(is_farewell(&farewell), "{farewell:?}");
        }
    }
    assert_eq!(roster.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roster_tells_of_a_parked_stream_its_address_its_transport_and_how_far_it_lags() {
    let scene = Scene::new(quiet()).await;
    let session = Arc::new(Session { address: "192.0.2.7".parse().ok(), ..Session::default() });
    let through_a_proxy = Box::new(HeldFor { session, held: () });
    let stalled = scene.park(&["a"], Position::Now, Framing::Raw).await;
    let _quiet = scene.park_holding(&["b"], Position::Now, Framing::Raw, through_a_proxy).await;
    let large = "x".repeat(1_000_000);
    for _ in 0..20 {
        scene.publish("a", &[&large]).await;
    }
    block_until("the rings to have all", || scene.hub.shown() == Sequence(20));

    let page = within("a page of the roster", scene.hub.roster().list(None, 10)).await;

    let [of_stalled, of_quiet] = &page.subscribers[..] else { panic!("{page:?}") };
    let head = scene.hub.bounds().head.sequence;
    assert!((5..=20).contains(&of_stalled.lag(head)), "{of_stalled:?}");
    assert_eq!(of_quiet.lag(head), 0, "it has asked for none of them");
    let addresses = [of_stalled, of_quiet].map(|one| one.visitor.client_address().unwrap().to_string());
    assert_eq!(addresses, ["127.0.0.1", "192.0.2.7"]);
    assert_eq!(of_stalled.visitor.transport, Transport::Sse);
    drop(stalled);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roster_counts_the_audience_of_a_topic_over_all_lanes() {
    let scene = Scene::new(quiet()).await;
    let mut kept = Vec::new();
    for user in ["u2", "u1", "u3", "u1", "u1"] {
        let session = Arc::new(Session { user: Some(user.into()), ..Session::default() });
        let held = Box::new(HeldFor { session, held: () });
        kept.push(scene.park_holding(&["orders/*"], Position::Now, Framing::Raw, held).await);
    }
    kept.push(scene.park(&["orders/9"], Position::Now, Framing::Raw).await);
    kept.push(scene.park(&["orders/8"], Position::Now, Framing::Raw).await);
    let topic = Topic::parse("orders/9").unwrap();

    let page = within("the audience", scene.hub.roster().audience(&topic, None, 2)).await;

    assert_eq!((page.connections, page.more), (6, true));
    assert_eq!(page.users, [("u1".into(), 3), ("u2".into(), 1)]);
}

/// The store begins a new epoch where the log ends, and later one that cuts its newest event off: only a reader that has
/// received what is cut off hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_epoch_is_a_gap_only_for_members_beyond_its_beginning() {
    let store = Arc::new(MemoryStore::new(Epoch(1), ManualClock::at(0), MemoryRetention::default()));
    let hub = Hub::start(store.clone(), Limits::default()).await.unwrap();
    let lanes = Lanes::start(&hub, &LaneConfig { lanes: 1, ..quiet() }).unwrap();
    let scene = Scene { hub, lanes, listener: TcpListener::bind("127.0.0.1:0").unwrap() };
    let mut of_a = scene.park(&["a"], Position::Now, Framing::Raw).await;
    let mut of_b = scene.park(&["b"], Position::Now, Framing::Raw).await;
    scene.publish("a", &["1", "2"]).await;
    read_exactly(&mut of_a, "id: 1-1\ndata: 1\n\nid: 1-2\ndata: 2\n\n");

    store.begin_epoch(Epoch(2), Sequence(2));
    scene.publish("b", &["3"]).await;
    scene.publish("a", &["4"]).await;
    read_exactly(&mut of_b, "id: 2-3\ndata: 3\n\n");
    read_exactly(&mut of_a, "id: 2-4\ndata: 4\n\n");

    store.begin_epoch(Epoch(3), Sequence(3));
    scene.publish("a", &["5"]).await;
    let gap = r#"{"requested":"2-4","reason":"other-epoch","resumes_after":"3-3"}"#;
    let declared = format!("event: tidings.gap\nid: 3-3\ndata: {gap}\n\nid: 3-4\ndata: 5\n\n");
    read_exactly(&mut of_a, &declared);
}

/// A member that its socket holds up has its place in the old epoch, while its group goes on in the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_member_hears_of_a_new_epoch_when_it_reads_again() {
    let store = Arc::new(MemoryStore::new(Epoch(1), ManualClock::at(0), MemoryRetention::default()));
    let hub = Hub::start(store.clone(), Limits::default()).await.unwrap();
    let lanes = Lanes::start(&hub, &LaneConfig { lanes: 1, ..quiet() }).unwrap();
    let scene = Scene { hub, lanes, listener: TcpListener::bind("127.0.0.1:0").unwrap() };
    let mut reading = scene.park(&["a"], Position::Now, Framing::Raw).await;
    let mut stalled = scene.park(&["a"], Position::Now, Framing::Raw).await;
    let large = "x".repeat(1_000_000);
    for number in 1..=20 {
        scene.publish("a", &[&large]).await;
        read_exactly(&mut reading, &format!("id: 1-{number}\ndata: {large}\n\n"));
    }

    // The stalled one has been sent a few of them, and more than the first.
    store.begin_epoch(Epoch(2), Sequence(1));
    scene.publish("a", &["new"]).await;
    let gap = |requested: &str| {
        let data = format!(r#"{{"requested":"{requested}","reason":"other-epoch","resumes_after":"2-1"}}"#);
        format!("event: tidings.gap\nid: 2-1\ndata: {data}\n\nid: 2-2\ndata: new\n\n")
    };
    read_exactly(&mut reading, &gap("1-20"));

    let mut reader = BufReader::new(stalled.try_clone().unwrap());
    let mut last = 0;
    let declared = loop {
        let block = read_block(&mut reader);
        match block.strip_prefix("id: 1-").and_then(|rest| rest.split_once('\n')) {
            Some((number, _)) => {
                assert_eq!(number.parse(), Ok(last + 1));
                last += 1;
            }
            None => break block + &read_block(&mut reader),
        }
    };
    assert!((2..20).contains(&last), "it has received {last} events");
    assert_eq!(declared, gap(&format!("1-{last}")));
    stalled.flush().unwrap();
}

/// One that is told is in the older half of this log, which has one event.
#[tokio::test(flavor = "multi_thread")]
async fn silence_brings_a_heartbeat_or_a_place_that_is_news_in_its_stead() {
    let scene = Scene::new(LaneConfig { lanes: 1, stream: beating(Duration::from_millis(640)) }).await;
    let mut quiet = scene.park(&["quiet"], Position::Now, Framing::Chunked).await;

    scene.publish("other", &["x"]).await;

    let place = "event: tidings.cursor\nid: 1-1\ndata: {\"cursor\":\"1-1\"}\n\n";
    read_exactly(&mut quiet, &format!("{:x}\r\n{place}\r\n2\r\n:\n\r\n2\r\n:\n\r\n", place.len()));
    scene.publish("quiet", &["y"]).await;
    read_exactly(&mut quiet, "11\r\nid: 1-2\ndata: y\n\n\r\n2\r\n:\n\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_takes_nothing_for_too_long_is_closed() {
    let write_wait_max = Duration::from_millis(300);
    let stream = StreamConfig { write_wait_max, ..beating(Duration::from_secs(1)) };
    let scene = Scene::new(LaneConfig { stream, ..quiet() }).await;
    let _stalled = scene.park(&["a"], Position::Now, Framing::Raw).await;
    let large = "x".repeat(1_000_000);

    for _ in 0..20 {
        scene.publish("a", &[&large]).await;
    }

    block_until("the stalled one is gone", || scene.hub.roster().count() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_sends_everyone_away_in_good_order() {
    let scene = Scene::new(quiet()).await;
    let mut chunked = scene.park(&["a"], Position::Now, Framing::Chunked).await;
    let mut raw = scene.park(&["a"], Position::Now, Framing::Raw).await;
    scene.publish("a", &["last"]).await;
    read_exactly(&mut chunked, "14\r\nid: 1-1\ndata: last\n\n\r\n");
    read_exactly(&mut raw, "id: 1-1\ndata: last\n\n");

    scene.lanes.drain(Duration::ZERO);
    within("the end of the lanes", scene.lanes.ended()).await;

    let rest = read_to_end(&mut chunked);
    assert!(is_farewell(rest.split("\r\n").nth(1).unwrap()) && rest.ends_with("\n\r\n0\r\n\r\n"), "{rest:?}");
    let rest = read_to_end(&mut raw);
    assert!(is_farewell(&rest), "{rest:?}");
    assert_eq!(scene.hub.roster().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_too_old_ends_in_good_order() {
    let stream_age_max = Some(Duration::from_millis(600));
    let stream = StreamConfig { stream_age_max, ..beating(Duration::from_millis(320)) };
    let scene = Scene::new(LaneConfig { lanes: 1, stream }).await;
    let mut old = scene.park(&["a"], Position::Now, Framing::Raw).await;
    scene.publish("a", &["x"]).await;
    read_exactly(&mut old, "id: 1-1\ndata: x\n\n");

    let rest = read_to_end(&mut old);

    let farewell = rest.trim_start_matches(":\n");
    assert!(is_farewell(farewell), "{rest:?}");
    block_until("nobody is left", || scene.hub.roster().count() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_end_after_the_last_event_when_the_hub_closes() {
    let scene = Scene::new(quiet()).await;
    let mut client = scene.park(&["a"], Position::Now, Framing::Chunked).await;
    let named = draft_with("a", "last", DraftFields { id: Some("end"), ..DraftFields::default() });
    within("the answer to a publish", scene.hub.publish(named)).await.unwrap();

    within("the end of the hub", scene.hub.close()).await.unwrap();

    let all = read_to_end(&mut client);
    assert!(all.starts_with("14\r\nid: end\ndata: last\n\n\r\n"), "{all:?}");
    assert!(all.ends_with("\r\n0\r\n\r\n"), "{all:?}");
}
