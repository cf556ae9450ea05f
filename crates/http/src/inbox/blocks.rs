//! What a reader of an inbox is told, as server-sent events.
//!
//! The last block of a change carries the place as its id, and no other one does: a client that is cut off between two of them comes back
//! with the place before the change, and is told all of it again.

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use tidings_core::{Cursor, Gap, Lost};
use tidings_inbox::{Flags, Mark, Shown, Unread, Update};
use tidings_sse::encode::Event as Block;
use tidings_sse::{EventId, EventType};

use super::item_document::ItemDocument;
use crate::answer::json;
use crate::stream::{Encoder, Opening};

/// A change, with the preferences that it names.
pub(super) struct Told {
    pub(super) update: Update,
    /// The kinds that are muted, if the change is about them.
    pub(super) muted: Option<Vec<String>>,
    /// The selectors that are followed, if the change is about them.
    pub(super) follows: Option<Vec<String>>,
}

/// The count, which is true whatever the client has counted.
#[derive(Serialize)]
struct UnreadDocument {
    count: u64,
    version: u64,
}

/// Items that are other than before. What is left out is as it was.
#[derive(Serialize, Default)]
struct ChangedDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<String>>,
    /// All items of the inbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<bool>,
    /// They were deleted by time or number, and not by the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    expired: Option<bool>,
}

#[derive(Serialize)]
struct MutedDocument<'a> {
    muted: &'a [String],
}

#[derive(Serialize)]
struct FollowsDocument<'a> {
    follows: &'a [String],
}

/// A block that is not encoded yet.
struct Draft {
    event_type: &'static str,
    data: String,
}

impl Told {
    pub(super) fn without_preferences(update: Update) -> Self {
        Self { update, muted: None, follows: None }
    }

    /// Takes the change that follows it.
    pub(super) fn go_on_with(&mut self, next: Self) {
        let Self { update: Update { shown, unread, place, is_gap }, muted, follows } = next;
        if is_gap {
            // What happened before it is part of what cannot be told.
            self.update.shown.clear();
        }
        self.update.shown.extend(shown);
        self.update.is_gap |= is_gap;
        (self.update.unread, self.update.place) = (unread, place);
        self.muted = muted.or(self.muted.take());
        self.follows = follows.or(self.follows.take());
    }

    /// Whether a reader that has come back is to hear it at once. Of a user whom the hub does not know, it cannot tell whether there was
    /// something before the place that the reader has brought: that nothing is there can wait.
    pub(super) fn begins_with_news(&self) -> bool {
        self.update.is_gap || self.update.shown.iter().any(|shown| !matches!(shown, Shown::Erased))
    }
}

/// The beginning of a stream: the count, and what was missed. The place stands on the last block.
pub(super) fn opening(told: &Told) -> Bytes {
    let mut drafts = vec![unread(told.update.unread)];
    drafts.extend(changes(told));
    encoded(&drafts, Some(told.update.place))
}

/// The beginning of a stream with a gap, which follows: the count alone, without a place. A client that is cut off between the two must
/// hear of the gap.
pub(super) fn opening_before_gap(told: &Told) -> Bytes {
    encoded(&[unread(told.update.unread)], None)
}

/// A change, and the count behind it. `before` is the place that the client had come to.
pub(super) fn live(told: &Told, before: Cursor) -> Bytes {
    let place = told.update.place;
    let mut drafts = changes(told);
    drafts.push(unread(told.update.unread));
    let blocks = encoded(&drafts, Some(place));
    if !told.update.is_gap {
        return blocks;
    }
    [gap(&Gap { requested: before.to_string(), lost: Lost::Expired, resumes_after: place }), blocks]
        .concat()
        .into()
}

/// Says that what happened can no longer be told, or is too much: the client loads the list anew.
pub(super) fn gap(gap: &Gap) -> Bytes {
    Encoder::Sse(Opening::Event).gap(gap)
}

fn changes(told: &Told) -> Vec<Draft> {
    let (mut tells_muted, mut tells_follows) = (false, false);
    let mut drafts = Vec::new();
    for shown in &told.update.shown {
        drafts.push(match shown {
            Shown::Notification(item) => {
                Draft { event_type: "notification", data: json::text(&ItemDocument::new(item)) }
            }
            Shown::Marked { ids, mark } => changed(&marked(ids, *mark)),
            Shown::Flags { ids, flags } => changed(&as_they_are(ids, *flags)),
            Shown::Deleted { ids, expired } => {
                changed(&ChangedDocument { deleted: Some(true), expired: expired.then_some(true), ..of(ids) })
            }
            Shown::Erased => changed(&ChangedDocument {
                all: Some(true),
                deleted: Some(true),
                ..ChangedDocument::default()
            }),
            // Told once, as they are now.
            Shown::Mutes => match &told.muted {
                Some(muted) if !std::mem::replace(&mut tells_muted, true) => {
                    changed(&MutedDocument { muted })
                }
                _ => continue,
            },
            Shown::Follows => match &told.follows {
                Some(follows) if !std::mem::replace(&mut tells_follows, true) => {
                    changed(&FollowsDocument { follows })
                }
                _ => continue,
            },
        });
    }
    drafts
}

fn unread(Unread { count, version }: Unread) -> Draft {
    Draft { event_type: "unread", data: json::text(&UnreadDocument { count, version: version.0 }) }
}

fn changed(document: &impl Serialize) -> Draft {
    Draft { event_type: "changed", data: json::text(document) }
}

fn of(ids: &[Cursor]) -> ChangedDocument {
    ChangedDocument { ids: Some(ids.iter().map(Cursor::to_string).collect()), ..ChangedDocument::default() }
}

/// What holds of items that were marked. Archived ones are read, and read ones are seen.
fn marked(ids: &[Cursor], mark: Mark) -> ChangedDocument {
    let of = of(ids);
    match mark {
        Mark::Seen => ChangedDocument { seen: Some(true), ..of },
        Mark::Read => ChangedDocument { read: Some(true), seen: Some(true), ..of },
        Mark::Archived => ChangedDocument { read: Some(true), seen: Some(true), archived: Some(true), ..of },
        Mark::Unread => ChangedDocument { read: Some(false), archived: Some(false), ..of },
    }
}

fn as_they_are(ids: &[Cursor], flags: Flags) -> ChangedDocument {
    ChangedDocument {
        read: Some(flags.has(Flags::READ)),
        seen: Some(flags.has(Flags::SEEN)),
        archived: Some(flags.has(Flags::ARCHIVED)),
        ..of(ids)
    }
}

fn encoded(drafts: &[Draft], place: Option<Cursor>) -> Bytes {
    let id =
        place.map(|place| EventId::new(place.to_string()).expect("a place is letters, digits and a hyphen"));
    let mut bytes = BytesMut::new();
    for (number, Draft { event_type, data }) in drafts.iter().enumerate() {
        let event_type = EventType::new(*event_type).expect("the name has no newline");
        let mut block = Block::new().event_type(&event_type).data(data);
        if let Some(id) = id.as_ref().filter(|_| number + 1 == drafts.len()) {
            block = block.id(id);
        }
        block.encode(&mut bytes);
    }
    bytes.freeze()
}
