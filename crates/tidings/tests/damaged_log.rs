//! A disk changes bytes of a log. Readers are told which events are gone, hear all others, and nobody is answered with an error.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use support::directory::Directory;
use support::reader::{Due, from_the_earliest, hear, publish_one, resume};
use tidings_testkit::connection::Heard;
use tidings_testkit::hub::Hub;

/// Events that fill three segments.
const EVENTS: usize = 30;
const EVENT_BYTES: usize = 90_000;

/// What the hub has in memory it does not read.
const SMALL_WINDOW: &[&str] = &["--window-bytes", "1MiB"];

/// The number of the event that is damaged: in the first segment.
const DAMAGED: usize = 3;

#[test]
fn a_bit_that_flips_while_the_hub_runs_is_a_gap_of_one_event() {
    let directory = Directory::new();
    let hub = directory.start(&[]);
    let events = publish_large(&hub);
    assert!(hub.terminate().success());
    let hub = directory.start(SMALL_WINDOW);

    flip(&segments(&directory)[0], &format!("event {DAMAGED} "));

    assert_heard_around(&hub, &events);
}

#[test]
fn a_bit_that_has_flipped_before_a_start_is_a_gap_of_one_event() {
    for damaged_segment in [0, 2] {
        let directory = Directory::new();
        let hub = directory.start(&[]);
        let events = publish_large(&hub);
        assert!(hub.terminate().success());
        let segment = &segments(&directory)[damaged_segment];
        let damaged = (1..=EVENTS).rfind(|number| holds(segment, &format!("event {number} "))).unwrap() - 2;

        flip(segment, &format!("event {damaged} "));

        for _ in 0..2 {
            let hub = directory.start(&[]);
            assert_eq!(hub.connect().get("/readyz", &[]).unwrap().status, 200);
            let gap = Due {
                event: &events[damaged - 2],
                gap: Some(("damaged", damaged)),
                events: &events[damaged..],
            };
            gap.assert_streamed(&mut resume(&hub, &events[damaged - 2]));
            let before = Due { event: &events[damaged - 1], gap: None, events: &events[damaged..] };
            before.assert_streamed(&mut resume(&hub, &events[damaged - 1]));
            assert!(hub.terminate().success());
        }
    }
}

/// Probes and metrics said that all was well.
#[test]
fn probes_and_metrics_tell_what_cannot_be_read_and_strict_recovery_refuses_to_start() {
    let directory = Directory::new();
    let hub = directory.start(&[]);
    publish_large(&hub);
    assert_eq!(ready(&hub), "ready\n");
    assert!(
        told(&hub, "tidings_store_unreadable_events 0") && told(&hub, "tidings_store_unreadable_ranges 0")
    );
    assert!(hub.terminate().success());
    let segment = &segments(&directory)[2];
    let numbers = (1..=EVENTS).filter(|number| holds(segment, &format!("event {number} ")));
    let damaged: Vec<_> = numbers.collect();
    for number in [damaged[0], damaged[2], damaged[3]] {
        flip(segment, &format!("event {number} "));
    }

    let mut serve = support::tidings(&["serve", "--listen", "127.0.0.1:0", "--strict-recovery"]);
    serve.arg("--data").arg(directory.data());
    let left = support::run(serve);
    assert_eq!(left.code, Some(5), "{}", left.stderr);
    let hub = directory.start(&[]);

    let first = damaged[0];
    let line = format!(
        "store-damaged: 3 events of the log in 2 ranges cannot be read, the first are {first} to {first}:"
    );
    let body = ready(&hub);
    assert!(body.starts_with(&format!("ready\n{line}")), "{body}");
    assert!(
        told(&hub, "tidings_store_unreadable_events 3") && told(&hub, "tidings_store_unreadable_ranges 2")
    );
}

