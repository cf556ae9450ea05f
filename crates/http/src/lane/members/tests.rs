use std::io::Read;
use std::net::{TcpListener, TcpStream};

use mio::{Poll, Waker};
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, selectors};
use tidings_core::memory::MemoryRetention;
use tidings_core::{Cursor, Epoch, Follower, Limits, MemoryStore, OnGap, Sequence};
use tidings_testkit::deadline::{PATIENCE, until};

use super::*;
use crate::lane::batch::Framing;
use crate::lane::ids::GroupId;
use crate::stream::Encoder;
use crate::stream::machine::StreamConfig;

/// Members of a lane without its thread: the test does the rounds.
struct Scene {
    hub: Hub,
    members: Members,
    listener: TcpListener,
    _poll: Poll,
}

impl Scene {
    async fn new() -> Self {
        let store = MemoryStore::new(Epoch(1), ManualClock::at(0), MemoryRetention::default());
        let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
        let poll = Poll::new().unwrap();
        let post = Arc::new(Post::new(Waker::new(poll.registry(), Token(usize::MAX)).unwrap(), 0));
        let rules = Rules::for_sweeps(&StreamConfig::default());
        let registry = poll.registry().try_clone().unwrap();
        let (requests, _) = PageRequests::new();
        let members = Members::new(hub.clone(), rules, registry, post, requests, UnreadFrames::new(1 << 30));
        Self { hub, members, listener: TcpListener::bind("127.0.0.1:0").unwrap(), _poll: poll }
    }

    fn park(&mut self, topic: &str) -> TcpStream {
        let client = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let selectors = selectors(&[topic]);
        let attendance = self.hub.roster().attend(&selectors).unwrap();
        let follower = Follower::new(selectors, OnGap::Earliest, Cursor::new(Epoch(1), Sequence(0)));
        let (encoder, framing) = (Encoder::Sse, Framing::Raw);
        self.members.admit(Parked { stream, follower, encoder, framing, attendance, held: Box::new(()) });
        client
    }

    /// Members that have their large event before them.
    fn waiting(&self) -> usize {
        let waits = |(_, member): &(usize, &Member)| matches!(member.standing, Standing::Behind(_));
        self.members.slots.iter().filter(waits).count()
    }
}

/// Every member takes some hundred kilobytes of a large event at once, and all of them together many megabytes.
#[tokio::test]
async fn a_small_event_passes_a_large_one_that_is_on_its_way_to_many() {
    let mut scene = Scene::new().await;
    let mut large: Vec<_> = (0..100).map(|_| scene.park("large")).collect();
    let mut small = scene.park("small");
    let (of_large, of_small) = (GroupId::of(0), GroupId::of(1));
    scene.hub.publish(draft("large", &"x".repeat(1_000_000))).await.unwrap();
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
    while scene.members.has_turns() {
        scene.members.begin_round();
        scene.members.take_turns();
        rounds += 1;
    }
    assert!((5..=waiting).contains(&rounds), "{rounds} rounds");
    assert_eq!(scene.waiting(), 0);
    for client in &mut large {
        client.read_exact(&mut event).unwrap();
        assert_eq!(event, *b"id: 1-1\ndata: xxx");
    }
}
