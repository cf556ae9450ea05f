//! What is held of a part of the users, and of each of them, while it is folded.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tidings_core::{Cursor, UnixMillis};

use crate::item::{Flags, Item, id};
use crate::limits::TOMBSTONES_MAX;
use crate::rows::Account;
use crate::user::User;

/// What a part of the users comes to.
pub(super) struct Part {
    pub(super) users: Vec<Held>,
    /// The last erasure in each bucket that has one. Parts of one bucket have the same.
    pub(super) erased: BTreeMap<u16, u64>,
}

pub(super) struct Held {
    pub(super) user: User,
    pub(super) account: Account,
    /// By sequence: most come at the end and leave at the beginning.
    pub(super) items: VecDeque<HeldItem>,
    /// Sequences of items by dedupe key.
    pub(super) dedupes: BTreeMap<Box<str>, BTreeSet<u64>>,
    /// Versions and sequences of what was deleted, with the epochs.
    pub(super) deleted: BTreeMap<(u64, u64), u64>,
    pub(super) mutes: BTreeSet<Box<str>>,
    pub(super) follows: BTreeSet<Box<str>>,
}

/// An item as a row of the database has it.
pub(super) struct HeldItem {
    pub(super) sequence: u64,
    pub(super) epoch: u64,
    pub(super) time: UnixMillis,
    pub(super) version: u64,
    pub(super) expires: Option<u64>,
    pub(super) flags: Flags,
    pub(super) kind: Option<Box<str>>,
    pub(super) dedupe: Option<Box<str>>,
    pub(super) says: Box<str>,
}

impl Held {
    pub(super) fn new(user: User, account: Account) -> Self {
        Self {
            user,
            account,
            items: VecDeque::new(),
            dedupes: BTreeMap::new(),
            deleted: BTreeMap::new(),
            mutes: BTreeSet::new(),
            follows: BTreeSet::new(),
        }
    }

    /// Adds an item, or puts it in the place of the one with its sequence, which is the answer then.
    pub(super) fn add(&mut self, item: &Item) -> Result<Option<HeldItem>, serde_json::Error> {
        let held = HeldItem {
            sequence: item.id.sequence.0,
            epoch: item.id.epoch.0,
            time: item.time,
            version: item.version.0,
            expires: item.says.expires,
            flags: item.flags,
            kind: item.says.kind.clone(),
            dedupe: item.says.dedupe.clone(),
            says: serde_json::to_string(&item.says)?.into_boxed_str(),
        };
        let replaced = self.take(held.sequence);
        if let Some(dedupe) = &held.dedupe {
            self.dedupes.entry(dedupe.clone()).or_default().insert(held.sequence);
        }
        match self.items.back().is_none_or(|last| last.sequence < held.sequence) {
            true => self.items.push_back(held),
            false => {
                let at = self.items.partition_point(|other| other.sequence < held.sequence);
                self.items.insert(at, held);
            }
        }
        Ok(replaced)
    }

    pub(super) fn item(&mut self, sequence: u64) -> Option<&mut HeldItem> {
        let at = self.items.binary_search_by_key(&sequence, |item| item.sequence).ok()?;
        self.items.get_mut(at)
    }

    /// Takes an item out.
    pub(super) fn take(&mut self, sequence: u64) -> Option<HeldItem> {
        if self.items.back().is_none_or(|last| last.sequence < sequence) {
            return None;
        }
        let at = self.items.binary_search_by_key(&sequence, |item| item.sequence).ok()?;
        let item = self.items.remove(at)?;
        if let Some(dedupe) = &item.dedupe
            && let Some(sequences) = self.dedupes.get_mut(dedupe)
        {
            sequences.remove(&sequence);
            if sequences.is_empty() {
                self.dedupes.remove(dedupe);
            }
        }
        Some(item)
    }

    /// Remembers that an item was there, and the newest of those alone: as the database does.
    pub(super) fn remember(&mut self, account: &mut Account, item: &HeldItem, version: u64) {
        self.deleted.insert((version, item.sequence), item.epoch);
        let Some(beyond) = self.deleted.len().checked_sub(TOMBSTONES_MAX as usize + 1) else { return };
        let Some((version, _)) = self.deleted.keys().nth(beyond).copied() else { return };
        self.deleted = self.deleted.split_off(&(version + 1, 0));
        account.forgot = account.forgot.max(version);
    }
}

impl HeldItem {
    pub(super) fn id(&self) -> Cursor {
        id(self.epoch, self.sequence)
    }
}
