//! `tidings store` on the data directories of hubs, at work and at rest.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use support::{Left, run, tidings};
use tempfile::TempDir;
use tidings_testkit::hub::Hub;

fn start(data: &Path) -> Hub {
    support::hub(&["--data", data.to_str().unwrap(), "--segment-bytes", "1MiB"])
}

fn store(task: &str, arguments: &[&Path]) -> Left {
    let arguments = arguments.iter().map(|path| path.to_str().unwrap());
    run(tidings(&["store", task].into_iter().chain(arguments).collect::<Vec<_>>()))
}

/// A directory with some segments, whose hub has ended.
fn filled(dir: &TempDir) -> PathBuf {
    let data = dir.path().join("data");
    let hub = start(&data);
    publish(&hub, 0..30);
    hub.kill();
    data
}

fn publish(hub: &Hub, numbers: std::ops::Range<u32>) {
    for number in numbers {
        assert_eq!(hub.publish("news", &format!("{number} {}", "text ".repeat(30_000))).status, 201);
    }
}

/// The numbers of all events that a hub has.
fn events(hub: &Hub, count: u32) -> Vec<u32> {
    let mut stream = hub.subscribe("/events/news?since=earliest");
    let number = |data: &str| data.split(' ').next().unwrap().parse().unwrap();
    (0..count).map(|_| number(&stream.next().unwrap().unwrap().data)).collect()
}

#[test]
fn info_and_verify_look_at_the_directory_of_a_hub_that_runs_and_tell_damage_by_exit_code() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let hub = start(&data);
    publish(&hub, 0..30);

    let info = store("info", &[&data]);
    assert_eq!(info.code, Some(0));
    assert!(info.stdout.contains(&format!("process {} has it", hub.pid())), "{}", info.stdout);
    let whole = store("verify", &[&data]);
    assert_eq!((whole.code, whole.stderr.as_str()), (Some(0), ""));
    assert!(whole.stdout.starts_with("whole    30 events (1 to 30)"), "{}", whole.stdout);

    hub.kill();
    let first = data.join("00000000000000000001.log");
    let mut bytes = fs::read(&first).unwrap();
    bytes[400_000] ^= 4;
    fs::write(&first, bytes).unwrap();
    let damaged = store("verify", &[&data]);
    assert_eq!(damaged.code, Some(1));
    assert!(damaged.stdout.starts_with("damaged  00000000000000000001.log at byte"), "{}", damaged.stdout);
    assert!(damaged.stdout.contains("event 3 cannot be read"), "{}", damaged.stdout);
    assert_eq!(store("verify", &[dir.path()]).code, Some(5));
}

#[test]
fn a_repair_is_told_first_then_done_with_the_damaged_file_kept_beside() {
    let dir = TempDir::new().unwrap();
    let data = filled(&dir);
    let first = data.join("00000000000000000001.log");
    let mut bytes = fs::read(&first).unwrap();
    bytes[400_000] ^= 4;
    fs::write(&first, &bytes).unwrap();
    fs::remove_file(data.join("META")).unwrap();

    let told = store("repair", &[&data]);
    assert_eq!(told.code, Some(1));
    assert_eq!(told.stdout.lines().filter(|line| line.starts_with("to do")).count(), 2, "{}", told.stdout);
    assert!(!data.join("META").exists());
    let inside = data.join("kept");
    let refused = store("repair", &[Path::new("--apply"), &data, Path::new("--keep"), &inside]);
    assert!(refused.code == Some(2) && !inside.exists(), "{}", refused.stderr);
    let done = store("repair", &[Path::new("--apply"), &data]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""));

    let kept = dir.path().join("data-damaged").join("00000000000000000001.log");
    assert_eq!(fs::read(kept).unwrap(), bytes);
    assert_eq!(store("verify", &[&data]).code, Some(0));
    let hub = start(&data);
    let mut stream = hub.subscribe("/events/news?since=earliest");
    let types: Vec<_> = (0..5).map(|_| stream.next().unwrap().unwrap().event).collect();
    assert_eq!(types.iter().filter(|text| text.as_str() == "tidings.gap").count(), 1, "{types:?}");
    assert_eq!(store("repair", &[Path::new("--apply"), &data]).code, Some(4));
}

#[test]
fn what_is_dumped_in_either_form_is_loaded_and_goes_on_with_its_ids() {
    let dir = TempDir::new().unwrap();
    let data = filled(&dir);
    for format in ["ndjson", "event-stream"] {
        let (text, copy) = (dir.path().join(format), dir.path().join(format!("{format}-copy")));
        let left = run(tidings(&[
            "store",
            "dump",
            "--format",
            format,
            data.to_str().unwrap(),
            text.to_str().unwrap(),
        ]));
        assert_eq!((left.code, left.stderr.as_str()), (Some(0), "30 events dumped\n"));

        let left = store("load", &[&copy, &text]);

        assert_eq!(left.code, Some(0), "{}", left.stderr);
        assert_eq!(store("verify", &[&copy]).code, Some(0));
        let again = run(tidings(&["store", "dump", "--format", format, copy.to_str().unwrap()]));
        assert_eq!(again.stdout, fs::read_to_string(&text).unwrap());
        // Into a log of its own: the ids become those of a publisher.
        let other = dir.path().join(format!("{format}-other"));
        let hub = start(&other);
        publish(&hub, 100..101);
        hub.kill();
        let left = store("load", &[&other, &text]);
        assert_eq!(left.code, Some(0), "{}", left.stderr);
        assert!(
            left.stderr.contains("ids of a publisher") && left.stderr.ends_with("30 events added\n"),
            "{}",
            left.stderr
        );
        let hub = start(&other);
        assert_eq!(events(&hub, 31), [100].into_iter().chain(0..30).collect::<Vec<_>>());
    }
    let text = fs::read_to_string(dir.path().join("ndjson")).unwrap();
    let broken = dir.path().join("broken");
    fs::write(&broken, text.replacen("\"topic\"", "\"tropic\"", 1)).unwrap();
    let left = store("load", &[&dir.path().join("new"), &broken]);
    assert_eq!(left.code, Some(1));
    assert!(left.stderr.starts_with("error: line 2 of the dump: "), "{}", left.stderr);
}

/// The first copy is marked until it is whole; later ones are at each moment a log with all that was there before.
#[test]
fn a_backup_that_is_killed_leaves_a_copy_that_is_as_it_was_or_further() {
    let dir = TempDir::new().unwrap();
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy"));
    let hub = start(&data);
    let mut published = 0;
    for round in 0..12_u64 {
        publish(&hub, published..published + 10);
        published += 10;
        let mut child = tidings(&["store", "backup", data.to_str().unwrap(), copy.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Somewhere on its way: it takes some milliseconds.
        std::thread::sleep(std::time::Duration::from_millis(2 + 3 * round));
        child.kill().unwrap();
        child.wait().unwrap();

        let state = store("info", &[&copy]);
        let is_incomplete = state.stdout.contains("incomplete") || state.code == Some(5);
        assert!(
            is_incomplete || store("verify", &[&copy]).code == Some(0),
            "round {round}: {}",
            state.stdout
        );
        if round % 3 == 2 {
            assert_eq!(store("backup", &[&data, &copy]).code, Some(0));
            assert_eq!(store("verify", &[&copy]).code, Some(0));
        }
    }
    hub.kill();
    let restored = start(&copy);
    assert_eq!(events(&restored, published), (0..published).collect::<Vec<_>>());
}
