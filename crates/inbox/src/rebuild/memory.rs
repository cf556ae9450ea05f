//! The rows of one part of the users in memory, for the rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tidings_core::{Cursor, Topic};

use super::held::{Held, Part};
use crate::item::{Flags, Item};
use crate::limits::PRUNE_BUCKETS;
use crate::record::{Followers, Mark, Which, bucket_of};
use crate::rows::{Account, Owned, Rows};
use crate::sqlite::rows::Patterns;
use crate::user::User;

/// Rows in memory. An account's key is its place among the users that there ever were, from one on.
pub(super) struct MemoryRows {
    began_after: u64,
    /// The last erasure in each bucket that has one.
    erased: BTreeMap<u16, u64>,
    users: Vec<Option<Held>>,
    keys: HashMap<User, i64>,
    of_buckets: Vec<Vec<i64>>,
    /// When items end, whose, and which.
    ends: BTreeSet<(u64, i64, u64)>,
    followers: HashMap<Box<str>, BTreeSet<i64>>,
    patterns: Patterns,
}

type Result<T> = std::result::Result<T, serde_json::Error>;

impl MemoryRows {
    pub(super) fn new(began_after: u64) -> Self {
        Self {
            began_after,
            erased: BTreeMap::new(),
            users: Vec::new(),
            keys: HashMap::new(),
            of_buckets: (0..PRUNE_BUCKETS).map(|_| Vec::new()).collect(),
            ends: BTreeSet::new(),
            followers: HashMap::new(),
            patterns: Patterns::default(),
        }
    }

    /// All of it, users by name.
    pub(super) fn into_part(self) -> Part {
        let mut users: Vec<_> = self.users.into_iter().flatten().collect();
        users.sort_unstable_by(|one, other| one.user.cmp(&other.user));
        Part { users, erased: self.erased }
    }

    fn index(key: i64) -> usize {
        usize::try_from(key - 1).unwrap_or(usize::MAX)
    }

    fn held(&mut self, key: i64) -> Option<&mut Held> {
        self.users.get_mut(Self::index(key))?.as_mut()
    }

    /// By user and then sequence, as the database gives them.
    fn owned(&self, mut found: Vec<(i64, u64)>) -> Vec<Owned> {
        let name = |key: i64| self.users.get(Self::index(key)).and_then(Option::as_ref);
        found.sort_by(|one, other| {
            let names = (name(one.0).map(|held| &held.user), name(other.0).map(|held| &held.user));
            names.0.cmp(&names.1).then(one.1.cmp(&other.1))
        });
        let owned = |(key, sequence)| name(key).map(|held| Owned { user: held.user.clone(), sequence });
        found.into_iter().filter_map(owned).collect()
    }

    fn unfollow(&mut self, key: i64, selector: &str) {
        if let Some(keys) = self.followers.get_mut(selector) {
            keys.remove(&key);
            if keys.is_empty() {
                self.followers.remove(selector);
            }
        }
    }
}

impl Rows for MemoryRows {
    type Error = serde_json::Error;

    fn began_after(&self) -> u64 {
        self.began_after
    }

    fn account(&mut self, user: &User) -> Result<Option<Account>> {
        let key = self.keys.get(user).copied();
        Ok(key.and_then(|key| self.held(key)).map(|held| held.account))
    }

    fn open(&mut self, user: &User, account: Account) -> Result<Account> {
        let key = i64::try_from(self.users.len() + 1).unwrap_or(i64::MAX);
        let account = Account { key, ..account };
        self.users.push(Some(Held::new(user.clone(), account)));
        self.keys.insert(user.clone(), key);
        self.of_buckets[usize::from(bucket_of(user))].push(key);
        Ok(account)
    }

    fn save(&mut self, account: &Account) -> Result<()> {
        if let Some(held) = self.held(account.key) {
            held.account = *account;
        }
        Ok(())
    }

    fn erased(&mut self, bucket: u16) -> Result<u64> {
        Ok(self.erased.get(&bucket).copied().unwrap_or(self.began_after))
    }

    fn note_erased(&mut self, bucket: u16, sequence: u64) -> Result<()> {
        let sequence = sequence.max(self.erased(bucket)?);
        self.erased.insert(bucket, sequence);
        Ok(())
    }

    fn erase(&mut self, key: i64) -> Result<()> {
        self.clear(key)?;
        if let Some(held) = self.users.get_mut(Self::index(key)).and_then(Option::take) {
            self.keys.remove(&held.user);
            self.of_buckets[usize::from(bucket_of(&held.user))].retain(|other| *other != key);
        }
        Ok(())
    }

    fn clear(&mut self, key: i64) -> Result<()> {
        let Some(held) = self.held(key) else { return Ok(()) };
        let empty = Held::new(held.user.clone(), held.account);
        let held = std::mem::replace(held, empty);
        for item in &held.items {
            if let Some(expires) = item.expires {
                self.ends.remove(&(expires, key, item.sequence));
            }
        }
        for selector in &held.follows {
            self.patterns.remove(selector);
            self.unfollow(key, selector);
        }
        Ok(())
    }

    fn add(&mut self, key: i64, item: &Item) -> Result<()> {
        let Some(held) = self.held(key) else { return Ok(()) };
        let replaced = held.add(item)?;
        if let Some(expires) = replaced.and_then(|item| item.expires) {
            self.ends.remove(&(expires, key, item.id.sequence.0));
        }
        if let Some(expires) = item.says.expires {
            self.ends.insert((expires, key, item.id.sequence.0));
        }
        Ok(())
    }

