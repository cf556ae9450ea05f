//! A hub of many lives: it ends, asked to or killed, and starts again on its directory.
//!
//! Each life that writes is an epoch of the log, so the ids of its events begin with a word of their own. Readers notice
//! nothing of that: an id of any life is good, and its reader hears each event after it once. If an older copy of the
//! directory is put back, a reader that has more than the copy is told so, and no other reader is.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tidings_testkit::connection::{Heard, Stream};
use tidings_testkit::hub::Hub;

const LIVES: usize = 60;
/// A life is a record of 60 bytes, a short event is one of about as many.
const LIFE_AND_EVENT_BYTES_MAX: u64 = 200;

#[test]
fn a_reader_of_sixty_lives_hears_each_event_once_and_every_id_stays_good() {
    let directory = Directory::new();
    let hub = directory.start(&[]);
    let mut published = publish(&hub, 1);
    end(hub, 0);
    let bytes_before = directory.log_bytes();

    for life in 1..=LIVES {
        let hub = directory.start(&[]);
        let last = published.last().unwrap();
        let mut early = resume(&hub, last);
        let events = publish(&hub, 1);
        let mut late = resume(&hub, last);
        assert_eq!([hear(&mut early), hear(&mut late)], [events[0].clone(), events[0].clone()]);
        published.extend(events);
        end(hub, life);
    }

    let bytes = directory.log_bytes() - bytes_before;
    assert!(bytes <= LIVES as u64 * LIFE_AND_EVENT_BYTES_MAX, "{LIVES} lives took {bytes} bytes");
    let hub = directory.start(&[]);
    assert_eq!(epochs(&published).len(), 1 + LIVES);
    assert_hears(&mut hub.subscribe("/events/news?since=earliest"), &published);
    let mut streams: Vec<_> = published.iter().map(|event| resume(&hub, event)).collect();
    published.extend(publish(&hub, 1));
    for (at, stream) in streams.iter_mut().enumerate() {
        assert_hears(stream, &published[at + 1..]);
    }
}

#[test]
fn a_life_costs_some_tens_of_bytes_and_one_without_an_event_costs_none() {
    let directory = Directory::new();
    // The header of the log, and its first epoch with it.
    directory.live(1, 0);
    let spent = |events| {
        let before = directory.log_bytes();
        let hub = directory.start(&[]);
        publish(&hub, events);
        assert!(hub.terminate().success());
        directory.log_bytes() - before
    };

    let [none, one, two, three] = [0, 1, 2, 3].map(spent);

    let event = two - one;
    assert_eq!((none, three), (0, one + 2 * event));
    assert!((10..100).contains(&(one - event)), "a life costs {} bytes", one - event);
}

#[test]
fn an_epoch_leaves_with_its_events_and_only_readers_that_miss_some_are_told() {
    let directory = Directory::new();
    // Two or three events are a segment, and a segment goes as a whole.
    let retention = ["--retention-count", "4"];
    let padding = "x".repeat(400_000);
    let mut published = Vec::new();
    // An even number at the end: a hub that is killed may not have come to it.
    for life in 0..=12 {
        let hub = directory.start(&retention);
        published.push(publish_one(&hub, &format!("{life} {padding}")));
        end(hub, life);
    }

    let hub = directory.start(&retention);
    let first = hear(&mut hub.subscribe("/events/news?since=earliest"));
    let gone = published.iter().position(|event| *event == first).unwrap();
    assert!((1..=published.len() - 4).contains(&gone), "{gone} events are gone");
    for (at, event) in published.iter().enumerate() {
        let mut stream = resume(&hub, event);
        if at + 1 < gone {
            let told = hear(&mut stream);
            assert_eq!(reason_and_place(&told, event), ("expired", gone));
        }
        assert_hears(&mut stream, &published[gone.max(at + 1)..]);
    }
}

#[test]
fn a_copy_of_a_stopped_hub_put_back_is_told_to_those_who_had_more() {
    put_back_and_judge(Copied::Stopped);
}

#[test]
fn a_copy_of_a_killed_hub_put_back_is_told_to_those_who_had_more() {
    put_back_and_judge(Copied::Killed);
}

#[test]
fn a_copy_of_a_running_hub_put_back_is_told_to_those_who_had_more() {
    put_back_and_judge(Copied::Running);
}

/// What the hub was when its directory was copied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copied {
    Stopped,
    Killed,
    Running,
}

/// Two lives are in the copy, at most half of a life and two more lives are lost, and the log that goes on from the copy
/// grows beyond what was lost. Readers of every event of all lives come back before it grows, and again after.
fn put_back_and_judge(copied: Copied) {
    let directory = Directory::new();
    let mut kept = directory.live(3, 1);
    let hub = directory.start(&[]);
    kept.extend(publish(&hub, 3));
    let copied_life = copy_and_go_on(&directory, copied, hub);
    let lost = [copied_life.clone(), directory.live(2, 0), directory.live(3, 1)].concat();

    directory.put_back();
    let hub = directory.start(&[]);
    let returned: Vec<_> = kept.iter().chain(&lost).collect();
    let early: Vec<_> = returned.iter().map(|event| resume(&hub, event)).collect();
    let fresh = publish(&hub, lost.len() + 3);
    let late: Vec<_> = returned.iter().map(|event| resume(&hub, event)).collect();

    let ids = |events: &[Heard]| events.iter().map(|event| event.id.clone()).collect::<BTreeSet<_>>();
    assert!(ids(&lost).is_disjoint(&ids(&fresh)), "an id of an event that is lost is not given again");
    let held = [kept.clone(), fresh].concat();
    for (stream, event) in early.into_iter().chain(late).zip(returned.iter().cycle()) {
        judge(stream, event, &Copy { kept: &kept, copied_life: &copied_life, held: &held });
    }
    hub.kill();
    let hub = directory.start(&[]);
    assert_hears(&mut resume(&hub, &kept[0]), &held[1..]);
    assert_hears(&mut resume(&hub, &held[kept.len()]), &held[kept.len() + 1..]);
}

