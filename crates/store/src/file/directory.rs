//! The directory of a store, before anything in it is touched: made for one user alone, and refused if it holds anything
//! that no store has put there.
//!
//! A wrong path is a likely mistake, and a store removes files that it believes to be unfinished ones of its own. So it begins
//! in an empty directory or goes on in one of its own, and follows no symbolic link out of it.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, statat};

use super::names::{self, FileName};
use super::open_error::OpenError;

/// The mode of a directory that the store makes: what was published is for its user alone.
const DIR_MODE: u32 = 0o700;

/// The mode of a directory above it, of which the umask takes something away.
const USUAL_MODE: u32 = 0o777;

/// The mode of the files in it.
pub(crate) const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Directories that systems put into the root of a file system: for recovery, for snapshots and for desktops. A disk may be mounted
/// as the directory of a store.
const DIRECTORIES_OF_DISKS: [&str; 10] = [
    "lost+found",
    ".snapshots",
    ".snapshot",
    ".zfs",
    ".Trashes",
    ".fseventsd",
    ".Spotlight-V100",
    "$RECYCLE.BIN",
    "System Volume Information",
    "@eaDir",
];

/// The beginning of the name of such a directory, behind which the number of a user stands.
const TRASH: &str = ".Trash-";

/// Files that quotas put there, and what desktops and repositories put into any directory. Nobody would miss them.
const FILES_OF_DISKS: [&str; 10] = [
    "aquota.user",
    "aquota.group",
    "quota.user",
    "quota.group",
    ".DS_Store",
    ".directory",
    ".gitignore",
    ".gitkeep",
    ".keep",
    "Thumbs.db",
];

/// The database of the inboxes, which the hub keeps beside its log.
const INBOX: &str = "inbox.db";

/// What the names of the files beside it end with: those of SQLite, and those of a database that is being made.
const BESIDE_INBOX: [&str; 5] = ["", "-wal", "-shm", "-journal", ".new"];

/// What stands before the number of a file that holds a part of the log while a database is being made.
const SPILL_OF_INBOX: &str = ".spill-";

fn is_of_inbox(name: &str) -> bool {
    let Some(ending) = name.strip_prefix(INBOX) else { return false };
    let spill = ending.strip_prefix(SPILL_OF_INBOX);
    BESIDE_INBOX.contains(&ending)
        || spill.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Makes the directory, durably. Directories above it that are missing get the usual mode, as `mkdir -p` gives it: others may
/// need what comes to stand there later, and what the hub writes is closed to them by `DIR_MODE`.
pub(crate) fn make(dir: &Path) -> io::Result<()> {
    make_with(dir, DIR_MODE)
}

#[expect(clippy::disallowed_methods, reason = "a Disk begins with a directory that is there")]
fn make_with(dir: &Path, mode: u32) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_with(parent, USUAL_MODE)?;
    match DirBuilder::new().mode(mode).create(dir) {
        // Another hub may have been quicker; a file of this name is refused when it is opened as a directory.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    File::open(parent)?.sync_all()
}

/// Refuses a directory that holds anything but the files of a store.
pub(crate) fn refuse_what_is_not_ours(dir: &File, path: &Path) -> Result<(), OpenError> {
    let io =
        |error: rustix::io::Errno| OpenError::Io { file: path.display().to_string(), source: error.into() };
    for entry in Dir::read_from(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let kind = match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            // It went away in the meantime.
            Err(rustix::io::Errno::NOENT) => continue,
            stat => FileType::from_raw_mode(stat.map_err(io)?.st_mode),
        };
        // A name that is no text is none of these.
        let text = name.to_str().unwrap_or_default();
        let is_ours = match kind {
            FileType::RegularFile => {
                names::parse(text) != FileName::Other || FILES_OF_DISKS.contains(&text) || is_of_inbox(text)
            }
            FileType::Directory => DIRECTORIES_OF_DISKS.contains(&text) || text.starts_with(TRASH),
            _ => false,
        };
        if !is_ours {
            return Err(OpenError::NotOurs {
                dir: path.to_owned(),
                name: name.to_string_lossy().into_owned(),
                what: kind_in_words(kind),
            });
        }
    }
    Ok(())
}

