//! `tidings pub` and `tidings token`: what reaches the hub, what is said, and how it ends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use rustix::process::Signal;
use support::origin::{Origin, Then};
use support::program::{Program, run_with_input};
use support::published::{event, events};
use support::{Left, refusal, run, tidings};
use tidings_testkit::hub::Hub;

fn url(hub: &Hub, target: &str) -> String {
    format!("http://{}/events/{target}", hub.address)
}

#[test]
fn an_argument_is_an_event_and_its_id_is_printed() {
    let hub = support::hub(&["--memory"]);

    let named =
        run(tidings(&["pub", &url(&hub, "a"), "x\ny", "--event", "tick", "--id", "id-1", "--retry", "70"]));
    let plain = run(tidings(&["pub", &url(&hub, "a"), ""]));

    assert_eq!(named, Left { code: Some(0), stdout: "id-1\n".into(), stderr: String::new() });
    assert!(plain.stdout.ends_with("-2\n"), "{plain:?}");
    assert_eq!(events(&hub, "a"), [event("tick", "x\ny", "id-1"), event("message", "", "-")]);
}

#[test]
fn each_line_of_standard_input_is_an_event() {
    let hub = support::hub(&["--memory"]);

    let dash = run_with_input(&["pub", &url(&hub, "a"), "-", "--event", "line"], b"one\r\n\ntwo");
    let nothing = run_with_input(&["pub", &url(&hub, "a")], "\u{6d88}\u{606f}\n".as_bytes());

    assert_eq!((dash.code, dash.stdout.as_str()), (Some(0), ""));
    assert!(dash.stderr.starts_with("3 events published, the last as "), "{dash:?}");
    assert!(nothing.stderr.starts_with("1 event published, the last as "), "{nothing:?}");
    let lines = [event("line", "one", "-"), event("line", "", "-"), event("line", "two", "-")];
    assert_eq!(events(&hub, "a"), [&lines[..], &[event("message", "\u{6d88}\u{606f}", "-")]].concat());
}

#[test]
fn a_line_leaves_when_it_is_there() {
    let hub = support::hub(&["--memory"]);
    let mut stream = hub.subscribe("/events/a");
    let mut program = Program::start_with_input(&["pub", &url(&hub, "a"), "-"]);

    program.write(b"first\n");
    let first = stream.next().unwrap().unwrap().data;
    program.write(b"second\n");
    let second = stream.next().unwrap().unwrap().data;

    assert_eq!([first, second], ["first", "second"]);
}

