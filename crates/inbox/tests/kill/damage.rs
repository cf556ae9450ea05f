//! What becomes of the files of a database while nobody looks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::load::database;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    None,
    Removed,
    AllRemoved,
    ChangesRemoved,
    ChangesCut,
    ChangesZeroed,
    ChangesOlder,
    IndexOfChangesGarbage,
    Cut,
    Zeroed,
    /// The database alone: what has changed since is of a later one.
    Older,
    AllOlder,
    /// Another log's.
    Foreign,
    /// The database of another log, with the changes of this one.
    ForeignAlone,
    Garbage,
}

const ALL: [Damage; 14] = [
    Damage::Older,
    Damage::Zeroed,
    Damage::ChangesCut,
    Damage::Foreign,
    Damage::Cut,
    Damage::ChangesOlder,
    Damage::Removed,
    Damage::ForeignAlone,
    Damage::ChangesZeroed,
    Damage::AllOlder,
    Damage::ChangesRemoved,
    Damage::IndexOfChangesGarbage,
    Damage::AllRemoved,
    Damage::Garbage,
];

impl Damage {
    /// Those of a life. All of them come within five.
    pub(crate) fn some(life: usize) -> Vec<Self> {
        let mut some: Vec<_> = (0..3).map(|number| ALL[(life * 3 + number) % ALL.len()]).collect();
        // The next life begins with a database that is whole.
        some.push(Self::None);
        some
    }
}

type Contents = BTreeMap<&'static str, Vec<u8>>;

const ENDINGS: [&str; 3] = ["", "-wal", "-shm"];

/// The files of a database at several times.
pub(crate) struct Files {
    path: PathBuf,
    /// As the kills left them.
    left: Vec<Contents>,
    foreign: Contents,
}

impl Files {
    pub(crate) fn new(directory: &Path) -> Self {
        Self { path: database(directory), left: Vec::new(), foreign: Contents::new() }
    }

    pub(crate) fn remember(&mut self) {
        let contents = read(&self.path);
        self.left.push(contents);
    }

    /// Those of another log.
    pub(crate) fn know_foreign(&mut self, directory: &Path) {
        self.foreign = read(&database(directory));
    }

    /// As the last kill left them.
    pub(crate) fn put_back(&self) {
        self.write(self.left.last().unwrap());
    }

    fn write(&self, contents: &Contents) {
        for ending in ENDINGS {
            match contents.get(ending) {
                Some(bytes) => fs::write(beside(&self.path, ending), bytes).unwrap(),
                None => drop(fs::remove_file(beside(&self.path, ending))),
            }
        }
    }

    pub(crate) fn damage(&self, damage: Damage, dice: u64) {
        let mut contents = self.left.last().unwrap().clone();
        // Some life before, the first one of all in the first life.
        let older = &self.left[usize::try_from(dice >> 40).unwrap() % self.left.len()];
        let mut set = |ending: &'static str, from: &Contents| match from.get(ending) {
            Some(bytes) => drop(contents.insert(ending, bytes.clone())),
            None => drop(contents.remove(ending)),
        };
        match damage {
            Damage::None => {}
            Damage::Removed => set("", &Contents::new()),
            Damage::AllRemoved => contents.clear(),
            Damage::ChangesRemoved => set("-wal", &Contents::new()),
            Damage::ChangesCut => change(&mut contents, "-wal", |bytes, at| bytes.truncate(at), dice),
            Damage::ChangesZeroed => change(&mut contents, "-wal", zero, dice),
            Damage::ChangesOlder => set("-wal", older),
            Damage::IndexOfChangesGarbage => drop(contents.insert("-shm", vec![0xa5; 32_768])),
            Damage::Cut => change(&mut contents, "", |bytes, at| bytes.truncate(at), dice),
            Damage::Zeroed => change(&mut contents, "", zero, dice),
            Damage::Older => set("", older),
            Damage::AllOlder => contents = older.clone(),
            Damage::Foreign => contents = self.foreign.clone(),
            Damage::ForeignAlone => set("", &self.foreign),
            Damage::Garbage => drop(contents.insert("", vec![b'x'; 10_000])),
        }
        self.write(&contents);
    }
}

fn change(contents: &mut Contents, ending: &str, change: impl Fn(&mut Vec<u8>, usize), dice: u64) {
    if let Some(bytes) = contents.get_mut(ending)
        && !bytes.is_empty()
    {
        let at = usize::try_from(dice >> 20).unwrap() % bytes.len();
        change(bytes, at);
    }
}

#[expect(clippy::ptr_arg, reason = "one of several ways to change a file, of which others change its length")]
fn zero(bytes: &mut Vec<u8>, at: usize) {
    let end = bytes.len().min(at + 10_000);
    bytes[at..end].fill(0);
}

fn read(path: &Path) -> Contents {
    ENDINGS.iter().filter_map(|ending| Some((*ending, fs::read(beside(path, ending)).ok()?))).collect()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