/// Copies the directory, and lets the hub publish more. Returns what it published in the life that is copied.
fn copy_and_go_on(directory: &Directory, copied: Copied, hub: Hub) -> Vec<Heard> {
    match copied {
        Copied::Stopped => assert!(hub.terminate().success()),
        Copied::Killed => hub.kill(),
        Copied::Running => {
            directory.copy();
            let events = publish(&hub, 2);
            hub.kill();
            return events;
        }
    }
    directory.copy();
    Vec::new()
}

/// The log that goes on from a copy.
struct Copy<'a> {
    /// What is in the copy.
    kept: &'a [Heard],
    /// What was published after the copy was made, in the same life.
    copied_life: &'a [Heard],
    /// What the log holds now.
    held: &'a [Heard],
}

/// Holds a stream against what a reader with this event must hear.
fn judge(mut stream: Stream, event: &Heard, log: &Copy<'_>) {
    let place = log.kept.iter().position(|kept| kept == event);
    let after = place.map_or_else(
        || {
            let told = hear(&mut stream);
            // The log knows where an epoch ended that is in the copy. An epoch of which it has nothing may have left its
            // line anywhere.
            let ended = if log.copied_life.contains(event) { log.kept.len() } else { 0 };
            assert_eq!(reason_and_place(&told, event), ("other-epoch", ended));
            ended
        },
        |at| at + 1,
    );
    assert_hears(&mut stream, &log.held[after..]);
}

/// Why a reader with this event was told of a gap, and the sequence after which its stream goes on.
fn reason_and_place<'a>(told: &'a Heard, event: &Heard) -> (&'a str, usize) {
    assert_eq!(told.event, "tidings.gap", "{told:?} for {event:?}");
    let words: Vec<_> = told.data.split('"').collect();
    let [_, "requested", _, requested, _, "reason", _, reason, _, "resumes_after", _, place, "}"] = words[..]
    else {
        unreachable!("{told:?}")
    };
    assert_eq!((requested, place), (&*event.id, &*told.id));
    (reason, place.split_once('-').unwrap().1.parse().unwrap())
}

/// A data directory, and a copy of it.
struct Directory {
    dir: TempDir,
}

impl Directory {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    /// Starts a hub.
    fn start(&self, arguments: &[&str]) -> Hub {
        let data = self.data();
        let usual = ["--data", data.to_str().unwrap(), "--segment-bytes", "1MiB", "--drain-window", "0s"];
        support::hub(&[&usual, arguments].concat())
    }

    /// One life, with some events.
    fn live(&self, events: usize, life: usize) -> Vec<Heard> {
        let hub = self.start(&[]);
        let events = publish(&hub, events);
        end(hub, life);
        events
    }

    /// Copies the directory as it is now.
    fn copy(&self) {
        let copied = Command::new("cp").arg("-a").args([self.data(), self.copied()]).status().unwrap();
        assert!(copied.success());
    }

    /// Puts the copy in the place of the directory.
    fn put_back(&self) {
        fs::remove_dir_all(self.data()).unwrap();
        fs::rename(self.copied(), self.data()).unwrap();
    }

    /// Bytes of the log. Only after the hub was asked to end: it gives back the space that it has set aside.
    fn log_bytes(&self) -> u64 {
        let files = fs::read_dir(self.data()).unwrap().map(|file| file.unwrap());
        let logs = files.filter(|file| file.path().extension().is_some_and(|end| end == "log"));
        logs.map(|file| file.metadata().unwrap().len()).sum()
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn copied(&self) -> PathBuf {
        self.dir.path().join("copy")
    }
}

/// Ends a hub: asks it to in every second life, kills it in the others.
fn end(hub: Hub, life: usize) {
    match life.is_multiple_of(2) {
        true => assert!(hub.terminate().success()),
        false => hub.kill(),
    }
}

/// Publishes events of one length, and returns what a reader must hear of them.
fn publish(hub: &Hub, count: usize) -> Vec<Heard> {
    (0..count).map(|n| publish_one(hub, &format!("event {n} of process {:07}", hub.pid()))).collect()
}

fn publish_one(hub: &Hub, data: &str) -> Heard {
    let answer = hub.publish("news", data);
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = answer.body.split('"').skip_while(|word| *word != "id").nth(2).unwrap();
    Heard { event: String::new(), data: data.to_owned(), id: id.to_owned() }
}

/// A reader that comes back with the id of an event.
fn resume(hub: &Hub, event: &Heard) -> Stream {
    hub.connect().subscribe("/events/news", Some(&event.id)).unwrap()
}

fn hear(stream: &mut Stream) -> Heard {
    stream.next().unwrap().expect("the stream goes on")
}

fn assert_hears(stream: &mut Stream, events: &[Heard]) {
    for event in events {
        assert_eq!(hear(stream), *event);
    }
}

/// The first words of the ids of events.
fn epochs(events: &[Heard]) -> BTreeSet<&str> {
    events.iter().map(|event| event.id.split_once('-').unwrap().0).collect()
}
