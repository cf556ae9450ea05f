//! A data directory with several segments and lives.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft_with, query, read_all};
use tidings_core::{DraftFields, Event, KeyFields, Start, Store};
use tidings_store::{FileStore, FileStoreConfig};

/// A directory, and the events in it.
pub(crate) struct Directory {
    pub(crate) dir: TempDir,
    pub(crate) events: Vec<Event>,
}

impl Directory {
    /// Three lives, each of which fills a segment and a half.
    pub(crate) async fn filled() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let mut number = 0;
        for life in 1..=3 {
            let store = open_at(&data, 1_000 * life);
            for _ in 0..12 {
                number += 1;
                store.append(vec![draft(number, 8_000)]).await.unwrap();
            }
            store.close().await.unwrap();
        }
        let store = open_at(&data, 4_000);
        let events = read_all(&store, query(Start::Earliest, &["**"])).await;
        store.close().await.unwrap();
        assert_eq!(events.len(), 36);
        Self { dir, events }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The names of the files that end so, in order.
    pub(crate) fn names(&self, ending: &str) -> Vec<String> {
        names(&self.path(), ending)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }

    /// Flips a bit.
    pub(crate) fn flip(&self, name: &str, at: usize) {
        let mut bytes = self.read(name);
        bytes[at] ^= 1 << (at % 8);
        self.write(name, &bytes);
    }
}

pub(crate) fn names(dir: &Path, ending: &str) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

/// Opens a store, at a time.
pub(crate) fn open_at(dir: &Path, time: u64) -> FileStore {
    let config = FileStoreConfig { dir: dir.to_owned(), segment_bytes: 65_536, ..FileStoreConfig::default() };
    FileStore::open(config, ManualClock::at(time)).unwrap()
}

/// A draft with everything that some have, of about so many bytes.
pub(crate) fn draft(number: u64, bytes: usize) -> tidings_core::Draft {
    let (id, key) = (format!("id-{number}"), format!("key-{number}"));
    let fields = DraftFields {
        event_type: number.is_multiple_of(2).then_some("paid"),
        id: number.is_multiple_of(3).then_some(&id),
        retry_ms: number.is_multiple_of(5).then_some(5_000),
        key: number.is_multiple_of(4).then_some(KeyFields { credential: "one", key: &key }),
    };
    let text = format!("{number}\nline\r\n").repeat(bytes / 8);
    draft_with(&format!("orders/{}", number % 7), &text[..bytes.min(text.len())], fields)
}
