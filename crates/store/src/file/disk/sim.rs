//! A disk in memory that can fail, or lose power, at any operation. The same seed does the same.
//!
//! What a real one may do after a power cut, this one does: changes that were not synced are there, or not, or in
//! part, sector by sector and in any order; names that were not synced are the old ones or the new ones.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, FreeSpace};
use crate::file::trial::dice::Dice;

const SECTOR_BYTES: usize = 512;

/// A disk that has room for everything.
const ROOMY: FreeSpace = FreeSpace { free: 1 << 40, total: 1 << 41 };

/// What may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// There is no space.
    Full,
    /// The device fails.
    Broken,
    /// The user may have no more space.
    Quota,
    /// The process may open no more files.
    NoDescriptor,
}

/// Called before each operation, with its number; may make it fail.
pub(crate) type Watcher = Box<dyn FnMut(u64, &World) -> Option<Trouble> + Send>;

/// A disk in memory. Clones are the same disk.
#[derive(Clone)]
pub(crate) struct SimDisk(Arc<Mutex<DiskState>>);

struct DiskState {
    world: World,
    operations: u64,
    watcher: Option<Watcher>,
    dice: Dice,
    space: FreeSpace,
    /// Files that are open, and how many may be.
    open: usize,
    open_max: usize,
}

/// All that is on the disk, and all that is only in the memory of the system.
#[derive(Clone, Default)]
pub(crate) struct World {
    inodes: Vec<Inode>,
    /// For each name what it meant since names were last synced: first what is on the disk, last what it means now.
    names: BTreeMap<String, Vec<Option<usize>>>,
    /// How many stores were opened on it. Chance that repeats itself must not give two of them the same epoch.
    lives: u64,
}

#[derive(Clone, Default)]
struct Inode {
    /// What the disk has.
    durable: Vec<u8>,
    /// What the system says.
    now: Vec<u8>,
    /// What the system has yet to tell the disk.
    pending: Vec<Change>,
    /// Bytes that the disk cannot read.
    unreadable: Option<std::ops::Range<usize>>,
}

#[derive(Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

impl SimDisk {
    /// An empty disk.
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(World::default(), seed)
    }

    /// A disk with something on it.
    pub(crate) fn of(world: World, seed: u64) -> Self {
        let dice = Dice::new(seed);
        Self(Arc::new(Mutex::new(DiskState {
            world,
            operations: 0,
            watcher: None,
            dice,
            space: ROOMY,
            open: 0,
            open_max: usize::MAX,
        })))
    }

    /// Watches every operation from now on.
    pub(crate) fn watch(&self, watcher: impl FnMut(u64, &World) -> Option<Trouble> + Send + 'static) {
        self.state().watcher = Some(Box::new(watcher));
    }

    /// Files that are open now.
    pub(crate) fn open_files(&self) -> usize {
        self.state().open
    }

    /// Lets no more files than this be open from now on.
    pub(crate) fn allow_open_files(&self, open_max: usize) {
        self.state().open_max = open_max;
    }

    /// Everything as it is now.
    pub(crate) fn world(&self) -> World {
        self.state().world.clone()
    }

    /// Counts a store that is opened, and returns the number of it.
    pub(crate) fn begin_life(&self) -> u64 {
        let mut state = self.state();
        state.world.lives += 1;
        state.world.lives
    }

    /// Puts older files in the place of those that are there.
    pub(crate) fn restore(&self, copy: &World) {
        let mut state = self.state();
        let lives = state.world.lives;
        state.world = World { lives, ..copy.clone() };
    }

    /// Says how much space there is from now on. What is written does not change that.
    pub(crate) fn say_free(&self, free: u64, total: u64) {
        self.state().space = FreeSpace { free, total };
    }

    /// Changes a byte on the disk.
    pub(crate) fn corrupt(&self, name: &str, at: usize, change: u8) {
        let mut state = self.state();
        let Some(inode) = state.world.inode(name) else { panic!("there is no {name}") };
        state.world.inodes[inode].durable[at] ^= change;
        state.world.inodes[inode].now[at] ^= change;
    }

    /// Makes bytes of a file unreadable.
    pub(crate) fn spoil_block(&self, name: &str, bytes: std::ops::Range<usize>) {
        let mut state = self.state();
        let Some(inode) = state.world.inode(name) else { panic!("there is no {name}") };
        state.world.inodes[inode].unreadable = Some(bytes);
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation, which may have to fail.
    fn step(&self) -> (MutexGuard<'_, DiskState>, io::Result<()>) {
        let mut state = self.state();
        state.operations += 1;
        let DiskState { world, operations, watcher, .. } = &mut *state;
        let trouble = watcher.as_mut().and_then(|watcher| watcher(*operations, world));
        let result = match trouble {
            None => Ok(()),
            Some(Trouble::Full) => Err(io::ErrorKind::StorageFull.into()),
            Some(Trouble::Broken) => Err(io::Error::other("the device has failed")),
            Some(Trouble::Quota) => Err(io::ErrorKind::QuotaExceeded.into()),
            Some(Trouble::NoDescriptor) => Err(rustix::io::Errno::MFILE.into()),
        };
        (state, result)
    }
}

