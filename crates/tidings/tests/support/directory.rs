//! A data directory with one hub after the other, and a copy of it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tidings_testkit::connection::Heard;
use tidings_testkit::hub::Hub;

use super::reader::publish;

pub(crate) struct Directory {
    dir: TempDir,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().expect("a directory can be made") }
    }

    /// Starts a hub.
    pub(crate) fn start(&self, arguments: &[&str]) -> Hub {
        let data = self.data();
        let data = data.to_str().expect("the path is text");
        let usual = ["--data", data, "--segment-bytes", "1MiB", "--drain-window", "0s"];
        super::hub(&[&usual, arguments].concat())
    }

    /// The life of a hub, with some events. The number of the life says how it ends.
    pub(crate) fn live(&self, events: usize, life: usize) -> Vec<Heard> {
        let hub = self.start(&[]);
        let events = publish(&hub, events);
        end(hub, life);
        events
    }

    /// Copies the directory as it is now.
    pub(crate) fn copy(&self) {
        let copied = Command::new("cp").arg("-a").args([self.data(), self.copied()]).status();
        assert!(copied.is_ok_and(|status| status.success()), "cp has failed");
    }

    /// Puts the copy in the place of the directory.
    pub(crate) fn put_back(&self) {
        fs::remove_dir_all(self.data()).expect("the directory is there");
        fs::rename(self.copied(), self.data()).expect("the copy is there");
    }

    /// Bytes of the log. Only after a hub was asked to end: it gives back the space that it has set aside.
    pub(crate) fn log_bytes(&self) -> u64 {
        let files = fs::read_dir(self.data()).expect("the directory is there").map_while(Result::ok);
        let logs = files.filter(|file| file.path().extension().is_some_and(|end| end == "log"));
        logs.map(|file| file.metadata().expect("the file is there").len()).sum()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn copied(&self) -> PathBuf {
        self.dir.path().join("copy")
    }
}

/// Ends a hub: asks it to in every second life, kills it in the others.
pub(crate) fn end(hub: Hub, life: usize) {
    match life.is_multiple_of(2) {
        true => assert!(hub.terminate().success(), "life {life}"),
        false => hub.kill(),
    }
}
