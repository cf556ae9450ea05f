//! Members of a lane without its thread: the test does the rounds.

#![cfg(target_os = "linux")]

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use mio::{Poll, Waker};
use socket2::SockRef;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, selectors};
use tidings_core::memory::MemoryRetention;
use tidings_core::{
    Cursor, Epoch, Follower, KeyLife, Limits, MemoryStore, OnGap, Sequence, Session, UnixMillis,
};
use tidings_testkit::deadline::{PATIENCE, until};
use tokio::time::advance;

use super::*;
use crate::lane::batch::Framing;
use crate::lane::ids::GroupId;
use crate::lane::owed::Owed;
use crate::limits::UNACKNOWLEDGED_WAIT_MAX;
use crate::stream::machine::{DrainTicks, StreamConfig, Tick};
use crate::stream::{Coded, Encoder, Opening};

/// Bytes of a large event.
const LARGE: usize = 1_000_000;

/// Bytes that the system keeps for a socket: few, so that every large event blocks its member.
const SEND_BUFFER: usize = 65_536;

/// A hub, and one lane's members.
struct Scene {
    hub: Hub,
    members: Members<Option<Arc<Session>>>,
    clock: Arc<ManualClock>,
    listener: TcpListener,
    poll: Poll,
}

impl Scene {
    async fn new() -> Self {
        Self::keeping(StreamConfig::default()).await
    }

    async fn keeping(config: StreamConfig) -> Self {
        let store = MemoryStore::new(Epoch(1), ManualClock::at(0), MemoryRetention::default());
        let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
        let (poll, clock) = (Poll::new().unwrap(), ManualClock::at(0));
        let post = Arc::new(Post::new(Waker::new(poll.registry(), Token(usize::MAX)).unwrap()));
        let rules = Rules::for_sweeps(&config);
        let registry = poll.registry().try_clone().unwrap();
        let (requests, _) = PageRequests::new();
        let members = Members::new(MembersParts {
            hub: hub.clone(),
            rules,
            registry,
            post,
            requests,
            deflater: Deflater::default(),
            unread: UnreadFrames::new(config.unread_bytes_max),
            clock: clock.clone(),
        });
        Self { hub, members, clock, listener: TcpListener::bind("127.0.0.1:0").unwrap(), poll }
    }

    fn park(&mut self, topic: &str) -> TcpStream {
        self.park_after(topic, true)
    }

    /// A client whose session ends at a time.
    fn park_until(&mut self, topic: &str, until: UnixMillis) -> TcpStream {
        let session = Session { until: Some(until), ..Session::default() };
        self.park_holding(topic, true, Some(Arc::new(session)))
    }

    /// A client that has heard an opening block, or none.
    fn park_after(&mut self, topic: &str, is_opened: bool) -> TcpStream {
        self.park_holding(topic, is_opened, None)
    }

    fn park_holding(&mut self, topic: &str, is_opened: bool, held: Option<Arc<Session>>) -> TcpStream {
        self.park_asking(&[topic], is_opened, held)
    }

    /// A client that is a user.
    fn park_user(&mut self, topics: &[&str], user: &str) -> TcpStream {
        let session = Session { user: Some(user.into()), ..Session::default() };
        self.park_asking(topics, true, Some(Arc::new(session)))
    }