impl DiskState {
    fn take_descriptor(&mut self) -> io::Result<()> {
        if self.open >= self.open_max {
            return Err(rustix::io::Errno::MFILE.into());
        }
        self.open += 1;
        Ok(())
    }
}

impl World {
    /// What is left after the power goes now.
    pub(crate) fn after_power_cut(&self, dice: &mut Dice) -> Self {
        let names = self.names.iter().filter_map(|(name, history)| {
            let survivor = history[dice.below(history.len())];
            survivor.map(|inode| (name.clone(), vec![Some(inode)]))
        });
        let names: BTreeMap<_, _> = names.collect();
        let mut inodes = vec![Inode::default(); self.inodes.len()];
        for inode in names.values().filter_map(|history: &Vec<Option<usize>>| history[0]) {
            inodes[inode] = self.inodes[inode].after_power_cut(dice);
        }
        Self { inodes, names, lives: self.lives }
    }

    /// What programs see once the system has dropped from memory all that it need not write any more. After a failed
    /// sync this differs from what they saw before: what could not be written counts as written.
    pub(crate) fn after_eviction(&self) -> Self {
        let mut world = self.clone();
        world.inodes.iter_mut().for_each(Inode::evict);
        world
    }

    /// A number that stands for all that is on the disk.
    pub(crate) fn digest(&self) -> u32 {
        let named = self.names.iter().filter_map(|(name, history)| Some((name, (*history.last()?)?)));
        named.fold(0, |digest, (name, inode)| {
            let digest = crc32c::crc32c_append(digest, name.as_bytes());
            crc32c::crc32c_append(digest, &self.inodes[inode].now)
        })
    }

    /// The content of a file.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        self.inode(name).map(|inode| &*self.inodes[inode].now)
    }

    fn inode(&self, name: &str) -> Option<usize> {
        *self.names.get(name)?.last()?
    }

    fn name(&mut self, name: &str, inode: Option<usize>) {
        self.names.entry(name.to_owned()).or_insert_with(|| vec![None]).push(inode);
    }
}

impl Inode {
    fn evict(&mut self) {
        self.now.clone_from(&self.durable);
        for change in &self.pending {
            match change {
                Change::Write { at, bytes } => write(&mut self.now, *at, bytes),
                Change::Length(bytes) => self.now.resize(*bytes, 0),
            }
        }
    }

    fn after_power_cut(&self, dice: &mut Dice) -> Self {
        let mut durable = self.durable.clone();
        // Some cuts take nothing, some take all, some take a change or leave it, most take a part of each.
        let (keep, of) = [(0, 1), (1, 1), (1, 2), (1, 8), (7, 8)][dice.below(5)];
        let in_parts = dice.chance(2, 3);
        for change in &self.pending {
            match change {
                Change::Write { at, bytes } if in_parts => {
                    write_in_part(&mut durable, *at, bytes, dice, (keep, of));
                }
                Change::Write { at, bytes } if dice.chance(keep, of) => write(&mut durable, *at, bytes),
                Change::Length(bytes) if dice.chance(keep, of) => durable.resize(*bytes, 0),
                Change::Write { .. } | Change::Length(_) => {}
            }
        }
        Self { now: durable.clone(), durable, pending: Vec::new(), unreadable: self.unreadable.clone() }
    }
}

