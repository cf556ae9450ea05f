//! A data directory that is only read.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use tidings_core::Sequence;

use crate::file::disk::Disk;
use crate::file::disk::os::OsDisk;
use crate::file::fault::Fault;
use crate::file::lock::holder;
use crate::file::names::{self, FileName};
use crate::file::open_error::OpenError;

/// A directory that was opened to be read.
pub(super) struct Directory {
    pub(super) disk: OsDisk,
    handle: File,
}

/// The names in it that mean something.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) logs: BTreeSet<Sequence>,
    pub(super) indexes: BTreeSet<Sequence>,
    /// Files that were not completed.
    pub(super) unfinished: Vec<String>,
    pub(super) has_meta: bool,
    pub(super) has_inbox: bool,
}

impl Directory {
    /// Opens a directory. Fails if there is none, or if it is not one of a store.
    #[expect(clippy::disallowed_methods, reason = "a Disk begins with a directory that is open")]
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { file: path.display().to_string(), source };
        let handle = File::open(path).map_err(io)?;
        let disk = OsDisk::read_only(&handle).map_err(io)?;
        let directory = Self { disk, handle };
        let listing = directory.list()?;
        if listing.logs.is_empty() && !listing.has_meta {
            return Err(OpenError::Io {
                file: path.display().to_string(),
                source: std::io::Error::new(std::io::ErrorKind::NotFound, "no log is there"),
            });
        }
        Ok(directory)
    }

    pub(super) fn list(&self) -> Result<Listing, OpenError> {
        let mut listing = Listing::default();
        for name in self.disk.list().map_err(Fault::io("the directory"))? {
            match names::parse(&name) {
                FileName::Log(base) => _ = listing.logs.insert(base),
                FileName::Index(base) => _ = listing.indexes.insert(base),
                FileName::New => listing.unfinished.push(name),
                FileName::Meta => listing.has_meta = true,
                FileName::Other if name == "inbox.db" => listing.has_inbox = true,
                FileName::Lock | FileName::Other => {}
            }
        }
        Ok(listing)
    }

    /// Bytes of a file; 0 if it is not there.
    pub(super) fn bytes(&self, name: &str) -> u64 {
        self.disk.open(name).and_then(|file| file.len()).unwrap_or(0)
    }

    /// The process that has the directory, if the system tells.
    pub(super) fn holder(&self) -> Option<u32> {
        holder::of_kernel(&self.handle)
    }
}