    fn park_asking(&mut self, topics: &[&str], is_opened: bool, held: Option<Arc<Session>>) -> TcpStream {
        let client = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        // Linux lets the room of a socket that is read grow, on a busy machine up to the whole event.
        SockRef::from(&client).set_recv_buffer_size(SEND_BUFFER).unwrap();
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER).unwrap();
        let selectors = selectors(topics);
        let attendance = self.hub.roster().attend(&selectors).unwrap();
        let follower = Follower::new(selectors, OnGap::Earliest, Cursor::new(Epoch(1), Sequence(0)));
        let (encoder, framing) = (Encoder::Sse(Opening::Event), Framing::Raw);
        self.members.admit(Parked {
            stream,
            follower,
            is_opened,
            past: None,
            encoder,
            framing,
            coded: Coded::Identity,
            attendance,
            entry: None,
            held,
        });
        client
    }

    /// Publishes an event of a megabyte and writes as much of it as the sockets of a group take.
    async fn deliver(&mut self, topic: &str, group: usize) {
        let shown = self.hub.shown();
        self.hub.publish(draft(topic, &"x".repeat(LARGE))).await.unwrap();
        until("the rings to have the event", || self.hub.shown() > shown).await;
        self.members.begin_round();
        self.members.deliver(GroupId::of(group));
    }

    /// The client takes so many bytes, and the socket of its member takes as many.
    fn take(&mut self, client: &mut TcpStream, member: usize, bytes: usize) {
        let (mut left, mut piece) = (bytes, [0; 16_384]);
        while left > 0 {
            self.members.go_on(MemberId::of(member));
            let read = client.read(&mut piece).unwrap();
            assert_ne!(read, 0, "the stream has ended");
            left = left.saturating_sub(read);
        }
        self.members.go_on(MemberId::of(member));
    }

    /// The time after which the system gives a member up that has no room.
    fn acknowledgement_wait(&self, member: usize) -> Option<Duration> {
        let waits = SockRef::from(&self.members.slots[member].stream).tcp_user_timeout().unwrap();
        waits.filter(|wait| !wait.is_zero())
    }

    fn left(&self) -> Vec<usize> {
        self.members.ids().map(MemberId::slot).collect()
    }

    /// Members that have their large event before them.
    fn waiting(&self) -> usize {
        let waits = |(_, member): &(usize, &Member<Option<Arc<Session>>>)| {
            matches!(member.standing, Standing::Behind(_))
        };
        self.members.slots.iter().filter(waits).count()
    }
}