#[test]
fn a_page_of_an_index_that_flips_is_made_anew_without_a_word_to_readers() {
    let directory = Directory::new();
    let hub = directory.start(&[]);
    let events = publish_large(&hub);
    assert!(hub.terminate().success());
    let hub = directory.start(SMALL_WINDOW);
    let index = segments(&directory)[0].with_extension("idx");
    for page in pages(&index) {
        let mut bytes = fs::read(&index).unwrap();
        bytes[page.start + 7] ^= 0x10;
        fs::write(&index, &bytes).unwrap();

        assert_eq!(from_the_earliest(&hub, EVENTS), events);

        Due { event: &events[0], gap: None, events: &events[1..] }
            .assert_streamed(&mut resume(&hub, &events[0]));
    }
    assert!(hub.terminate().success());
    let hub = directory.start(&[]);
    assert_eq!(from_the_earliest(&hub, EVENTS), events);
}

/// What `/readyz` says, with 200.
fn ready(hub: &Hub) -> String {
    let answer = hub.connect().get("/readyz", &[]).unwrap();
    assert_eq!(answer.status, 200);
    answer.body
}

/// Whether the metrics have a line.
fn told(hub: &Hub, line: &str) -> bool {
    hub.connect().get("/metrics", &[]).unwrap().body.lines().any(|told| told == line)
}

fn publish_large(hub: &Hub) -> Vec<Heard> {
    let padding = "x".repeat(EVENT_BYTES);
    (1..=EVENTS).map(|number| publish_one(hub, &format!("event {number} {padding}"))).collect()
}

/// Hears what is there, from the beginning and from places around what is damaged, as a stream and as pages.
fn assert_heard_around(hub: &Hub, events: &[Heard]) {
    let mut stream = hub.subscribe("/events/news?since=earliest");
    let heard: Vec<_> = (0..EVENTS).map(|_| hear(&mut stream)).collect();
    assert_eq!(heard[..DAMAGED - 1], events[..DAMAGED - 1]);
    assert_eq!(heard[DAMAGED - 1].event, "tidings.gap");
    assert!(heard[DAMAGED - 1].data.contains(r#""reason":"damaged""#), "{:?}", heard[DAMAGED - 1]);
    assert_eq!(heard[DAMAGED..], events[DAMAGED..]);

    let damaged =
        Due { event: &events[DAMAGED - 2], gap: Some(("damaged", DAMAGED)), events: &events[DAMAGED..] };
    damaged.assert_streamed(&mut resume(hub, &events[DAMAGED - 2]));
    let target = format!("/events/news?limit=2&last_event_id={}", events[DAMAGED - 2].id);
    let page = hub.connect().get(&target, &[("Accept", "application/json")]).unwrap().body;
    assert!(page.contains(r#""reason":"damaged""#) && page.contains("event 4 "), "{}", &page[..400]);
    // A reader that has the event misses nothing.
    let has_it = Due { event: &events[DAMAGED - 1], gap: None, events: &events[DAMAGED..] };
    has_it.assert_streamed(&mut resume(hub, &events[DAMAGED - 1]));
    assert!(hub.connect().get("/metrics", &[]).unwrap().body.contains(r#"reason="damaged""#));
}

/// The files of the log, oldest first.
fn segments(directory: &Directory) -> Vec<PathBuf> {
    let files = fs::read_dir(directory.data()).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    segments.sort();
    assert_eq!(segments.len(), 3);
    segments
}

fn holds(file: &PathBuf, text: &str) -> bool {
    place(&fs::read(file).unwrap(), text).is_some()
}

fn place(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text.as_bytes())
}

/// Flips a bit of a text in a file.
fn flip(file: &PathBuf, text: &str) {
    use std::os::unix::fs::FileExt;

    let at = place(&fs::read(file).unwrap(), text).expect("the text is in the file") as u64;
    let file = fs::File::options().write(true).open(file).unwrap();
    file.write_all_at(&[text.as_bytes()[0] ^ 0x10], at).unwrap();
}

fn pages(file: &PathBuf) -> Vec<Range<usize>> {
    let bytes = fs::metadata(file).unwrap().len() as usize;
    assert!(bytes > 0);
    (0..bytes).step_by(4_096).map(|at| at..at + 4_096).collect()
}
