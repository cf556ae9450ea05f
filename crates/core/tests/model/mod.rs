//! The hub against a naive model: whatever is published, and however subscribers join, lag, leave and resume, each of
//! them receives what it asked for without loss, repeat, reorder or undeclared gap.
//!
//! [`answer`] is the model: what a hub must answer, computed from nothing but the list of published events and the ends
//! of the log. [`world`] compares one step at a time, on one thread, with restarts, older copies put back, tails that are lost, and new epochs; [`crowd`] compares afterwards what
//! tasks on several threads received. [`seam`] is all that they use of the hub.
//!
//! Window, pages and retention are so small that every path is taken: live, lagged, backlog, gap. The folder is shared
//! with the tests of the file store by path, not by a feature of the library, which would make `proptest` a dependency
//! of the library.

pub(crate) mod answer;
pub(crate) mod crowd;
pub(crate) mod seam;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use tidings_core::{Clock, Cursor, Sequence, Store};

pub(crate) use crowd::{Act, Plan};
pub(crate) use world::{Step, Window};

/// The last one is reserved.
pub(crate) const TOPICS: [&str; 5] = ["a", "b", "x/y", "x/z", "inbox/y"];
pub(crate) const SELECTORS: [&[&str]; 8] = [
    &["a"],
    &["b", "a"],
    &["x/*"],
    &["**"],
    &["a", "x/**", "*"],
    &["*/y", "b"],
    &["inbox/**", "a"],
    &["quiet"],
];

/// How long one comparison may take. It takes some hundredths of a second.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs a comparison on a thread of its own, so that a hub that runs without end fails and does not hang the tests.
pub(crate) fn within_deadline(comparison: impl FnOnce() + Send + 'static) {
    let (ended, end) = channel::<()>();
    let thread = thread::spawn(move || {
        let _ended = ended;
        comparison();
    });
    let waited = end.recv_timeout(DEADLINE);
    assert_ne!(waited, Err(RecvTimeoutError::Timeout), "the hub, or its store, runs without end");
    if let Err(panic) = thread.join() {
        resume_unwind(panic);
    }
}

/// Opens the store under the hub. It keeps about 30 events, each larger than the window's share of it.
#[async_trait]
pub(crate) trait Rig: Send + Sync + 'static {
    /// Opens the log, for the first time or again.
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store>;

    /// Whether a log that is opened again is the same log.
    fn survives_restart(&self) -> bool;

    /// Whether the store can tell that the last event it let go is older than a time. One that cannot says that
    /// events are lost when they may be.
    fn knows_when_the_last_lost_event_was(&self) -> bool;

    /// Makes the store end its epoch after a place and go on in another one, and returns where that begins. `None` if
    /// the store never does so while it is open.
    async fn begin_epoch(&self, store: &Arc<dyn Store>, after: Sequence) -> Option<Cursor> {
        let _ = (store, after);
        None
    }

    /// What a crash now would leave of the log, for a store that keeps it in files.
    fn copy(&self) -> Option<Files> {
        None
    }

    /// Puts files in the place of those that are there, while no store is open.
    fn put_back(&self, _: &Files) {}

    /// Takes the newest part of the log from a copy: whole, or only what is in it.
    fn lose_tail(&self, _: &mut Files, _whole: bool) {}

    /// About how many bytes of data each event has.
    fn data_bytes(&self) -> usize;
}

/// The files of a log, by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Where a subscriber asks to begin, before it is known what there is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wish {
    Now,
    Earliest,
    Last(usize),
    /// At a time that many milliseconds from the first event.
    Since(u64),
    /// After the place of this log so many events before its head.
    Place {
        before_head: u64,
    },
    AfterHead,
    /// After an id that publishers choose.
    Name(usize),
    UnknownId,
    /// An id that is too long to be that of any event.
    LongId,
    OtherEpoch,
}

pub(crate) fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        2 => Just(Wish::Now),
        1 => Just(Wish::Earliest),
        2 => (0..40_usize).prop_map(Wish::Last),
        2 => (0..60_u64).prop_map(Wish::Since),
        3 => (0..60_u64).prop_map(|before_head| Wish::Place { before_head }),
        1 => Just(Wish::AfterHead),
        2 => (0..answer::NAMES.len()).prop_map(Wish::Name),
        1 => Just(Wish::UnknownId),
        1 => Just(Wish::LongId),
        1 => Just(Wish::OtherEpoch),
    ]
}

pub(crate) fn window() -> impl Strategy<Value = Window> {
    prop_oneof![3 => Just(Window::Small), 1 => Just(Window::Large)]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..TOPICS.len(), prop_oneof![5 => 1..6_usize, 1 => 30..45_usize], prop::option::of(0..answer::NAMES.len()))
            .prop_map(|(topic, count, name)| Step::Publish { topic, count, name }),
        3 => (0..SELECTORS.len(), wish(), any::<bool>())
            .prop_map(|(selectors, wish, latest)| Step::Join { selectors, wish, latest }),
        6 => (0..8_usize, 1..4_usize).prop_map(|(who, deliveries)| Step::Take { who, deliveries }),
        1 => (0..8_usize).prop_map(|who| Step::Leave { who }),
        3 => (0..8_usize, any::<bool>()).prop_map(|(who, by_id)| Step::Resume { who, by_id }),
        3 => Just(Step::Breathe),
        1 => (0..60_u64).prop_map(|ms| Step::Clock { ms }),
        1 => Just(Step::Restart),
        1 => Just(Step::Copy),
        1 => (0..4_usize).prop_map(|which| Step::Restore { which }),
        1 => any::<bool>().prop_map(|whole| Step::LoseTail { whole }),
        2 => (prop_oneof![1 => Just(0), 4 => 1..12_u64, 1 => 12..60_u64], any::<bool>())
            .prop_map(|(back, settles)| Step::NewEpoch { back, settles }),
    ]
}

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let publisher = prop::collection::vec((0..TOPICS.len(), 1..6_usize), 1..30);
    let act = prop_oneof![
        4 => (1..6_usize).prop_map(Act::Take),
        1 => any::<bool>().prop_map(|by_id| Act::Resume { by_id }),
        1 => wish().prop_map(Act::Join),
        1 => (1..20_usize).prop_map(Act::Dawdle),
    ];
    let subscriber = (0..SELECTORS.len(), any::<bool>(), wish(), prop::collection::vec(act, 1..20));
    let epochs = prop::collection::vec((1..60_usize, 0..12_u64), 0..5);
    (prop::collection::vec(publisher, 4), prop::collection::vec(subscriber, 8), epochs)
        .prop_map(|(publishers, subscribers, epochs)| Plan { publishers, subscribers, epochs })
}
