//! A full disk: publishers are told, subscribers are served, and it ends when there is room again.
//!
//! The disk is a small one in memory, mounted where only the hub can see it, and gone when the hub ends.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::path::PathBuf;
use std::process::Command;

use rustix::process::geteuid;
use support::http::Stream;
use support::hub::Hub;
use support::tidings;
use tempfile::TempDir;

const DISK: &str = "8m";
const FILLER_BYTES: usize = 3_145_728;
const EVENT_BYTES: usize = 100_000;

/// A hub on a disk of its own, part of which is taken by a file that is not the hub's.
struct Cramped {
    hub: Hub,
    filler: PathBuf,
    _mount_point: TempDir,
}

impl Cramped {
    fn start() -> Self {
        let mount_point = TempDir::new().unwrap();
        let script = format!(
            r#"mount -t tmpfs -o size={DISK} tidings-test "$0" && head -c {FILLER_BYTES} /dev/zero >"$0/filler" && exec "$@""#
        );
        let data = mount_point.path().join("data");
        let serve = ["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--segment-bytes", "1MiB"];
        let mut serve = tidings(&serve);
        serve.arg("--data").arg(data);

        let mut unshare = Command::new("unshare");
        unshare.arg("--mount");
        if !geteuid().is_root() {
            unshare.arg("--map-root-user");
        }
        unshare.args(["sh", "-c", &script]).arg(mount_point.path());
        unshare.arg(serve.get_program()).args(serve.get_args());
        let hub = Hub::spawn(unshare);
        let seen_by_hub = format!("/proc/{}/root{}", hub.pid(), mount_point.path().join("filler").display());
        Self { hub, filler: seen_by_hub.into(), _mount_point: mount_point }
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

    std::fs::remove_file(&cramped.filler).unwrap();
    let answer = cramped.hub.publish("full", "room again");
    acknowledged.push("room again".to_owned());

    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(hear(&mut subscriber, acknowledged.len()), acknowledged);
}