#[test]
fn many_lines_keep_their_order() {
    let hub = support::hub(&["--memory"]);
    let input: String = (0..900).map(|number| format!("{number}\n")).collect();

    let left = run_with_input(&["pub", &url(&hub, "a"), "-"], input.as_bytes());

    assert_eq!(left.code, Some(0));
    let data: Vec<_> = events(&hub, "a").into_iter().map(|(_, data, _)| data).collect();
    assert_eq!(data, (0..900).map(|number: u32| number.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_stream_brings_its_own_types_and_ids() {
    let hub = support::hub(&["--memory"]);
    let input = b"event: tick\nid: t-1\ndata: x\ndata: y\n\n: a comment\n\ndata: z\n\n";

    let left = run_with_input(&["pub", &url(&hub, "a"), "--event-stream"], input);

    assert_eq!(left.code, Some(0), "{left:?}");
    assert_eq!(events(&hub, "a"), [event("tick", "x\ny", "t-1"), event("message", "z", "-")]);
}

/// As `curl -N` gets it from another hub.
#[test]
fn the_stream_of_another_hub_is_published_without_what_that_hub_says_itself() {
    let hub = support::hub(&["--memory"]);
    let input = ": heartbeat 15000\nretry: 3000\nid: k-0\nevent: tidings.open\ndata: {\"cursor\":\"k-0\"}\n\n\
                 :\nid: k-1\nretry: 7\ndata: one\n\n\
                 id: k-2\nevent: tidings.gap\ndata: {\"reason\":\"expired\"}\n\n\
                 id: k-3\nevent: tick\ndata: two\n\nretry: 2000\n";

    let left = run_with_input(&["pub", &url(&hub, "a"), "--event-stream"], input.as_bytes());

    assert_eq!(left.code, Some(0), "{left:?}");
    let told =
        "warning: the stream has a gap (expired): events are missing\n2 events published, the last as k-3";
    assert_eq!(left.stderr.trim_end(), told);
    assert_eq!(events(&hub, "a"), [event("message", "one", "k-1"), event("tick", "two", "k-3")]);
}

#[test]
fn the_retry_of_a_hubs_opening_is_not_published_with_the_first_event() {
    let hub = support::hub(&["--memory"]);
    for (topic, input, published) in [
        ("opening", ": heartbeat 15000\nretry: 9\nid: k-1\ndata: one\n\n", false),
        ("own", ": heartbeat 15000\nretry: 9\nretry: 8\nid: k-1\ndata: one\n\n", true),
        ("plain", "retry: 8\ndata: one\n\n", true),
    ] {
        let mut stream = hub.subscribe(&format!("/events/{topic}"));

        let left = run_with_input(&["pub", &url(&hub, topic), "--event-stream"], input.as_bytes());

        assert_eq!(left.code, Some(0), "{left:?}");
        assert_eq!(stream.next().unwrap().unwrap().data, "one", "{topic}");
        // Else it is that of the stream's own opening.
        assert_eq!(stream.retry.is_some_and(|retry| retry < 1_000), published, "{topic}: {:?}", stream.retry);
    }
}

#[test]
fn half_an_event_is_told_and_not_published() {
    let hub = support::hub(&["--memory"]);

    let left = run_with_input(&["pub", &url(&hub, "a"), "--event-stream"], b"data: x\nid: 1\n\ndata: half");

    let words = "error: 1 event published, the last as 1, then standard input ended within an event, which was not \
                 published; a blank line ends it";
    assert_eq!(left, Left { code: Some(1), stdout: String::new(), stderr: words.into() });
    assert_eq!(events(&hub, "a"), [event("message", "x", "1")]);
}

#[test]
fn a_url_with_a_password_is_refused_with_options_that_the_command_has() {
    let (hub, secret) = ("http://u:p@127.0.0.1:1/events/a", "http://127.0.0.1:1/events/a");
    for (arguments, options) in [
        (["pub", hub, "x"], "a publish key is given by --publish-key-file or TIDINGS_PUBLISH_KEY"),
        (["relay", secret, hub], "a publish key is given by --publish-key-file or TIDINGS_PUBLISH_KEY"),
        (
            ["relay", hub, secret],
            "a secret is given by --header, such as --header 'Authorization: Bearer KEY'",
        ),
    ] {
        let left = run(tidings(&arguments));

        let hint = format!("URLs end up in logs; {options}");
        assert_eq!(left, refusal("the URL has a user name or a password in it", &hint));
    }
}

#[test]
fn one_key_is_one_event() {
    let hub = support::hub(&["--memory"]);
    let arguments = ["pub", &url(&hub, "a"), "x", "--idempotency-key", "k"];

    let (first, second) = (run(tidings(&arguments)), run(tidings(&arguments)));

    assert_eq!((first.code, &first.stdout), (Some(0), &second.stdout));
    assert_eq!(events(&hub, "a").len(), 1);
}

#[test]
fn the_publish_key_comes_from_the_environment_or_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    let key = run(tidings(&["token"])).stdout;
    std::fs::write(&file, &key).unwrap();
    let file = file.to_str().unwrap();
    let hub = support::hub(&["--memory", "--publish-key-file", file]);
    let target = url(&hub, "a");

    let without = run(tidings(&["pub", &target, "x"]));
    let with_file = run(tidings(&["pub", &target, "y", "--publish-key-file", file]));
    let mut command = tidings(&["pub", &target, "z"]);
    command.env("TIDINGS_PUBLISH_KEY", key.trim());
    let with_variable = run(command);

    assert_eq!((without.code, with_file.code, with_variable.code), (Some(1), Some(0), Some(0)));
    let hint = "hint: this hub wants its publish key, in TIDINGS_PUBLISH_KEY or --publish-key-file\n";
    assert!(without.stderr.ends_with(hint), "{without:?}");
    assert_eq!(events(&hub, "a"), [event("message", "y", "-"), event("message", "z", "-")]);
}

#[test]
fn a_key_is_the_same_with_a_line_end_behind_it_from_a_file_and_from_a_variable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let file = path.to_str().unwrap();
    std::fs::write(&path, "k-1").unwrap();
    let hub = support::hub(&["--memory", "--publish-key-file", file]);
    let target = url(&hub, "a");

    for text in ["k-1", "k-1\n", "k-1\r\n", "\u{feff}k-1\n", "k-1\n\n"] {
        std::fs::write(&path, text).unwrap();
        let mut variable = tidings(&["pub", &target, "x"]);
        variable.env("TIDINGS_PUBLISH_KEY", text);

        let codes =
            (run(variable).code, run(tidings(&["pub", &target, "x", "--publish-key-file", file])).code);

        assert_eq!(codes, (Some(0), Some(0)), "{text:?}");
    }
    for (text, name) in
        [("k\n1\n", "a line end, U+000A"), ("k 1", "a space, U+0020"), ("k\u{200b}1", "U+200B")]
    {
        std::fs::write(&path, text).unwrap();
        let mut variable = tidings(&["pub", &target, "x"]);
        variable.env("TIDINGS_PUBLISH_KEY", text);

        for left in [run(variable), run(tidings(&["pub", &target, "x", "--publish-key-file", file]))] {
            assert_eq!(left.code, Some(2), "{left:?}");
            assert!(left.stderr.contains("character 2 of it is ") && left.stderr.contains(name), "{left:?}");
        }
    }
}

#[test]
fn a_key_file_that_others_can_read_is_pointed_out() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, "k-1").unwrap();
    let hub = support::hub(&["--memory"]);

    for (mode, warnings) in [(0o600, 0), (0o640, 1), (0o604, 1)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let arguments = ["pub", &url(&hub, "a"), "x", "--publish-key-file", path.to_str().unwrap()];

        let left = run(tidings(&arguments));

        assert_eq!(left.code, Some(0));
        let warning = format!("chmod 600 {}\n", path.display());
        assert_eq!(left.stderr.matches(&warning).count(), warnings, "{mode:o}: {left:?}");
        assert!(!left.stderr.contains("k-1"));
    }
}