    fn with_dedupe(&mut self, key: i64, dedupe: &str) -> Result<Option<Cursor>> {
        let Some(held) = self.held(key) else { return Ok(None) };
        let first = held.dedupes.get(dedupe).and_then(BTreeSet::first).copied();
        Ok(first.and_then(|sequence| held.item(sequence)).map(|item| item.id()))
    }

    fn marked_by(&mut self, key: i64, which: &Which, mark: Mark) -> Result<Vec<(Cursor, Flags)>> {
        let Some(held) = self.held(key) else { return Ok(Vec::new()) };
        let changes = |flags: Flags| mark.of(flags) != flags;
        Ok(match which {
            Which::Ids(sequences) => {
                let unique: BTreeSet<_> = sequences.iter().copied().collect();
                let found = unique.into_iter().filter_map(|sequence| {
                    let item = held.item(sequence).filter(|item| changes(item.flags))?;
                    Some((item.id(), item.flags))
                });
                found.collect()
            }
            Which::Through(_) | Which::All => {
                let through = if let Which::Through(through) = which { *through } else { u64::MAX };
                let items = held.items.iter().take_while(|item| item.sequence <= through);
                items.filter(|item| changes(item.flags)).map(|item| (item.id(), item.flags)).collect()
            }
        })
    }

    fn set_flags(&mut self, key: i64, sequence: u64, flags: Flags, version: u64) -> Result<()> {
        if let Some(item) = self.held(key).and_then(|held| held.item(sequence)) {
            (item.flags, item.version) = (flags, version);
        }
        Ok(())
    }

    fn remove(
        &mut self,
        account: &mut Account,
        sequence: u64,
        version: u64,
    ) -> Result<Option<(Cursor, Flags)>> {
        let Some(held) = self.held(account.key) else { return Ok(None) };
        let Some(item) = held.take(sequence) else { return Ok(None) };
        held.remember(account, &item, version);
        if let Some(expires) = item.expires {
            self.ends.remove(&(expires, account.key, sequence));
        }
        Ok(Some((item.id(), item.flags)))
    }

    fn oldest(&mut self, key: i64, is_unread: bool) -> Result<Option<u64>> {
        let Some(held) = self.held(key) else { return Ok(None) };
        let oldest = held.items.iter().find(|item| item.flags.is_unread() == is_unread);
        Ok(oldest.map(|item| item.sequence))
    }

    fn expired(&mut self, through: u64, only: Option<&User>) -> Result<Vec<Owned>> {
        let only = only.map(|user| self.keys.get(user).copied().unwrap_or(0));
        let over = self.ends.range(..=(through, i64::MAX, u64::MAX));
        let over = over.filter(|(_, key, _)| only.is_none_or(|only| only == *key));
        let found = over.map(|(_, key, sequence)| (*key, *sequence)).collect();
        Ok(self.owned(found))
    }

    fn aged(
        &mut self,
        bucket: u16,
        read_before: u64,
        unread_before: u64,
        only: Option<&User>,
    ) -> Result<Vec<Owned>> {
        let only = only.map(|user| self.keys.get(user).copied());
        let of_bucket = self.of_buckets.get(usize::from(bucket)).map_or(&[][..], Vec::as_slice);
        let mut found = Vec::new();
        for key in of_bucket.iter().filter(|key| only.is_none_or(|only| only == Some(**key))) {
            let Some(held) = self.users.get(Self::index(*key)).and_then(Option::as_ref) else { continue };
            // The time of an event is never less than that of the one before.
            let old = held.items.iter().take_while(|item| item.time.0 < read_before.max(unread_before));
            let old = old.filter(|item| {
                item.time.0 < if item.flags.is_unread() { unread_before } else { read_before }
            });
            found.extend(old.map(|item| (*key, item.sequence)));
        }
        Ok(self.owned(found))
    }

    fn is_muted(&mut self, key: i64, kind: &str) -> Result<bool> {
        Ok(self.held(key).is_some_and(|held| held.mutes.contains(kind)))
    }

    fn set_muted(&mut self, key: i64, kind: &str, muted: bool) -> Result<bool> {
        let Some(held) = self.held(key) else { return Ok(false) };
        Ok(if muted { held.mutes.insert(kind.into()) } else { held.mutes.remove(kind) })
    }

    fn set_follows(&mut self, key: i64, selector: &str, follows: bool) -> Result<bool> {
        let Some(held) = self.held(key) else { return Ok(false) };
        let changes =
            if follows { held.follows.insert(selector.into()) } else { held.follows.remove(selector) };
        match (changes, follows) {
            (true, true) => {
                self.patterns.add(selector);
                self.followers.entry(selector.into()).or_default().insert(key);
            }
            (true, false) => {
                self.patterns.remove(selector);
                self.unfollow(key, selector);
            }
            (false, _) => {}
        }
        Ok(changes)
    }

    fn followers(&mut self, followers: &Followers, only: Option<&User>) -> Result<Vec<User>> {
        let Ok(topic) = Topic::parse_held(followers.topic()) else { return Ok(Vec::new()) };
        let (divisor, remainder) = followers.part();
        let selectors = self.patterns.selectors(&topic).into_iter();
        let keys: BTreeSet<_> =
            selectors.filter_map(|selector| self.followers.get(selector)).flatten().copied().collect();
        let users = keys.into_iter().filter_map(|key| self.users.get(Self::index(key))?.as_ref());
        let users = users.map(|held| held.user.clone());
        let is_meant =
            |user: &User| only.is_none_or(|only| only == user) && bucket_of(user) % divisor == remainder;
        Ok(users.filter(is_meant).collect())
    }
}
