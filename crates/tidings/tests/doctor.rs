//! `tidings doctor`: what it says of servers and relays of the test's own, which do what no proxy of Debian does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::io::{Read, Write};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use support::desk::{Desk, WHOLE};
use support::program::Program;
use support::relay::{Relay, Rewrite};
use support::server::{Server, answer};
use support::{Left, refusal, run, tidings};
use tidings_testkit::deadline::PATIENCE;
use tidings_testkit::hub::Hub;

/// Runs the doctor for programs. Returns its report.
fn doctor(url: &str, more: &[&str]) -> Report {
    let left = run(tidings(&[&["doctor", url, "--json"], more].concat()));
    assert!(!left.stdout.chars().any(|c| c.is_control() && c != '\n'), "{left:?}");
    let json: Value = serde_json::from_str(&left.stdout).unwrap_or_else(|_| panic!("{left:?}"));
    let report = Report(json);
    let code = i32::from(!report.findings().is_empty());
    assert_eq!(left.code, Some(code), "{report:?}");
    report
}

#[derive(Debug)]
struct Report(Value);

impl Report {
    fn of_state(&self, state: &str) -> Vec<&str> {
        let checks = self.0["checks"].as_array().unwrap().iter();
        checks.filter(|check| check["state"] == state).map(|check| check["check"].as_str().unwrap()).collect()
    }

    fn findings(&self) -> Vec<&str> {
        self.of_state("finding")
    }

