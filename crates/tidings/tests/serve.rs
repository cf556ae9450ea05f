//! `tidings serve` from start to end: what it says, what it keeps, how it ends.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use support::{Left, run, tidings};
use tempfile::TempDir;
use tidings_testkit::hub::Hub;

fn start(dir: &Path, arguments: &[&str]) -> Hub {
    let data = dir.join("data");
    support::hub(&[&["--data", data.to_str().unwrap()], arguments].concat())
}

/// Runs a hub that is expected to refuse.
fn refused(arguments: &[&str]) -> Left {
    run(tidings(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat()))
}

#[test]
fn published_events_are_there_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let hub = start(dir.path(), &[]);
    hub.publish("news", "before");
    hub.terminate();

    let hub = start(dir.path(), &[]);
    let mut stream = hub.subscribe("/events/news?since=earliest");

    assert_eq!(stream.next().unwrap().unwrap().data, "before");
}

#[test]
fn a_hub_in_memory_forgets() {
    let hub = support::hub(&["--memory"]);
    hub.publish("news", "before");
    hub.terminate();

    let hub = support::hub(&["--memory"]);
    hub.publish("news", "after");
    let mut stream = hub.subscribe("/events/news?since=earliest");

    assert_eq!(stream.next().unwrap().unwrap().data, "after");
}

#[test]
fn a_second_hub_on_the_same_data_is_refused() {
    let dir = TempDir::new().unwrap();
    let first = start(dir.path(), &[]);
    let data = dir.path().join("data");

    let left = refused(&["--data", data.to_str().unwrap()]);

    let message = format!("error: {} is in use by process {}\n", data.display(), first.pid());
    let hint = "hint: end the other hub, or give this one a directory of its own\n";
    assert_eq!(left, Left { code: Some(4), stdout: String::new(), stderr: message + hint });
}

#[test]
fn an_address_in_use_is_refused() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();

    let left = run(tidings(&["serve", "--memory", "--listen", &address]));

    assert_eq!(left.code, Some(3));
    let message = format!("error: cannot listen on {address}: Address already in use (os error 98)\n");
    assert_eq!(left.stderr, message + "hint: end what listens there, or give this one another --listen\n");
}

#[test]
fn a_data_directory_that_is_a_file_is_refused() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("data");
    std::fs::write(&file, "").unwrap();

    let left = refused(&["--data", file.to_str().unwrap()]);

    assert_eq!(left.code, Some(5), "{}", left.stderr);
}

#[test]
fn sigterm_sends_subscribers_away_in_good_order_and_keeps_acknowledged_events() {
    let dir = TempDir::new().unwrap();
    let hub = start(dir.path(), &["--drain-window", "100ms"]);
    let mut streams: Vec<_> = (0..20).map(|_| hub.subscribe("/events/news")).collect();
    hub.publish("news", "the last");

    let ended = hub.terminate();

    assert_eq!(ended.code(), Some(0));
    for stream in &mut streams {
        assert_eq!(stream.next().unwrap().unwrap().data, "the last");
        assert_eq!(stream.next().unwrap(), None, "the stream ends as a whole");
        assert!(stream.retry.is_some(), "it says when to come back");
    }
    let hub = start(dir.path(), &[]);
    let mut stream = hub.subscribe("/events/news?since=earliest");
    assert_eq!(stream.next().unwrap().unwrap().data, "the last");
}

/// A publisher that never finishes is answered a second before the deadline, so its connection is no example.
#[test]
fn a_client_that_does_not_read_its_answers_is_cut_at_the_deadline() {
    let mut hub = support::hub(&["--memory", "--drain-window", "0s", "--drain-deadline", "2s"]);
    assert_eq!(hub.publish("news", &"x".repeat(500_000)).status, 201);
    let mut reader = TcpStream::connect(hub.address).unwrap();
    let request =
        format!("GET /events/news HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\n\r\n", hub.address);
    // 30 MB: more than the buffers of two sockets of one machine hold.
    reader.write_all(request.repeat(60).as_bytes()).unwrap();
    reader.read_exact(&mut [0; "HTTP/1.1 200 OK\r\n".len()]).unwrap();

    hub.signal(Signal::TERM);
    let error = hub.says("error:");

    assert_eq!(error, "error: drain_deadline passed, connections cut: 1");
    assert_eq!(hub.wait().code(), Some(6));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut hub = support::hub(&["--memory", "--drain-window", "10m", "--drain-deadline", "1h"]);
    let _stream = hub.subscribe("/events/news");

    hub.signal(Signal::INT);
    hub.says("draining");
    hub.signal(Signal::INT);

    assert_eq!(hub.wait().code(), Some(130));
}

