//! The dullest possible inbox: lists of items, counted by counting. Written from what the inbox promises, not from its rules: it reads the
//! records of the log as JSON, and shares no type with the crate but that of a place.

#![allow(dead_code, reason = "two tests use it, each a part of it")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidings_core::{Cursor, Event};

/// All inboxes, as the records come to in the order of the log.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) users: BTreeMap<String, Inbox>,
    /// The count behind each change, by user and by the sequence of the change.
    pub(crate) counts: BTreeMap<(String, u64), u64>,
    /// The last change of each user that anybody could see, the erasure of all included.
    pub(crate) told: BTreeMap<String, u64>,
    /// Items that are gone.
    pub(crate) gone: Vec<u64>,
}

/// A record of the log.
pub(crate) struct Record {
    pub(crate) place: Cursor,
    pub(crate) time: u64,
    pub(crate) data: Value,
}

impl Record {
    pub(crate) fn of(event: &Event) -> Self {
        let data = serde_json::from_slice(event.draft.data()).unwrap();
        Self { place: event.cursor, time: event.time.0, data }
    }
}

/// That of one user.
#[derive(Default, Clone, Debug, PartialEq)]
pub(crate) struct Inbox {
    /// Oldest first.
    pub(crate) items: Vec<Item>,
    pub(crate) mutes: BTreeSet<String>,
    pub(crate) follows: BTreeSet<String>,
    pub(crate) version: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) sequence: u64,
    pub(crate) time: u64,
    pub(crate) says: Value,
    pub(crate) read: bool,
    pub(crate) seen: bool,
    pub(crate) archived: bool,
}

/// What a writer is to hear.
#[derive(Default, Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) id: String,
    pub(crate) repeated: Option<String>,
    pub(crate) muted: bool,
    pub(crate) notified: u64,
    pub(crate) changed: u64,
    pub(crate) count: u64,
    pub(crate) version: u64,
}

impl Item {
    pub(crate) fn text(&self, member: &str) -> Option<&str> {
        self.says.get(member).and_then(Value::as_str)
    }

    pub(crate) fn expires(&self) -> Option<u64> {
        self.says.get("expires").and_then(Value::as_u64)
    }
}

impl Inbox {
    pub(crate) fn unread(&self) -> u64 {
        self.items.iter().filter(|item| !item.read).count().try_into().unwrap()
    }
}

impl Model {
    pub(crate) fn inbox(&self, user: &str) -> Inbox {
        self.users.get(user).cloned().unwrap_or_default()
    }

    /// Does what a record says.
    pub(crate) fn fold(&mut self, record: &Record) -> Answer {
        let (name, says) = record.data.as_object().unwrap().iter().next().unwrap();
        let id = record.place.to_string();
        let mut turn = Turn { place: id.clone(), sequence: record.place.sequence.0, model: self };
        let mut answer = match name.as_str() {
            "notify" => turn.notify(&[text(&says["to"])], says, record.time),
            "notify_many" => {
                let users: BTreeSet<_> = says["to"].as_array().unwrap().iter().map(text).collect();
                turn.notify(&Vec::from_iter(users), says, record.time)
            }
            "notify_topic" => {
                let to = &says["to"];
                let topic = text(to.get("topic").unwrap_or(to));
                let is_of_part = |user: &str| {
                    to.get("of").is_none_or(|of| bucket_of(user) % of.as_u64().unwrap() == to["part"])
                };
                let follows = |inbox: &Inbox| inbox.follows.iter().any(|selector| matches(selector, &topic));
                let users =
                    turn.model.users.iter().filter(|(user, inbox)| is_of_part(user) && follows(inbox));
                let users: Vec<_> = users.map(|(name, _)| name.clone()).collect();
                turn.notify(&users, says, record.time)
            }
            "mark" => turn.mark(&text(&says["user"]), says["mark"].as_str().unwrap(), &says["which"]),
            "delete" => {
                let ids: Vec<_> =
                    says["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
                turn.remove(&text(&says["user"]), |item| ids.contains(&item.sequence))
            }
            "erase" => turn.erase(&text(&says["user"])),
            "mute" => turn
                .prefer(&text(&says["user"]), &says["muted"], text(&says["kind"]), |inbox| &mut inbox.mutes),
            "follow" => {
                turn.prefer(&text(&says["user"]), &says["follows"], text(&says["selector"]), |inbox| {
                    &mut inbox.follows
                })
            }
            "expire" => {
                let through = says["through"].as_u64().unwrap();
                let users = says.get("users").map(|users| users.as_array().unwrap());
                turn.remove_of_all(|user, item| {
                    users.is_none_or(|users| users.iter().any(|other| other == user))
                        && item.expires().is_some_and(|end| end <= through)
                })
            }
            "prune" => {
                let number = |name: &str| says[name].as_u64().unwrap();
                let (bucket, read, unread) =
                    (number("bucket"), number("read_before"), number("unread_before"));
                turn.remove_of_all(|user, item| {
                    bucket_of(user) == bucket && item.time < if item.read { read } else { unread }
                })
            }
            // It tells what was there already.
            "state" => Answer::default(),
            other => panic!("a record that the model does not know: {other}"),
        };
        answer.id = id;
        answer
    }
}

struct Turn<'a> {
    place: String,
    sequence: u64,
    model: &'a mut Model,
}

