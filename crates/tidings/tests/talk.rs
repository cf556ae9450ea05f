//! Standard output and standard error that take nothing: no command is killed by what it wants to say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong in a test need not be told well")]

mod support;

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};
use support::{run, tidings};
use tempfile::TempDir;
use tidings_testkit::deadline::PATIENCE;

/// A place that takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sink {
    /// A disk without space.
    Full,
    /// A pipe whose reader has gone.
    Abandoned,
    /// A pipe that is full, and whose reader does not read.
    Stuck,
    /// There is no such file descriptor.
    Closed,
}

const SINKS: [Sink; 4] = [Sink::Full, Sink::Abandoned, Sink::Stuck, Sink::Closed];

impl Sink {
    /// What a process writes to. The reader is kept as long as the test needs it.
    fn open(self) -> (Stdio, Option<PipeReader>) {
        match self {
            Self::Full => (File::options().write(true).open("/dev/full").unwrap().into(), None),
            Self::Abandoned => (pipe().unwrap().1.into(), None),
            Self::Stuck => {
                let (reader, writer) = pipe().unwrap();
                fill(&writer);
                (writer.into(), Some(reader))
            }
            // The shell closes it.
            Self::Closed => (Stdio::null(), None),
        }
    }
}

/// Fills a pipe.
fn fill(mut writer: &PipeWriter) {
    let flags = fcntl_getfl(writer).unwrap();
    fcntl_setfl(writer, flags | OFlags::NONBLOCK).unwrap();
    while writer.write(&[b'x'; 4_096]).is_ok() {}
    fcntl_setfl(writer, flags).unwrap();
}

/// The command, with a file descriptor closed by a shell that it takes the place of.
fn closing(command: &Command, descriptor: u8) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!(r#"exec "$0" "$@" {descriptor}>&-"#));
    shell.arg(command.get_program()).args(command.get_args()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

fn start_with_stderr(command: Command, sink: Sink) -> (Child, Option<PipeReader>) {
    let mut command = if sink == Sink::Closed { closing(&command, 2) } else { command };
    let (stderr, reader) = sink.open();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
    (child, reader)
}

/// The exit code of a process, which must end by itself.
fn code_of(mut child: Child) -> Option<i32> {
    let pid = Pid::from_child(&child);
    // A pipe has no room for all that some commands print.
    let output = child.stdout.take();
    std::thread::spawn(move || output.map(|mut output| std::io::copy(&mut output, &mut std::io::sink())));
    let (sender, ended) = channel();
    let waiting = std::thread::spawn(move || sender.send(child.wait().unwrap().code()));
    let code = ended.recv_timeout(PATIENCE);
    if code.is_err() {
        let _ = kill_process(pid, Signal::KILL);
    }
    waiting.join().unwrap().unwrap();
    code.unwrap_or_else(|_| panic!("it does not end"))
}

#[test]
fn no_command_is_killed_by_a_standard_error_that_takes_nothing() {
    let hub = support::hub(&["--memory"]);
    let topic = format!("http://{}/events/a", hub.address);
    let earliest = format!("{topic}?since=earliest");
    let dir = TempDir::new().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, "k\n").unwrap();
    let key = key.to_str().unwrap();
    assert_eq!(hub.publish("a", "first").status, 201);

    let made = dir.path().join("hub");
    assert_eq!(run(tidings(&["init", made.to_str().unwrap()])).code, Some(0));
    let (made, pages) = (made.to_str().unwrap(), dir.path().join("pages"));
    let pages = pages.to_str().unwrap();
    let another = format!("http://{}/events/b", hub.address);
    let nowhere = "http://127.0.0.1:1/events/a";

    let commands: [(&[&str], i32); 30] = [
        (&["init", made], 1),
        (&["init", "--nonsense"], 2),
        (&["man", pages], 0),
        (&["man", "/proc/no"], 1),
        (&["man", "--nonsense"], 2),
        (&["token", "nonsense"], 2),
        (&["completions", "nonsense"], 2),
        (&["config"], 2),
        (&["config", "reference"], 0),
        (&["relay", &earliest, &another, "--nonsense"], 2),
        (&["relay", "nonsense", &another], 2),
        (&["sub", nowhere, "--no-reconnect"], 1),
        (&["sub", "nonsense"], 2),
        (&["bench", "fanout", nowhere], 1),
        (&["config", "check"], 0),
        (&["config", "check", "--publish-key-file", key], 0),
        (&["config", "print"], 0),
        (&["config", "check", "--heartbeat", "x"], 2),
        (&["--no-such-flag"], 2),
        (&["serve", "--listen", "nowhere"], 2),
        (&["serve", "--memory", "--listen", "192.0.2.1:1", "--insecure-open"], 3),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["token"], 0),
        (&["completions", "bash"], 0),
        (&["pub", &topic, "x"], 0),
        (&["pub", &topic, "-"], 0),
        (&["pub", "http://127.0.0.1:1/no", "x", "--nonsense"], 2),
        (&["sub", &earliest, "--count", "1"], 0),
        (&["bench", "fanout", "--nonsense"], 2),
    ];
    for sink in SINKS {
        for (arguments, expected) in commands {
            let (child, _reader) = start_with_stderr(tidings(arguments), sink);
            assert_eq!(
                code_of(child),
                Some(expected),
                "{arguments:?} with a standard error that is {sink:?}"
            );
        }
    }
}

