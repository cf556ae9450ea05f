//! The bound of what is counted over all topics.

use super::*;
use crate::contract::fixture::selectors;
use crate::presence::News;
use crate::roster::Session;

const DEBOUNCE: Duration = Duration::from_secs(5);
const MAX: usize = 100;

struct Nobody;

impl Watcher for Nobody {
    fn ring_moved(&self, _key: usize) {}
}

/// Presence of at most a hundred connections, which are the roster, too.
struct Scene {
    presences: Arc<Presences>,
    connections: BTreeMap<u64, AttendeeCopy>,
    last: u64,
}

impl Scene {
    fn new() -> Self {
        let presences = Arc::new(Presences::counting(MAX, DEBOUNCE));
        Self { presences, connections: BTreeMap::new(), last: 0 }
    }

    fn watch(&self, topics: &[&str]) -> PresenceView {
        let names: Vec<_> = topics.iter().map(|topic| format!("tidings/presence/{topic}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        self.presences.watch(&selectors(&names), Arc::new(Nobody), 0).unwrap()
    }

    /// A connection of a user of its own.
    fn join(&mut self, selector: &str) -> u64 {
        self.last += 1;
        let id = ConnectionId::new(self.last);
        let user = Some(format!("u{:03}", self.last).into());
        let session = Arc::new(Session { user, ..Session::default() });
        let copy = AttendeeCopy { id, selectors: selectors(&[selector]), session };
        self.presences.joined(attendee(&copy));
        self.connections.insert(self.last, copy);
        self.last
    }

    fn leave(&mut self, id: u64) {
        let copy = self.connections.remove(&id).unwrap();
        self.presences.left(attendee(&copy));
    }

    /// Does what the keeper does.
    async fn keep(&self) {
        self.presences.advance(Instant::now());
        let topics = self.presences.take_uncalled();
        if !topics.is_empty() {
            let roll: Vec<_> = self.connections.values().cloned().collect();
            self.presences.take_roll(&topics, &roll).await;
        }
        self.presences.advance(Instant::now());
        tokio::time::advance(DEBOUNCE).await;
        self.presences.advance(Instant::now());
    }

    fn counted(&self) -> usize {
        let watched = self.presences.watched();
        let counted = watched.topics.values().map(|entry| entry.presence.counted()).sum::<usize>();
        assert_eq!(watched.counted, counted);
        counted
    }
}

fn attendee(copy: &AttendeeCopy) -> Attendee<'_> {
    let AttendeeCopy { id, selectors, session } = copy;
    Attendee { id: *id, selectors, session, address: None, ending: None }
}

fn total(view: &PresenceView, topic: usize) -> usize {
    view.look(topic, true).state.map_or(0, |state| state.total)
}

#[tokio::test(start_paused = true)]
async fn no_more_are_counted_than_may_be_and_those_who_stayed_are_found_when_there_is_room_again() {
    let mut scene = Scene::new();
    let view = scene.watch(&["a", "b", "c"]);
    scene.keep().await;

    // Each is counted in three topics.
    let crowd: Vec<_> = (0..50).map(|_| scene.join("*")).collect();
    assert_eq!(scene.counted(), MAX);
    scene.keep().await;
    assert_eq!((total(&view, 0), total(&view, 1), total(&view, 2)), (34, 33, 33));

    // Three quarters are left, but for one.
    for id in &crowd[..8] {
        scene.leave(*id);
    }
    assert_eq!(scene.counted(), 76);
    scene.keep().await;
    assert_eq!(scene.counted(), 76);

    scene.leave(crowd[8]);
    for id in &crowd[20..30] {
        scene.leave(*id);
    }
    scene.keep().await;
    assert_eq!(scene.counted(), 3 * (50 - 19));
    scene.keep().await;
    assert_eq!((total(&view, 0), total(&view, 1), total(&view, 2)), (31, 31, 31));
    let told = view.look(0, false);
    assert!(told.change.is_none() && !told.has_missed);

    // They are told of as any that come.
    let watched = scene.presences.watched();
    assert!(!watched.is_short && watched.topics.values().all(|entry| !entry.is_short));
}

/// The roll has one who leaves before it is counted, and a topic that was forgotten and is watched again meanwhile.
#[tokio::test(start_paused = true)]
async fn what_happens_while_the_roster_is_called_counts_more_than_the_roll() {
    let mut scene = Scene::new();
    let leaves = scene.join("*");
    scene.join("*");
    let (a, b) = (scene.watch(&["a"]), scene.watch(&["b"]));
    let topics = scene.presences.take_uncalled();
    let roll: Vec<_> = scene.connections.values().cloned().collect();

    scene.leave(leaves);
    drop(b);
    let b = scene.watch(&["b"]);
    scene.presences.take_roll(&topics, &roll).await;

    assert_eq!((total(&a, 0), b.look(0, true).state.is_none()), (1, true));
    scene.keep().await;
    assert_eq!((total(&a, 0), total(&b, 0)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_keeper_comes_again_at_once_for_topics_that_it_had_no_turn_for() {
    let mut scene = Scene::new();
    let names: Vec<_> = (0..99).map(|number| format!("t{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let _views: Vec<_> = ["a/", "b/", "c/"]
        .map(|begin| names.iter().map(|name| format!("{begin}{name}")).collect::<Vec<_>>())
        .map(|names| scene.watch(&names.iter().map(String::as_str).collect::<Vec<_>>()))
        .into();
    let first = scene.join("a/*");
    scene.leave(first);
    scene.presences.advance(Instant::now());
    let now = Instant::now();
    {
        let mut watched = scene.presences.watched();
        let all: Vec<_> = watched.topics.keys().cloned().collect();
        watched.touched.extend(all);
    }

    assert_eq!(scene.presences.advance(now), Some(now));
    assert_eq!(scene.presences.advance(now), None);
}

#[tokio::test(start_paused = true)]
async fn those_who_are_found_again_are_told_of_as_any_who_come() {
    let mut scene = Scene::new();
    let view = scene.watch(&["a", "b"]);
    scene.keep().await;
    assert_eq!(total(&view, 0), 0);
    let first: Vec<_> = (0..MAX).map(|_| scene.join("b")).collect();
    let late = scene.join("a");
    scene.keep().await;
    assert!(view.look(0, false).change.is_none(), "there is no room");

    first.iter().take(30).for_each(|id| scene.leave(*id));
    scene.keep().await;

    let change = view.look(0, false).change.unwrap();
    let News::Change { joined, left } = &change.news else { panic!("{change:?}") };
    let joined: Vec<_> = joined.first.iter().map(|person| person.user.to_string()).collect();
    assert_eq!((joined, left.first.len(), change.total), (vec![format!("u{late:03}")], 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_roll_counts_no_more_than_may_be_and_topics_that_nobody_watches_make_room() {
    let mut scene = Scene::new();
    for _ in 0..150 {
        scene.join("*");
    }

    let first = scene.watch(&["a"]);
    scene.keep().await;
    assert_eq!((scene.counted(), total(&first, 0)), (MAX, MAX));
    let second = scene.watch(&["b"]);
    scene.keep().await;
    assert_eq!((scene.counted(), total(&second, 0)), (MAX, 0));

    drop(first);
    scene.keep().await;
    assert_eq!((scene.counted(), total(&second, 0)), (MAX, MAX));
    drop(second);
    assert_eq!(scene.counted(), 0);
}