#[test]
fn a_passing_refusal_is_told_and_tried_again() {
    let busy = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let done = "HTTP/1.1 201 Created\r\nContent-Length: 12\r\n\r\n{\"id\":\"a-1\"}";
    let origin = Origin::start([(busy.into(), Then::Cut), (done.into(), Then::Cut)]);

    let left = run(tidings(&["pub", &origin.url(), "x"]));

    assert_eq!((left.code, left.stdout.as_str()), (Some(0), "a-1\n"), "{left:?}");
    let told = format!("the hub answered 503 Service Unavailable ({}); trying again\n", origin.url());
    assert_eq!(left.stderr, told);
}

#[test]
fn ctrl_c_keeps_the_events_that_were_read() {
    let hub = support::hub(&["--memory"]);
    let mut stream = hub.subscribe("/events/a");
    let mut program = Program::start_with_input(&["pub", &url(&hub, "a"), "-"]);
    program.write(b"x\n");
    assert_eq!(stream.next().unwrap().unwrap().data, "x");

    program.signal(Signal::INT);

    assert!(program.stderr.next().starts_with("1 event published, the last as "));
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn an_option_of_one_event_is_refused_for_many() {
    let left = run(tidings(&["pub", "http://127.0.0.1:1/events/a", "-", "--id", "x"]));

    let message = "standard input is many events, and --id or --idempotency-key is of one";
    assert_eq!(
        left,
        refusal(message, "give the data as an argument, or ids in a stream with --event-stream")
    );
}

#[test]
fn fields_that_would_forge_an_event_are_refused_before_anything_is_sent() {
    for arguments in [["--event", "a\nid: 1"], ["--id", "a\r\nb"]] {
        let mut command = tidings(&["pub", "http://127.0.0.1:1/events/a", "x"]);
        command.args(arguments);

        let left = run(command);

        assert_eq!(left.code, Some(2), "{left:?}");
        assert!(left.stderr.starts_with(&format!("error: {} cannot be sent: ", arguments[0])), "{left:?}");
    }
}

#[test]
fn a_reserved_topic_is_refused_in_the_words_of_the_hub_and_no_key_is_asked_for() {
    let hub = support::hub(&["--memory"]);
    let said = |name: &str| {
        format!(
            "the hub answered 403 Forbidden: `{name}` is reserved: topics that begin with `inbox/` are the inboxes of \
             users, and nothing of them is read or published as events; an inbox is at /inbox/{{user}}, for both; or \
             choose another name"
        )
    };

    let published = run(tidings(&["pub", &url(&hub, "inbox/x"), "hello"]));
    let subscribed = run(tidings(&["sub", &url(&hub, "inbox/*")]));

    let stderr =
        format!("error: the event was not published: {} ({})\n", said("inbox/x"), url(&hub, "inbox/x"));
    assert_eq!(published, Left { code: Some(1), stdout: String::new(), stderr });
    assert!(subscribed.stderr.contains(&said("inbox/*")["the hub answered ".len()..]), "{subscribed:?}");
    assert!(!subscribed.stderr.contains("hint"), "{subscribed:?}");
}

#[test]
fn a_token_is_256_bits_that_never_come_again() {
    let (one, other) = (run(tidings(&["token"])), run(tidings(&["token"])));

    assert_eq!((one.code, one.stderr.as_str()), (Some(0), ""));
    assert_eq!(one.stdout.trim_end().len(), 64);
    assert!(one.stdout.trim_end().bytes().all(|byte| byte.is_ascii_hexdigit()), "{one:?}");
    assert_ne!(one, other);
}
