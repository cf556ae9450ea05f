//! Tests of pushing in slices: what is seen between two slices, and what there is in the end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use bytes::Bytes;

use crate::event::{Cursor, Draft, DraftParts, Epoch, Event, Sequence, Topic, UnixMillis};
use crate::limits::{PUSH_BYTES_MAX, PUSH_STEPS_MAX};
use crate::live::now;
use crate::live::ring::Watcher;
use crate::live::view::{Reach, View};
use crate::live::window::Window;
use crate::select::{Selector, Selectors};

const START: Cursor = Cursor { epoch: Epoch(1), sequence: Sequence(0) };
const FIRST: Sequence = Sequence(1);
/// A topic that 2^13 patterns with wildcards for some of its segments match.
const DEEP: &str = "a/a/a/a/a/a/a/a/a/a/a/a/a";

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Watcher for Count {
    fn ring_moved(&self, _key: usize) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn window(bytes_max: usize) -> Arc<Window> {
    Arc::new(Window::encoding(START, bytes_max, Arc::default()))
}

fn event(number: u64, topic: &str, bytes: usize) -> Event {
    let parts = DraftParts::new(Topic::parse(topic).unwrap(), Bytes::from(vec![b'x'; bytes]));
    Event { cursor: START.at(Sequence(number)), time: UnixMillis(0), draft: Draft::restore(parts) }
}

fn view(window: &Arc<Window>, selector: &str, watcher: &Arc<Count>) -> View {
    let selectors = Selectors::new([Selector::parse(selector).unwrap()]).unwrap();
    View::new(window.clone(), &selectors, watcher.clone(), 0)
}

/// Patterns that match the deep topic, each another one.
fn patterns(count: usize) -> impl Iterator<Item = String> {
    let wildcard = |number: usize, at: usize| if number >> at & 1 == 1 { "*" } else { "a" };
    (1..=count).map(move |number| (0..13).map(|at| wildcard(number, at)).collect::<Vec<_>>().join("/"))
}

fn handed_out(view: &View) -> Vec<u64> {
    match view.after(START, usize::MAX) {
        Reach::Frames { frames, .. } => frames.iter().map(|frame| frame.sequence().0).collect(),
        Reach::Nothing { .. } => Vec::new(),
        other => panic!("the window holds it: {other:?}"),
    }
}

/// Runs a push, looks after each slice, and returns how many slices there were.
fn slices(push: impl Future<Output = ()>, mut look: impl FnMut()) -> usize {
    let (mut push, mut slices) = (pin!(push), 1);
    let mut context = Context::from_waker(Waker::noop());
    while push.as_mut().poll(&mut context).is_pending() {
        look();
        slices += 1;
    }
    slices
}

#[test]
fn an_event_is_handed_out_when_all_of_its_patterns_know_of_it() {
    let (window, watcher, joiner) = (window(usize::MAX), Arc::<Count>::default(), Arc::<Count>::default());
    let count = PUSH_STEPS_MAX + 1_000;
    let views: Vec<_> = patterns(count).map(|pattern| view(&window, &pattern, &watcher)).collect();
    let topic = view(&window, DEEP, &watcher);
    let (batch, mut joined) = ([event(1, DEEP, 1)], Vec::new());

    let slices = slices(window.push(&batch), || {
        if window.head() < FIRST {
            assert_eq!(handed_out(&topic), []);
            // It comes while others are told, and must not miss the event.
            joined.push(view(&window, "**/a", &joiner));
        }
    });

    assert!(slices > 2 && !joined.is_empty(), "{slices}, {}", joined.len());
    for view in views.iter().chain(&joined).chain([&topic]) {
        assert_eq!(handed_out(view), [1]);
    }
    assert!(views.iter().all(|view| view.knows_all_after(START.sequence, &mut Vec::new())));
    assert!(watcher.0.load(Ordering::Relaxed) > count, "each was woken");
    // They may have looked before it was handed out.
    assert_eq!(joiner.0.load(Ordering::Relaxed), joined.len());
}

#[test]
fn very_many_watchers_of_a_topic_are_woken_once_each() {
    let (window, watcher) = (window(usize::MAX), Arc::<Count>::default());
    let count = 2 * PUSH_STEPS_MAX + 1;
    let views: Vec<_> = (0..count).map(|_| view(&window, "a", &watcher)).collect();
    let batch = [event(1, "a", 1), event(2, "a", 1)];

    let slices = slices(window.push(&batch), || assert_eq!(window.head(), Sequence(2)));

    assert_eq!((slices, watcher.0.load(Ordering::Relaxed)), (3, count));
    drop(views);
}

#[test]
fn a_large_event_takes_the_place_of_small_ones_in_slices() {
    let window = window(16 << 20);
    let count = 3 * PUSH_STEPS_MAX as u64;
    let small: Vec<_> = (1..=count).map(|number| event(number, "a", 1)).collect();
    now(window.push(&small));
    let large = [event(count + 1, "b", 16 << 20)];

    let mut floors = Vec::new();
    let slices = slices(window.push(&large), || floors.push(window.floor().0));

    assert_eq!(slices, 3, "{floors:?}");
    assert!(floors.is_sorted() && floors[0] > 0 && floors[0] < count);
    assert_eq!((window.floor().0, window.head().0, window.frames_after(Sequence(0))), (count, count + 1, 1));
}

#[test]
fn a_batch_of_many_bytes_or_events_is_pushed_in_slices() {
    let small: Vec<_> = (1..=3 * PUSH_STEPS_MAX as u64).map(|number| event(number, "a", 1)).collect();
    let large: Vec<_> = (1..=9).map(|number| event(number, "a", PUSH_BYTES_MAX / 3)).collect();
    for (batch, least) in [(small, 3), (large, 3)] {
        let (window, mut heads) = (window(usize::MAX), Vec::new());
        let slices = slices(window.push(&batch), || heads.push(window.head().0));
        assert!(slices >= least && heads.is_sorted(), "{slices}: {heads:?}");
        assert!(heads[0] > 0 && heads[0] < batch.len() as u64, "what is pushed is handed out: {heads:?}");
        assert_eq!(window.head().0, batch.len() as u64);
    }
}

#[test]
fn a_small_batch_is_pushed_without_a_pause() {
    let (window, watcher) = (window(1_000), Arc::<Count>::default());
    let _view = view(&window, "**", &watcher);
    let batch: Vec<_> = (1..=100).map(|number| event(number, "a", 10)).collect();
    assert_eq!(slices(window.push(&batch), || {}), 1);
}