#[test]
fn the_line_for_publishing_can_be_pasted_when_the_key_is_in_a_file_or_a_variable() {
    let dir = tempfile::tempdir().unwrap();
    let name = "it's a \"key\" $HOME `x`";
    std::fs::write(dir.path().join(name), "k-1\n").unwrap();
    for (setting, value) in [("TIDINGS_PUBLISH_KEY_FILE", name), ("TIDINGS_PUBLISH_KEY", "k-1")] {
        let mut command = tidings(&["serve", "--memory", "--listen", "127.0.0.1:0"]);
        command.env(setting, value).current_dir(dir.path());
        let hub = Hub::begin(command);
        let line = hub.says("publish ");
        let mut shell = std::process::Command::new("sh");
        shell.args([
            "-c",
            &format!("{} -sw '%{{http_code}}' -o /dev/null", line.trim().trim_start_matches("publish")),
        ]);
        // The directory is another one, and only a key in a variable is in the environment.
        shell.env_clear().env("PATH", env!("PATH")).current_dir("/").env(setting, value);

        let left = run(shell);

        assert_eq!(left.stdout, "201", "{line}: {left:?}");
    }
}

#[test]
fn a_person_is_told_the_url_and_commands_to_try() {
    let hub = Hub::begin(tidings(&["serve", "--memory", "--listen", "127.0.0.1:0"]));

    let look = hub.says("look");

    let address =
        look.trim().strip_prefix("look      http://").and_then(|url| url.strip_suffix('/')).unwrap();
    hub.says(&format!("curl -N http://{address}/events/hello"));
    hub.says(&format!("curl -d 'good news' http://{address}/events/hello"));
}

#[test]
fn a_person_is_told_of_the_page_of_the_inbox_with_access_settings_and_without() {
    let dir = TempDir::new().unwrap();
    assert_eq!(run(tidings(&["init", dir.path().to_str().unwrap()])).code, Some(0));
    let settings = dir.path().join("tidings.toml");
    let settings = ["--config", settings.to_str().unwrap()];

    for settings in [&[][..], &settings] {
        let arguments = [&["serve", "--memory", "--listen", "127.0.0.1:0"], settings].concat();
        let hub = Hub::begin(tidings(&arguments));
        let look = hub.says("look");
        let url = look.trim().strip_prefix("look      ").unwrap();

        hub.says(&format!("  inbox     {url}console/inbox.html"));
    }
}

#[test]
fn stdout_carries_nothing() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = tidings(&["serve", "--memory", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    command.stdout(writer);
    let hub = Hub::spawn(command);
    hub.publish("news", "x");
    hub.terminate();

    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();

    assert_eq!(said, "");
}

#[test]
fn the_service_manager_is_told_when_it_is_ready_and_when_it_stops() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut command = tidings(&["serve", "--memory", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    command.env("NOTIFY_SOCKET", &path);

    let hub = Hub::spawn(command);
    let address = hub.address;
    hub.terminate();

    let mut buffer = [0; 512];
    let mut told = || {
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert_eq!(told(), format!("READY=1\nSTATUS=listening on {address}"));
    assert_eq!(told(), "STOPPING=1\nSTATUS=draining");
}

#[test]
fn publishing_needs_the_right_key() {
    let mut command = tidings(&["serve", "--memory", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    command.env("TIDINGS_PUBLISH_KEY", "open-sesame");
    let hub = Hub::spawn(command);
    let publish = |headers: &[(&str, &str)]| hub.connect().post("/events/news", headers, "x").unwrap().status;

    let without = publish(&[]);
    let wrong = publish(&[("Authorization", "Bearer open-barley")]);
    let right = publish(&[("Authorization", "Bearer open-sesame")]);

    assert_eq!([without, wrong, right], [401, 401, 201]);
}
