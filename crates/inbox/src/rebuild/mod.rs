//! The bulk rebuild: makes the database from a long log, sorted by user, instead of record by record.
//!
//! Records come in the order of the log and rows lie by user, so a database that takes them one by one writes to another place with each.
//! A rebuild sorts first. It comes to exactly the state that the follower comes to, since the same rules run over rows in memory.
//!
//! ```text
//!   log --pages--> router --frames--> spills, one for each part of the users
//!                                       '--> fold: rules over rows in memory --> load: rows of SQLite --> indexes --> rename
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `router`, `spill` | which parts a record concerns, and the files that keep the records of each part |
//! | `fold`, `held`, `memory` | what the records of a part come to |
//! | `load` | the new database |
//! | `attempt` | one rebuild from beginning to end, and what ends it early |
//!
//! See [ADR 80](https://example.invalid/tidings/docs/adr/0080-a-long-log-is-made-into-a-database-sorted-by-user.md).

mod attempt;
mod fold;
mod held;
mod load;
mod memory;
mod router;
mod spill;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidings_core::Cursor;
use tokio::task::spawn_blocking;

use self::attempt::{Attempt, Ended};
use crate::shared::Shared;

/// Makes the database in bulk if it is empty, in a file, and has much of the log before it. Where the follower goes on.
///
/// A rebuild that fails leaves the follower to do it record by record. Cancel safe: its threads end soon after it is dropped, and the
/// database is the old one or the new one.
pub(crate) async fn if_long(shared: &Arc<Shared>, begins: Cursor) -> Cursor {
    match shared.database.path() {
        Some(path) => rebuild(shared, begins, path).await,
        None => begins,
    }
}

async fn rebuild(shared: &Arc<Shared>, mut begins: Cursor, path: &Path) -> Cursor {
    loop {
        let head = shared.hub.bounds().head.sequence;
        match shared.projection().is_empty() {
            Ok(true) if head.0.saturating_sub(begins.sequence.0) >= shared.rebuild_events_min => {}
            Ok(_) | Err(_) => return begins,
        }
        let began_after = shared.projection().began_after();
        let attempt = Attempt { hub: shared.hub.clone(), path: path.to_owned(), begins, began_after };
        let made = match attempt.run(head).await {
            Ok(made) => made,
            Err(Ended::Lost { resumes_after }) => {
                // Retention went past. What was read is of no use, since state records tell the rest.
                match shared.begin(resumes_after).await {
                    Ok(()) => begins = resumes_after,
                    Err(error) => return give_up(path, &error, begins),
                }
                continue;
            }
            Err(Ended::Failed(error)) => return give_up(path, &error, begins),
        };
        let place = made.place;
        let Ok(_alone) = shared.readers.alone().await else { return begins };
        let swapped = shared.clone();
        return match spawn_blocking(move || swapped.take_database(&made.file)).await {
            Ok(Ok(())) => place,
            Ok(Err(error)) => {
                // The old database may be gone, and one that is begun is in its place.
                let error = shared.begin(begins).await.err().unwrap_or(error);
                give_up(path, &error, begins)
            }
            Err(_) => begins,
        };
    }
}

fn give_up(path: &Path, error: &dyn std::fmt::Display, begins: Cursor) -> Cursor {
    // They may be what has filled the disk.
    let _ = remove_leftovers(path);
    tracing::warn!(%error, "the inbox could not be made in bulk, and is made record by record");
    begins
}

/// Takes away what a rebuild left that was killed.
pub(crate) fn remove_leftovers(database: &Path) -> std::io::Result<()> {
    let (Some(folder), Some(name)) = (database.parent(), database.file_name().and_then(|name| name.to_str()))
    else {
        return Ok(());
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.file_name();
        let ending = found.to_str().and_then(|found| found.strip_prefix(name));
        if ending.is_some_and(|ending| ending == NEW || ending.starts_with(SPILL)) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// What the name of a database that is not whole yet ends with.
const NEW: &str = ".new";

/// What stands between the name of the database and the number of a spill.
const SPILL: &str = ".spill-";

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