    /// The words of a check.
    fn text(&self, name: &str) -> &str {
        let checks = self.0["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("{self:?}"));
        check["text"].as_str().unwrap()
    }

    /// What mends what a check has found.
    fn remedies(&self, name: &str) -> &Value {
        let checks = self.0["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("{self:?}"));
        &check["remedies"]
    }

    #[track_caller]
    fn assert_finding(&self, name: &str, words: &str) {
        assert_eq!(self.findings(), [name], "{self:?}");
        assert!(self.text(name).contains(words), "{self:?}");
    }
}

fn hub(more: &[&str]) -> Hub {
    support::hub(&[&["--memory", "--heartbeat", "1s"], more].concat())
}

fn url(hub: &Hub) -> String {
    format!("http://{}/", hub.address)
}

const NO_WATCH: [&str; 2] = ["--idle", "0s"];

#[test]
fn nothing_stands_before_a_hub_on_this_machine() {
    let hub = hub(&["--cors-origin", "https://app.example"]);

    let report = doctor(&url(&hub), &["--origin", "https://app.example", "--idle", "3s"]);

    assert_eq!(report.of_state("note"), ["http-version", "publishing"]);
    let well = [
        "reach",
        "buffering",
        "compression",
        "last-event-id",
        "path",
        "host",
        "post",
        "websocket",
        "cors",
        "connections",
        "idle",
    ];
    assert_eq!(report.of_state("well"), well, "{report:?}");
    assert!(report.text("idle").contains("and was silent for "), "{report:?}");
}

#[test]
fn people_get_lines_on_stdout_and_what_is_checked_on_stderr() {
    let hub = hub(&[]);

    let left = run(tidings(&["doctor", &url(&hub), "--origin", "https://app.example", "--idle", "0s"]));

    assert_eq!(left.code, Some(1));
    let head = format!("http://{}/, in HTTP/1.1\n\nok        reach: a hub answers, after ", hub.address);
    assert!(left.stdout.starts_with(&head), "{left:?}");
    let finding = "          the hub, in its configuration, add:\n            cors_origin = [\"https://app.example\"]\n";
    assert!(left.stdout.contains(finding), "{left:?}");
    assert!(left.stdout.ends_with("\n\n1 finding\n"), "{left:?}");
    assert!(
        left.stderr
            .starts_with("checking whether a hub answers\nchecking whether a stream arrives at once\n"),
        "{left:?}"
    );
}

#[test]
fn a_compressing_hub_is_no_finding() {
    let hub = hub(&["--compression"]);

    let report = doctor(&url(&hub), &NO_WATCH);

    assert_eq!(report.findings(), [""; 0]);
    assert!(
        report.text("compression").starts_with("a stream is compressed, and arrives at once"),
        "{report:?}"
    );
}

#[test]
fn a_topic_and_an_alias_can_be_named() {
    let hub = hub(&["--aliases", "/stream=greetings"]);
    hub.publish("greetings", "hello");

    for path in ["events/greetings", "events?topic=greetings&topic=news/*", "stream"] {
        let report = doctor(&format!("{}{path}", url(&hub)), &NO_WATCH);

        assert_eq!(report.findings(), [""; 0], "{path}: {report:?}");
    }
}

#[test]
fn a_path_below_which_there_is_no_hub_is_told_with_where_it_is() {
    let hub = hub(&[]);

    let report = doctor(&format!("{}push/", url(&hub)), &NO_WATCH);

    report.assert_finding("prefix", &format!("the hub is at the top of the host, {}", url(&hub)));
}

#[test]
fn a_full_hub_is_told_with_its_settings() {
    let hub = hub(&["--address-streams-max", "5"]);

    let report = doctor(&url(&hub), &NO_WATCH);

    report.assert_finding("connections", " times the hub had no room for one more");
    assert_eq!(report.remedies("connections")[0]["for"], "hub", "{report:?}");
}

#[test]
fn a_connection_that_is_cut_in_silence_is_found() {
    let hub = support::hub(&["--memory"]);
    let relay =
        Relay::start(hub.address, Rewrite { cut_after: Some(Duration::from_secs(3)), ..Rewrite::default() });

    let report = doctor(&relay.url(), &["--idle", "10s"]);

    report.assert_finding("idle", " of silence, and the hub sends a heartbeat every 15 s");
}

#[test]
fn a_connection_that_is_cut_for_its_age_is_found() {
    let hub = hub(&[]);
    let relay =
        Relay::start(hub.address, Rewrite { cut_after: Some(Duration::from_secs(4)), ..Rewrite::default() });

    let report = doctor(&relay.url(), &["--idle", "10s"]);

    report.assert_finding("idle", "although bytes came");
}

#[test]
fn a_stream_that_is_cut_once_is_no_finding() {
    let hub = support::hub(&["--memory"]);
    let (sender, heads) = std::sync::mpsc::channel();
    let relay = Relay::start(hub.address, Rewrite { tell: Some(sender), ..Rewrite::default() });
    let mut program = Program::start(&["doctor", &relay.url(), "--json", "--idle", "30s"]);
    // It is asked for when the stream flows.
    while !heads.recv_timeout(PATIENCE).unwrap().contains("mode=long-poll") {}

    relay.cut_all();

    let report = program.stdout.rest().join("");
    assert!(report.contains("and another one lived for longer"), "{report}");
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn heartbeats_that_do_not_arrive_are_found() {
    let hub = hub(&[]);
    let relay = Relay::start(hub.address, Rewrite { first_piece_only: true, ..Rewrite::default() });

    let report = doctor(&relay.url(), &["--idle", "8s"]);

    report.assert_finding("idle", "its heartbeat of 1 s did not come within ");
}

#[test]
fn a_hub_that_ends_its_streams_is_no_cut() {
    let hub = hub(&[]);
    let (sender, heads) = std::sync::mpsc::channel();
    let relay = Relay::start(hub.address, Rewrite { tell: Some(sender), ..Rewrite::default() });
    let mut program = Program::start(&["doctor", &relay.url(), "--json", "--idle", "30s"]);
    // It is asked for when the stream flows.
    while !heads.recv_timeout(PATIENCE).unwrap().contains("mode=long-poll") {}

    hub.signal(Signal::TERM);

    let report = program.stdout.rest().join("");
    assert!(report.contains("the hub itself ended the stream"), "{report}");
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn a_ticket_is_refused_because_it_would_be_used_up() {
    let left = run(tidings(&["doctor", "https://hub.example/events/a?ticket=x"]));

    let message = "a ticket is good for one request, and the doctor makes many";
    assert_eq!(left, refusal(message, "give a token, by --token-file or --token-command"));
}

#[test]
fn an_id_that_does_not_arrive_is_found_by_header_and_by_parameter() {
    let hub = hub(&[]);
    let header = Relay::start(
        hub.address,
        Rewrite { request: |head| without(head, "last-event-id"), ..Rewrite::default() },
    );
    let both = Relay::start(
        hub.address,
        Rewrite {
            request: |head| without(&head.replace("last_event_id=", "_x="), "last-event-id"),
            ..Rewrite::default()
        },
    );

    doctor(&header.url(), &NO_WATCH)
        .assert_finding("last-event-id", "the parameter `last_event_id` does arrive");
    doctor(&both.url(), &NO_WATCH).assert_finding("last-event-id", "neither the header nor the parameter");
}

#[test]
fn a_server_that_says_no_date_is_well_and_a_wrong_one_is_noted() {
    let hub = hub(&[]);
    let none =
        Relay::start(hub.address, Rewrite { answer: |head| without(head, "date"), ..Rewrite::default() });
    let wrong = |head: &str| {
        format!(
            "{}date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n",
            without(head, "date").trim_end_matches("\r\n\r\n").to_owned() + "\r\n"
        )
    };
    let wrong = Relay::start(hub.address, Rewrite { answer: wrong, ..Rewrite::default() });

    let none = doctor(&none.url(), &NO_WATCH);
    let wrong = doctor(&wrong.url(), &NO_WATCH);

    assert_eq!(
        (none.findings(), none.of_state("note")),
        (vec![], vec!["http-version", "cors", "publishing"]),
        "{none:?}"
    );
    assert_eq!(
        (wrong.findings(), wrong.of_state("note")),
        (vec![], vec!["http-version", "clock", "cors", "publishing"]),
        "{wrong:?}"
    );
}

#[test]
fn a_stream_that_is_held_back_is_found() {
    let hub = hub(&[]);
    let relay = Relay::start(
        hub.address,
        Rewrite { hold: |head| head.starts_with("GET") && !head.contains("mode="), ..Rewrite::default() },
    );

    let report = doctor(&relay.url(), &NO_WATCH);

    report.assert_finding("buffering", "nothing of a stream has arrived within 4 s");
    assert_eq!(report.of_state("unknown"), ["websocket", "connections", "idle"], "{report:?}");
}

#[test]
fn of_a_head_without_events_it_is_told_whether_it_asks_not_to_be_held_back() {
    let hub = hub(&[]);
    let hold_body = |head: &str| head.starts_with("GET") && !head.contains("mode=");
    let asks = Relay::start(hub.address, Rewrite { hold_body, ..Rewrite::default() });
    let answer = |head: &str| without(head, "x-accel-buffering");
    let silent = Relay::start(hub.address, Rewrite { hold_body, answer, ..Rewrite::default() });

    doctor(&asks.url(), &NO_WATCH).assert_finding("buffering", "with the `X-Accel-Buffering: no` of the hub");
    doctor(&silent.url(), &NO_WATCH)
        .assert_finding("buffering", "without the `X-Accel-Buffering: no` of the hub");
}

#[test]
fn what_is_no_hub_is_told_by_its_own_words() {
    let no_room = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache, no-store, no-transform\r\n\
                   X-Content-Type-Options: nosniff\r\nContent-Length: 12\r\n\r\nretry: 3000\n";
    let cases: [(&str, Vec<u8>, &str, &str); 13] = [
        (
            "a page",
            answer("200 OK", "text/html", "<title>Wel\u{1b}[2Jcome</title>"),
            "reach",
            "no tidings hub: 200 OK with a page, \"Wel\\u{1b}[2Jcome\"",
        ),
        (
            "another stream",
            answer("200 OK", "text/event-stream", "data: 1\n\n"),
            "reach",
            "streams events, and is no tidings hub",
        ),
        (
            "nothing",
            answer("404 Not Found", "text/plain", "no"),
            "reach",
            "no tidings hub: 404 Not Found with text/plain",
        ),
        ("a type that a terminal obeys", answer("200 OK", "x\u{9b}2J", ""), "reach", "with x\\u{9b}2J"),
        (
            "a login",
            answer("401 Unauthorized", "text/html", "<title>Log in</title>"),
            "access",
            "a server in front of the hub refuses: 401 Unauthorized with a page, \"Log in\"",
        ),
        (
            "no hub behind it",
            answer("502 Bad Gateway", "text/html", "<title>502</title>"),
            "reach",
            "does not reach it",
        ),
        ("a limit of requests", answer("429 Too Many Requests", "text/html", ""), "reach", "counts requests"),
        (
            "a hub that wants a token",
            answer(
                "401 Unauthorized",
                "application/problem+json",
                r#"{"type":"urn:tidings:problem:credentials-required","detail":"show \u001b[1ma key"}"#,
            ),
            "access",
            "the hub answers 401: show \\u{1b}[1ma key: give a token that covers a topic",
        ),
        ("no room", no_room.into(), "reach", "the hub has no room"),
        (
            "a proxy that answers for a hub that is away",
            answer("200 OK", "text/event-stream", "retry: 5000\n"),
            "reach",
            "a proxy answers in the hub's place, because it does not reach the hub",
        ),
        (
            "the port of TLS of nginx",
            answer(
                "400 Bad Request",
                "text/html",
                "<title>400 The plain HTTP request was sent to HTTPS port</title>",
            ),
            "reach",
            "write https:// in place of http://",
        ),
        (
            "the port of TLS of a server in Go",
            answer("400 Bad Request", "", "Client sent an HTTP request to an HTTPS server.\n"),
            "reach",
            "write https:// in place of http://",
        ),
        (
            "another bad request",
            answer("400 Bad Request", "text/plain", "see https://x/"),
            "reach",
            "no tidings hub: 400 Bad Request with text/plain",
        ),
    ];
    for (name, bytes, check, words) in cases {
        let server = Server::start(move |_, socket| drop(socket.write_all(&bytes)));

        let report = doctor(&server.url(), &NO_WATCH);

        let http = report.findings();
        assert_eq!(http, [check], "{name}: {report:?}");
        assert!(report.text(check).contains(words), "{name}: {report:?}");
        let remedies = report.remedies(check).as_array().unwrap().len();
        assert_eq!(remedies > 0, name == "no room", "{name}: {report:?}");
    }
}

#[test]
fn a_proxy_that_answers_for_the_hub_when_a_long_poll_is_late_cuts_it() {
    // As nginx does with `error_page 504 = @away` and a time-out of 2 s.
    let hub = hub(&[]);
    let in_place = |head: &str| {
        head.contains("mode=long-poll").then(|| {
            std::thread::sleep(Duration::from_secs(2));
            answer("200 OK", "text/event-stream", "retry: 5000\n")
        })
    };
    let relay = Relay::start(hub.address, Rewrite { in_place, ..Rewrite::default() });

    let report = doctor(&relay.url(), &["--idle", "6s"]);

    report.assert_finding("idle", "by a proxy in the hub's place");
    assert!(report.text("idle").contains("`?mode=long-poll&wait=1s`"), "{report:?}");
    let remedies = report.remedies("idle").as_array().unwrap();
    assert!(remedies.iter().all(|remedy| remedy["for"] != "hub"), "{report:?}");
}

#[test]
fn a_hub_that_not_everybody_may_read_is_told_without_the_name_that_the_doctor_chose() {
    let desk = Desk::new(WHOLE);
    let hub = desk.hub();
    let token = desk.token(&["--sub", "u1", "--subscribe", "orders/*"]);

    let without = doctor(&url(&hub), &NO_WATCH);
    let with = doctor(&url(&hub), &["--idle", "0s", "--token", &token]);

    without.assert_finding("access", "not everybody may read here (the hub answers 401): give a token");
    with.assert_finding("access", "does not cover every topic (the hub answers 403): give a token");
    for report in [without, with] {
        assert!(!report.text("access").contains("tidings-doctor-"), "{report:?}");
    }
}

#[test]
fn what_is_no_http_is_told_and_never_shown_as_it_came() {
    let garbage: &[u8] = b"\x15\x03\x01\x00\x02\x02\x46\x1b[2J\x00\xff\xfe\r\n\r\n";
    for bytes in [garbage, b"", b"HTTP/1.1 200 OK\r\nX\x1b: 1\r\n\r\n", b"HTTP/1.1 999999 \x1b\r\n\r\n"] {
        let server = Server::start(move |_, socket| drop(socket.write_all(bytes)));

        let report = doctor(&server.url(), &NO_WATCH);

        report.assert_finding("reach", "the connection to ");
    }
}

#[test]
fn a_head_that_never_ends_is_given_up() {
    let server = Server::start(|_, socket| {
        let mut begun = socket.write_all(b"HTTP/1.1 200 OK\r\n");
        while begun.is_ok() {
            begun = socket.write_all(b"X-More: and more and more and more\r\n");
        }
    });

    doctor(&server.url(), &NO_WATCH).assert_finding("reach", "the connection to ");
}

#[test]
fn a_body_that_never_ends_is_given_up() {
    let server = Server::start(|_, socket| {
        let mut begun = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n");
        while begun.is_ok() {
            begun = socket.write_all(&[b'x'; 4_096]);
        }
    });

    doctor(&server.url(), &NO_WATCH).assert_finding("reach", "and the body does not end");
}

#[test]
fn a_server_that_answers_nothing_is_waited_for_and_told() {
    let server = Server::start(|_, socket| drop(socket.read(&mut [0])));

    doctor(&server.url(), &NO_WATCH).assert_finding("reach", "no answer within 10 s");
}

#[test]
fn a_redirect_is_followed_and_told_and_takes_no_secret_to_another_origin() {
    let hub = hub(&[]);
    let (sender, heads) = std::sync::mpsc::channel();
    let target = Relay::start(hub.address, Rewrite { tell: Some(sender), ..Rewrite::default() });
    let to = target.url();
    let first = Server::start(move |head, socket| {
        let path = head.split(' ').nth(1).unwrap();
        let head = format!(
            "HTTP/1.1 301 Moved\r\nLocation: {}{path}\r\nContent-Length: 0\r\n\r\n",
            to.trim_end_matches('/')
        );
        drop(socket.write_all(head.as_bytes()));
    });

    let report = doctor(&first.url(), &["--idle", "0s", "--token", "s3cret", "-H", "Cookie: s3cret"]);

    report.assert_finding("redirect", &format!("leads to {}", target.url()));
    assert_eq!(report.0["hub"], target.url());
    let heads: Vec<String> = heads.try_iter().collect();
    assert!(!heads.is_empty() && heads.iter().all(|head| !head.contains("s3cret")), "{heads:?}");
}

#[test]
fn a_redirect_that_leads_to_no_hub_is_told() {
    let redirect = |location: &'static str| {
        Server::start(move |_, socket| {
            let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            drop(socket.write_all(head.as_bytes()));
        })
    };
    for (location, words) in [
        (
            "https://login.example/?next=s3cret",
            "leads to https://login.example/, which is no stream of a hub",
        ),
        ("ftp://x/", "which leads nowhere"),
        ("http://[", "which leads nowhere"),
    ] {
        let report = doctor(&redirect(location).url(), &NO_WATCH);

        report.assert_finding("redirect", words);
        assert!(!report.text("redirect").contains("s3cret"), "{report:?}");
    }
    let circle = Server::start(|head, socket| {
        let path = head.split(' ').nth(1).unwrap();
        let head = format!("HTTP/1.1 307 Again\r\nLocation: {path}\r\nContent-Length: 0\r\n\r\n");
        drop(socket.write_all(head.as_bytes()));
    });

    doctor(&circle.url(), &NO_WATCH).assert_finding("redirect", "is answered 307 and leads to itself");
}

#[test]
fn a_token_is_sent_and_never_shown() {
    let hub = hub(&[]);
    let (sender, heads) = std::sync::mpsc::channel();
    let relay = Relay::start(
        hub.address,
        Rewrite { tell: Some(sender), request: |head| without(head, "authorization"), ..Rewrite::default() },
    );

    let report =
        doctor(&relay.url(), &["--idle", "0s", "--token", "s3cret", "--origin", "https://a.example"]);

    assert!(!format!("{report:?}").contains("s3cret"));
    let heads: Vec<String> = heads.try_iter().collect();
    // A browser sends a preflight without it.
    let bearers = heads
        .iter()
        .filter(|head| !head.starts_with("OPTIONS"))
        .all(|head| head.contains("authorization: Bearer s3cret"));
    assert!(
        bearers
            && heads.iter().filter(|head| head.starts_with("OPTIONS")).all(|head| !head.contains("s3cret")),
        "{heads:?}"
    );
}

#[test]
fn names_ports_and_certificates_that_are_wrong_are_told_with_what_to_try() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let plain = hub(&[]);
    let tls = hub(&["--tls-self-signed"]);

    let cases = [
        (format!("http://{closed}/"), "is a server listening there?"),
        ("http://no-such-host.invalid/".to_owned(), "is the name no-such-host.invalid right?"),
        (format!("https://{}/", plain.address), "does not speak TLS; for plain HTTP write http://"),
        (format!("https://localhost:{}/", tls.address.port()), "trusted here"),
        (format!("http://localhost:{}/", tls.address.port()), "speaks https"),
    ];
    for (url, words) in cases {
        doctor(&url, &NO_WATCH).assert_finding("reach", words);
    }
}

#[test]
fn a_command_line_that_is_wrong_is_refused() {
    let refused = |arguments: &[&str]| {
        let left = run(tidings(&[&["doctor"], arguments].concat()));
        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{left:?}");
        left.stderr
    };
    assert!(refused(&["ftp://x/"]).contains("does not begin with http:// or https://"));
    assert!(refused(&["http://x/#a"]).contains("fragment"));
    assert!(refused(&["http://u:p@x/"]).contains("password"));
    assert!(
        refused(&["http://x/", "--origin", "https://a.example/path"])
            .contains("write it like https://app.example")
    );
    assert!(refused(&["http://x/", "--origin", "app.example"]).contains("write it like https://app.example"));
    assert!(refused(&["http://x/", "--proxy", "apache"]).contains("apache"));
    assert!(refused(&["http://x/", "--idle", "soon"]).contains("--idle"));
    let left: Left = run(tidings(&["doctor", "http://x/", "--token", "a", "-H", "Authorization: b"]));
    assert_eq!(
        left,
        refusal(
            "--header 'Authorization: ...' and a token are both given, and a request has one of them",
            "leave one of them out"
        )
    );
}

/// A head without the lines of a header.
fn without(head: &str, name: &str) -> String {
    let lines = head.split_inclusive("\r\n");
    lines.filter(|line| !line.to_ascii_lowercase().starts_with(&format!("{name}:"))).collect()
}