fn write_in_part(file: &mut Vec<u8>, at: usize, bytes: &[u8], dice: &mut Dice, chance: (usize, usize)) {
    let mut from = 0;
    while from < bytes.len() {
        let to = bytes.len().min((at + from) / SECTOR_BYTES * SECTOR_BYTES + SECTOR_BYTES - at);
        if dice.chance(chance.0, chance.1) {
            // Now and then even a sector is torn.
            let to = if dice.chance(1, 16) { from + dice.below(to - from + 1) } else { to };
            write(file, at + from, &bytes[from..to]);
        }
        from = to;
    }
}

fn write(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if file.len() < at + bytes.len() {
        file.resize(at + bytes.len(), 0);
    }
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        let there =
            state.world.names.iter().filter(|(_, history)| history.last().is_some_and(Option::is_some));
        Ok(there.map(|(name, _)| name.clone()).collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let (mut state, result) = self.step();
        result?;
        state.take_descriptor()?;
        let inode = state.world.inodes.len();
        state.world.inodes.push(Inode::default());
        state.world.name(name, Some(inode));
        Ok(Arc::new(SimFile { disk: self.clone(), inode }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let inode = state.world.inode(name).ok_or(io::ErrorKind::NotFound)?;
        state.take_descriptor()?;
        Ok(Arc::new(SimFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (mut state, result) = self.step();
        result?;
        let inode = state.world.inode(from).ok_or(io::ErrorKind::NotFound)?;
        state.world.name(from, None);
        state.world.name(to, Some(inode));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let (mut state, result) = self.step();
        result?;
        state.world.inode(name).ok_or(io::ErrorKind::NotFound)?;
        state.world.name(name, None);
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let (mut state, result) = self.step();
        result?;
        state.world.names.retain(|_, history| {
            history.drain(..history.len() - 1);
            history[0].is_some()
        });
        Ok(())
    }

    fn free_space(&self) -> io::Result<FreeSpace> {
        Ok(self.state().space)
    }
}

struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl SimFile {
    fn change(&self, change: Change) -> io::Result<()> {
        let (mut state, result) = self.disk.step();
        let DiskState { world, dice, .. } = &mut *state;
        let inode = &mut world.inodes[self.inode];
        let change = match (change, &result) {
            // A write that fails may have been done in part.
            (Change::Write { at, mut bytes }, Err(_)) => {
                bytes.truncate(dice.below(bytes.len() + 1));
                Change::Write { at, bytes }
            }
            (Change::Length(_), Err(_)) => return result,
            (change, Ok(())) => change,
        };
        match &change {
            Change::Write { at, bytes } => write(&mut inode.now, *at, bytes),
            Change::Length(bytes) => inode.now.resize(*bytes, 0),
        }
        inode.pending.push(change);
        result
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        self.disk.state().open -= 1;
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().world.inodes[self.inode].now.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        let rest = state.world.inodes[self.inode].now.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        let asked = offset as usize..offset as usize + read;
        let unreadable = &state.world.inodes[self.inode].unreadable;
        if unreadable.as_ref().is_some_and(|bad| bad.start < asked.end && asked.start < bad.end) {
            return Err(rustix::io::Errno::IO.into());
        }
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.change(Change::Write { at: offset as usize, bytes: bytes.to_vec() })
    }

    /// As Linux does it: what a failed sync could not write is forgotten, and the next one says that all is well.
    fn sync_data(&self) -> io::Result<()> {
        let (mut state, result) = self.disk.step();
        let DiskState { world, dice, .. } = &mut *state;
        let inode = &mut world.inodes[self.inode];
        match result {
            Ok(()) => {
                for change in inode.pending.drain(..) {
                    match change {
                        Change::Write { at, bytes } => write(&mut inode.durable, at, &bytes),
                        Change::Length(bytes) => inode.durable.resize(bytes, 0),
                    }
                }
            }
            Err(_) => {
                inode.durable = inode.after_power_cut(dice).durable;
                inode.pending.clear();
            }
        }
        result
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.change(Change::Length(bytes as usize))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let bytes = bytes.max(self.len()?);
        self.change(Change::Length(bytes as usize))
    }
}