impl Turn<'_> {
    fn notify(&mut self, users: &[String], record: &Value, time: u64) -> Answer {
        let mut answer = Answer::default();
        let (says, keep) = (&record["says"], &record["keep"]);
        for user in users {
            let inbox = self.model.inbox(user);
            let says_kind = says["kind"].as_str();
            if says_kind.is_some_and(|kind| inbox.mutes.contains(kind)) {
                answer.muted = true;
                continue;
            }
            let same =
                |item: &&Item| says.get("dedupe").is_some() && item.says.get("dedupe") == says.get("dedupe");
            if let Some(first) = inbox.items.iter().find(same) {
                answer.repeated = Some(first.id.clone());
                continue;
            }
            let item = Item {
                id: self.place.clone(),
                sequence: self.sequence,
                time,
                says: says.clone(),
                read: false,
                seen: false,
                archived: false,
            };
            answer.notified += 1;
            self.change(user, |inbox, gone| {
                inbox.items.push(item);
                while inbox.items.len() as u64 > keep["items"].as_u64().unwrap() {
                    let Some(oldest) = inbox.items.iter().position(|item| item.read) else { break };
                    gone.push(inbox.items.remove(oldest).sequence);
                }
                while inbox.unread() > keep["unread"].as_u64().unwrap() {
                    let oldest = inbox.items.iter().position(|item| !item.read).unwrap();
                    gone.push(inbox.items.remove(oldest).sequence);
                }
            });
        }
        answer
    }

    fn mark(&mut self, user: &str, mark: &str, which: &Value) -> Answer {
        let is_meant = |sequence: u64| match which {
            Value::String(all) => all == "all",
            _ => match which.get("through") {
                Some(through) => sequence <= through.as_u64().unwrap(),
                None => which["ids"].as_array().unwrap().iter().any(|id| id.as_u64() == Some(sequence)),
            },
        };
        let set = |item: &mut Item| match mark {
            "seen" => item.seen = true,
            "read" => (item.seen, item.read) = (true, true),
            "archived" => (item.seen, item.read, item.archived) = (true, true, true),
            "unread" => (item.read, item.archived) = (false, false),
            other => panic!("{other}"),
        };
        let before = self.model.inbox(user);
        let mut after = before.clone();
        after.items.iter_mut().filter(|item| is_meant(item.sequence)).for_each(set);
        let changed = before.items.iter().zip(&after.items).filter(|(before, after)| before != after).count();
        if changed > 0 {
            self.change(user, |inbox, _| inbox.items = after.items);
        }
        self.answer(user, changed)
    }

    fn remove(&mut self, user: &str, is_meant: impl Fn(&Item) -> bool) -> Answer {
        let out: Vec<_> =
            self.model.inbox(user).items.iter().filter(|item| is_meant(item)).cloned().collect();
        if !out.is_empty() {
            self.change(user, |inbox, gone| {
                inbox.items.retain(|item| !out.contains(item));
                gone.extend(out.iter().map(|item| item.sequence));
            });
        }
        self.answer(user, out.len())
    }

    fn remove_of_all(&mut self, is_meant: impl Fn(&str, &Item) -> bool) -> Answer {
        for user in self.model.users.keys().cloned().collect::<Vec<_>>() {
            self.remove(&user, |item| is_meant(&user, item));
        }
        Answer::default()
    }

    fn erase(&mut self, user: &str) -> Answer {
        let Some(inbox) = self.model.users.get(user).cloned() else { return Answer::default() };
        self.change(user, |inbox, gone| {
            gone.extend(inbox.items.iter().map(|item| item.sequence));
            *inbox = Inbox::default();
        });
        self.model.users.remove(user);
        Answer { changed: inbox.items.len() as u64, version: self.sequence, ..Answer::default() }
    }

    fn prefer(
        &mut self,
        user: &str,
        is_set: &Value,
        text: String,
        of: fn(&mut Inbox) -> &mut BTreeSet<String>,
    ) -> Answer {
        let mut inbox = self.model.inbox(user);
        let changes = match is_set.as_bool().unwrap() {
            true => of(&mut inbox).insert(text),
            false => of(&mut inbox).remove(&text),
        };
        if changes {
            self.change(user, |held, _| *held = inbox);
        }
        self.answer(user, changes.into())
    }

    fn change(&mut self, user: &str, change: impl FnOnce(&mut Inbox, &mut Vec<u64>)) {
        let inbox = self.model.users.entry(user.to_owned()).or_default();
        change(inbox, &mut self.model.gone);
        inbox.version = self.sequence;
        self.model.counts.insert((user.to_owned(), self.sequence), inbox.unread());
        self.model.told.insert(user.to_owned(), self.sequence);
    }

    fn answer(&self, user: &str, changed: usize) -> Answer {
        let inbox = self.model.inbox(user);
        Answer { changed: changed as u64, count: inbox.unread(), version: inbox.version, ..Answer::default() }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Whether a selector is about a topic: `*` is one segment, `**` is any number of them.
fn matches(selector: &str, topic: &str) -> bool {
    fn rest(selector: &[&str], topic: &[&str]) -> bool {
        match (selector.split_first(), topic.split_first()) {
            (None, None) => true,
            (Some((&"**", more)), _) => {
                rest(more, topic) || topic.split_first().is_some_and(|(_, t)| rest(selector, t))
            }
            (Some((&"*", more)), Some((_, topic))) => rest(more, topic),
            (Some((one, more)), Some((other, topic))) => one == other && rest(more, topic),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
    rest(&Vec::from_iter(selector.split('/')), &Vec::from_iter(topic.split('/')))
}

/// FNV-1a, 64 bits, of the name; one of 64.
pub(crate) fn bucket_of(user: &str) -> u64 {
    let mut hash: u64 = 14_695_981_039_346_656_037;
    for byte in user.bytes() {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(1_099_511_628_211);
    }
    hash % 64
}
