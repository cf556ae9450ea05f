//! A full disk: publishers are told, subscribers are served, and it ends when there is room again.
//!
//! The disk is a small one in memory, mounted where only its hub can see it, and gone with the test.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::geteuid;
use support::tidings;
use tempfile::TempDir;
use tidings_testkit::connection::{Connection, Stream};
use tidings_testkit::hub::Hub;

const DISK: &str = "8m";
const FILLER_BYTES: usize = 3_145_728;
const EVENT_BYTES: usize = 100_000;

/// A small disk, part of which is taken by a file that is not the hub's.
struct SmallDisk {
    /// A process that waits for its input to end, which it does with this one. The mount lives as long.
    keeper: Child,
    mount_point: TempDir,
}

impl SmallDisk {
    fn mount() -> Self {
        let mount_point = TempDir::new().unwrap();
        let script = format!(
            r#"mount -t tmpfs -o size={DISK} tidings-test "$0" && head -c {FILLER_BYTES} /dev/zero >"$0/filler" && echo mounted && exec cat"#
        );
        let mut unshare = Command::new("unshare");
        unshare.arg("--mount").args(if_not_root(&["--map-root-user"]));
        unshare.args(["sh", "-c", &script]).arg(mount_point.path());
        let mut keeper = unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n", "a small disk can be mounted, by root or in a user namespace");
        Self { keeper, mount_point }
    }

    /// Starts a hub that has its data there.
    fn hub(&self) -> Hub {
        self.hub_that_keeps_free("0B")
    }

    /// Starts a hub that keeps some of it free.
    fn hub_that_keeps_free(&self, min: &str) -> Hub {
        Hub::spawn(self.serve(min))
    }

    fn serve(&self, min: &str) -> Command {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--segment-bytes", "1MiB"];
        let mut serve = tidings(&serve);
        serve.args(["--disk-free-min", min]);
        serve.arg("--data").arg(self.mount_point.path().join("data"));
        let mut nsenter = Command::new("nsenter");
        nsenter.arg(format!("--target={}", self.keeper.id())).arg("--mount");
        nsenter.args(if_not_root(&["--user", "--preserve-credentials"]));
        nsenter.arg(serve.get_program()).args(serve.get_args()).env_clear().env("PATH", env!("PATH"));
        nsenter
    }

    /// Takes the file away that is not the hub's.
    fn make_room(&self) {
        std::fs::remove_file(self.inside().join("filler")).unwrap();
    }

