//! Whose the data directory is: one hub's at a time, and on a disk of the machine.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::fs::{DirEntry, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{major, minor};
use rustix::process::{Signal, geteuid};
use support::program::Program;
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

/// All names in a directory, with what is in the files.
fn content(dir: &Path) -> Vec<(String, Option<String>)> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let name = |entry: &DirEntry| entry.file_name().into_string().unwrap();
    let mut content: Vec<_> =
        entries.map(|entry| (name(&entry), std::fs::read_to_string(entry.path()).ok())).collect();
    content.sort();
    content
}

#[test]
fn a_directory_with_anything_that_is_not_the_hubs_is_refused_and_left_as_it_is() {
    for name in ["notes.new", "thesis.txt", ".git", "LOCK.bak", "00000000000000000001.log.gz"] {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join(name), "of somebody else").unwrap();
        let before = content(dir.path());

        let left = run(serve(dir.path()));

        assert_eq!(left.code, Some(5), "{name}: {left:?}");
        let message =
            format!("error: {} holds \"{name}\", a file that is no store's\n", dir.path().display());
        assert!(left.stderr.starts_with(&message), "{left:?}");
        assert!(left.stderr.contains("name a directory that is empty or does not exist yet"), "{left:?}");
        assert_eq!(content(dir.path()), before);
    }
}

#[test]
fn a_hubs_own_directory_with_something_added_is_refused_until_it_is_gone() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    assert_eq!(start(&data).publish("news", "kept").status, 201);
    std::fs::create_dir(data.join("backup")).unwrap();

    let left = run(serve(&data));

    assert_eq!(left.code, Some(5), "{left:?}");
    assert!(left.stderr.contains("holds \"backup\", a directory that is no store's"), "{left:?}");
    std::fs::remove_dir(data.join("backup")).unwrap();
    let hub = start(&data);
    let mut stream = hub.subscribe("/events/news?since=earliest");
    assert_eq!(stream.next().unwrap().unwrap().data, "kept");
}

#[test]
fn a_link_in_the_place_of_a_file_of_the_hub_is_refused_and_not_followed() {
    for name in ["LOCK", "META", "META.new", "00000000000000000001.log"] {
        let dir = TempDir::new().unwrap();
        let (data, victim) = (dir.path().join("data"), dir.path().join("victim"));
        std::fs::create_dir(&data).unwrap();
        std::fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, data.join(name)).unwrap();

        let left = run(serve(&data));

        assert_eq!(left.code, Some(5), "{name}: {left:?}");
        assert!(
            left.stderr.contains(&format!("holds {name:?}, a symbolic link that is no store's")),
            "{left:?}"
        );
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    }
}

#[test]
fn the_data_is_for_one_user_whatever_the_umask_is() {
    for umask in ["000", "022", "077"] {
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("above").join("data");
        let serve = serve(&data);
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!(r#"umask {umask}; exec "$0" "$@" --log-format json"#));
        shell.arg(serve.get_program()).args(serve.get_args()).env_clear();
        let hub = Hub::spawn(shell);
        assert_eq!(hub.publish("news", "x").status, 201);

        let mode = |path: &Path| path.metadata().unwrap().mode() & 0o7777;
        assert_eq!(mode(&data), 0o700, "umask {umask}");
        let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 3, "{files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "umask {umask}: {}", file.display());
        }
    }
}

#[test]
fn a_directory_that_others_can_look_into_is_pointed_out_and_left_as_it_is() {
    let dir = TempDir::new().unwrap();
    let mut told = Vec::new();
    for mode in [0o700, 0o755, 0o750] {
        std::fs::set_permissions(dir.path(), Permissions::from_mode(mode)).unwrap();
        let mut program = Program::spawn(serve(dir.path()));
        // The lines before it listens.
        let lines: Vec<_> = std::iter::repeat_with(|| program.stderr.next())
            .take_while(|line| !line.contains("listening"))
            .collect();
        program.signal(Signal::TERM);
        assert_eq!(program.wait(), Some(0));
        let hint = format!("chmod -R go= {}", dir.path().display());
        told.push(lines.iter().filter(|line| line.contains(&hint)).count());
        assert_eq!(dir.path().metadata().unwrap().mode() & 0o777, mode);
    }
    assert_eq!(told, [0, 1, 1]);
}

/// What stands in the root of a file system, and what desktops and repositories leave behind.
#[test]
fn a_hub_starts_in_the_root_of_a_new_file_system() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("lost+found")).unwrap();
    std::fs::set_permissions(dir.path().join("lost+found"), Permissions::from_mode(0o700)).unwrap();
    std::fs::create_dir(dir.path().join("System Volume Information")).unwrap();
    for name in [".DS_Store", ".gitkeep"] {
        std::fs::write(dir.path().join(name), "of somebody else").unwrap();
    }

    for data in ["first", "second"] {
        let hub = start(dir.path());
        assert_eq!(hub.publish("news", data).status, 201);
        hub.kill();
    }

    for name in [".DS_Store", ".gitkeep"] {
        assert_eq!(std::fs::read_to_string(dir.path().join(name)).unwrap(), "of somebody else");
    }
}

/// A directory with secrets or settings, as Kubernetes mounts it, is nobody's directory of data.
#[test]
fn a_mounted_secret_is_refused() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("..2026_11_26")).unwrap();
    std::os::unix::fs::symlink("..2026_11_26", dir.path().join("..data")).unwrap();

    let left = run(serve(dir.path()));

    assert_eq!(left.code, Some(5), "{left:?}");
    assert!(left.stderr.contains("that is no store's"), "{left:?}");
}

