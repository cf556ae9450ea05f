//! The access log of the program: its file, what logrotate does to it, and what happens if it cannot be written.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{FileType, Mode};
use rustix::process::Signal;
use support::program::Program;
use support::{hub, run, tidings};
use tidings_testkit::deadline::block_until;

/// The lines of a file that is being written, once there are so many.
fn lines(path: &Path, count: usize) -> Vec<String> {
    let read = || fs::read_to_string(path).unwrap_or_default();
    block_until(format!("{count} lines of {}", path.display()), || read().lines().count() >= count);
    read().lines().map(str::to_owned).collect()
}

#[test]
fn requests_stand_in_the_file_and_those_after_sighup_in_a_new_one() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let (file, moved) = (dir.path().join("access.log"), dir.path().join("access.log.1"));
    let hub = hub(&["--memory", "--access-log", file.to_str().expect("the path is text")]);

    assert_eq!(hub.publish("a", "x").status, 201);
    let first = lines(&file, 1);
    assert!(first[0].starts_with("{\"level\":\"INFO\",\"target\":\"access\",\"time\":\""), "{first:?}");
    assert!(first[0].contains("\"method\":\"POST\",\"path\":\"/events/a\",\"status\":201,"), "{first:?}");
    let mode = fs::metadata(&file).expect("the file is there").permissions().mode();
    assert_eq!(mode & 0o007, 0, "it names people, and is not for everybody: {mode:o}");

    fs::rename(&file, &moved).expect("a file can be moved");
    hub.signal(Signal::HUP);
    block_until("another file", || file.exists());
    assert_eq!(hub.publish("b", "x").status, 201);
    assert!(lines(&file, 1)[0].contains("/events/b"));
    assert_eq!(lines(&moved, 1).len(), 1);
}

/// A disk that was full, or a hub that was killed, leaves a part of a line at the end.
#[test]
fn a_line_is_not_added_to_a_torn_one_after_a_start_and_after_sighup() {
    const TORN: &str = "{\"level\":\"IN";
    let dir = tempfile::tempdir().expect("a directory can be made");
    let file = dir.path().join("access.log");
    let is_whole = |line: &String| line.starts_with("{\"level\":\"INFO\"") && line.ends_with('}');
    // Another file in its place, so that nothing is added to it before the signal.
    let tear = |begin: &str| {
        let other = dir.path().join("other");
        fs::write(&other, format!("{begin}{TORN}")).expect("a file can be written");
        fs::rename(&other, &file).expect("a file can be moved");
    };
    tear("");
    let hub = hub(&["--memory", "--access-log", file.to_str().expect("the path is text")]);

    assert_eq!(hub.publish("a", "x").status, 201);
    let started = lines(&file, 2);
    assert!(started[0] == TORN && is_whole(&started[1]) && started.len() == 2, "{started:?}");

    tear(&format!("{}\n", started[1]));
    hub.signal(Signal::HUP);
    // Nothing shows that the signal was taken but what is written after it.
    block_until("a line by itself", || {
        assert_eq!(hub.publish("b", "x").status, 201);
        fs::read_to_string(&file).is_ok_and(|told| told.contains(&format!("{TORN}\n{{")))
    });
    let reopened = lines(&file, 3);
    assert!(is_whole(&reopened[0]) && reopened[1] == TORN && is_whole(&reopened[2]), "{reopened:?}");
}

#[test]
fn the_lines_of_streams_are_written_before_the_hub_ends() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let file = dir.path().join("access.log");
    let path = file.to_str().expect("the path is text");
    let hub = hub(&["--memory", "--access-log", path, "--drain-window", "0s"]);
    let _stream = hub.subscribe("/events/a");

    assert!(hub.terminate().success());

    let told = fs::read_to_string(&file).expect("the file is there");
    assert!(told.contains("\"method\":\"GET\",\"path\":\"/events/a\",\"status\":200,"), "{told:?}");
}

#[test]
fn a_line_on_standard_error_stands_among_the_records_of_the_log() {
    let program = Program::start(&["serve", "--memory", "--listen", "127.0.0.1:0", "--access-log", "stderr"]);
    let line = std::iter::repeat_with(|| program.stderr.next())
        .find(|line| line.contains("http://127.0.0.1:"))
        .expect("it says where it listens");
    let address = line.split("http://").nth(1).expect("a URL").split(['/', ' ']).next().expect("an address");
    let answer = run(tidings(&["pub", &format!("http://{address}/events/a"), "x"]));
    assert_eq!(answer.code, Some(0), "{answer:?}");

    let line = std::iter::repeat_with(|| program.stderr.next()).find(|line| line.contains("POST"));

    let line = line.expect("the request has a line");
    assert!(
        line.starts_with("127.0.0.1 - - [") && line.contains("\"POST /events/a HTTP/1.1\" 201 "),
        "{line}"
    );
}

#[test]
fn a_file_that_cannot_be_written_stops_no_request_and_its_lines_are_counted() {
    let hub = hub(&["--memory", "--access-log", "/dev/full"]);

    for _ in 0..3 {
        assert_eq!(hub.publish("a", "x").status, 201);
    }

    let metrics = || hub.connect().get("/metrics", &[]).expect("the hub answers").body;
    block_until("three lost lines", || {
        let told = metrics();
        let lost = told.lines().find_map(|line| line.strip_prefix("tidings_access_log_dropped_total "));
        lost.is_some_and(|lost| lost.parse::<u64>().is_ok_and(|lost| lost >= 3))
    });
    hub.says("the access log cannot be written");
}

/// A hub with a named pipe for its log neither started before somebody read the pipe, nor ended while nobody did.
#[test]
fn a_named_pipe_that_nobody_reads_stops_nothing_and_its_lines_are_counted() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let hub = hub(&["--memory", "--access-log", pipe.to_str().expect("the path is text")]);

    // A pipe holds 64 KiB.
    let path = format!("/events/{}", "a".repeat(200));
    let mut connection = hub.connect();
    for _ in 0..400 {
        connection.post(&path, &[], "x").expect("the hub answers");
    }

    let metrics = || hub.connect().get("/metrics", &[]).expect("the hub answers").body;
    block_until("lost lines", || !metrics().contains("tidings_access_log_dropped_total 0"));
    hub.signal(Signal::HUP);
    assert!(hub.terminate().success());
}

#[test]
fn a_file_that_cannot_be_opened_is_told_at_the_start() {
    let left =
        run(tidings(&["serve", "--memory", "--listen", "127.0.0.1:0", "--access-log", "/nowhere/a.log"]));

    assert_eq!(left.code, Some(1));
    assert!(
        left.stderr.contains("cannot open the access log /nowhere/a.log: No such file"),
        "{}",
        left.stderr
    );
}
