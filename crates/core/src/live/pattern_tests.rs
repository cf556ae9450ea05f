//! Tests of views of patterns against the plain list of what the window holds.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use crate::event::{Cursor, Draft, DraftParts, Epoch, Event, Sequence, Topic, UnixMillis};
use crate::limits::{
    FRAME_OVERHEAD_BYTES, FRAMES_LOOKED_AT_MAX, MATCHES_REMEMBERED_BYTES_MAX, NEWS_PLACES_MAX,
    PATTERNS_COMPARED_MAX,
};
use crate::live::news::News;
use crate::live::now;
use crate::live::patterns::Patterns;
use crate::live::ring::Watcher;
use crate::live::scan::frames_per;
use crate::live::view::{Reach, View};
use crate::live::window::Window;
use crate::select::{Selector, Selectors};

const START: Cursor = Cursor { epoch: Epoch(1), sequence: Sequence(0) };

const TOPICS: [&str; 6] = ["a", "a/b", "a/b/c", "b", "b/a", "inbox/a"];

const SELECTORS: [&[&str]; 8] =
    [&["**"], &["a/*"], &["*"], &["a/**", "b"], &["**/a"], &["x"], &["*/b", "**/c", "a"], &["a/b"]];

struct Nobody;

impl Watcher for Nobody {
    fn ring_moved(&self, _key: usize) {}
}

fn selectors(texts: &[&str]) -> Selectors {
    Selectors::new(texts.iter().map(|text| Selector::parse(text).unwrap())).unwrap()
}

fn view(window: &Arc<Window>, texts: &[&str]) -> View {
    View::new(window.clone(), &selectors(texts), Arc::new(Nobody), 0)
}

fn event(cursor: Cursor, topic: &str) -> Event {
    let parts = DraftParts::new(Topic::parse(topic).unwrap(), Bytes::from_static(b"0123456789"));
    Event { cursor, time: UnixMillis(0), draft: Draft::restore(parts) }
}

/// A window, and what it holds.
struct Scene {
    window: Arc<Window>,
    here: Cursor,
    events: Vec<Event>,
    views: Vec<(&'static [&'static str], View)>,
}

#[derive(Debug, Clone)]
enum Act {
    /// As many events of a topic.
    Push {
        topic: usize,
        count: u64,
    },
    /// A place that is no event's.
    Skip,
    Join(usize),
    Leave(usize),
    /// Cuts so many events off.
    NewEpoch(u64),
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..TOPICS.len(), 1..100_u64).prop_map(|(topic, count)| Act::Push { topic, count }),
        1 => Just(Act::Skip),
        4 => (0..SELECTORS.len()).prop_map(Act::Join),
        2 => (0..8_usize).prop_map(Act::Leave),
        1 => (0..50_u64).prop_map(Act::NewEpoch),
        1 => Just(Act::Restart),
    ]
}

impl Scene {
    fn new(frames_max: usize) -> Self {
        let frame = "0123456789".len() + "inbox/a".len() + FRAME_OVERHEAD_BYTES;
        let window = Arc::new(Window::encoding(START, frames_max * frame, Arc::default()));
        Self { window, here: START, events: Vec::new(), views: Vec::new() }
    }

    fn play(&mut self, act: &Act) {
        match act {
            Act::Push { topic, count } => {
                let batch: Vec<_> = (0..*count)
                    .map(|_| {
                        self.here = self.here.next();
                        event(self.here, TOPICS[*topic])
                    })
                    .collect();
                now(self.window.push(&batch));
                self.events.extend(batch);
            }
            Act::Skip => self.here = self.here.next(),
            Act::Join(at) => self.views.push((SELECTORS[*at], view(&self.window, SELECTORS[*at]))),
            Act::Leave(at) => {
                if *at < self.views.len() {
                    self.views.swap_remove(*at);
                }
            }
            Act::NewEpoch(cut) => {
                let after = Sequence(self.here.sequence.0.saturating_sub(*cut));
                self.here = Cursor::new(Epoch(self.here.epoch.0 + 1), after);
                self.events.retain(|event| event.cursor.sequence <= after);
                now(self.window.begin_epoch(self.here));
            }
            Act::Restart => {
                self.here = self.here.at(Sequence(self.here.sequence.0 + 100));
                self.events.clear();
                now(self.window.restart(self.here));
            }
        }
    }

    /// Asks every view after every place that is of interest.
    fn check(&self) {
        let head = self.window.head();
        let floor = self.window.floor();
        let places = [0, 1, 2, 63, 64, 65, 128, 1_000].map(|back| head.0.saturating_sub(back));
        for (texts, view) in &self.views {
            for place in places {
                let cursor = self.here.at(Sequence(place));
                for bytes_max in [1, 500, usize::MAX] {
                    self.check_reach(texts, cursor, floor, bytes_max, view.after(cursor, bytes_max));
                }
            }
        }
    }

