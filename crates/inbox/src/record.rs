//! A record: what happened to inboxes, as the log holds it. The state of all inboxes is what these come to, in the order of the log.
//!
//! Records are events of the type [`RECORD_TYPE`], whose data is JSON. No rule that applies them looks at a clock or at settings: what
//! depends on these stands in the record. So every projection of one log comes to the same state.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings_core::{Cursor, Event, Topic};

use crate::item::Flags;
use crate::limits::PRUNE_BUCKETS;
use crate::notification::Notification;
use crate::user::User;

/// The type of the events that are records. No publisher can use it.
pub(crate) const RECORD_TYPE: &str = "tidings.inbox";

/// The topic of records that concern many users.
pub(crate) const SHARED_TOPIC: &str = "tidings/inbox";

/// The topic of state records.
pub(crate) const STATE_TOPIC: &str = "tidings/inbox/state";

/// What the JSON of a record for many users begins with.
const NOTIFY_MANY: &[u8] = b"{\"notify_many\":";

/// What the JSON of an erasure begins with.
pub(crate) const ERASE: &[u8] = b"{\"erase\":";

/// What happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    /// One user is notified.
    Notify(Notify<User>),
    /// Several users are, each with an item of the same id.
    NotifyMany(Notify<Vec<User>>),
    /// Those who follow a topic at this place of the log are.
    NotifyTopic(Notify<Followers>),
    /// Items are marked.
    Mark {
        /// Of whom.
        user: User,
        /// As what.
        mark: Mark,
        /// Which of them.
        which: Which,
    },
    /// Items are taken away.
    Delete {
        /// Of whom.
        user: User,
        /// Sequences of their records.
        ids: Vec<u64>,
    },
    /// All that the hub knows of a user is taken away.
    Erase {
        /// Who.
        user: User,
    },
    /// Notifications of a kind are wanted no more, or again.
    Mute {
        /// Of whom.
        user: User,
        /// Which.
        kind: Box<str>,
        /// Whether not.
        muted: bool,
    },
    /// A user follows the topics that a selector matches, or does not any more.
    Follow {
        /// Who.
        user: User,
        /// Topic or pattern.
        selector: Box<str>,
        /// Whether so.
        follows: bool,
    },
    /// Items whose end is at this time or before are over.
    Expire {
        /// Milliseconds since 1970.
        through: u64,
        /// Of these users; of all if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        users: Option<Vec<User>>,
    },
    /// Old items leave, of all users of a [bucket](bucket_of).
    Prune {
        /// Of which users.
        bucket: u16,
        /// Read items that are older leave. Milliseconds since 1970.
        read_before: u64,
        /// So do unread ones that are older than this.
        unread_before: u64,
    },
    /// A part of the state of one user.
    State(StatePart),
}

/// A notification on its way to its users.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Notify<To> {
    /// To whom.
    pub(crate) to: To,
    /// What they are told.
    pub(crate) says: Arc<Notification>,
    /// How many items an inbox keeps when this one comes in.
    pub(crate) keep: Keep,
}

/// Users who follow a topic: all of them, or a part, so that one record does not reach too many.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Followers {
    /// All.
    Of(Box<str>),
    /// Those whose [buckets](bucket_of) have this remainder.
    Part {
        /// What they follow.
        topic: Box<str>,
        /// The remainder.
        part: u16,
        /// By this divisor.
        of: u16,
    },
}

impl Followers {
    /// Those of a topic in parts of about a number of them, if there are this many.
    pub(crate) fn parts(topic: &Topic, followers: u64, of_record: u64) -> impl Iterator<Item = Self> {
        let parts = followers.div_ceil(of_record.max(1)).next_power_of_two();
        // Parts consist of whole buckets.
        let of = u16::try_from(parts).unwrap_or(u16::MAX).min(PRUNE_BUCKETS);
        (0..of).map(move |part| match of {
            1 => Self::Of(topic.as_str().into()),
            _ => Self::Part { topic: topic.as_str().into(), part, of },
        })
    }

    /// What they follow.
    pub(crate) fn topic(&self) -> &str {
        match self {
            Self::Of(topic) | Self::Part { topic, .. } => topic,
        }
    }

    /// A divisor of buckets, and the remainder that they have.
    pub(crate) fn part(&self) -> (u16, u16) {
        match self {
            Self::Of(_) => (1, 0),
            // A divisor of zero is no divisor.
            Self::Part { part, of, .. } => ((*of).max(1), *part),
        }
    }
}

/// How many items an inbox keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// All together: beyond it the oldest that was read leaves.
    pub items: u64,
    /// Unread ones: beyond it the oldest of these leaves.
    pub unread: u64,
}

/// What a mark says of an item. Archived implies read, read implies seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The user has read it.
    Read,
    /// The user wants to read it again. It is not archived then.
    Unread,
    /// The user has seen that it is there.
    Seen,
    /// The user is done with it.
    Archived,
}

impl Mark {
    /// The flags of an item that is marked.
    pub fn of(self, flags: Flags) -> Flags {
        match self {
            Self::Seen => flags | Flags::SEEN,
            Self::Read => flags | Flags::SEEN | Flags::READ,
            Self::Archived => flags | Flags::SEEN | Flags::READ | Flags::ARCHIVED,
            Self::Unread => flags.without(Flags::READ).without(Flags::ARCHIVED),
        }
    }
}

