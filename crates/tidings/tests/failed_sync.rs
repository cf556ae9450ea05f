//! A disk that does not keep what it was given: the hub ends at once, without a request, and says what may be gone.
//!
//! The hub calls an `fdatasync` of this test, which fails when a file is there. It is compiled by the C compiler that
//! cargo links with.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::path::PathBuf;
use std::process::Command;

use support::tidings;
use tempfile::TempDir;
use tidings_testkit::hub::Hub;

const FDATASYNC: &str = r#"
int access(const char *path, int mode);
char *getenv(const char *name);
int fsync(int file);
int *__errno_location(void);

int fdatasync(int file) {
    const char *trouble = getenv("DISK_TROUBLE");
    if (trouble && access(trouble, 0) == 0) {
        *__errno_location() = 5; /* EIO */
        return -1;
    }
    return fsync(file);
}
"#;

/// A directory of data on a disk that fails from a given moment.
struct Disk {
    dir: TempDir,
    library: PathBuf,
}

impl Disk {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let (source, library) = (dir.path().join("fdatasync.c"), dir.path().join("fdatasync.so"));
        std::fs::write(&source, FDATASYNC).unwrap();
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
        assert!(compiled.unwrap().success(), "cc, with which cargo links, compiles C");
        Self { dir, library }
    }

    fn hub(&self, durability: &str) -> Hub {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--drain-window", "0s"];
        let mut command = tidings(&serve);
        command.args(["--durability", durability, "--durability-interval", "50ms", "--data"]);
        command.arg(self.dir.path().join("data"));
        command.env("LD_PRELOAD", &self.library).env("DISK_TROUBLE", self.trouble());
        Hub::spawn(command)
    }

    fn trouble(&self) -> PathBuf {
        self.dir.path().join("trouble")
    }

    fn fail(&self) {
        std::fs::write(self.trouble(), "").unwrap();
    }

    fn mend(&self) {
        std::fs::remove_file(self.trouble()).unwrap();
    }
}

/// The log record and the last words, each with the same fault.
fn last_words(hub: &mut Hub) -> [String; 3] {
    let record = hub.says("the store stops for good");
    let (error, hint) = (hub.says("error: "), hub.says("hint: "));
    assert_eq!(hub.wait().code(), Some(1));
    [record, error, hint]
}

fn assert_says(words: &[String; 3], acknowledged: &str) {
    let [record, error, hint] = words;
    let fault = "00000000000000000001.log: Input/output error (os error 5)";
    assert!(record.contains(acknowledged) && record.contains(fault), "{record}");
    assert_eq!(*error, format!("error: the store has stopped: {fault}; {acknowledged}"));
    assert_eq!(hint, "hint: look at the disk, then start the hub again");
}

#[test]
fn a_failed_sync_in_the_background_ends_the_hub_without_another_request() {
    let disk = Disk::new();
    let mut hub = disk.hub("interval");
    let mut stream = hub.subscribe("/events/news");

    disk.fail();
    assert_eq!(hub.publish("news", "acknowledged").status, 201);
    let words = last_words(&mut hub);

    assert_says(&words, "events after 0 up to 1 were acknowledged and may be gone");
    assert_eq!(stream.next().unwrap().unwrap().data, "acknowledged");
    assert_eq!(stream.next().unwrap(), None, "the stream ends as a whole");
}

#[test]
fn a_failed_sync_of_a_publish_ends_the_hub_and_keeps_what_was_acknowledged() {
    let disk = Disk::new();
    let mut hub = disk.hub("fsync");
    assert_eq!(hub.publish("news", "acknowledged").status, 201);

    disk.fail();
    assert_eq!(hub.publish("news", "in doubt").status, 503);
    let words = last_words(&mut hub);

    assert_says(&words, "what was acknowledged is on the disk");
    disk.mend();
    let hub = disk.hub("fsync");
    let mut stream = hub.subscribe("/events/news?since=earliest");
    assert_eq!(stream.next().unwrap().unwrap().data, "acknowledged");
}
