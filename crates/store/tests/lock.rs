//! One directory belongs to one store, whatever becomes of the file `LOCK`.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::append;
use tidings_core::{Sequence, Store};
use tidings_store::{FileStore, FileStoreConfig, OpenError};

fn data(dir: &TempDir) -> PathBuf {
    dir.path().join("data")
}

fn open(dir: &Path) -> Result<FileStore, OpenError> {
    let config = FileStoreConfig { dir: dir.to_owned(), ..FileStoreConfig::default() };
    FileStore::open(config, ManualClock::at(1_000))
}

fn refusal(dir: &Path) -> OpenError {
    open(dir).err().unwrap()
}

fn in_use(dir: &Path) -> String {
    format!("{} is in use by process {}", dir.display(), std::process::id())
}

#[tokio::test]
async fn a_second_store_is_refused_though_the_lock_file_was_removed() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(&data(&dir)).unwrap();

    fs::remove_file(data(&dir).join("LOCK")).unwrap();

    assert_eq!(refusal(&data(&dir)).to_string(), in_use(&data(&dir)));
    append(&first, "a", &["1"]).await;
    first.close().await.unwrap();
    let second = open(&data(&dir)).unwrap();
    assert_eq!(second.bounds().head.sequence, Sequence(1));
}

#[tokio::test]
async fn a_second_store_is_refused_though_the_lock_file_is_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(&data(&dir)).unwrap();

    fs::remove_file(data(&dir).join("LOCK")).unwrap();
    fs::write(data(&dir).join("LOCK"), "1").unwrap();

    assert_eq!(refusal(&data(&dir)).to_string(), in_use(&data(&dir)));
    assert_eq!(
        fs::read_to_string(data(&dir).join("LOCK")).unwrap(),
        "1",
        "a store that is refused changes nothing"
    );
}

#[test]
fn a_second_store_is_refused_by_another_path_to_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(&data(&dir)).unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(data(&dir), &link).unwrap();

    assert_eq!(refusal(&link).to_string(), in_use(&link));
}

/// Hubs before this version lock nothing else.
#[test]
fn a_hub_that_locks_the_file_alone_and_this_store_keep_each_other_out() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(data(&dir)).unwrap();
    let older = File::create(data(&dir).join("LOCK")).unwrap();
    older.try_lock().unwrap();

    assert_eq!(refusal(&data(&dir)).to_string(), in_use(&data(&dir)));
    drop(older);
    let _store = open(&data(&dir)).unwrap();

    assert!(File::open(data(&dir).join("LOCK")).unwrap().try_lock().is_err());
}

#[test]
fn a_store_that_was_refused_leaves_no_lock_behind() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(data(&dir)).unwrap();
    let older = File::create(data(&dir).join("LOCK")).unwrap();
    older.try_lock().unwrap();

    refusal(&data(&dir));

    assert!(File::open(data(&dir)).unwrap().try_lock().is_ok());
}

#[tokio::test]
async fn a_new_directory_under_the_old_name_is_another_log() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(&data(&dir)).unwrap();
    let moved = dir.path().join("moved");

    fs::rename(data(&dir), &moved).unwrap();
    let second = open(&data(&dir)).unwrap();

    assert_ne!(first.bounds().epoch(), second.bounds().epoch());
    assert_eq!(refusal(&moved).to_string(), in_use(&moved));
}
