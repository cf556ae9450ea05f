//! Lanes over real sockets: exact bytes, slow readers, leaving, heartbeats, drain.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, draft_with, selectors};
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Cursor, Dismissal, DraftFields, Epoch, Follower, Hub, Limits, MemoryStore, OnGap, Position, Request,
    Sequence, Subscriber, Topic, User, Whom,
};
use tidings_http::lane::{Framing, Held, HeldFor, LaneConfig, Lanes, Parked};
use tidings_http::stream::machine::StreamConfig;
use tidings_http::stream::{Encoder, Opening};
use tidings_testkit::deadline::{Deadline, PATIENCE, block_until, within};
use tidings_testkit::faulty::FaultyStore;

struct Scene {
    hub: Hub,
    lanes: Lanes,
    listener: TcpListener,
}

impl Scene {
    async fn new(config: LaneConfig) -> Self {
        Self::with_limits(config, Limits::default(), MemoryRetention::default()).await
    }

    async fn with_limits(config: LaneConfig, limits: Limits, retention: MemoryRetention) -> Self {
        let store = Arc::new(MemoryStore::new(Epoch(1), ManualClock::at(0), retention));
        let hub = Hub::start(store, limits).await.unwrap();
        let lanes = Lanes::start(&hub, &config).unwrap();
        Self { hub, lanes, listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    async fn park(&self, texts: &[&str], from: Position, framing: Framing) -> TcpStream {
        self.park_holding(texts, from, framing, Box::new(())).await
    }

    async fn park_holding(
        &self,
        texts: &[&str],
        from: Position,
        framing: Framing,
        held: Box<dyn Held>,
    ) -> TcpStream {
        let request = Request { selectors: selectors(texts), from, on_gap: OnGap::Earliest };
        self.park_with(request, framing, held, Opening::Event, true).await
    }

    /// A client that has heard no block yet.
    async fn park_unopened(&self, texts: &[&str], from: Position, opening: Opening) -> TcpStream {
        let request = Request { selectors: selectors(texts), from, on_gap: OnGap::Earliest };
        self.park_with(request, Framing::Raw, Box::new(()), opening, false).await
    }

    async fn park_with(
        &self,
        request: Request,
        framing: Framing,
        held: Box<dyn Held>,
        opening: Opening,
        is_opened: bool,
    ) -> TcpStream {
        let located = within("a place", self.hub.locate(&request)).await.unwrap();
        assert_eq!(located.gap, None);
        let client = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let one_topic = request.selectors.single_topic().is_some();
        let attendance = self.hub.roster().attend(&request.selectors).unwrap();
        self.lanes.park(Parked {
            stream,
            follower: Follower::new(request.selectors, request.on_gap, located.place),
            is_opened,
            encoder: if one_topic { Encoder::Sse(opening) } else { Encoder::SseWithTopics(opening) },
            framing,
            attendance,
            held,
        });
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.set_write_timeout(Some(PATIENCE)).unwrap();
        client
    }

    async fn publish(&self, topic: &str, texts: &[&str]) {
        let drafts = texts.iter().map(|text| draft(topic, text)).collect();
        within("the answer to a publish", self.hub.publish_all(drafts)).await.unwrap();
    }
}

/// Whether it is one line that says when to come back.
fn is_farewell(text: &str) -> bool {
    text.starts_with("retry: ") && text.ends_with('\n') && text.lines().count() == 1
}

fn quiet() -> LaneConfig {
    LaneConfig { lanes: 2, stream: beating(Duration::from_secs(3_600)) }
}

fn beating(heartbeat: Duration) -> StreamConfig {
    StreamConfig { heartbeat, ..StreamConfig::default() }
}

fn read_exactly(client: &mut TcpStream, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    client.read_exact(&mut bytes).unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

/// The data lines of the next `count` events, from an unframed stream.
fn read_data(client: &mut TcpStream, count: usize) -> Vec<String> {
    let mut text = String::new();
    let mut buffer = [0; 65_536];
    while text.matches("\n\n").count() < count {
        let read = client.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the stream ended after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

/// Everything until the stream ends. Heartbeats do not put the deadline off.
fn read_to_end(client: &mut TcpStream) -> String {
    let deadline = Deadline::new();
    let mut bytes = Vec::new();
    let mut buffer = [0; 65_536];
    loop {
        deadline.check("the end of the stream");
        match client.read(&mut buffer).unwrap() {
            0 => return String::from_utf8(bytes).unwrap(),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

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

/// Exactly one block of an unframed stream.
fn read_block(reader: &mut BufReader<TcpStream>) -> String {
    let mut text = String::new();
    while !text.ends_with("\n\n") {
        assert_ne!(reader.read_line(&mut text).unwrap(), 0, "the stream ended after {text:?}");
    }
    text
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
    let with_user = || Box::new(HeldFor { user: user.clone(), held: () });
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
    let users = listed.iter().filter(|subscriber| subscriber.user.as_deref() == Some("u1")).count();
    assert_eq!(users, 2);

    let of_c = listed.iter().find(|subscriber| subscriber.selectors == selectors(&["c"])).unwrap().id;
    for (whom, ended) in [
        (Whom::Connection(of_c), vec![3]),
        (Whom::Connection(of_c), vec![]),
        (Whom::User(user.clone()), vec![0, 1]),
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

/// What a lane tells a client that has heard nothing yet, while the clock of the machine has whatever time.
fn read_open(client: &mut TcpStream, place: &str) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let block = read_block(&mut reader);
    let begin = format!(
        "event: tidings.open\nid: {place}\ndata: {{\"cursor\":\"{place}\",\"heartbeat_ms\":3600000,\"time\":\""
    );
    assert!(block.starts_with(&begin) && block.ends_with("Z\"}\n\n"), "{block:?}");
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
