//! A hub of many lives: it ends, asked to or killed, and starts again on its directory.
//!
//! Each life that writes is an epoch of the log, so the ids of its events begin with a word of their own. Readers notice
//! nothing of that: an id of any life is good as long as no event after it has left the log.

mod support;

use std::collections::BTreeSet;

use support::directory::{Directory, end};
use support::reader::{Due, from_the_earliest, hear, publish, publish_one, resume};
use tidings_testkit::connection::Heard;
use tidings_testkit::hub::Hub;

const LIVES: usize = 60;
/// A life is a record of 60 bytes, a short event is one of somewhat more.
const LIFE_AND_EVENT_BYTES_MAX: u64 = 200;

#[test]
fn a_reader_of_sixty_lives_hears_each_event_once_and_every_id_stays_good() {
    let directory = Directory::new();
    let mut published = directory.live(1, 0);
    let bytes_before = directory.log_bytes();

    for life in 1..=LIVES {
        let hub = directory.start(&[]);
        let last = published.last().expect("each life has an event");
        let mut early = resume(&hub, last);
        let events = publish(&hub, 1);
        let mut late = resume(&hub, last);
        assert_eq!([hear(&mut early), hear(&mut late)], [events[0].clone(), events[0].clone()]);
        published.extend(events);
        drop((early, late));
        end(hub, life);
    }

    let bytes = directory.log_bytes() - bytes_before;
    assert!(bytes <= LIVES as u64 * LIFE_AND_EVENT_BYTES_MAX, "{LIVES} lives took {bytes} bytes");
    assert_eq!(epochs(&published).len(), 1 + LIVES);
    let hub = directory.start(&[]);
    assert_eq!(from_the_earliest(&hub, published.len()), published);
    let mut streams: Vec<_> = published.iter().map(|event| resume(&hub, event)).collect();
    published.extend(publish(&hub, 1));
    for (at, stream) in streams.iter_mut().enumerate() {
        let due = Due { event: &published[at], gap: None, events: &published[at + 1..] };
        due.assert_streamed(stream);
        due.assert_in_history(&hub);
    }
}

#[test]
fn a_life_costs_some_tens_of_bytes_and_one_without_an_event_costs_none() {
    let directory = Directory::new();
    // The header of the log, and its first epoch with it.
    directory.live(1, 0);
    let spent = |events| {
        let before = directory.log_bytes();
        directory.live(events, 0);
        directory.log_bytes() - before
    };

    let [none, one, two, three] = [0, 1, 2, 3].map(spent);

    let event = two - one;
    assert_eq!((none, three), (0, one + 2 * event));
    assert!((10..100).contains(&(one - event)), "a life costs {} bytes", one - event);
}

#[test]
fn a_repeated_publish_is_answered_with_the_id_of_the_life_that_took_it() {
    let directory = Directory::new();
    let publish_with_key = |hub: &Hub| {
        let key = [("Idempotency-Key", "order-7")];
        let answer = hub.connect().post("/events/news", &key, "once").expect("the hub answers");
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body
    };
    let hub = directory.start(&[]);
    let first = publish_with_key(&hub);
    end(hub, 0);
    let bytes_before = directory.log_bytes();

    // Nothing else is published, so these lives are no epochs; killed and asked to end.
    let mut answers: Vec<_> = (1..=2)
        .map(|life| {
            let hub = directory.start(&[]);
            let again = publish_with_key(&hub);
            end(hub, life);
            again
        })
        .collect();
    assert_eq!(directory.log_bytes(), bytes_before);
    let hub = directory.start(&[]);
    let other = publish(&hub, 1);
    answers.push(publish_with_key(&hub));

    assert_eq!(answers, [first.clone(), first.clone(), first.clone()]);
    let held = from_the_earliest(&hub, 2);
    assert_eq!((&*held[0].data, &held[1]), ("once", &other[0]));
    assert!(first.contains(&format!("\"{}\"", held[0].id)), "{first:?}");
}

#[test]
fn an_epoch_leaves_with_its_events_and_only_readers_that_miss_some_are_told() {
    let directory = Directory::new();
    // Two events are a segment, and a segment goes as a whole. The window holds as many, the others are in the log alone.
    let arguments = ["--retention-count", "4", "--window-bytes", "1MiB"];
    let padding = "x".repeat(400_000);
    let life = |published: &mut Vec<_>| {
        let hub = directory.start(&arguments);
        published.push(publish_one(&hub, &format!("{} {padding}", published.len())));
        hub
    };
    let mut published = Vec::new();
    for number in 0..11 {
        end(life(&mut published), number);
    }

    // The twelfth event is the fourth behind the fourth segment.
    let hub = life(&mut published);
    hub.says("a segment has left the log");
    assert_held_from(&hub, &published, 8);
    hub.kill();
    assert_held_from(&directory.start(&arguments), &published, 8);
}

/// All that was published is held but for the first events, and each reader hears so.
fn assert_held_from(hub: &Hub, published: &[Heard], gone: usize) {
    assert_eq!(from_the_earliest(hub, published.len() - gone), published[gone..]);
    for (at, event) in published.iter().enumerate() {
        let gap = (at + 1 < gone).then_some(("expired", gone));
        let due = Due { event, gap, events: &published[gone.max(at + 1)..] };
        due.assert_streamed(&mut resume(hub, event));
    }
}

/// The first words of the ids of events.
fn epochs(events: &[Heard]) -> BTreeSet<&str> {
    events.iter().filter_map(|event| Some(event.id.split_once('-')?.0)).collect()
}
