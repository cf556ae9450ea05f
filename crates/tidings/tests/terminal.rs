//! What a hub answers, on a terminal: nothing of it makes the terminal do something, and a program that reads a pipe gets it as it is.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::io::Write;
use std::process::Command;

use support::server::{Server, answer};
use support::{Left, run, tidings};

/// What a hub that means no good may put into an id, a title or an event.
const EVIL: &str = "\u{9b}31m\u{202e}\u{1b}]0;gone\u{7}\u{61c}\u{85}";

/// Runs a command with a terminal as standard output and standard error, which are one text then.
fn on_a_terminal(arguments: &[&str]) -> String {
    let mut inner = tidings(arguments).get_program().to_str().unwrap().to_owned();
    for argument in arguments {
        inner += &format!(" '{argument}'");
    }
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &inner, "/dev/null"]);
    script.env_clear().env("PATH", env!("PATH")).env("NO_COLOR", "1").stdin(std::process::Stdio::null());
    let Left { stdout, .. } = run(script);
    stdout
}

fn piped(arguments: &[&str]) -> String {
    run(tidings(arguments)).stdout
}

fn assert_harmless(shown: &str) {
    let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t') || "\u{202e}\u{61c}".contains(c);
    assert!(!shown.contains(acts), "{shown:?}");
}

/// A hub that answers each publish with an id of its own.
fn evil_hub() -> Server {
    Server::start(|head, socket| {
        let id = serde_json::to_string(EVIL).unwrap();
        let body = match head.starts_with("GET") {
            true => format!(
                "{{\"items\":[{{\"id\":{id},\"title\":{id},\"time\":{id},\"kind\":{id}}}],\"unread\":1,\"more\":false}}"
            ),
            false => format!("{{\"id\":{id}}}"),
        };
        let status = if head.starts_with("GET") { "200 OK" } else { "201 Created" };
        let _ = socket.write_all(&answer(status, "application/json", &body));
    })
}

fn evil_stream() -> Server {
    Server::start(|_, socket| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
        let event = format!("id: {EVIL}\nevent: {EVIL}\ndata: {EVIL}\n\n").replace('\u{85}', "");
        let _ = socket.write_all(format!("{head}{event}").as_bytes());
    })
}

#[test]
fn the_id_of_a_published_event_is_harmless_on_a_terminal_and_itself_in_a_pipe() {
    let hub = evil_hub();
    let url = format!("{}events/a", hub.url());

    let shown = on_a_terminal(&["pub", &url, "x"]);
    let read = piped(&["pub", &url, "x"]);

    assert_harmless(&shown);
    assert!(shown.contains("\\u{9b}31m\\u{202e}"), "{shown:?}");
    assert_eq!(read, format!("{EVIL}\n"));
}

#[test]
fn an_event_as_json_is_the_same_value_on_a_terminal_and_harmless() {
    let hub = evil_stream();
    let arguments = ["sub", "--json", "--count", "1", &hub.url()];

    let shown = on_a_terminal(&arguments);
    let read = piped(&arguments);

    assert_harmless(&shown);
    let line = shown.lines().find(|line| line.contains("\"data\"")).unwrap();
    let event: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(event["data"].as_str().unwrap(), EVIL.replace('\u{85}', ""));
    assert!(read.contains("\u{9b}31m\u{202e}"), "{read:?}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&read).unwrap(), event);
}

#[test]
fn every_command_that_shows_what_a_server_says_is_harmless_on_a_terminal() {
    let (hub, stream) = (evil_hub(), evil_stream());
    let (hub, stream) = (hub.url(), stream.url());
    let commands: &[&[&str]] = &[
        &["sub", "--count", "1", &stream],
        &["sub", "--comments", "--no-reconnect", &stream],
        &["inbox", "list", &hub, "u"],
        &["inbox", "list", "--json", &hub, "u"],
        &["inbox", "count", &hub, "u"],
        &["inbox", "notify", &hub, "u", "x"],
        &["doctor", "--json", "--idle", "1s", &hub],
    ];
    for command in commands {
        let shown = on_a_terminal(command);

        assert!(!shown.is_empty(), "{command:?}");
        assert_harmless(&shown);
    }
}
