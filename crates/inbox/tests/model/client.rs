//! A client that shows what it was told, and asks for the list only where it has to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidings_core::{Cursor, Sequence};
use tidings_inbox::{Flags, Inbox, Item, ListRequest, Mark, Shown, Update, User, Watch};

use crate::naive::Model;

pub(crate) struct Client {
    pub(crate) user: User,
    items: BTreeMap<u64, Shows>,
    mutes: BTreeSet<String>,
    follows: BTreeSet<String>,
    count: u64,
    version: u64,
    /// Where it is, if it has anything.
    place: Option<Cursor>,
    watch: Option<Watch>,
    /// It takes nothing.
    pub(crate) is_asleep: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Shows {
    says: Value,
    read: bool,
    seen: bool,
    archived: bool,
}

impl Shows {
    fn of(item: &Item) -> Self {
        let mut shows = Self {
            says: serde_json::to_value(&item.says).unwrap(),
            read: false,
            seen: false,
            archived: false,
        };
        shows.set(item.flags);
        shows
    }

    fn set(&mut self, flags: Flags) {
        self.read = flags.has(Flags::READ);
        self.seen = flags.has(Flags::SEEN);
        self.archived = flags.has(Flags::ARCHIVED);
    }

    fn mark(&mut self, mark: Mark) {
        match mark {
            Mark::Seen => self.seen = true,
            Mark::Read => (self.seen, self.read) = (true, true),
            Mark::Archived => (self.seen, self.read, self.archived) = (true, true, true),
            Mark::Unread => (self.read, self.archived) = (false, false),
        }
    }
}

impl Client {
    pub(crate) fn new(user: User) -> Self {
        Self {
            user,
            items: BTreeMap::new(),
            mutes: BTreeSet::new(),
            follows: BTreeSet::new(),
            count: 0,
            version: 0,
            place: None,
            watch: None,
            is_asleep: false,
        }
    }

    pub(crate) async fn connect(&mut self, inbox: &Inbox) {
        if self.watch.is_some() {
            return;
        }
        if !self.place.is_some_and(|place| inbox.knows(place)) {
            self.load(inbox).await;
        }
        let mut watch = inbox.watch(&self.user);
        let update = watch.begin(self.place.map(|place| place.sequence)).await.unwrap();
        // The first one always counts.
        self.version = 0;
        self.take(inbox, update, None).await;
        self.watch = Some(watch);
    }

    pub(crate) fn leave(&mut self) {
        self.watch = None;
        self.is_asleep = false;
    }

    /// Hears what there is, and compares what it shows with the model.
    pub(crate) async fn compare(&mut self, inbox: &Inbox, model: &Model) {
        let Some(mut watch) = self.watch.take_if(|_| !self.is_asleep) else { return };
        let told = model.told.get(self.user.as_str()).copied().unwrap_or(0);
        while watch.place().sequence.0 < told {
            let update = watch.next().await.unwrap().expect("the inbox is there");
            self.take(inbox, update, Some(model)).await;
        }
        while let Some(update) = watch.at_hand().await.unwrap() {
            self.take(inbox, update, Some(model)).await;
        }
        let held = model.inbox(self.user.as_str());
        let items: BTreeMap<_, _> = held
            .items
            .iter()
            .map(|item| {
                let shows = Shows {
                    says: item.says.clone(),
                    read: item.read,
                    seen: item.seen,
                    archived: item.archived,
                };
                (item.sequence, shows)
            })
            .collect();
        assert_eq!(self.items, items, "what the client of {} shows", self.user);
        assert_eq!(self.count, held.unread(), "the count that the client of {} shows", self.user);
        assert_eq!((&self.mutes, &self.follows), (&held.mutes, &held.follows), "{}", self.user);
        self.watch = Some(watch);
    }

    async fn load(&mut self, inbox: &Inbox) {
        self.items.clear();
        let mut before = None;
        self.place = None;
        loop {
            let request = ListRequest { before, limit: Some(4), ..ListRequest::default() };
            let listed = inbox.list(&self.user, request).await.unwrap();
            self.place = self.place.or(Some(listed.position));
            before = listed.items.last().map(|item| item.id.sequence);
            self.items.extend(listed.items.iter().map(|item| (item.id.sequence.0, Shows::of(item))));
            if !listed.more {
                break;
            }
        }
        self.prefer(inbox).await;
    }

    async fn prefer(&mut self, inbox: &Inbox) {
        self.mutes = inbox.mutes(&self.user).await.unwrap().into_iter().collect();
        self.follows = inbox.follows(&self.user).await.unwrap().into_iter().collect();
    }

    async fn take(&mut self, inbox: &Inbox, update: Update, model: Option<&Model>) {
        let Update { shown, unread, place, is_gap } = update;
        let Sequence(version) = unread.version;
        if let Some(model) = model {
            // An erased user has no version; the place at which that was so stands for it.
            let all = model.counts.range((self.user.to_string(), 0)..=(self.user.to_string(), version));
            let count = all.last().map_or(0, |(_, count)| *count);
            assert_eq!(unread.count, count, "the count told at {version} of {}", self.user);
        }
        for shown in shown {
            self.show(inbox, shown).await;
        }
        if is_gap {
            self.load(inbox).await;
        }
        if version > self.version || self.version == 0 {
            (self.count, self.version) = (unread.count, version);
        }
        self.place = Some(place);
    }

    async fn show(&mut self, inbox: &Inbox, shown: Shown) {
        match shown {
            Shown::Notification(item) => drop(self.items.insert(item.id.sequence.0, Shows::of(&item))),
            Shown::Marked { ids, mark } => self.each(&ids, |shows| shows.mark(mark)),
            Shown::Flags { ids, flags } => self.each(&ids, |shows| shows.set(flags)),
            Shown::Deleted { ids, .. } => ids.iter().for_each(|id| drop(self.items.remove(&id.sequence.0))),
            Shown::Erased => {
                self.items.clear();
                self.mutes.clear();
                self.follows.clear();
            }
            Shown::Mutes | Shown::Follows => self.prefer(inbox).await,
        }
    }

    fn each(&mut self, ids: &[Cursor], change: impl Fn(&mut Shows)) {
        for id in ids {
            // One that it does not show is deleted in what follows.
            if let Some(shows) = self.items.get_mut(&id.sequence.0) {
                change(shows);
            }
        }
    }
}
