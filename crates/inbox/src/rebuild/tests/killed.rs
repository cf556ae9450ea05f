//! A rebuild that is killed, again and again, through a log in files.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Instant;

use tidings_core::{Clock, Hub, Limits, UnixMillis};
use tidings_sse::EventType;
use tidings_store::{FileStore, FileStoreConfig};

use super::history::history;
use super::rows;
use crate::inbox::Inbox;
use crate::record::RECORD_TYPE;
use crate::settings::InboxSettings;
use crate::sqlite::{Database, Location};

/// Names the directory for the process that is killed.
const DIR: &str = "TIDINGS_INBOX_REBUILD_DIR";

struct Still;

impl Clock for Still {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_000)
    }
}

async fn open(dir: &Path) -> Hub {
    let config = FileStoreConfig { dir: dir.join("log"), ..FileStoreConfig::default() };
    let store = FileStore::open(config, Arc::new(Still)).unwrap();
    Hub::start(Arc::new(store), Limits::default()).await.unwrap()
}

/// Makes the inbox in bulk, or goes on with the one that is there.
async fn make(dir: &Path) {
    let hub = open(dir).await;
    let location = Location::File(dir.join("inbox.db"));
    let settings = InboxSettings { location, ..InboxSettings::default() };
    let inbox = Inbox::start_with(hub.clone(), settings, Arc::new(Still), 1).await.unwrap();
    inbox.ready().await;
    drop(inbox);
    hub.close().await.unwrap();
}

/// The process that is killed. A test that does nothing if it is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_makes_the_inbox() {
    if let Some(dir) = std::env::var_os(DIR) {
        make(Path::new(&dir)).await;
    }
}

fn begin(dir: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "rebuild::tests::killed::a_process_that_makes_the_inbox"]).env(DIR, dir);
    command.stdout(std::process::Stdio::null()).spawn().unwrap()
}

fn remove_database(dir: &Path) {
    Database::at(Location::File(dir.join("inbox.db"))).remove().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_is_killed_anywhere_begins_anew_and_comes_to_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let hub = open(dir).await;
    let own_type = EventType::new(RECORD_TYPE).unwrap();
    let drafts = history(7, 3_000).into_iter().map(|event| {
        hub.own_draft(event.draft.topic().clone(), &own_type, event.draft.data().clone()).unwrap()
    });
    for drafts in drafts.collect::<Vec<_>>().chunks(100) {
        hub.publish_all(drafts.to_vec()).await.unwrap();
    }
    hub.close().await.unwrap();
    make(dir).await;
    let whole = rows(&Database::at(Location::File(dir.join("inbox.db"))).reader().unwrap());
    assert!(whole.len() > 100);

    remove_database(dir);
    let began = Instant::now();
    assert!(begin(dir).wait().unwrap().success());
    let takes = began.elapsed();
    for part in 1..=8 {
        remove_database(dir);
        let mut child = begin(dir);
        sleep(takes * part / 9);
        child.kill().unwrap();
        child.wait().unwrap();
        make(dir).await;
        let made = rows(&Database::at(Location::File(dir.join("inbox.db"))).reader().unwrap());
        assert_eq!(made, whole, "killed after {part}/9 of the time");
        let left = dir.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(
            left.into_iter().all(|name| name == "log" || !name.contains(".spill-") && !name.contains(".new"))
        );
    }
}
