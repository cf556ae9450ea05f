//! The follower as a pure machine: what it makes of each answer of the rings and of the store.

use bytes::Bytes;

use crate::event::{Cursor, Draft, DraftParts, Epoch, Event, Sequence, Topic, UnixMillis};
use crate::live::{Frame, Reach};
use crate::read::follower::{Delivery, Follower, Needs, Step};
use crate::read::gap::{Gap, Lost, OnGap};
use crate::select::{Selector, Selectors};
use crate::store::{Page, Reading, Start};

const OLD: Epoch = Epoch(1);
const NEW: Epoch = Epoch(2);

fn old(sequence: u64) -> Cursor {
    Cursor::new(OLD, Sequence(sequence))
}

fn new(sequence: u64) -> Cursor {
    Cursor::new(NEW, Sequence(sequence))
}

fn selectors() -> Selectors {
    Selectors::new([Selector::parse("a").unwrap()]).unwrap()
}

/// A follower at place 5 of the old epoch.
fn follower(on_gap: OnGap) -> Follower {
    Follower::new(selectors(), on_gap, old(5))
}

fn event(cursor: Cursor) -> Event {
    let (topic, data) = (Topic::parse("a").unwrap(), Bytes::from_static(b"x"));
    let parts = DraftParts::new(topic, data);
    Event { cursor, time: UnixMillis(0), draft: Draft::restore(parts) }
}

fn page(events: &[Cursor], next: Cursor) -> Reading {
    let events = events.iter().map(|cursor| event(*cursor)).collect();
    Reading::Page(Page { after: old(5), events, next, head: old(20), partial: false })
}

/// A step in short.
#[derive(Debug, PartialEq)]
enum Short {
    Events(Vec<Cursor>),
    Gap(Gap),
    Again,
    Wait,
    End,
}

fn short(step: Step) -> Short {
    match step {
        Step::Deliver(Delivery::Gap(gap)) => Short::Gap(gap),
        Step::Deliver(delivery) => Short::Events(delivery.events().map(|event| event.cursor).collect()),
        Step::Again => Short::Again,
        Step::Wait => Short::Wait,
        Step::End => Short::End,
    }
}

/// The gap of somebody who was at place 5 of the old epoch.
fn gap(lost: Lost, resumes_after: Cursor) -> Short {
    Short::Gap(Gap { requested: "1-5".to_owned(), lost, resumes_after })
}

const BOTH: [OnGap; 2] = [OnGap::Earliest, OnGap::Latest];

#[test]
fn each_answer_of_the_rings_leads_to_one_step() {
    let frames = vec![Frame::of(event(old(6))), Frame::of(event(old(8)))];
    for on_gap in BOTH {
        for (reach, step, cursor, needs) in [
            (
                Reach::Frames { frames: frames.clone(), through: old(9) },
                Short::Events(vec![old(6), old(8)]),
                old(9),
                Needs::Rings,
            ),
            (Reach::Nothing { through: old(7) }, Short::Wait, old(7), Needs::Rings),
            (Reach::Lagged, Short::Again, old(5), Needs::Log),
            (Reach::Closed, Short::End, old(5), Needs::Rings),
            // Not beyond the end of the old epoch: the same place in the new one, and no word to the subscriber.
            (Reach::NewEpoch { ended: Sequence(5), head: new(12) }, Short::Again, new(5), Needs::Rings),
            (Reach::NewEpoch { ended: Sequence(9), head: new(12) }, Short::Again, new(5), Needs::Rings),
        ] {
            let mut follower = follower(on_gap);
            let asked = format!("{reach:?}");

            assert_eq!(short(follower.take_reach(reach)), step, "{asked}");
            assert_eq!((follower.cursor(), follower.needs()), (cursor, needs), "{asked}");
        }
    }
}

#[test]
fn a_follower_beyond_the_end_of_its_epoch_hears_of_one_gap() {
    for (on_gap, resumes_after) in [(OnGap::Earliest, new(4)), (OnGap::Latest, new(12))] {
        let mut follower = follower(on_gap);

        let step = follower.take_reach(Reach::NewEpoch { ended: Sequence(4), head: new(12) });

        assert_eq!(short(step), gap(Lost::OtherEpoch, resumes_after));
        assert_eq!((follower.cursor(), follower.needs()), (resumes_after, Needs::Rings));
    }
}

#[test]
fn each_page_of_the_store_leads_to_one_step_and_back_to_the_rings() {
    for on_gap in BOTH {
        for (reading, step, cursor) in [
            (page(&[old(6), old(9)], old(10)), Short::Events(vec![old(6), old(9)]), old(10)),
            (page(&[old(6), new(7)], new(7)), Short::Events(vec![old(6), new(7)]), new(7)),
            (page(&[], old(15)), Short::Again, old(15)),
            (page(&[], new(5)), Short::Again, new(5)),
            (page(&[], old(5)), Short::Wait, old(5)),
        ] {
            let mut follower = follower(on_gap);
            assert!(matches!(follower.take_reach(Reach::Lagged), Step::Again));
            assert_eq!(follower.needs(), Needs::Log);
            let asked = format!("{reading:?}");

            assert_eq!(short(follower.take_reading(reading, old(20))), step, "{asked}");
            assert_eq!((follower.cursor(), follower.needs()), (cursor, Needs::Rings), "{asked}");
        }
    }
}

#[test]
fn each_loss_that_the_store_tells_is_a_gap_with_that_reason() {
    for lost in [Lost::Expired, Lost::Unknown, Lost::OtherEpoch] {
        for (on_gap, resumes_after) in [(OnGap::Earliest, new(3)), (OnGap::Latest, new(20))] {
            let mut follower = follower(on_gap);
            assert!(matches!(follower.take_reach(Reach::Lagged), Step::Again));

            let step = follower.take_reading(Reading::Lost { lost, resumes_after: new(3) }, new(20));

            assert_eq!(short(step), gap(lost, resumes_after));
            assert_eq!((follower.cursor(), follower.needs()), (resumes_after, Needs::Rings));
        }
    }
}

#[test]
fn a_follower_passes_over_what_was_not_asked_for_and_nothing_else() {
    let frames = vec![Frame::of(event(old(6)))];
    for (reach, cursor) in [
        (Reach::Nothing { through: old(9) }, old(9)),
        (Reach::Frames { frames, through: old(9) }, old(5)),
        (Reach::Lagged, old(5)),
        (Reach::Closed, old(5)),
        (Reach::NewEpoch { ended: Sequence(5), head: new(12) }, old(5)),
    ] {
        let mut follower = follower(OnGap::Earliest);

        follower.pass_over(&reach);

        assert_eq!((follower.cursor(), follower.needs()), (cursor, Needs::Rings), "{reach:?}");
    }
}

#[test]
fn a_follower_asks_the_store_for_what_comes_after_its_place() {
    let query = follower(OnGap::Earliest).query(7, 1_000);

    assert_eq!((query.start, query.selectors), (Start::After(old(5)), selectors()));
    assert_eq!((query.events_max, query.bytes_max), (7, 1_000));
}
