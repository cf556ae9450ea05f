//! `tidings pub` at a hub that is away, at one that restarts, and at what is no hub at all.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::ffi::OsStr;
use std::time::Duration;

use rustix::process::Signal;
use support::origin::{Origin, Then};
use support::program::Program;
use support::published::events;
use support::{run, tidings};
use tidings_testkit::hub::Hub;

/// The data of all events of a topic.
fn data(hub: &Hub, topic: &str) -> Vec<String> {
    events(hub, topic).into_iter().map(|(_, data, _)| data).collect()
}

/// Five attempts with their waits were over after 3 s at the latest.
#[test]
fn a_pipe_outlasts_a_hub_that_is_killed_and_comes_back_and_nothing_is_lost_or_doubled() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let hub = support::hub(&["--data", data_dir]);
    let address = hub.address.to_string();
    let mut stream = hub.subscribe("/events/a");
    let mut program = Program::start_with_input(&["pub", &format!("http://{address}/events/a"), "-"]);
    program.write(b"one\n");
    assert_eq!(stream.next().unwrap().unwrap().data, "one");

    hub.kill();
    program.write(b"two\nthree\n");
    let told = program.stderr.next();
    // The time that a restart takes is what this is about.
    std::thread::sleep(Duration::from_millis(3_200));
    program.write(b"four\n");
    let hub =
        Hub::spawn(tidings(&["serve", "--listen", &address, "--log-format", "json", "--data", data_dir]));
    let back = program.stderr.next();
    program.end_input();
    let last = program.stderr.next();

    let away = format!("failed to reach the hub at http://{address}: ");
    assert!(told.starts_with(&away) && told.ends_with("; trying again"), "{told}");
    assert!(back.starts_with("the hub takes events again, after "), "{back}");
    assert!(last.starts_with("4 events published, the last as "), "{last}");
    assert_eq!(program.wait(), Some(0));
    assert_eq!(data(&hub, "a"), ["one", "two", "three", "four"]);
}

#[test]
fn ctrl_c_ends_a_pipe_and_a_relay_whose_hub_is_away() {
    let (hub, upstream) = (support::hub(&["--memory"]), support::hub(&["--memory"]));
    let target = format!("http://{}/events/a", hub.address);
    let source = format!("http://{}/events/news", upstream.address);
    let mut pipe = Program::start_with_input(&["pub", &target]);
    let mut relay = Program::start(&["relay", &source, &target]);
    assert!(relay.stderr.next().starts_with("listening to "));
    hub.kill();
    pipe.write(b"one\ntwo\n");
    upstream.publish("news", "x");
    for program in [&pipe, &relay] {
        assert!(program.stderr.next().ends_with("; trying again"));
        program.signal(Signal::INT);
    }

    let left = "error: 0 events published; the hub has not answered whether it has the next 2";
    assert_eq!(pipe.stderr.next(), left);
    assert_eq!((pipe.wait(), relay.wait()), (Some(1), Some(0)));
}

/// A wait that the server asks for shows how much patience there is.
#[test]
fn standard_input_has_an_hour_once_the_hub_has_answered_and_a_minute_before() {
    let busy = || {
        let head = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1800\r\n\r\n";
        (head.to_owned(), Then::Cut)
    };
    let body = r#"{"published":1,"id":"a-1"}"#;
    let taken =
        format!("HTTP/1.1 201 X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let (never, once) = (Origin::start([busy()]), Origin::start([(taken.clone(), Then::Cut), busy()]));
    let impatient = Origin::start([(taken, Then::Cut), busy()]);
    let lines = |origin: &Origin, options: &[&str]| {
        let mut program = Program::start_with_input(&[&["pub", &origin.url()], options].concat());
        program.write(b"one\n");
        origin.request();
        program
    };

    let mut never = lines(&never, &[]);
    let mut first = lines(&once, &[]);
    first.write(b"two\n");
    once.request();
    let mut second = lines(&impatient, &["--give-up-after", "1m"]);
    second.write(b"two\n");
    impatient.request();

    let told = "error: 0 events published, and the next was not: the hub answered 503 Service Unavailable";
    assert!(never.stderr.next().starts_with(told));
    assert!(first.stderr.next().ends_with("; trying again"));
    let told = "error: 1 event published, the last as a-1, and the next was not: the hub answered 503";
    assert!(second.stderr.next().starts_with(told));
    first.signal(Signal::TERM);
    assert_eq!([never.wait(), first.wait(), second.wait()], [Some(1); 3]);
}

#[test]
fn without_patience_there_is_one_attempt() {
    let left = run(tidings(&["pub", "http://127.0.0.1:1/events/a", "x", "--give-up-after", "0s"]));

    let told = "error: the event was not published: failed to reach the hub at http://127.0.0.1:1: tcp connect error: \
                Connection refused (os error 111)\nhint: is a hub listening there? `tidings serve` starts one\n";
    assert_eq!((left.code, left.stderr.as_str()), (Some(1), told));
}

#[test]
fn the_wrong_protocol_is_told_in_one_sentence_with_what_to_write() {
    let secure = support::hub(&["--memory", "--tls-self-signed"]);
    let plain = support::hub(&["--memory"]);
    let (secure, plain) = (secure.address.to_string(), plain.address.to_string());
    let (_, port) = secure.rsplit_once(':').unwrap();

    for command in ["pub", "sub"] {
        let at = |url: &str| {
            let mut command = tidings(&[command, &format!("{url}/events/a")]);
            command.arg(if command.get_args().next() == Some(OsStr::new("pub")) {
                "x"
            } else {
                "--no-reconnect"
            });
            let left = run(command);
            assert_eq!((left.code, left.stderr.lines().count() <= 2), (Some(1), true), "{left:?}");
            left.stderr
        };

        let told = at(&format!("http://{secure}"));
        let words =
            format!("This is plain HTTP, and port {port} speaks HTTPS: write https:// in place of http://.");
        assert!(told.contains(&words) && told.contains(&format!("http://{secure}/events/a")), "{told}");

        let told = at(&format!("https://{plain}"));
        let words = format!(
            "https://{plain}: what answers there does not speak TLS; for plain HTTP write http://{plain}\n"
        );
        assert!(told.ends_with(&words), "{told}");

        let told = at(&format!("https://{secure}"));
        assert!(told.contains("its certificate ") && told.contains(&secure), "{told}");
    }
}