    fn check_reach(&self, texts: &[&str], cursor: Cursor, floor: Sequence, bytes_max: usize, reach: Reach) {
        let asked = selectors(texts);
        let after = self.events.iter().filter(|event| event.cursor.sequence > cursor.sequence);
        let all: Vec<_> = after.filter(|event| asked.matches(event.draft.topic())).collect();
        match reach {
            Reach::Lagged => {
                let held = self.events.iter().filter(|event| event.cursor.sequence > cursor.sequence).count();
                let is_far = cursor.sequence < floor || held > frames_per(FRAMES_LOOKED_AT_MAX, &asked);
                assert!(is_far, "{texts:?} after {cursor}");
            }
            Reach::Nothing { through } => {
                assert!(all.is_empty(), "{texts:?} after {cursor}: {all:?}");
                assert_eq!(through.sequence, cursor.sequence.max(self.window.head()));
            }
            Reach::Frames { frames, through } => {
                assert!(cursor.sequence >= floor);
                let expected: Vec<_> = all
                    .iter()
                    .filter(|event| event.cursor.sequence <= through.sequence)
                    .map(|e| e.cursor)
                    .collect();
                let seen: Vec<_> = frames.iter().map(|frame| frame.event().cursor).collect();
                assert_eq!(seen, expected, "{texts:?} after {cursor} through {through}");
                if bytes_max == 1 {
                    assert!(frames.len() <= texts.len(), "about so many bytes");
                }
                if bytes_max == usize::MAX {
                    assert_eq!(seen.len(), all.len(), "everything there is");
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_view_of_patterns_shows_what_the_window_holds(
        frames_max in 20..2_000_usize,
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut scene = Scene::new(frames_max);
        for some in acts.chunks(3) {
            some.iter().for_each(|act| scene.play(act));
            scene.check();
        }
    }
}

#[test]
fn a_pattern_keeps_the_places_of_a_bounded_number_of_events() {
    let mut scene = Scene::new(100_000);
    scene.play(&Act::Join(0));
    scene.play(&Act::Push { topic: 0, count: 10_000 });

    let mut places = Vec::new();
    let view = &scene.views[0].1;
    let near = Sequence(10_000 - NEWS_PLACES_MAX as u64);
    assert!(view.knows_all_after(near, &mut places) && places.len() == NEWS_PLACES_MAX);
    assert!(!view.knows_all_after(near.previous(), &mut places));
    assert!(matches!(view.after(START, 1_000), Reach::Lagged), "too far back for one look");
}

#[test]
fn patterns_come_and_go_and_topics_that_were_seen_before_still_find_them() {
    let mut scene = Scene::new(100_000);
    let numbers: Vec<_> = (0..1_000).map(|n| format!("*/{n}")).collect();
    let hits = |window: &Arc<Window>, watched: &[&str], place: u64| -> usize {
        let view = view(window, watched);
        match view.after(START.at(Sequence(place)), usize::MAX) {
            Reach::Frames { frames, .. } => frames.len(),
            _ => 0,
        }
    };
    scene.play(&Act::Join(1));
    scene.play(&Act::Push { topic: 1, count: 1 });

    // More than are compared one by one, and one that matches the topic seen before among them.
    let many: Vec<_> = numbers.iter().map(|text| view(&scene.window, &[text])).collect();
    let late = view(&scene.window, &["*/b"]);
    scene.play(&Act::Push { topic: 1, count: 1 });
    assert!(matches!(late.after(START.at(Sequence(1)), 100), Reach::Frames { .. }));
    drop(many);
    let again = view(&scene.window, &["**/b"]);
    drop(late);
    scene.play(&Act::Push { topic: 1, count: 1 });
    assert!(matches!(again.after(START.at(Sequence(2)), 100), Reach::Frames { .. }));
    assert_eq!(hits(&scene.window, &["*/b"], 0), 3);
}

#[test]
fn a_view_hands_out_one_frame_however_few_bytes_are_asked_for() {
    let mut scene = Scene::new(100_000);
    scene.play(&Act::Join(0));
    scene.play(&Act::Push { topic: 0, count: 3 });

    let reach = scene.views[0].1.after(START, 0);

    assert!(matches!(&reach, Reach::Frames { frames, .. } if frames.len() == 1), "{reach:?}");
}

#[test]
fn what_is_remembered_of_topics_is_bounded_however_many_patterns_come_and_go() {
    let mut patterns = Patterns::default();
    let parse = |text: String| match Selector::parse(&text).unwrap() {
        Selector::Pattern(pattern) => pattern,
        Selector::Topic(topic) => panic!("{topic} is no pattern"),
    };
    patterns.insert(parse("steady/**".to_owned()), Arc::new(News::after(Sequence(0))));
    let topics: Vec<_> = (0..30_000).map(|n| Topic::parse(&format!("a/{n}")).unwrap()).collect();
    for round in 0..4 {
        for some in topics[..5_000].chunks(500) {
            some.iter().for_each(|topic| patterns.each_of(topic, |_| {}));
            assert!(patterns.remembered_bytes() <= MATCHES_REMEMBERED_BYTES_MAX);
        }
        for number in 0..PATTERNS_COMPARED_MAX {
            let pattern =
                parse(format!("**/{}*", "*/".repeat(round * PATTERNS_COMPARED_MAX % 12 + number % 3)));
            patterns.insert(pattern, Arc::new(News::after(Sequence(0))));
        }
    }
    for some in topics.chunks(500) {
        some.iter().for_each(|topic| patterns.each_of(topic, |_| {}));
        assert!(patterns.remembered_bytes() <= MATCHES_REMEMBERED_BYTES_MAX);
    }
    let mut matching = 0;
    patterns.each_of(&topics[0], |_| matching += 1);
    assert!(matching > 0);
}

#[test]
fn a_pattern_that_nobody_watches_any_more_gives_its_places_back() {
    let news = News::after(Sequence(0));
    (1..=50).for_each(|place| news.push(Sequence(place)));
    news.retire();

    let mut places = Vec::new();
    news.between(Sequence(0), Sequence(50), &mut places);

    assert!(news.is_retired() && places.is_empty());
}