    /// The disk, as this process finds it.
    fn inside(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(self.mount_point.path().strip_prefix("/").unwrap())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn if_not_root(arguments: &'static [&str]) -> &'static [&'static str] {
    if geteuid().is_root() { &[] } else { arguments }
}

/// A hub on a small disk.
struct Cramped {
    hub: Hub,
    disk: SmallDisk,
}

impl Cramped {
    fn start() -> Self {
        let disk = SmallDisk::mount();
        Self { hub: disk.hub(), disk }
    }

    fn start_keeping_free(min: &str) -> Self {
        let disk = SmallDisk::mount();
        Self { hub: disk.hub_that_keeps_free(min), disk }
    }

    /// What `/readyz` says, its status first.
    fn ready(&self) -> (u16, String) {
        let answer = Connection::open(self.hub.address).unwrap().get("/readyz", &[]).unwrap();
        (answer.status, answer.body)
    }

    fn gauge(&self, name: &str) -> String {
        let text = Connection::open(self.hub.address).unwrap().get("/metrics", &[]).unwrap().body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or("not told").to_owned()
    }

    /// Publishes until the disk is full; returns the data of the events that were acknowledged.
    fn fill(&self) -> Vec<String> {
        let mut acknowledged = Vec::new();
        for number in 0.. {
            let data = data(number);
            let answer = self.hub.publish("full", &data);
            match answer.status {
                201 => acknowledged.push(data),
                507 => break,
                _ => unreachable!("{answer:?}"),
            }
        }
        assert!(acknowledged.len() > 10, "there was room for more than {} events", acknowledged.len());
        acknowledged
    }
}

fn data(number: usize) -> String {
    format!("{number} {}", "x".repeat(EVENT_BYTES))
}

fn hear(stream: &mut Stream, count: usize) -> Vec<String> {
    (0..count).map(|_| stream.next().unwrap().unwrap().data).collect()
}

#[test]
fn a_full_disk_is_told_to_publishers_as_a_problem() {
    let cramped = Cramped::start();
    cramped.fill();

    let answer = cramped.hub.publish("full", &data(0));

    assert_eq!(answer.status, 507);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}

/// It was a debug record for each publish, and probes and metrics said that all was well.
#[test]
fn a_full_disk_is_told_of_once_and_its_end_and_probes_and_metrics_tell_of_it() {
    let cramped = Cramped::start();
    assert_eq!(cramped.ready(), (200, "ready\n".to_owned()));
    cramped.fill();
    cramped.hub.says("the disk of the log is full");

    let (status, body) = cramped.ready();
    assert_eq!(status, 200);
    assert!(body.starts_with("ready\nstore-full: the disk of the log is full"), "{body}");
    assert_eq!(cramped.gauge("tidings_store_full"), "1");
    let ask = [("accept", "application/json")];
    let json = Connection::open(cramped.hub.address).unwrap().get("/readyz", &ask).unwrap();
    assert!(
        json.body.starts_with(r#"{"status":"ready","troubles":[{"name":"store-full","text":"the disk"#),
        "{}",
        json.body
    );
    cramped.disk.make_room();
    assert_eq!(cramped.hub.publish("full", "room again").status, 201);
    cramped.hub.says("the disk of the log has room again");

    assert_eq!(cramped.ready(), (200, "ready\n".to_owned()));
    assert_eq!(cramped.gauge("tidings_store_full"), "0");
}

/// The hub itself took the last byte, and could not write that it was closed.
#[test]
fn some_of_the_disk_stays_free_and_the_hub_ends_and_starts_well() {
    let cramped = Cramped::start_keeping_free("2MiB");
    let acknowledged = cramped.fill();
    let free = rustix::fs::statvfs(cramped.disk.inside()).unwrap();
    // The database of the inboxes has taken a little of it.
    assert!(free.f_bavail * free.f_frsize >= 1 << 20);
    cramped.hub.says("less is free than disk_free_min");
    let Cramped { hub, disk } = cramped;

    assert!(hub.terminate().success());
    let hub = disk.hub_that_keeps_free("50%");
    assert_eq!(hub.publish("full", "no").status, 507);
    let mut subscriber = hub.subscribe("/events/full?since=earliest");

    assert_eq!(hear(&mut subscriber, acknowledged.len()), acknowledged);
}

#[test]
fn a_start_says_what_is_kept_and_how_much_room_there_is() {
    let disk = SmallDisk::mount();
    let serve = disk.serve("1%");
    let hub = Hub::begin(serve);

    let line = hub.says("the log keeps every event");

    assert!(
        line.contains("it grows until the disk is full; 4.0 MiB of 8.0 MiB are free on its disk"),
        "{line}"
    );
}

#[test]
fn subscribers_are_served_while_the_disk_is_full() {
    let cramped = Cramped::start();
    let mut there_before = cramped.hub.subscribe("/events/full");
    let acknowledged = cramped.fill();

    let mut there_after = cramped.hub.subscribe("/events/full?since=earliest");

    assert_eq!(hear(&mut there_before, acknowledged.len()), acknowledged);
    assert_eq!(hear(&mut there_after, acknowledged.len()), acknowledged);
}

#[test]
fn publishing_goes_on_when_space_returns() {
    let cramped = Cramped::start();
    let mut acknowledged = cramped.fill();
    let mut subscriber = cramped.hub.subscribe("/events/full?since=earliest");

    cramped.disk.make_room();
    let answer = cramped.hub.publish("full", "room again");
    acknowledged.push("room again".to_owned());

    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(hear(&mut subscriber, acknowledged.len()), acknowledged);
}

#[test]
fn a_hub_that_is_killed_on_a_full_disk_starts_again_with_everything() {
    let cramped = Cramped::start();
    let acknowledged = cramped.fill();
    let Cramped { hub, disk } = cramped;

    hub.kill();
    let hub = disk.hub();
    let mut subscriber = hub.subscribe("/events/full?since=earliest");

    assert_eq!(hear(&mut subscriber, acknowledged.len()), acknowledged);
    assert_eq!(hub.publish("full", &data(0)).status, 507);
}
