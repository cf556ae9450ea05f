//! The token of `tidings pub`, `sub` and `relay`: where it comes from, when a new one is asked for, and that nobody sees it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use support::origin::{Origin, Then, status, stream};
use support::program::Program;
use support::{Left, refusal, run, tidings};
use tempfile::TempDir;

/// A directory with files of secrets, which nobody else can read.
struct Secrets(TempDir);

impl Secrets {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A command that prints `t-1`, `t-2` and so on.
    fn issuer(&self) -> String {
        let count = self.path("count");
        format!("echo x >>{0}; echo t-$(wc -l <{0} | tr -d ' ')", count.display())
    }
}

/// The binary with arguments and variables, and what a command needs to find its programs.
fn with_variables(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = tidings(arguments);
    command.env("PATH", std::env::var_os("PATH").unwrap()).envs(variables.iter().copied());
    command
}

fn one_event() -> (String, Then) {
    (stream("data: x\n\n"), Then::Hold)
}

/// An answer with a body of this type, after which the connection ends.
fn answer(line: &str, content_type: &str, body: &str) -> (String, Then) {
    let length = body.len();
    let head = format!("HTTP/1.1 {line}\r\nContent-Type: {content_type}\r\nConnection: close\r\n");
    (format!("{head}Content-Length: {length}\r\n\r\n{body}"), Then::Cut)
}

