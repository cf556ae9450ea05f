//! Whose the data directory is: one hub's at a time, and on a disk of the machine.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{major, minor};
use rustix::process::geteuid;
use support::{Left, run, tidings};
use tempfile::TempDir;
use tidings_testkit::hub::Hub;

fn start(data: &Path) -> Hub {
    support::hub(&["--data", data.to_str().unwrap()])
}

fn serve(data: &Path) -> Command {
    tidings(&["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()])
}

fn refusal(code: i32, message: &str, hint: &str) -> Left {
    let stderr = format!("error: {message}\nhint: {hint}\n");
    Left { code: Some(code), stdout: String::new(), stderr }
}

#[test]
fn a_second_hub_is_refused_though_the_lock_file_was_removed() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let first = start(&data);
    std::fs::remove_file(data.join("LOCK")).unwrap();

    let left = run(serve(&data));

    let message = format!("{} is in use by process {}", data.display(), first.pid());
    assert_eq!(left, refusal(4, &message, "end the other hub, or give this one a directory of its own"));
    assert_eq!(first.publish("news", "of the first").status, 201);
    first.kill();
    let second = start(&data);
    assert_eq!(second.publish("news", "of the second").status, 201);
    let mut stream = second.subscribe("/events/news?since=earliest");
    assert_eq!(stream.next().unwrap().unwrap().data, "of the first");
    assert_eq!(stream.next().unwrap().unwrap().data, "of the second");
}

/// Runs a hub for which the system says something else of its mounts.
fn run_with_mounts(data: &Path, mounts: &str) -> Left {
    let dir = TempDir::new().unwrap();
    let text = dir.path().join("mountinfo");
    std::fs::write(&text, mounts).unwrap();
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount").args(if geteuid().is_root() { &[][..] } else { &["--map-root-user"] });
    // The shell and the hub that takes its place are one process.
    unshare.args(["sh", "-c", r#"mount --bind "$0" /proc/$$/mountinfo && exec "$@""#]).arg(text);
    let serve = serve(data);
    unshare.arg(serve.get_program()).args(serve.get_args()).env_clear().env("PATH", env!("PATH"));
    run(unshare)
}

/// A line of `/proc/self/mountinfo` that says which file system a directory is on.
fn mount_of(dir: &TempDir, file_system: &str) -> String {
    let device = dir.path().metadata().unwrap().dev();
    format!("30 1 {}:{} / / rw,relatime shared:1 - {file_system} rw\n", major(device), minor(device))
}

#[test]
fn a_directory_on_a_network_file_system_is_refused() {
    let dir = TempDir::new().unwrap();
    let data: PathBuf = dir.path().join("data");

    let left = run_with_mounts(&data, &mount_of(&dir, "nfs4 nas:/export"));

    let message = format!(
        "{} is on a file system of type nfs4: its server is not told of a lock on a directory, so a hub on another \
         machine could write to the same log",
        data.display()
    );
    assert_eq!(left, refusal(5, &message, "put the data on a disk of this machine"));
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0, "a hub that refuses writes nothing");
}

#[test]
fn a_directory_whose_mount_is_not_known_is_taken() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let _other = start(&data);

    // It comes as far as the lock.
    assert_eq!(run_with_mounts(&data, "nothing that looks like a mount\n").code, Some(4));
}