#[test]
fn a_standard_output_that_takes_nothing_is_told_and_a_reader_that_has_gone_is_well() {
    let hub = support::hub(&["--memory"]);
    let topic = format!("http://{}/events/a", hub.address);
    let earliest = format!("{topic}?since=earliest");
    assert_eq!(hub.publish("a", "first").status, 201);

    let commands: [&[&str]; 12] = [
        &["init", "--help"],
        &["sub", &earliest, "--count", "1", "--json"],
        &["config", "print"],
        &["config", "reference"],
        &["--help"],
        &["serve", "--help"],
        &["--version"],
        &["token"],
        &["completions", "bash"],
        &["man"],
        &["pub", &topic, "x"],
        &["sub", &earliest, "--count", "1"],
    ];
    for arguments in commands {
        for sink in [Sink::Full, Sink::Abandoned, Sink::Closed] {
            let command = tidings(arguments);
            let mut command = if sink == Sink::Closed { closing(&command, 1) } else { command };
            let child = command.stdin(Stdio::null()).stdout(sink.open().0).stderr(Stdio::piped()).spawn();
            let left = child.unwrap().wait_with_output().unwrap();

            let stderr = String::from_utf8(left.stderr).unwrap();
            // What was published stays published.
            let expected = if sink == Sink::Full && arguments[0] != "pub" { 1 } else { 0 };
            assert_eq!(left.status.code(), Some(expected), "{arguments:?} {sink:?}: {stderr}");
            let told = stderr.contains("cannot write to stdout: No space left on device");
            assert_eq!(told, sink == Sink::Full, "{arguments:?} {sink:?}: {stderr}");
        }
    }
}

#[test]
fn what_was_done_is_no_failure_because_nobody_can_be_told() {
    let hub = support::hub(&["--memory"]);
    let dir = TempDir::new().unwrap();
    let settings = dir.path().to_str().unwrap();
    let topic = format!("http://{}/events/a", hub.address);
    let cases: [(&[&str], &str); 2] = [
        (
            &["pub", &topic, "x", "--id", "i-1"],
            "warning: the event was published as i-1, but cannot write to stdout",
        ),
        (&["init", settings], "warning: both files are written, but cannot write to stdout"),
    ];
    for (arguments, told) in cases {
        let child = tidings(arguments).stdout(Sink::Full.open().0).stderr(Stdio::piped()).spawn();

        let left = child.unwrap().wait_with_output().unwrap();

        let stderr = String::from_utf8(left.stderr).unwrap();
        assert!(left.status.success() && stderr.starts_with(told), "{arguments:?}: {stderr}");
    }
    assert!(dir.path().join("publish.key").exists());
    assert_eq!(support::published::events(&hub, "a").len(), 1);
}

/// A hub that tells a service manager where it listens, whatever its standard error is.
fn serve(socket: &Path, sink: Sink, format: &str) -> (Child, Option<PipeReader>) {
    let arguments = ["serve", "--memory", "--listen", "127.0.0.1:0", "--drain-window", "0s"];
    let mut command = tidings(&arguments);
    command.args(["--log-level", "trace", "--log-format", format]).env("NOTIFY_SOCKET", socket);
    start_with_stderr(command, sink)
}

#[test]
fn a_hub_serves_and_drains_though_nobody_takes_its_log() {
    for (sink, format) in SINKS.into_iter().zip(["text", "json", "text", "text"]) {
        let dir = TempDir::new().unwrap();
        let socket = dir.path().join("notify");
        let manager = UnixDatagram::bind(&socket).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let (child, _reader) = serve(&socket, sink, format);
        let mut told = [0; 256];
        let bytes = manager.recv(&mut told).unwrap();
        let told = std::str::from_utf8(&told[..bytes]).unwrap();
        let address = told.split_once("listening on ").unwrap().1;

        for _ in 0..20 {
            let left = run(tidings(&["pub", &format!("http://{address}/events/a"), "x"]));
            assert_eq!(left.code, Some(0), "{sink:?}: {left:?}");
        }
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();

        assert_eq!(code_of(child), Some(0), "{sink:?}");
    }
}

#[test]
fn lines_of_the_log_that_were_lost_are_counted_when_there_is_room_again() {
    let dir = TempDir::new().unwrap();
    let socket = dir.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let (child, reader) = serve(&socket, Sink::Stuck, "json");
    manager.recv(&mut [0; 256]).unwrap();
    let mut reader = reader.unwrap();
    // With half of it there is room for the rest.
    reader.read_exact(&mut [0; 32_768]).unwrap();

    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(code_of(child), Some(0));

    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    let record: serde_json::Value =
        serde_json::from_str(rest.lines().next().unwrap().trim_start_matches('x')).unwrap();
    assert!(record["message"].as_str().unwrap().contains("lines of the log were lost"), "{record}");
    assert!(record["level"] == "WARN" && record["lines"].as_u64().unwrap() > 0, "{record}");
    assert!(rest.contains("draining"), "{rest}");
}