fn created() -> (String, Then) {
    answer("201 Created", "application/json", r#"{"published":1,"id":"a-1"}"#)
}

fn refused(line: &str, kind: &str, detail: &str) -> (String, Then) {
    let body = serde_json::json!({ "type": format!("urn:tidings:problem:{kind}"), "detail": detail });
    answer(line, "application/problem+json", &body.to_string())
}

fn authorization(origin: &Origin) -> Option<String> {
    origin.request().header("authorization").map(str::to_owned)
}

/// What `sub` sends with these options and variables.
fn sent_by_sub(options: &[&str], variables: &[(&str, &str)]) -> Option<String> {
    let origin = Origin::start([one_event()]);
    let left = run(with_variables(&[&["sub", &origin.url(), "--count", "1"], options].concat(), variables));
    assert_eq!((left.code, left.stdout.as_str()), (Some(0), "message  x\n"), "{left:?}");
    authorization(&origin)
}

/// What `pub` sends with these options and variables.
fn sent_by_pub(options: &[&str], variables: &[(&str, &str)]) -> Option<String> {
    let origin = Origin::start([created()]);
    let left = run(with_variables(&[&["pub", &origin.url(), "x"], options].concat(), variables));
    assert_eq!((left.code, left.stdout.as_str(), left.stderr.as_str()), (Some(0), "a-1\n", ""), "{left:?}");
    authorization(&origin)
}

#[test]
fn a_token_comes_from_an_option_or_a_variable() {
    let secrets = Secrets::new();
    let file = secrets.write("token", "t-1\n");
    let command = format!("cat {file}");

    for send in [sent_by_sub, sent_by_pub] {
        let options = [["--token", "t-1"], ["--token-file", &file], ["--token-command", &command]];
        let variables =
            [("TIDINGS_TOKEN", "t-1"), ("TIDINGS_TOKEN_FILE", &file), ("TIDINGS_TOKEN_COMMAND", &command)];
        for options in options {
            assert_eq!(send(&options, &[]).as_deref(), Some("Bearer t-1"), "{options:?}");
        }
        for variable in variables {
            assert_eq!(send(&[], &[variable]).as_deref(), Some("Bearer t-1"), "{variable:?}");
        }
        assert_eq!(send(&["--token", "-t_1=="], &[]).as_deref(), Some("Bearer -t_1=="));
        assert_eq!(send(&[], &[]), None);
    }
}

#[test]
fn an_option_is_stronger_than_a_variable_and_a_token_in_one_than_the_publish_key() {
    let secrets = Secrets::new();
    let (token, key) = (secrets.write("token", "t-1"), secrets.write("key", "k-1"));
    let variables = [("TIDINGS_TOKEN", "t-2"), ("TIDINGS_PUBLISH_KEY", "k-2")];

    let sent = |options: &[&str]| sent_by_pub(options, &variables).unwrap();

    assert_eq!(sent(&["--token-file", &token]), "Bearer t-1");
    assert_eq!(sent(&["--publish-key-file", &key]), "Bearer k-1");
    assert_eq!(sent(&[]), "Bearer t-2");
    assert_eq!(sent_by_sub(&["-H", "Authorization: Basic x"], &variables).as_deref(), Some("Basic x"));
    assert_eq!(sent_by_sub(&[], &variables[1..]), None, "the publish key is for publishing");
}

#[test]
fn two_that_would_choose_two_tokens_are_refused() {
    let secrets = Secrets::new();
    let file = secrets.write("token", "t-1");
    let unused = "http://127.0.0.1:1/events/a";
    let pairs: [(&[&str], &[&str]); 4] = [
        (&["pub", unused, "x"], &["--token", "s3cret", "--token-file", &file]),
        (&["sub", unused], &["--token", "s3cret", "--token-command", "x"]),
        (&["pub", unused, "x"], &["--publish-key-file", &file, "--token", "s3cret"]),
        (&["relay", unused, unused], &["--source-token-file", &file, "--source-token", "s3cret"]),
    ];

    for (command, options) in pairs {
        let left = run(tidings(&[command, options].concat()));

        assert_eq!((left.code, left.stdout.as_str()), (Some(2), ""), "{left:?}");
        assert!(left.stderr.contains("cannot be used with"), "{left:?}");
        for option in [options[0], options[2]] {
            assert!(left.stderr.contains(&format!("{option} <")), "{option}: {left:?}");
        }
        assert!(!left.stderr.contains("s3cret"), "{left:?}");
    }

    let both = [("TIDINGS_TOKEN_FILE", file.as_str()), ("TIDINGS_TOKEN", "s3cret")];
    let left = run(with_variables(&["sub", unused], &both));
    let message = "TIDINGS_TOKEN and TIDINGS_TOKEN_FILE are both set, and either chooses a token";
    assert_eq!(left, refusal(message, "unset one of them"));

    let left = run(tidings(&["sub", unused, "--token", "s3cret", "--header", "authorization: Bearer x"]));
    let message = "--header 'Authorization: ...' and --token are both given, and a request has one of them";
    assert_eq!(left, refusal(message, "leave one of them out"));
}

#[test]
fn what_cannot_be_a_token_is_told_at_once_and_not_shown() {
    let secrets = Secrets::new();
    let file = secrets.write("token", "s3cr\net\n");
    let missing = secrets.path("missing").display().to_string();
    let no_token = "is not a bearer token: character 5 of it is a line end, U+000A";
    let file_hint = "it is a file with one line, the token";
    let hint = "a token has letters, digits and -._~+/= alone";

    let told = |options: &[&str], variables: &[(&str, &str)]| {
        let sub = ["sub", "http://127.0.0.1:1/"];
        run(with_variables(&[&sub, options].concat(), variables))
    };

    assert_eq!(told(&["--token", "s3cr\net"], &[]), refusal(&format!("--token {no_token}"), hint));
    let left = told(&[], &[("TIDINGS_TOKEN", "s3cr\net")]);
    assert_eq!(left, refusal(&format!("TIDINGS_TOKEN {no_token}"), hint));
    let message = format!("--token-file: the content of token file {file} {no_token}");
    assert_eq!(told(&["--token-file", &file], &[]), refusal(&message, file_hint));
    let message = format!(
        "TIDINGS_TOKEN_FILE: cannot read token file {missing}: No such file or directory (os error 2)"
    );
    assert_eq!(told(&[], &[("TIDINGS_TOKEN_FILE", &missing)]), refusal(&message, file_hint));
    let left = told(&["--token-command", " "], &[]);
    let hint = "write a command that prints a token, such as 'cat token'";
    assert_eq!(left, refusal("--token-command is empty", hint));
}

#[test]
fn a_stream_whose_access_is_over_goes_on_with_a_token_of_another_run_of_the_command() {
    let expired = "id: 1\ndata: x\n\nevent: tidings.expired\ndata: {\"reason\":\"expired 0 s \\u001bago\"}\n\nretry: 1\n\n";
    let script = || [(stream(expired), Then::End), (stream("id: 2\ndata: y\n\n"), Then::Hold)];
    for (json, words) in [
        (None, "access is over: expired 0 s \\u{1b}ago"),
        (Some("--json"), r#"{"expired":{"reason":"expired 0 s \\u{1b}ago"}}"#),
    ] {
        let (origin, secrets) = (Origin::start(script()), Secrets::new());
        let (url, issuer) = (origin.url(), secrets.issuer());
        let mut arguments = vec!["sub", &url, "--count", "2", "--token-command", &issuer];
        arguments.extend(json);

        let left = run(with_variables(&arguments, &[]));

        assert_eq!(left.code, Some(0), "{left:?}");
        assert!(left.stderr.lines().any(|line| line == words), "{left:?}");
        assert_eq!(left.stdout.lines().count(), 2, "{left:?}");
        assert_eq!(authorization(&origin).as_deref(), Some("Bearer t-1"));
        let again = origin.request();
        assert_eq!(again.header("authorization"), Some("Bearer t-2"));
        assert_eq!(again.header("last-event-id"), Some("1"));
    }
}

#[test]
fn a_command_runs_again_when_its_token_is_refused_and_not_for_every_request() {
    let secrets = Secrets::new();
    let no = || refused("401 Unauthorized", "invalid-token", "expired 12 s ago");
    let origin = Origin::start([created(), created(), no(), created()]);
    let (url, issuer) = (origin.url(), secrets.issuer());
    let mut publish = with_variables(&["pub", &url, "-", "--token-command", &issuer], &[]);
    publish.stdin(std::process::Stdio::piped());
    let mut publish = Program::spawn(publish);

    let sent: Vec<_> = (0..3)
        .flat_map(|turn| {
            publish.write(b"x\n");
            let requests = if turn == 2 { 2 } else { 1 };
            (0..requests).map(|_| authorization(&origin).unwrap()).collect::<Vec<_>>()
        })
        .collect();
    publish.end_input();

    assert_eq!(publish.wait(), Some(0));
    assert_eq!(sent, ["Bearer t-1", "Bearer t-1", "Bearer t-1", "Bearer t-2"]);
}

#[test]
fn a_file_is_read_for_every_request() {
    let secrets = Secrets::new();
    let file = secrets.write("token", "t-1");
    let origin = Origin::start([created(), created()]);
    let mut publish = Program::start_with_input(&["pub", &origin.url(), "-", "--token-file", &file]);

    publish.write(b"x\n");
    let first = authorization(&origin);
    secrets.write("token", "t-2");
    publish.write(b"y\n");
    let second = authorization(&origin);
    publish.end_input();

    assert_eq!((first.as_deref(), second.as_deref()), (Some("Bearer t-1"), Some("Bearer t-2")));
    assert_eq!(publish.wait(), Some(0));
}

#[test]
fn a_command_that_fails_is_told_with_its_status_and_tried_again() {
    let secrets = Secrets::new();
    let flag = secrets.path("flag").display().to_string();
    let command = format!("echo t-1; test -e {flag} && exit 0; touch {flag}; echo oops >&2; exit 3");
    let origin = Origin::start([created()]);

    let left = run(with_variables(&["pub", &origin.url(), "x", "--token-command", &command], &[]));

    let told = "oops\nfailed to obtain a token: the token command ended with exit status 3; trying again\n";
    assert_eq!(left, Left { code: Some(0), stdout: "a-1\n".into(), stderr: told.into() });
}

#[test]
fn a_command_that_fails_at_the_last_attempt_is_the_error_and_what_it_printed_is_not_shown() {
    let url = "http://127.0.0.1:1/events/a";
    let (command, words) =
        ("echo s3cret; exit 3", "failed to obtain a token: the token command ended with exit status 3");

    let published =
        run(with_variables(&["pub", url, "x", "--give-up-after", "0s", "--token-command", command], &[]));
    let shown = run(with_variables(&["sub", url, "--no-reconnect", "--token-command", command], &[]));

    assert_eq!(published.stderr, format!("error: the event was not published: {words}\n"));
    assert_eq!(shown.stderr, format!("error: {words}\n"));
    assert_eq!((published.code, shown.code), (Some(1), Some(1)));
}

#[test]
fn a_command_takes_nothing_of_what_is_published() {
    let origin = Origin::start([created()]);
    let mut publish = with_variables(&["pub", &origin.url(), "-", "--token-command", "cat; echo t-1"], &[]);
    publish.stdin(std::process::Stdio::piped());
    let mut publish = Program::spawn(publish);
    publish.write(b"x\n");

    let request = origin.request();
    publish.end_input();

    assert_eq!(
        (request.header("authorization"), request.body.as_slice()),
        (Some("Bearer t-1"), &b"data: x\n\n"[..])
    );
    assert_eq!(publish.wait(), Some(0));
}

#[test]
fn a_refusal_is_told_in_the_words_of_the_hub_and_a_token_is_advised_where_none_was_sent() {
    let no = || refused("403 Forbidden", "not-granted", "subscribe does not cover orders/9");
    let words =
        |origin: &Origin| format!("403 Forbidden: subscribe does not cover orders/9 ({})\n", origin.url());
    let origins = [0; 4].map(|_| Origin::start([no()]));
    let [sub, sub_with, publish, publish_with] = &origins;

    let left = run(tidings(&["sub", &sub.url()]));
    let hint = "hint: does it want a token? --token-file or --token-command gives one\n";
    assert_eq!(left.stderr, format!("error: the answer was {}{hint}", words(sub)));
    assert_eq!(left.code, Some(1));

    let left = run(tidings(&["sub", &sub_with.url(), "--token", "t-1"]));
    assert_eq!(left.stderr, format!("error: the answer was {}", words(sub_with)));

    let left = run(tidings(&["pub", &publish.url(), "x"]));
    let hint = "hint: does it want another key, or a token? --token-file or --token-command gives one, and --publish-key-file a key\n";
    let error = "error: the event was not published: the hub answered ";
    assert_eq!(left.stderr, format!("{error}{}{hint}", words(publish)));

    let left = run(tidings(&["pub", &publish_with.url(), "x", "--token", "t-1"]));
    assert_eq!(left.stderr, format!("{error}{}", words(publish_with)));
}

#[test]
fn a_token_file_that_others_can_read_is_pointed_out() {
    let secrets = Secrets::new();
    let file = secrets.write("token", "t-1");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let origins = [0; 3].map(|_| Origin::start([one_event()]));
    let told = format!(
        "other users of this machine can read {file}, which holds a secret (mode 0644): chmod 600 {file}"
    );
    let sub = |origin: &Origin, options: &[&str]| {
        let url = origin.url();
        let left = run(tidings(&[&["sub", &url, "--count", "1", "--token-file", &file], options].concat()));
        left.stderr.lines().next().unwrap().to_owned()
    };

    assert_eq!(sub(&origins[0], &[]), format!("warning: {told}"));
    assert_eq!(sub(&origins[1], &["--json"]), serde_json::json!({ "warning": told }).to_string());
    secrets.write("token", "t-1");
    assert_eq!(sub(&origins[2], &[]), format!("listening to {}", origins[2].url()));
}

/// Relays an event from one server to another, with options. Returns what was sent to the source and to the hub.
fn sent_by_relay(options: &[&str], variables: &[(&str, &str)]) -> [Option<String>; 2] {
    let none = answer("200 OK", "application/json", r#"{"events":[]}"#);
    let published = answer("201 Created", "application/json", r#"{"published":1,"id":"1"}"#);
    let (hub, source) = (Origin::start([none, published]), Origin::start([one_event()]));
    let (from, to) = (source.url(), hub.url());
    let relay = Program::spawn(with_variables(&[&["relay", &from, &to], options].concat(), variables));

    let sent = [authorization(&source), authorization(&hub)];
    assert_eq!(authorization(&hub), sent[1], "every request has it");
    drop(relay);
    sent
}

#[test]
fn a_relay_has_a_token_for_each_side_and_shows_the_hubs_to_no_other_origin() {
    let secrets = Secrets::new();
    let file = secrets.write("token", "t-1");
    let [source, hub] = ["s-1", "t-1"].map(|token| Some(format!("Bearer {token}")));

    assert_eq!(sent_by_relay(&["--token-file", &file], &[]), [None, hub.clone()]);
    assert_eq!(sent_by_relay(&["--source-token", "s-1"], &[]), [source.clone(), None]);
    assert_eq!(
        sent_by_relay(&["--source-token-command", "echo s-1", "--token", "t-1"], &[]),
        [source.clone(), hub.clone()]
    );
    let variables = [("TIDINGS_SOURCE_TOKEN", "s-1"), ("TIDINGS_TOKEN_FILE", &file)];
    assert_eq!(sent_by_relay(&[], &variables), [source, hub]);
    let header = ["--header", "Authorization: Basic x"];
    assert_eq!(sent_by_relay(&header, &variables[..1]), [Some("Basic x".to_owned()), None]);
}

#[test]
fn a_relay_within_one_hub_shows_its_token_on_both_sides() {
    let none = answer("200 OK", "application/json", r#"{"events":[]}"#);
    let hub = Origin::start([none, one_event()]);
    let url = hub.url();
    let _relay = Program::start(&["relay", &format!("{url}/a"), &format!("{url}/b"), "--token", "t-1"]);

    let sent = [authorization(&hub), authorization(&hub)];

    assert_eq!(sent, ["t-1"; 2].map(|token| Some(format!("Bearer {token}"))));
}

#[test]
fn a_source_that_refuses_a_relay_is_told_with_the_option_for_its_token() {
    let none = answer("200 OK", "application/json", r#"{"events":[]}"#);
    let hub = Origin::start([none]);
    let source = Origin::start([(status("401 Unauthorized"), Then::End)]);

    let left = run(tidings(&["relay", &source.url(), &hub.url(), "--token", "t-1"]));

    let hint = "hint: does it want a token? --source-token-file or --source-token-command gives one\n";
    assert!(left.stderr.ends_with(hint), "{left:?}");
}

#[test]
fn a_hub_does_not_mind_the_variables_of_its_clients_and_prints_none_of_them() {
    let names = ["TOKEN", "TOKEN_FILE", "TOKEN_COMMAND"];
    let names = names.iter().flat_map(|name| [format!("TIDINGS_{name}"), format!("TIDINGS_SOURCE_{name}")]);
    let names: Vec<_> = names.collect();
    let variables: Vec<_> = names.iter().map(|name| (name.as_str(), "s3cret")).collect();

    let left = run(with_variables(&["config", "print"], &variables));

    assert_eq!((left.code, left.stderr.as_str()), (Some(0), ""));
    assert!(!left.stdout.contains("s3cret"), "{}", left.stdout);
}