#[test]
fn what_is_no_directory_or_cannot_be_made_is_told_with_what_to_do() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("file"), "precious").unwrap();
    std::os::unix::fs::symlink("missing", path("link")).unwrap();
    let not_a_directory = "something of this name is there, and is no directory; name a directory";
    let nowhere = "no directory can be made there; see whether the path leads through a link to nothing";
    for (data, hint) in [
        (path("file"), not_a_directory),
        (path("file/below"), not_a_directory),
        (path("link"), nowhere),
        (path("link/below"), nowhere),
        ("/proc/no/such".into(), nowhere),
    ] {
        let left = run(serve(&data));

        assert_eq!(left.code, Some(5), "{left:?}");
        assert!(
            left.stderr.starts_with("error: ") && left.stderr.ends_with(&format!("hint: {hint}\n")),
            "{left:?}"
        );
    }
    assert_eq!(std::fs::read_to_string(path("file")).unwrap(), "precious");
}

#[test]
fn a_directory_in_the_place_of_a_file_of_the_hub_is_refused_by_its_name() {
    for name in ["LOCK", "META", "META.new", "00000000000000000001.log"] {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join(name)).unwrap();

        let left = run(serve(dir.path()));

        assert_eq!(left.code, Some(5), "{left:?}");
        let message =
            format!("error: {} holds {name:?}, a directory that is no store's\n", dir.path().display());
        assert!(left.stderr.starts_with(&message), "{left:?}");
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            1,
            "{name}: a hub that refuses writes nothing"
        );
    }
}

const SEGMENT: &str = "00000000000000000001.log";

/// Somebody may keep a `LOCK` or a `META` of another program in a directory.
#[test]
fn files_of_somebody_else_under_the_hubs_names_are_refused_by_their_content_and_left_as_they_are() {
    let foreign = "of somebody else, for example \"META\"";
    let with_log = "META at byte 0: it is missing, and there is a log";
    let long = "1".repeat(33);
    for (name, text, told) in [
        ("LOCK", foreign, "holds \"LOCK\", a file that is no store's"),
        ("LOCK", &long, "holds \"LOCK\", a file that is no store's"),
        ("META", foreign, "META at byte 0: it has no line `tidings` in its place"),
        ("META", "", "META at byte 0: it has no line `tidings` in its place"),
        ("META.new", foreign, "holds \"META.new\", a file that is no store's"),
        (SEGMENT, foreign, with_log),
        (SEGMENT, "", with_log),
        ("00000000000000000001.log.new", "tidings\u{1}", "a file that is no store's"),
        ("00000000000000000001.idx", "tidings\u{2}", "a file that is no store's"),
        ("00000000000000000001.idx.new", foreign, "a file that is no store's"),
    ] {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join(name), text).unwrap();
        let before = content(dir.path());

        let left = run(serve(dir.path()));

        assert_eq!(left.code, Some(5), "{name}: {left:?}");
        assert!(left.stderr.contains(told), "{name}: {left:?}");
        assert_eq!(content(dir.path()), before, "{name}: a hub that refuses writes nothing");
    }
}

#[test]
fn a_hubs_own_directory_with_a_file_of_somebody_else_under_one_of_its_names_is_refused() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let hub = start(&data);
    assert_eq!(hub.publish("news", "kept").status, 201);
    hub.kill();

    for name in [
        "META.new",
        "LOCK",
        "00000000000000000009.log.new",
        "00000000000000000009.idx",
        "00000000000000000009.idx.new",
    ] {
        std::fs::write(data.join(name), "of somebody else").unwrap();

        let left = run(serve(&data));

        assert_eq!(left.code, Some(5), "{name}: {left:?}");
        assert!(left.stderr.contains(&format!("holds {name:?}, a file that is no store's")), "{left:?}");
        assert_eq!(std::fs::read_to_string(data.join(name)).unwrap(), "of somebody else");
        std::fs::remove_file(data.join(name)).unwrap();
    }
    let hub = start(&data);
    let mut stream = hub.subscribe("/events/news?since=earliest");
    assert_eq!(stream.next().unwrap().unwrap().data, "kept");
}

/// A power cut keeps any part of what was not synced.
#[test]
fn what_a_crash_of_the_first_start_or_of_a_later_one_leaves_is_removed() {
    for is_first in [true, false] {
        let dir = TempDir::new().unwrap();
        if !is_first {
            start(dir.path()).kill();
            std::fs::write(dir.path().join("00000000000000000009.log.new"), "tidings\u{1}").unwrap();
            std::fs::write(dir.path().join("00000000000000000009.idx.new"), [0; 4_096]).unwrap();
            std::fs::write(dir.path().join("00000000000000000009.idx"), "tidings\u{2}").unwrap();
        }
        std::fs::write(dir.path().join("META.new"), "tidings 2\nha\0\0\0").unwrap();
        std::fs::write(dir.path().join("LOCK"), "\0\0\0").unwrap();

        let hub = start(dir.path());

        let names: Vec<_> = content(dir.path()).into_iter().map(|(name, _)| name).collect();
        // The database of the inboxes is made at the same time.
        let names: Vec<_> = names.into_iter().filter(|name| !name.starts_with("inbox.db")).collect();
        assert_eq!(names, [SEGMENT, "LOCK", "META"]);
        assert_eq!(hub.publish("news", "x").status, 201);
    }
}
