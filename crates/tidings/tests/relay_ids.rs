//! Ids of every kind that the standard allows: a relay carries them, and after kill -9 the next one goes on where it was.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use rustix::process::Signal;
use support::origin::{Origin, Then, stream};
use support::program::Program;
use tidings_testkit::hub::Hub;

/// What a relay that follows a killed one asks its origin for.
fn resumed_after(hub: &Hub, topic: &str, lines: &str) -> Option<String> {
    let first = format!("id: u-1\ndata: w\n\n{lines}\ndata: x\n\n");
    let origin = Origin::start([(stream(&first), Then::Hold), (stream("data: y\n\n"), Then::Hold)]);
    let target = format!("http://{}/events/{topic}", hub.address);
    let mut watched = hub.subscribe(&format!("/events/{topic}"));
    let mut until = |data: &str| while watched.next().unwrap().unwrap().data != data {};
    let mut relay = Program::start(&["relay", &origin.url(), &target]);
    until("x");
    relay.signal(Signal::KILL);
    relay.wait();

    let _second = Program::start(&["relay", &origin.url(), &target]);

    until("y");
    assert_eq!(origin.request().header("last-event-id"), None);
    let id = origin.request().header_bytes("last-event-id").map(<[u8]>::to_vec);
    id.map(|id| String::from_utf8(id).unwrap())
}

#[test]
fn a_relay_goes_on_after_ids_of_every_kind() {
    let hub = support::hub(&["--memory"]);
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    let long = "x".repeat(65_536);
    let cases: &[(&str, String, Option<&str>)] = &[
        ("emoji", format!("id: {family}"), Some(family)),
        ("not composed", "id: e\u{301}".into(), Some("e\u{301}")),
        ("no space", "id:7".into(), Some("7")),
        // One space belongs to the field, and the ends of a header have none.
        ("leading spaces", "id:   7 8".into(), Some("7 8")),
        ("percent", "id: 100%25%zz".into(), Some("100%25%zz")),
        ("quotes", "id: {\"a\":[1,\"\\u0000\"]}".into(), Some("{\"a\":[1,\"\\u0000\"]}")),
        ("mark", "id: \u{feff}7".into(), Some("\u{feff}7")),
        ("direction", "id: \u{202e}7".into(), Some("\u{202e}7")),
        ("hash of a relay", "id: relay-hash:00".into(), Some("relay-hash:00")),
        ("long", format!("id: {long}"), Some(&long)),
        // HTML 9.2.6: "If the field value does not contain U+0000 NULL, then set the last event ID buffer [...] Otherwise, ignore the
        // field."
        ("null", "id: a\0b".into(), Some("u-1")),
        ("last of two", "id: 7\nid: 8".into(), Some("8")),
        ("empty", "id:".into(), None),
        ("a space", "id: ".into(), None),
        ("no colon", "id".into(), None),
        ("taken back", "id: 7\nid".into(), None),
        ("other case", "ID: 7".into(), Some("u-1")),
    ];
    for (number, (kind, lines, expected)) in cases.iter().enumerate() {
        let resumed = resumed_after(&hub, &format!("copy-{number}"), lines);

        assert_eq!(resumed.as_deref(), *expected, "{kind}");
    }
}

/// HTTP has no control characters in headers. A relay ended at such an id for good, and each later one, too.
#[test]
fn a_relay_goes_on_after_the_last_id_that_a_header_can_carry_and_publishes_nothing_twice() {
    let hub = support::hub(&["--memory"]);
    let behind = "id: a\u{1}b\ndata: x\n\ndata: without\n\nid: \u{7f}\nevent: t\ndata: y\n\n";
    let first = format!("id: u-1\ndata: w\n\n{behind}");
    let origin = Origin::start([
        (stream(&format!("retry: 1\n{first}")), Then::End),
        (stream(&format!("{behind}data: z\n\n")), Then::Hold),
        (stream(&format!("{behind}data: z\n\nid: u-2\ndata: end\n\n")), Then::Hold),
    ]);
    let target = format!("http://{}/events/copy", hub.address);
    let mut watched = hub.subscribe("/events/copy");
    let mut until = |data: &str| {
        let mut heard = Vec::new();
        while heard.last().is_none_or(|last| last != data) {
            heard.push(watched.next().unwrap().unwrap().data);
        }
        heard
    };
    let mut relay = Program::start(&["relay", &origin.url(), &target]);
    let while_it_runs = until("z");
    relay.signal(Signal::KILL);
    relay.wait();

    let second = Program::start(&["relay", &origin.url(), &target]);
    let by_the_second = until("end");

    assert_eq!(while_it_runs, ["w", "x", "without", "y", "z"]);
    // Nobody knows whether an event without an id is a new one.
    assert_eq!(by_the_second, ["z", "end"]);
    let told = "the last id of the source has a control character, which no header can carry: going on after the one before it";
    assert!(second.stderr.next().starts_with(told));
    let asked: Vec<_> = (0..3).map(|_| origin.request().header("last-event-id").map(str::to_owned)).collect();
    assert_eq!(asked, [None, Some("u-1".to_owned()), Some("u-1".to_owned())]);
}

#[test]
fn a_relay_whose_source_has_no_id_that_a_header_can_carry_goes_on_and_says_so() {
    let hub = support::hub(&["--memory"]);
    let origin = Origin::start([
        (stream("retry: 1\nid: \u{1}\ndata: x\n\n"), Then::End),
        (stream("id: u-1\ndata: y\n\n"), Then::Hold),
    ]);
    let target = format!("http://{}/events/copy", hub.address);
    let mut watched = hub.subscribe("/events/copy");
    let relay = Program::start(&["relay", &origin.url(), &target]);

    let heard = [(); 2].map(|()| watched.next().unwrap().unwrap().data);

    assert_eq!(heard, ["x", "y"]);
    let asked = [(); 2].map(|()| origin.request().header("last-event-id").map(str::to_owned));
    assert_eq!(asked, [None, None]);
    let told = std::iter::repeat_with(|| relay.stderr.next()).find(|line| line.contains("control character"));
    assert!(told.unwrap().contains("it has given no other"));
}
