//! `tidings sub`: what it prints, what it asks for, and how it ends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::process::{Command, Stdio};

use rustix::process::Signal;
use support::origin::{Origin, Then, status, stream};
use support::program::Program;
use support::{refusal, run, tidings};
use tidings_testkit::hub::Hub;

fn url(hub: &Hub, target: &str) -> String {
    format!("http://{}/events/{target}", hub.address)
}

/// A line without the time of its event, which a hub tells.
fn without_time(line: &str) -> String {
    let (before, time) = line.split_once(r#","time":""#).unwrap();
    assert_eq!(time.find('"'), Some("2026-11-26T09:50:12.000Z".len()), "{line}");
    format!("{before}{}", &time["2026-11-26T09:50:12.000Z".len() + 1..])
}

const OPEN: &str = r#"{"state":"open","status":200,"error":null}"#;
const CLOSED: &str = r#"{"state":"closed","status":null,"error":null}"#;

#[test]
fn people_see_events_as_they_arrive() {
    let hub = support::hub(&["--memory"]);
    let sub = Program::start(&["sub", &url(&hub, "news")]);
    assert_eq!(sub.stderr.next(), format!("listening to {}", url(&hub, "news")));

    hub.publish("news?id=n-1", "one\ntwo");
    let first = [sub.stdout.next(), sub.stdout.next()];
    hub.publish("news?event=flash&id=n-2", "three");

    assert_eq!(first, ["n-1  message  one", "              two"]);
    assert_eq!(sub.stdout.next(), "n-2  flash  three");
}

#[test]
fn programs_get_a_line_for_each_event_and_change_of_state_and_the_end_after_enough() {
    let hub = support::hub(&["--memory"]);
    hub.publish("news?id=n-1&event=flash", "a\n\"b\"");
    hub.publish("news?id=n-2", "c");
    hub.publish("news?id=n-3", "d");

    let left = run(tidings(&["sub", &url(&hub, "news?since=earliest"), "--json", "--count", "2"]));

    let events = [
        r#"{"id":"n-1","topic":"news","type":"flash","data":"a\n\"b\"","lastEventId":"n-1"}"#,
        r#"{"id":"n-2","topic":"news","type":"message","data":"c","lastEventId":"n-2"}"#,
    ];
    assert_eq!(left.stdout.lines().map(without_time).collect::<Vec<_>>(), events);
    assert_eq!((left.code, left.stderr), (Some(0), format!("{OPEN}\n{CLOSED}\n")));
}

#[test]
fn it_goes_on_where_it_was_when_the_hub_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap().to_owned();
    let hub = support::hub(&["--data", &data]);
    let address = hub.address.to_string();
    let sub = Program::start(&["sub", &url(&hub, "news"), "--json", "--retry", "50"]);
    assert_eq!(sub.stderr.next(), OPEN);
    assert!(sub.stderr.next().starts_with(r#"{"open":{"connection":""#));
    hub.publish("news?id=n-1", "before");
    let before = r#"{"id":"n-1","topic":"news","type":"message","data":"before","lastEventId":"n-1"}"#;
    assert_eq!(without_time(&sub.stdout.next()), before);

    hub.kill();
    let again =
        Hub::spawn(tidings(&["serve", "--listen", &address, "--log-format", "json", "--data", &data]));
    again.publish("news?id=n-2", "after");

    let after = r#"{"id":"n-2","topic":"news","type":"message","data":"after","lastEventId":"n-2"}"#;
    assert_eq!(without_time(&sub.stdout.next()), after);
    assert!(sub.stderr.next().starts_with(r#"{"state":"connecting","status":null,"error":"#));
}

#[test]
fn the_options_of_sub_stand_in_its_request() {
    let origin = Origin::start([(stream("data: x\n\n"), Then::End)]);
    let options = ["--last-event-id", "7", "--header", "X-One: 1", "-H", "X-Two:2", "--data", "{}"];

    let mut command = tidings(&["sub", &origin.url(), "--no-reconnect", "--method", "PUT"]);
    command.args(options);
    let left = run(command);

    let request = origin.request();
    assert_eq!(left.stdout, "7  message  x\n");
    assert_eq!((request.method.as_str(), request.path.as_str()), ("PUT", "/stream"));
    for (name, value) in [
        ("last-event-id", "7"),
        ("x-one", "1"),
        ("x-two", "2"),
        ("accept", "text/event-stream"),
        ("cache-control", "no-cache"),
    ] {
        assert_eq!(request.header(name), Some(value), "{name} in {request:?}");
    }
    assert_eq!(request.body, b"{}");
}

#[test]
fn data_alone_makes_it_a_post() {
    let origin = Origin::start([(stream(""), Then::End)]);

    run(tidings(&["sub", &origin.url(), "--no-reconnect", "--data", "{}"]));

    let request = origin.request();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/stream"));
}

#[test]
fn without_reconnection_a_clean_end_is_well_and_a_cut_is_not() {
    let clean = Origin::start([(stream("data: x\n\n"), Then::End)]);
    let cut = Origin::start([(stream("data: x\n\n"), Then::Cut)]);

    let well = run(tidings(&["sub", &clean.url(), "--no-reconnect", "--json"]));
    let ill = run(tidings(&["sub", &cut.url(), "--no-reconnect", "--json"]));

    let event = "{\"type\":\"message\",\"data\":\"x\",\"lastEventId\":\"\"}\n";
    assert_eq!((well.code, well.stdout.as_str()), (Some(0), event));
    assert_eq!(well.stderr, format!("{OPEN}\n{CLOSED}\n"));
    assert_eq!((ill.code, ill.stdout.as_str()), (Some(1), event));
    assert!(
        ill.stderr
            .contains(r#"{"state":"closed","status":null,"error":"the connection to http://127.0.0.1:"#),
        "{ill:?}"
    );
}

#[test]
fn the_standard_gives_up_where_managed_mode_tries_again() {
    let answers = || [(status("503 Service Unavailable"), Then::End), (stream("data: x\n\n"), Then::End)];
    let (strict, managed) = (Origin::start(answers()), Origin::start(answers()));

    let given_up = run(tidings(&["sub", &strict.url(), "--strict", "--json"]));
    let tried = run(tidings(&["sub", &managed.url(), "--count", "1", "--json", "--retry", "10"]));

    let refused = |state, origin: &Origin| {
        let error = format!("the answer was 503 Service Unavailable ({})", origin.url());
        format!("{{\"state\":\"{state}\",\"status\":503,\"error\":\"{error}\"}}")
    };
    assert_eq!((given_up.code, given_up.stderr), (Some(1), format!("{}\n", refused("closed", &strict))));
    let connecting = refused("connecting", &managed);
    assert_eq!((tried.code, tried.stderr), (Some(0), format!("{connecting}\n{OPEN}\n{CLOSED}\n")));
}

#[test]
fn no_content_is_a_servers_way_to_say_stop() {
    let answer = || [(status("204 No Content"), Then::End)];
    let (managed, strict) = (Origin::start(answer()), Origin::start(answer()));

    let managed = run(tidings(&["sub", &managed.url()]));
    let strict = run(tidings(&["sub", &strict.url(), "--strict", "--json"]));

    assert_eq!((managed.code, managed.stderr.as_str()), (Some(0), "the server says that there is no more\n"));
    assert_eq!(strict.code, Some(1));
    assert!(strict.stderr.starts_with(r#"{"state":"closed","status":204,"#), "{}", strict.stderr);
}

#[test]
fn silence_beyond_the_limit_is_a_broken_connection() {
    let origin = Origin::start([(stream("data: x\n\n"), Then::Hold)]);

    let left = run(tidings(&["sub", &origin.url(), "--no-reconnect", "--idle-timeout", "50ms"]));

    assert_eq!((left.code, left.stdout.as_str()), (Some(1), "message  x\n"));
    let server = origin.url().replace("/stream", "");
    let told = format!("error: not a byte, not even a heartbeat, from {server} within 50ms\n");
    assert!(left.stderr.ends_with(&told), "{}", left.stderr);
}

#[test]
fn an_event_beyond_the_limit_ends_it_with_advice() {
    let origin = Origin::start([(stream("data: 12345678\n\ndata: 123456789\n\n"), Then::Hold)]);

    let left = run(tidings(&["sub", &origin.url(), "--max-event-bytes", "8"]));

    assert_eq!((left.code, left.stdout.as_str()), (Some(1), "message  12345678\n"));
    let advice = "the stream passed a limit: an event's data has more than 8 bytes\nhint: --max-event-bytes allows more\n";
    assert!(left.stderr.ends_with(advice), "{}", left.stderr);
}

#[test]
fn sub_shows_comments_with_the_flag_for_them() {
    let answer = || [(stream(": hello\ndata: x\n\n"), Then::End)];
    let (people, programs) = (Origin::start(answer()), Origin::start(answer()));

    let people = run(tidings(&["sub", &people.url(), "--comments", "--no-reconnect"]));
    let programs = run(tidings(&["sub", &programs.url(), "--comments", "--no-reconnect", "--json"]));

    assert_eq!(people.stdout, ": hello\nmessage  x\n");
    let event = r#"{"type":"message","data":"x","lastEventId":""}"#;
    assert_eq!(programs.stdout, format!("{{\"comment\":\" hello\"}}\n{event}\n"));
}

#[test]
fn a_gap_is_never_silent() {
    let hub = support::hub(&["--memory"]);
    hub.publish("news?id=n-1", "x");
    let target = url(&hub, "news");
    let options = ["--last-event-id", "gone", "--count", "1"];

    let people = run({
        let mut command = tidings(&["sub", &target]);
        command.args(options);
        command
    });
    let programs = run({
        let mut command = tidings(&["sub", &target, "--json"]);
        command.args(options);
        command
    });

    assert!(
        people.stdout.starts_with("gap (unknown): events after gone are gone; it goes on after "),
        "{people:?}"
    );
    assert!(people.stdout.ends_with("\nn-1  message  x\n"), "{people:?}");
    assert!(
        programs.stdout.starts_with(r#"{"gap":{"requested":"gone","reason":"unknown","resumes_after":""#),
        "{programs:?}"
    );
}

#[test]
fn an_event_of_the_hubs_own_that_is_not_known_is_shown_in_strict_mode_alone() {
    let text = "event: tidings.whatever\nid: n-1\ndata: own\n\nid: n-2\ndata: x\n\n";
    let origins = [0; 3].map(|_| Origin::start([(stream(text), Then::End)]));
    let [managed, counted, strict] = &origins;

    let managed = run(tidings(&["sub", &managed.url(), "--no-reconnect", "--json"]));
    let counted = run(tidings(&["sub", &counted.url(), "--count", "1"]));
    let strict = run(tidings(&["sub", &strict.url(), "--no-reconnect", "--strict"]));

    let event = r#"{"id":"n-2","type":"message","data":"x","lastEventId":"n-2"}"#;
    assert_eq!((managed.code, managed.stdout), (Some(0), format!("{event}\n")));
    assert_eq!((counted.code, counted.stdout.as_str()), (Some(0), "n-2  message  x\n"));
    assert_eq!(strict.stdout, "n-1  tidings.whatever  own\nn-2  message  x\n");
}

#[test]
fn a_reader_that_goes_away_ends_it_without_another_event() {
    let origin = Origin::start([(stream("data: x\n\n"), Then::Hold)]);
    let mut pipeline = Command::new("/bin/sh");
    let script = r#"{ "$0" sub "$1"; echo "code $?" >&2; } | head -n 1"#;
    pipeline.args(["-c", script, env!("CARGO_BIN_EXE_tidings"), &origin.url()]).stdin(Stdio::null());

    let left = run(pipeline);

    assert_eq!(left.stdout, "message  x\n");
    assert!(left.stderr.ends_with("code 0\n"), "{}", left.stderr);
}

#[test]
fn ctrl_c_ends_it_well() {
    for signal in [Signal::INT, Signal::TERM] {
        let origin = Origin::start([(stream("data: x\n\n"), Then::Hold)]);
        let mut sub = Program::start(&["sub", &origin.url()]);
        assert_eq!(sub.stdout.next(), "message  x");

        sub.signal(signal);

        assert_eq!(sub.wait(), Some(0));
    }
}

#[test]
fn a_bad_argument_of_sub_is_refused_with_advice() {
    let left = run(tidings(&["sub", "localhost:8080/events/a"]));
    let message = "\"localhost:8080/events/a\" does not begin with http:// or https://";
    assert_eq!(left, refusal(message, "write it out, such as http://127.0.0.1:8080/events/orders"));

    for arguments in
        [["--header", "x"], ["--idle-timeout", "5"], ["--max-event-bytes", "x"], ["--count", "0"]]
    {
        let mut command = tidings(&["sub", "http://127.0.0.1:1/"]);
        command.args(arguments);
        let left = run(command);
        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(left.stderr.contains(arguments[0]), "{}", left.stderr);
    }
}

#[test]
fn a_refusal_is_told_in_the_words_of_the_server_and_with_its_url() {
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n";
    let body = "{\"error\":\n  \"no such \u{1b}[2J\"}\n";
    assert_eq!(body.len(), 28);
    let origin = Origin::start([(format!("{head}{body}"), Then::End)]);

    let left = run(tidings(&["sub", &format!("{}?key=secret", origin.url())]));

    let said = r#"{"error": "no such \u{1b}[2J"}"#;
    let error = format!("error: the answer was 400 Bad Request: {said} ({})\n", origin.url());
    assert_eq!((left.code, left.stderr), (Some(1), error));
}

#[test]
fn the_header_that_changes_has_an_option_of_its_own() {
    let left = run(tidings(&["sub", "http://127.0.0.1:9/", "-H", "last-event-id: 7"]));

    assert_eq!(left, refusal("Last-Event-ID changes with every event", "--last-event-id sets the first one"));
}

#[test]
fn a_failed_connection_is_told_with_the_address() {
    let left = run(tidings(&["sub", "http://127.0.0.1:1/", "--no-reconnect"]));

    assert_eq!(left.code, Some(1));
    assert!(left.stderr.starts_with("error: failed to connect to http://127.0.0.1:1: "), "{}", left.stderr);
    assert!(left.stderr.ends_with("\nhint: is a server listening there?\n"), "{}", left.stderr);
}
