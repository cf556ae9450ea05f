//! A backup is a data directory with all that was acknowledged before it began, and costs what is new.

use std::path::Path;

use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{query, read_all};
use tidings_core::{Event, Sequence, Start, Store};
use tidings_store::offline::{Backup, BackupError, backup, repair, verify};
use tidings_store::{FileStore, FileStoreConfig, Retention};

use crate::directory::{Directory, draft, names, open_at};

fn back_up(directory: &Directory) -> Backup {
    backup(&directory.path(), &copy_of(directory), &mut |_| {}).unwrap()
}

fn copy_of(directory: &Directory) -> std::path::PathBuf {
    directory.dir.path().join("copy")
}

/// All events of a copy of a directory, so that no hub goes on with the directory itself.
async fn restored(dir: &Path) -> Vec<Event> {
    let restored = tempfile::tempdir().unwrap();
    for name in names(dir, "") {
        std::fs::copy(dir.join(&name), restored.path().join(&name)).unwrap();
    }
    let store = open_at(restored.path(), 1_000_000);
    let events = read_all(&store, query(Start::Earliest, &["**"])).await;
    store.append(vec![draft(99_999, 10)]).await.unwrap();
    store.close().await.unwrap();
    events
}

#[tokio::test]
async fn a_backup_of_a_store_at_work_has_all_that_was_acknowledged_and_copies_what_is_new() {
    let directory = Directory::filled().await;
    let copy = copy_of(&directory);
    let first = back_up(&directory);
    assert_eq!((first.copied, first.kept, first.last), (5, 0, Sequence(36)));
    assert_eq!(restored(&copy).await, directory.events);

    let store = open_at(&directory.path(), 9_000);
    let mut copied = 0;
    for number in 0..40 {
        store.append(vec![draft(100 + number, 5_000)]).await.unwrap();
        let acknowledged = store.bounds().head.sequence;

        let done = back_up(&directory);

        copied += done.copied;
        assert_eq!(done.last, acknowledged);
        let verdict = verify(&copy, &mut |_| {}).unwrap();
        assert!(verdict.is_whole(), "{verdict:?}");
    }
    assert!(copied < 50, "{copied} segments were copied, of which there are 4 new ones");
    let events = read_all(&store, query(Start::Earliest, &["**"])).await;
    assert_eq!(restored(&copy).await, events);
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_retention_has_taken_leaves_the_copy_too() {
    let directory = Directory::filled().await;
    back_up(&directory);
    let retention = Retention { count: Some(20), ..Retention::default() };
    let config =
        FileStoreConfig { dir: directory.path(), segment_bytes: 65_536, retention, ..Default::default() };
    let store = FileStore::open(config, ManualClock::at(9_000)).unwrap();
    for number in 0..30 {
        store.append(vec![draft(100 + number, 9_000)]).await.unwrap();
    }
    store.close().await.unwrap();

    let done = back_up(&directory);

    assert!(done.removed >= 4, "{done:?}");
    assert_eq!(names(&copy_of(&directory), ".log"), directory.names(".log"));
    assert!(verify(&copy_of(&directory), &mut |_| {}).unwrap().is_whole());
}

#[tokio::test]
async fn a_copy_that_is_of_another_log_or_has_gone_on_is_left_alone() {
    let (one, other) = (Directory::filled().await, Directory::filled().await);
    back_up(&one);
    let refused = backup(&other.path(), &copy_of(&one), &mut |_| {});
    assert!(matches!(refused, Err(BackupError::OtherLog { .. })), "{refused:?}");

    let gone_on = open_at(&copy_of(&one), 10_000);
    gone_on.append(vec![draft(99, 10)]).await.unwrap();
    gone_on.close().await.unwrap();
    let store = open_at(&one.path(), 10_000);
    store.append(vec![draft(100, 10), draft(101, 10)]).await.unwrap();
    store.close().await.unwrap();

    let refused = backup(&one.path(), &copy_of(&one), &mut |_| {});
    assert!(matches!(refused, Err(BackupError::GoneOn { .. })), "{refused:?}");
    assert!(verify(&copy_of(&one), &mut |_| {}).unwrap().is_whole());
}

#[tokio::test]
async fn damage_is_copied_and_told_and_a_repair_is_copied_too() {
    let directory = Directory::filled().await;
    let second = directory.names(".log")[1].clone();
    directory.flip(&second, 20_000);

    let done = back_up(&directory);
    assert_eq!(done.damage.len(), 1, "{done:?}");
    assert_eq!(done.last, Sequence(36));
    // Damage that comes later does not reach what was copied before.
    let third = directory.names(".log")[2].clone();
    directory.flip(&third, 20_000);
    assert_eq!(back_up(&directory).damage, []);

    repair(&directory.path(), Some(&directory.dir.path().join("aside"))).unwrap();
    back_up(&directory);

    let verdict = verify(&copy_of(&directory), &mut |_| {}).unwrap();
    assert!(verdict.is_whole(), "{verdict:?}");
    assert_eq!(names(&copy_of(&directory), ".log"), directory.names(".log"));
}
