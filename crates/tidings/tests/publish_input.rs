//! `tidings pub` of standard input that is not as it should be: the pipe goes on, what happened is said, and the exit code tells.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use support::origin::{Origin, Then};
use support::program::{Program, run_with_input};
use support::published::events;
use support::{refusal, run, tidings};
use tidings_testkit::hub::Hub;

fn url(hub: &Hub, target: &str) -> String {
    format!("http://{}/events/{target}", hub.address)
}

/// The data of all events of a topic.
fn data(hub: &Hub, topic: &str) -> Vec<String> {
    events(hub, topic).into_iter().map(|(_, data, _)| data).collect()
}

#[test]
fn a_line_that_is_no_text_is_mended_and_the_next_are_published() {
    let hub = support::hub(&["--memory"]);

    let left = run_with_input(&["pub", &url(&hub, "a"), "-"], b"one\nt\xffo\xfe\nthree\n");

    assert_eq!(left.code, Some(1));
    assert!(left.stderr.starts_with("line 2 is not UTF-8: U+FFFD stands"), "{left:?}");
    assert!(left.stderr.contains("error: 3 events published, the last as "), "{left:?}");
    assert!(left.stderr.ends_with("; 1 line was not UTF-8 and mended"), "{left:?}");
    assert_eq!(data(&hub, "a"), ["one", "t\u{fffd}o\u{fffd}", "three"]);
}

#[test]
fn a_line_that_is_too_long_for_the_hub_is_left_out_and_the_next_are_published() {
    let hub = support::hub(&["--memory", "--event-bytes-max", "1KiB"]);
    let input = format!("one\n{}\ntwo\n{}\nthree\n", "x".repeat(1_025), "y".repeat(5_000));

    let left = run_with_input(&["pub", &url(&hub, "a"), "-"], input.as_bytes());

    assert_eq!(left.code, Some(1));
    assert!(left.stderr.contains("line 2 is longer than the hub takes"), "{left:?}");
    assert!(left.stderr.ends_with("; 2 lines were too long and left out"), "{left:?}");
    assert_eq!(data(&hub, "a"), ["one", "two", "three"]);
}

#[test]
fn a_line_that_is_too_long_for_the_program_is_left_out_and_the_next_are_published() {
    let hub = support::hub(&["--memory"]);
    let mut input = b"one\n".to_vec();
    input.resize((16 << 20) + 10, b'x');
    input.extend_from_slice(b"\ntwo\n");

    let left = run_with_input(&["pub", &url(&hub, "a"), "-"], &input);

    assert_eq!(left.code, Some(1));
    assert!(left.stderr.contains("line 2 is longer than 16777216 bytes: it is not published"), "{left:?}");
    assert_eq!(data(&hub, "a"), ["one", "two"]);
}

#[test]
fn a_line_that_is_no_text_and_too_long_is_told_once() {
    let hub = support::hub(&["--memory", "--event-bytes-max", "1KiB"]);
    let input = [b"one\n\xff", &b"x".repeat(2_000)[..], b"\ntwo\n"].concat();

    let left = run_with_input(&["pub", &url(&hub, "a"), "-"], &input);

    assert_eq!(left.code, Some(1));
    assert!(left.stderr.ends_with("; 1 line was too long and left out"), "{left:?}");
    assert!(!left.stderr.contains("UTF-8"), "{left:?}");
    assert_eq!(data(&hub, "a"), ["one", "two"]);
}

#[test]
fn lines_that_are_mended_are_told_beside_one_that_is_too_long() {
    let hub = support::hub(&["--memory", "--event-bytes-max", "1KiB"]);
    let input = [b"\xff\n", &b"x".repeat(2_000)[..], b"\n\xfe\n"].concat();

    let left = run_with_input(&["pub", &url(&hub, "a"), "-"], &input);

    let words = "; 2 lines were not UTF-8 and mended, 1 line was too long and left out";
    assert!(left.stderr.ends_with(words), "{left:?}");
}

#[test]
fn what_is_wrong_with_all_lines_ends_the_pipe_at_the_first() {
    let hub = support::hub(&["--memory"]);

    let left = run_with_input(&["pub", &url(&hub, "a"), "-", "--retry", "99999999999"], b"one\ntwo\n");

    assert_eq!(left.code, Some(1));
    let told = "error: 0 events published, and the next was not: the hub answered 400 Bad Request";
    assert!(left.stderr.starts_with(told), "{left:?}");
}

#[test]
fn the_limit_of_a_413_is_that_of_who_answers() {
    let hub = support::hub(&["--memory", "--event-bytes-max", "1KiB"]);
    let refusal = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let proxy = Origin::start([(refusal.into(), Then::Cut)]);

    let of_hub = run(tidings(&["pub", &url(&hub, "a"), &"x".repeat(2_000)]));
    let of_proxy = run(tidings(&["pub", &proxy.url(), "x"]));

    assert!(
        of_hub.stderr.ends_with("hint: the hub's event_bytes_max says how large an event may be\n"),
        "{of_hub:?}"
    );
    assert!(of_proxy.stderr.contains("hint: a server in front of the hub answered that"), "{of_proxy:?}");
}