fn kind_in_words(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        _ => "a special file",
    }
}

/// Points a directory out that others can enter. It is left as it is: somebody may have made it so for a reason, and a mounted
/// volume may not let the hub change it.
pub(crate) fn warn_if_open_to_others(dir: &File, path: &Path) {
    let Ok(mode) = dir.metadata().map(|metadata| metadata.mode()) else { return };
    if mode & 0o077 != 0 {
        tracing::warn!(
            dir = %path.display(),
            mode = format!("{:04o}", mode & 0o7777),
            "other users of this machine can look into the data directory: chmod -R go= {} closes it",
            path.display()
        );
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use tempfile::TempDir;

    use super::*;

    fn refusal(dir: &TempDir) -> Option<String> {
        let opened = File::open(dir.path()).unwrap();
        let refused = refuse_what_is_not_ours(&opened, Path::new("/data")).err();
        refused.map(|error| error.to_string())
    }

    #[test]
    fn files_of_a_store_and_the_root_of_a_file_system_are_ours() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(refusal(&dir), None);

        for name in DIRECTORIES_OF_DISKS.into_iter().chain([".Trash-1000"]) {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        for name in FILES_OF_DISKS {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let of_inbox = [
            "inbox.db",
            "inbox.db-wal",
            "inbox.db-shm",
            "inbox.db-journal",
            "inbox.db.new",
            "inbox.db.spill-12",
        ];
        let of_store =
            ["LOCK", "META", "META.new", "00000000000000000001.log", "00000000000000000001.idx.new"];
        for name in of_store.into_iter().chain(of_inbox) {
            fs::write(dir.path().join(name), "").unwrap();
        }

        assert_eq!(refusal(&dir), None);
    }

    #[test]
    fn anything_else_is_refused_by_name_and_kind() {
        let cases = [
            "notes.new",
            ".hidden",
            "00000000000000000001.log.bak",
            "meta",
            "lost+found",
            ".Trash-0",
            "inbox.db.bak",
            "inbox.db.spill-",
            "inbox.db.spill-x",
            "my-inbox.db",
        ];
        for name in cases {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(name), "").unwrap();
            assert_eq!(refusal(&dir), Some(format!("/data holds {name:?}, a file that is no store's")));
        }
        for name in ["sub", "lost", "META.d", "aquota.user", ".Trash", "LOCK", "META", "META.new", ".gitkeep"]
        {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join(name)).unwrap();
            assert_eq!(refusal(&dir), Some(format!("/data holds {name:?}, a directory that is no store's")));
        }
        for name in ["LOCK", "META", "META.new", "lost+found"] {
            let dir = tempfile::tempdir().unwrap();
            symlink("/dev/null", dir.path().join(name)).unwrap();
            assert_eq!(
                refusal(&dir),
                Some(format!("/data holds {name:?}, a symbolic link that is no store's"))
            );
        }
    }

    #[test]
    fn a_name_that_is_no_text_is_refused_too() {
        use std::os::unix::ffi::OsStrExt;

        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();

        assert_eq!(refusal(&dir), Some("/data holds \"\u{fffd}\", a file that is no store's".to_owned()));
    }

    #[test]
    fn only_the_directory_itself_is_made_for_one_user() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("top").join("above").join("data");

        make(&data).unwrap();

        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&data), 0o700);
        fs::create_dir(dir.path().join("usual")).unwrap();
        for above in ["top", "top/above"] {
            assert_eq!(mode(&dir.path().join(above)), mode(&dir.path().join("usual")), "{above}");
        }
        make(&data).unwrap();
    }
}
