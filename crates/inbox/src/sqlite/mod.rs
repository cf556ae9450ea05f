//! The database: what the records come to, in one file of SQLite.
//!
//! It is derived from the log and may be lost: a hub without it makes it anew. So a transaction need not be on the disk when it ends
//! (`synchronous = NORMAL`), only be whole or not there, with the place of the log that it goes up to.
//!
//! | file | noun |
//! |---|---|
//! | `schema` | the tables |
//! | `rows` | the rows that the rules change |
//! | `read` | lists, counts, and what changed since a place |
//! | `insert` | how rows are put in |
//! | `due` | items that are over, and old ones |
//! | `whole` | whether its files are whole and belong together |
//! | `state` | the whole state of a user, to be carried forward in the log |

pub(crate) mod due;
pub(crate) mod insert;
pub(crate) mod read;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod state;
mod whole;

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OpenFlags};

use crate::error::InboxError;
use crate::limits::{BUSY_WAIT, WAL_BYTES_KEPT};

/// Prepared statements that a connection keeps: all that there are.
const STATEMENTS: usize = 64;

/// Where the database is.
#[derive(Debug, Clone)]
pub enum Location {
    /// In this file, beside which SQLite keeps `-wal` and `-shm`.
    File(PathBuf),
    /// In memory, gone with the process.
    Memory,
}

/// A database that connections are made to.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    location: Location,
    /// The name of a database in memory, by which connections of this process find it.
    name: String,
}

impl Database {
    pub(crate) fn at(location: Location) -> Self {
        static NAMES: AtomicU64 = AtomicU64::new(0);
        let name = format!("file:/tidings-inbox-{}?vfs=memdb", NAMES.fetch_add(1, Ordering::Relaxed));
        Self { location, name }
    }

    /// The file, if it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.location {
            Location::File(path) => Some(path),
            Location::Memory => None,
        }
    }

    /// Bytes of its files.
    pub(crate) fn bytes_on_disk(&self) -> u64 {
        let Some(path) = self.path() else { return 0 };
        let bytes = |ending: &str| {
            let mut name = path.to_owned().into_os_string();
            name.push(ending);
            std::fs::metadata(name).map_or(0, |file| file.len())
        };
        bytes("") + bytes("-wal")
    }

    /// A connection that writes, to tables that are there.
    pub(crate) fn writer(&self) -> Result<Connection, InboxError> {
        let base = self.path().filter(|path| path.exists()).map(whole::Base::read);
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        // It answers the mode, which a database in memory does not take.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // What a user has erased is overwritten, not only no longer found.
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
        // The projection does it, and keeps account of it.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES_KEPT, |_| Ok(()))?;
        let is_new = schema::prepare(&connection)?;
        if let Some(base) = base.filter(|_| !is_new) {
            base.check(&connection)?;
        }
        Ok(connection)
    }

    /// A connection that reads. The writer must be there.
    pub(crate) fn reader(&self) -> Result<Connection, InboxError> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn open(&self, flags: OpenFlags) -> Result<Connection, InboxError> {
        if let (Location::File(path), true) = (&self.location, flags.contains(OpenFlags::SQLITE_OPEN_CREATE))
        {
            make_private(path)?;
        }
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match &self.location {
            Location::File(path) => Connection::open_with_flags(path, flags)?,
            Location::Memory => Connection::open_with_flags(&self.name, flags | OpenFlags::SQLITE_OPEN_URI)?,
        };
        connection.busy_timeout(BUSY_WAIT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }

    /// Takes a file that is a whole database in the place of its own. No connection may be open.
    pub(crate) fn take(&self, file: &Path) -> std::io::Result<()> {
        let Location::File(path) = &self.location else { return Ok(()) };
        // What is in the old database's log of changes must not be taken for changes of the new one, not even after a power cut.
        self.remove()?;
        sync_folder(path)?;
        std::fs::rename(file, path)?;
        sync_folder(path)
    }

    /// Takes the files away. No connection may be open.
    pub(crate) fn remove(&self) -> std::io::Result<()> {
        let Location::File(path) = &self.location else { return Ok(()) };
        for ending in ["", "-wal", "-shm", "-journal"] {
            let mut name = path.clone().into_os_string();
            name.push(ending);
            match std::fs::remove_file(name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// Makes a file that is not there, for the hub's user alone, as all files of a hub are. SQLite gives the files beside it the same mode.
pub(crate) fn make_private(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