/// An event-stream knows a carriage return as the end of a line of its own, so such a line cannot be carried by one.
#[test]
fn a_line_with_carriage_returns_is_published_as_it_was() {
    let hub = support::hub(&["--memory", "--event-bytes-max", "1KiB"]);
    let long = format!("a\r{}", "x".repeat(1_100));
    let input = format!("one\r\ntwo\n10%\r20%\rdone\n{long}\n\rthree\r\r\nf\u{ff}\rour\nfive\n");
    let input: Vec<u8> = input.chars().map(|c| u8::try_from(c).unwrap()).collect();

    let left = run_with_input(&["pub", &url(&hub, "a"), "-", "--event", "line"], &input);

    assert_eq!(data(&hub, "a"), ["one", "two", "10%\r20%\rdone", "\rthree\r", "f\u{fffd}\rour", "five"]);
    assert!(events(&hub, "a").iter().all(|(event_type, ..)| event_type == "line"));
    assert!(left.stderr.contains("error: 6 events published, the last as "), "{left:?}");
    let flaws = "1 line was not UTF-8 and mended, 1 line was too long and left out";
    assert!(
        left.stderr.contains("line 4 is longer than the hub takes") && left.stderr.ends_with(flaws),
        "{left:?}"
    );
}

/// A proxy in front of a hub counts the bytes of the request, and says nothing of lines.
#[test]
fn lines_that_are_too_long_together_are_published_in_parts() {
    let answer = |status: &str, body: &str| {
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json");
        (format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()), Then::Cut)
    };
    let too_large = || answer("413 Content Too Large", "");
    let origin = Origin::start([too_large(), answer("200 OK", r#"{"published":1,"id":"1"}"#), too_large()]);

    let left = run_with_input(&["pub", &origin.url(), "-"], b"one\ntwo\n");

    let requests: Vec<_> = (0..3).map(|_| String::from_utf8(origin.request().body).unwrap()).collect();
    assert_eq!(requests, ["data: one\n\ndata: two\n\n", "data: one\n\n", "data: two\n\n"]);
    assert_eq!(left.code, Some(1));
    assert!(
        left.stderr.ends_with("error: 1 event published, the last as 1; 1 line was too long and left out"),
        "{left:?}"
    );
    let why = "line 2 is longer than a server in front of the hub takes, which answered 413 ";
    assert!(left.stderr.starts_with(why), "{left:?}");
}

#[test]
fn flaws_are_told_while_the_pipe_goes_on_and_not_each_of_thousands() {
    let hub = support::hub(&["--memory"]);
    let mut stream = hub.subscribe("/events/a");
    let mut program = Program::start_with_input(&["pub", &url(&hub, "a"), "-"]);

    program.write(b"\xff\n");
    let told = program.stderr.next();
    let mended = stream.next().unwrap().unwrap().data;
    program.write(&b"\xfe\n".repeat(3_000));
    program.end_input();
    let rest = program.stderr.rest();

    assert_eq!(mended, "\u{fffd}");
    assert!(told.starts_with("line 1 is not UTF-8"), "{told}");
    assert!(rest.len() < 100, "{} lines", rest.len());
    assert!(rest.last().unwrap().ends_with("3001 lines were not UTF-8 and mended"), "{rest:?}");
    assert_eq!(program.wait(), Some(1));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line_or_of_the_stream() {
    let hub = support::hub(&["--memory"]);

    let lines = run_with_input(
        &["pub", &url(&hub, "a"), "-"],
        b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n\xef\xbb\xbfthree\r.\n",
    );
    let argument = run(tidings(&["pub", &url(&hub, "a"), "\u{feff}four"]));
    let stream = run_with_input(&["pub", &url(&hub, "b"), "--event-stream"], b"\xef\xbb\xbfdata: one\n\n");

    assert_eq!((lines.code, stream.code), (Some(0), Some(0)), "{lines:?} {stream:?}");
    assert_eq!(argument.code, Some(0), "{argument:?}");
    assert_eq!(data(&hub, "a"), ["one", "\u{feff}two", "\u{feff}three\r.", "\u{feff}four"]);
    assert_eq!(data(&hub, "b"), ["one"]);
}

#[test]
fn utf_16_is_called_by_its_name_with_what_to_do() {
    let hub = support::hub(&["--memory"]);
    let encoded = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();

    for arguments in [&["-"][..], &["--event-stream"]] {
        for input in [encoded("\u{feff}data: one\n\n"), encoded("data: one\n\n")] {
            let left = run_with_input(&[&["pub", &url(&hub, "a")], arguments].concat(), &input);

            assert_eq!(left.code, Some(1), "{left:?}");
            let end = "standard input is UTF-16LE, not UTF-8; `iconv -f UTF-16LE -t UTF-8` converts it";
            assert!(left.stderr.ends_with(end), "{left:?}");
        }
    }
    assert!(data(&hub, "a").is_empty());
}

#[test]
fn data_that_begins_with_a_dash_is_published_or_the_way_is_shown() {
    let hub = support::hub(&["--memory"]);
    let target = url(&hub, "a");

    for number in ["-5", "-1.5", "-"] {
        let left = run(tidings(&["pub", &target, number]));
        assert_eq!(left.code, Some(0), "{number}: {left:?}");
    }
    for (given, shown) in
        [("--foo", "--foo"), ("-x", "-x"), ("-hello", "-hello"), ("--a 'b'", r"'--a '\''b'\'''")]
    {
        let left = run(tidings(&["pub", &target, given]));
        let hint = format!("data that begins with - stands behind --, as in: tidings pub URL -- {shown}\n");
        assert!(left.code == Some(2) && left.stderr.ends_with(&hint), "{given}: {left:?}");
        assert_eq!(run(tidings(&["pub", &target, "--", given])).code, Some(0));
    }
    let named =
        run(tidings(&["pub", &target, "x", "--id", "-1", "--event", "-t", "--idempotency-key", "-k"]));
    assert_eq!(named.stdout, "-1\n", "{named:?}");

    assert_eq!(data(&hub, "a"), ["-5", "-1.5", "--foo", "-x", "-hello", "--a 'b'", "x"]);
}

#[test]
fn a_flag_that_is_misspelt_is_still_suggested() {
    let left = run(tidings(&["pub", "http://127.0.0.1:1/events/a", "--evnet", "x"]));

    let hint =
        "did you mean --event? data that begins with - stands behind --, as in: tidings pub URL -- --evnet";
    assert_eq!(left, refusal("unexpected argument `--evnet` found", hint));
}

#[test]
fn a_redirect_is_followed_or_its_address_is_shown() {
    let done = "HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 12\r\n\r\n{\"id\":\"a-1\"}";
    let redirect = |status: &str, location: &str| {
        let head = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n"
        );
        (head, Then::Cut)
    };
    let follows = Origin::start([redirect("308 Permanent Redirect", "/there"), (done.into(), Then::Cut)]);
    let turns = Origin::start([redirect("301 Moved Permanently", "https://hub.test/events/a")]);
    let leaves = Origin::start([redirect("307 Temporary Redirect", "https://hub.test/events/a")]);
    let names = Origin::start([redirect("300 Multiple Choices", "https://u:p@hub.test/events/a")]);
    let loops =
        Origin::start(std::array::from_fn::<_, 22, _>(|_| redirect("308 Permanent Redirect", "/there")));
    let publish = |origin: &Origin| {
        let mut command = tidings(&["pub", &origin.url(), "x"]);
        command.env("TIDINGS_PUBLISH_KEY", "k");
        run(command)
    };

    let followed = publish(&follows);

    assert_eq!((followed.code, followed.stdout.as_str()), (Some(0), "a-1\n"), "{followed:?}");
    for (origin, why) in [(turns, "would turn the POST into a GET"), (leaves, "the key is not sent")] {
        let left = publish(&origin);
        assert_eq!(left.code, Some(1), "{left:?}");
        assert!(left.stderr.contains("https://hub.test/events/a") && left.stderr.contains(why), "{left:?}");
        assert!(left.stderr.contains("hint: if that address is right, write it in the command"), "{left:?}");
        let has_key = left.stderr.contains("the key goes to the address that you write");
        assert_eq!(has_key, why.contains("key"), "{left:?}");
    }
    let (named, looped) = (publish(&names), publish(&loops));
    assert!(named.stderr.contains("300 Multiple Choices: it names https://hub.test/events/a ("), "{named:?}");
    assert!(looped.stderr.contains("it seems to be a loop") && !looped.stderr.contains("hint"), "{looped:?}");
}

#[test]
fn an_argument_that_is_not_utf_8_is_told_by_its_number_and_byte() {
    for (command, number, bytes, told) in [
        (&["pub", "http://127.0.0.1:1/events/a"][..], 3, &b"caf\xe9"[..], "its byte 4 is 0xe9"),
        (&["pub"], 2, b"http://h/\xff\xfe", "its byte 10 is 0xff"),
        (&["sub", "http://127.0.0.1:1/", "--data"], 4, b"\xff", "its byte 1 is 0xff"),
    ] {
        let mut command = tidings(command);
        command.arg(OsStr::from_bytes(bytes));

        let left = run(command);

        let shown = String::from_utf8_lossy(bytes);
        let words =
            format!("error: argument {number}, `{shown}`, is not UTF-8: {told}\nhint: `iconv -t UTF-8`");
        assert!(left.code == Some(2) && left.stderr.starts_with(&words), "{left:?}");
    }
}