/// Which items of a user a mark is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Those whose records have these sequences.
    Ids(Vec<u64>),
    /// Those up to and including this sequence.
    Through(u64),
    /// All that are there at this place of the log.
    All,
}

/// A part of a state record. All parts of one stand next to each other in the log, by one append.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StatePart {
    /// Whose state.
    pub(crate) user: User,
    /// It is the state at this sequence of the log.
    pub(crate) as_of: u64,
    /// The last change of the user's inbox up to there.
    pub(crate) version: u64,
    /// The first part: what was known of the user before is not.
    pub(crate) first: bool,
    /// The last part: the state is whole.
    pub(crate) last: bool,
    /// Items, oldest first over all parts.
    pub(crate) items: Vec<StateItem>,
    /// Kinds that are muted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) mutes: Vec<Box<str>>,
    /// Selectors that are followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) follows: Vec<Box<str>>,
}

/// An item in a state record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StateItem {
    /// Epoch of its record.
    pub(crate) epoch: u64,
    /// Sequence of its record.
    pub(crate) sequence: u64,
    /// When it came, in milliseconds since 1970.
    pub(crate) time: u64,
    /// What the user has done with it.
    pub(crate) flags: Flags,
    /// Its last change.
    pub(crate) version: u64,
    /// What it says.
    pub(crate) says: Arc<Notification>,
}

impl Record {
    /// Reads an event of the log. None if it is no record, or one of a later version, which is passed over and told.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let event_type = event.draft.event_type()?;
        if event_type.as_str() != RECORD_TYPE || !event.draft.topic().is_reserved() {
            return None;
        }
        Self::read(event.cursor, event.draft.data())
    }

    /// Reads the data of an event that is a record. None if it is one of a later version.
    pub(crate) fn read(place: Cursor, json: &[u8]) -> Option<Self> {
        match serde_json::from_slice(json) {
            Ok(record) => Some(record),
            Err(error) => {
                tracing::warn!(%error, %place, "a record of the inbox could not be read, and is passed over");
                None
            }
        }
    }

    /// The same for an event that may concern one user alone. A record that names other users is not read: it may name thousands.
    pub(crate) fn of_user(event: &Event, user: &User) -> Option<Self> {
        let data = event.draft.data();
        let name = serde_json::to_string(user).ok();
        let names =
            || std::str::from_utf8(data).ok().zip(name).is_none_or(|(data, name)| data.contains(&name));
        if data.starts_with(NOTIFY_MANY) && !names() {
            return None;
        }
        Self::of(event)
    }

    /// The topic that the record belongs to.
    ///
    /// # Panics
    ///
    /// Never: the texts are topics.
    #[expect(clippy::expect_used, reason = "constants that are topics")]
    pub(crate) fn topic(&self) -> Topic {
        match self {
            Self::Notify(Notify { to: user, .. })
            | Self::Mark { user, .. }
            | Self::Delete { user, .. }
            | Self::Erase { user }
            | Self::Mute { user, .. }
            | Self::Follow { user, .. } => user.topic(),
            Self::NotifyMany(_) | Self::NotifyTopic(_) | Self::Expire { .. } | Self::Prune { .. } => {
                Topic::parse(SHARED_TOPIC).expect("the shared topic is one")
            }
            Self::State(_) => Topic::parse(STATE_TOPIC).expect("the topic of states is one"),
        }
    }

    /// The record as the data of an event.
    ///
    /// # Panics
    ///
    /// Never: all of it can be written as JSON.
    #[expect(clippy::expect_used, reason = "no map with keys that are no text, and no type that fails")]
    pub(crate) fn data(&self) -> bytes::Bytes {
        serde_json::to_vec(self).expect("a record is JSON").into()
    }
}

/// The bucket of a user. It must stay the same for ever, since records of the log name buckets.
pub(crate) fn bucket_of(user: &User) -> u16 {
    u16::try_from(hash_of(user.as_str()) % u64::from(PRUNE_BUCKETS)).unwrap_or(0)
}

/// FNV-1a of a name. It must stay the same for ever, too.
pub(crate) fn hash_of(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use tidings_core::{Draft, DraftParts, Epoch, Sequence, UnixMillis};
    use tidings_sse::EventType;

    use super::*;

    #[test]
    fn a_record_for_others_is_not_read_for_a_user_and_one_that_names_the_user_is() {
        let names = ["ann", "a\"b\\", "ü/%", "annabel"].map(User::held);
        let says = Notification { title: "ann".into(), ..Notification::default() };
        let of = |to: Vec<User>| {
            let keep = Keep { items: 1, unread: 1 };
            let record = Record::NotifyMany(Notify { to, says: says.clone().into(), keep });
            let event_type = Some(EventType::new(RECORD_TYPE).unwrap());
            let parts = DraftParts { event_type, ..DraftParts::new(record.topic(), record.data()) };
            let cursor = Cursor::new(Epoch(1), Sequence(1));
            Event { cursor, time: UnixMillis(1), draft: Draft::restore(parts) }
        };
        let data = of(vec![]).draft.data().clone();
        assert!(data.starts_with(NOTIFY_MANY));

        for user in &names[1..] {
            let others = names.iter().filter(|other| *other != user).cloned().collect();
            assert!(Record::of_user(&of(others), user).is_none(), "{user}");
            assert!(Record::of_user(&of(names.to_vec()), user).is_some(), "{user}");
        }
    }
}