/// Every member takes more than a hundred kilobytes of a large event at once, and all of them together many megabytes.
#[tokio::test]
async fn a_small_event_passes_a_large_one_that_is_on_its_way_to_many() {
    let mut scene = Scene::new().await;
    let mut large: Vec<_> = (0..100).map(|_| scene.park("large")).collect();
    let mut small = scene.park("small");
    let (of_large, of_small) = (GroupId::of(0), GroupId::of(1));
    scene.hub.publish(draft("large", &"x".repeat(LARGE))).await.unwrap();
    scene.hub.publish(draft("small", "y")).await.unwrap();
    until("the rings to have both", || scene.hub.shown() == Sequence(2)).await;

    scene.members.begin_round();
    scene.members.deliver(of_large);
    scene.members.deliver(of_small);

    let waiting = scene.waiting();
    assert!((50..100).contains(&waiting), "{waiting} wait");
    let mut event = [0; "id: 1-2\ndata: y\n\n".len()];
    small.read_exact(&mut event).unwrap();
    assert_eq!(event, *b"id: 1-2\ndata: y\n\n");
    let mut rounds = 0;
    while scene.members.has_turns() && rounds < waiting {
        // Though the round is full: what is new must not keep those that wait from their event for ever.
        scene.members.take_turns();
        rounds += 1;
    }
    assert!((2..waiting).contains(&rounds), "{rounds} rounds");
    assert_eq!(scene.waiting(), 0);
    for client in &mut large {
        client.read_exact(&mut event).unwrap();
        assert_eq!(event, *b"id: 1-1\ndata: xxx");
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_takes_its_large_event_slowly_outlives_one_that_takes_nothing_of_another() {
    let config = StreamConfig { unread_bytes_max: 2_500_000, ..StreamConfig::default() };
    let mut scene = Scene::keeping(config).await;
    let (mut slow, _still, _newest) = (scene.park("slow"), scene.park("still"), scene.park("newest"));
    scene.deliver("slow", 0).await;
    advance(Duration::from_secs(2)).await;
    scene.deliver("still", 1).await;
    advance(Duration::from_secs(2)).await;
    scene.take(&mut slow, 0, 300_000);

    scene.deliver("newest", 2).await;
    scene.members.let_frames_go();

    assert_eq!(scene.left(), [0, 2]);
}

/// Linux tells of room in steps, so the client takes enough in each time for one of them.
#[tokio::test]
async fn a_member_that_takes_a_little_in_every_wait_stays_and_one_that_takes_nothing_ends() {
    let mut scene = Scene::new().await;
    let (mut slow, _still) = (scene.park("a"), scene.park("a"));
    for _ in 0..3 {
        scene.deliver("a", 0).await;
    }
    let mut left = Vec::new();

    for times in 1..=5 {
        scene.take(&mut slow, 0, 300_000);
        let elapsed = scene.members.rules.ticks(Duration::from_secs(55)) * times;
        scene.members.set_time(Now { tick: Tick(elapsed), drain: None });
        for member in 0..2 {
            scene.members.look_at(MemberId::of(member));
        }
        left.push(scene.left());
        assert_eq!(scene.acknowledgement_wait(0), None, "the system ends readers that are only slow");
    }

    assert_eq!(left, [vec![0, 1], vec![0], vec![0], vec![0], vec![0]]);
    let silence = scene.members.rules.ticks(Duration::from_secs(55 * 5 + 61));
    scene.members.set_time(Now { tick: Tick(silence), drain: None });
    scene.members.look_at(MemberId::of(0));
    assert!(scene.left().is_empty());
}

/// Linux ends a peer that has no room for the next packet, also one that reads steadily.
#[tokio::test]
async fn the_system_watches_a_member_except_while_it_is_blocked() {
    let mut scene = Scene::new().await;
    let mut slow = scene.park("a");
    assert_eq!(scene.acknowledgement_wait(0), Some(UNACKNOWLEDGED_WAIT_MAX));
    scene.deliver("a", 0).await;
    assert_eq!(
        scene.acknowledgement_wait(0),
        Some(UNACKNOWLEDGED_WAIT_MAX),
        "a fast reader costs a system call"
    );

    scene.members.look_at(MemberId::of(0));
    assert_eq!(scene.acknowledgement_wait(0), None);
    scene.take(&mut slow, 0, LARGE - SEND_BUFFER);

    assert_eq!(scene.acknowledgement_wait(0), Some(UNACKNOWLEDGED_WAIT_MAX));
}

#[tokio::test]
async fn a_member_that_lags_is_written_one_batch_when_the_round_is_full() {
    let mut scene = Scene::new().await;
    let _client = scene.park("a");
    for _ in 0..3 {
        scene.hub.publish(draft("a", &"x".repeat(70_000))).await.unwrap();
    }
    until("the rings to have all", || scene.hub.shown() == Sequence(3)).await;
    scene.members.written.set(ROUND_BYTES_MAX);

    scene.members.slots[0].standing = Standing::Behind(Sequence(0));
    scene.members.follow(MemberId::of(0));

    assert_eq!((scene.members.slots[0].own_place(), scene.members.large_turns.len()), (Some(Sequence(1)), 1));
}

#[tokio::test]
async fn a_member_whose_turn_was_put_off_has_its_event_before_the_farewell() {
    let mut scene = Scene::new().await;
    let mut client = scene.park("a");
    scene.hub.publish(draft("a", "y")).await.unwrap();
    until("the rings to have it", || scene.hub.shown() == Sequence(1)).await;
    scene.members.written.set(ROUND_BYTES_MAX);
    scene.members.slots[0].standing = Standing::Behind(Sequence(0));

    let drain = Some(DrainTicks { from: Tick(0), length: 1 });
    scene.members.set_time(Now { tick: Tick(2), drain });
    scene.members.look_at(MemberId::of(0));

    let mut heard = String::new();
    client.read_to_string(&mut heard).unwrap();
    assert!(heard.starts_with("id: 1-1\ndata: y\n\n") && heard.contains("retry: "), "{heard}");
}

#[tokio::test]
async fn a_socket_that_can_be_written_again_waits_for_its_turn_when_the_round_is_full() {
    let mut scene = Scene::new().await;
    let mut client = scene.park("a");
    scene.deliver("a", 0).await;
    client.read_exact(&mut [0; 100_000]).unwrap();
    scene.members.written.set(ROUND_BYTES_MAX);

    let mut events = mio::Events::with_capacity(8);
    scene.poll.poll(&mut events, Some(PATIENCE)).unwrap();
    let ready = events.iter().find(|event| event.token() == Token(0)).unwrap();
    scene.members.socket_is_ready(ready);
    scene.members.socket_is_ready(ready);

    assert!(ready.is_writable());
    assert_eq!((scene.members.written.get(), scene.members.large_turns.len()), (ROUND_BYTES_MAX, 1));
    scene.members.take_turns();
    assert!(scene.members.written.get() > 0 && !scene.members.has_turns());
}

/// The feed shows an event a moment after the log has it.
#[tokio::test]
async fn a_member_for_which_an_event_may_be_about_to_come_is_not_told_its_place_before_it() {
    let mut scene = Scene::new().await;
    let other = scene.park("other");
    scene.hub.publish(draft("a", "y")).await.unwrap();
    assert_eq!(scene.hub.shown(), Sequence(0), "the feed is too fast for this test");

    let mut client = scene.park_after("a", false);
    let mut quiet = scene.park_after("quiet", false);
    scene.members.open_waiting();
    until("the rings to have it", || scene.hub.shown() == Sequence(1)).await;
    scene.members.open_waiting();

    let mut event = [0; "id: 1-1\ndata: y\n\n".len()];
    client.read_exact(&mut event).unwrap();
    assert_eq!(event, *b"id: 1-1\ndata: y\n\n");
    let mut open = [0; "event: tidings.open\nid: 1-1\n".len()];
    quiet.read_exact(&mut open).unwrap();
    assert_eq!(open, *b"event: tidings.open\nid: 1-1\n");
    other.set_nonblocking(true).unwrap();
    assert!((&other).read(&mut [0]).is_err(), "it was told its place before");
    assert!(scene.members.unopened.is_empty());
}

#[tokio::test]
async fn a_member_that_was_told_its_place_is_told_it_once_and_beats_then() {
    let mut scene = Scene::new().await;
    let mut client = scene.park_after("a", false);
    let mut open = Vec::new();
    while !open.ends_with(b"\n\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        open.push(byte[0]);
    }
    assert!(open.starts_with(b"event: tidings.open\nid: 1-0\n"));

    let elapsed = scene.members.rules.ticks(Duration::from_secs(15));
    scene.members.set_time(Now { tick: Tick(elapsed), drain: None });
    scene.members.look_at(MemberId::of(0));

    let mut heartbeat = [0; 2];
    client.read_exact(&mut heartbeat).unwrap();
    assert_eq!(heartbeat, *b":\n");
}

/// A socket may take the beginning of anything.
#[tokio::test]
async fn the_rest_of_a_heartbeat_opens_no_member_and_that_of_a_block_does() {
    let mut scene = Scene::new().await;
    let _client = scene.park_after("a", false);
    let place = Sequence(0);

    let opened = [false, true].map(|tells| {
        let member = &mut scene.members.slots[0];
        member.machine = Machine::unopened(place, Tick(0));
        member.standing = Standing::Blocked(Box::new(Owed::rest(b"\n", place, tells)));
        member.settle(Tick(1)).unwrap();
        member.machine.is_opened()
    });

    assert_eq!(opened, [false, true]);
}

#[tokio::test]
async fn a_member_whose_session_is_over_is_told_where_it_stands_and_gets_no_event_that_is_at_hand() {
    let mut scene = Scene::new().await;
    let mut clients = [(); 2].map(|()| scene.park_until("a", UnixMillis(1_000)));
    let _later = scene.park_until("a", UnixMillis(1_001));
    scene.hub.publish(draft("a", "y")).await.unwrap();
    until("the rings to have it", || scene.hub.shown() == Sequence(1)).await;
    scene.members.deliver(GroupId::of(0));
    let look = |scene: &mut Scene, ms| {
        scene.clock.set(ms);
        scene.members.set_time(Now { tick: Tick(1), drain: None });
        (0..3).for_each(|member| scene.members.look_at(MemberId::of(member)));
        scene.left()
    };
    assert_eq!(look(&mut scene, 999), [0, 1, 2]);

    scene.hub.publish(draft("a", "secret")).await.unwrap();
    until("the rings to have it", || scene.hub.shown() == Sequence(2)).await;
    assert_eq!(look(&mut scene, 1_000), [2]);

    let retries = clients.each_mut().map(|client| {
        let mut heard = String::new();
        client.read_to_string(&mut heard).unwrap();
        let told = "id: 1-1\ndata: y\n\nevent: tidings.expired\nid: 1-1\ndata: {\"reason\":\
            \"the access of this stream ended at 1970-01-01T00:00:01.000Z\"}\n\nretry: ";
        heard.strip_prefix(told).unwrap_or_else(|| panic!("{heard}")).to_owned()
    });
    assert_ne!(retries[0], retries[1], "they would come back together");
}

/// They were given what was at hand, until the next sweep.
#[tokio::test]
async fn a_member_whose_access_is_over_when_it_comes_hears_that_and_no_event() {
    let mut scene = Scene::new().await;
    scene.hub.publish(draft("a", "secret")).await.unwrap();
    until("the rings to have it", || scene.hub.shown() == Sequence(1)).await;
    scene.clock.set(1_000);
    scene.members.set_time(Now { tick: Tick(1), drain: None });
    let life = KeyLife::default();
    let mut lasting = scene.park_holding("a", true, Some(life.session()));
    life.end();

    let late = |key: Option<&KeyLife>, until| Session {
        until: Some(UnixMillis(until)),
        key: key.cloned(),
        ..Session::default()
    };
    let mut clients = [late(None, 1_000), late(Some(&life), 2_000)]
        .map(|session| scene.park_holding("a", true, Some(Arc::new(session))));

    assert_eq!(scene.left(), [0]);
    let retries = clients.each_mut().map(|client| {
        let mut heard = String::new();
        client.read_to_string(&mut heard).unwrap();
        assert!(heard.starts_with("event: tidings.expired\n") && !heard.contains("secret"), "{heard}");
        heard.split_once("retry: ").unwrap().1.to_owned()
    });
    assert_ne!(retries[0], retries[1], "they would come back together");
    scene.members.look_at(MemberId::of(0));
    let mut heard = String::new();
    lasting.read_to_string(&mut heard).unwrap();
    assert!(heard.contains("the key that gave this stream its access was withdrawn"), "{heard}");
}

/// What a client is told of who reads `a`.
fn presence(data: &str) -> String {
    format!("event: tidings.presence\ndata: {{\"topic\":\"a\",{data}}}\n\n")
}

fn expect(client: &mut TcpStream, expected: &str) {
    let mut heard = vec![0; expected.len()];
    client.read_exact(&mut heard).unwrap();
    assert_eq!(String::from_utf8_lossy(&heard), expected);
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_socket_took_no_change_is_given_the_state_when_it_takes_bytes_again() {
    let mut scene = Scene::new().await;
    let mut slow = scene.park_user(&["a", "tidings/presence/a", "tidings/presence/b"], "ada");
    let group = GroupId::of(0);
    scene.members.take_presence_turns();
    tokio::time::sleep(Duration::from_millis(1)).await;
    scene.members.tell_presence(group);
    expect(&mut slow, &presence(r#""users":[{"user":"ada"}],"total":1"#));
    expect(&mut slow, "event: tidings.presence\ndata: {\"topic\":\"b\",\"users\":[],\"total\":0}\n\n");
    scene.deliver("a", 0).await;
    assert!(scene.members.slots[0].is_blocked());
    let mut bob = scene.park_user(&["tidings/presence/a", "a", "tidings/presence/b"], "bob");
    scene.members.take_presence_turns();

    tokio::time::sleep(Duration::from_secs(6)).await;
    scene.members.tell_presence(group);
    assert!(scene.members.slots[0].is_blocked(), "half an event was gone on with");
    let event = "id: 1-1\ndata: ".len() + LARGE + 2;
    scene.take(&mut slow, 0, event);
    scene.members.take_presence_turns();

    let both = presence(r#""users":[{"user":"ada"},{"user":"bob"}],"total":2"#);
    expect(&mut slow, &both);
    expect(&mut slow, "event: tidings.presence\ndata: {\"topic\":\"b\",\"users\":[],\"total\":0}\n\n");
    scene.take(&mut bob, 1, event);
    scene.members.take_presence_turns();
    expect(&mut bob, &both);
    scene.members.end(MemberId::of(0), Ending::Drain);
    tokio::time::sleep(Duration::from_secs(6)).await;
    scene.members.tell_presence(group);
    expect(&mut bob, "event: tidings.presence\ndata: {\"topic\":\"b\",\"users\":[],\"total\":0}\n\n");
    expect(&mut bob, &presence(r#""joined":[],"left":[{"user":"ada"}],"total":1"#));
}

#[tokio::test]
async fn a_lane_keeps_nothing_of_presence_when_the_last_who_asked_has_left() {
    let mut scene = Scene::new().await;
    let _clients = [(); 2].map(|()| scene.park_user(&["tidings/presence/a"], "ada"));
    assert!(!scene.members.presence.is_empty());

    scene.members.end(MemberId::of(0), Ending::Drain);
    scene.members.tell_presence(GroupId::of(0));
    scene.members.end(MemberId::of(1), Ending::Drain);

    scene.members.take_presence_turns();
    assert!(scene.members.presence.is_empty());
    assert!(scene.hub.presences().is_unwatched());
}
