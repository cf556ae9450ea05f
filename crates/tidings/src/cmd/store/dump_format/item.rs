//! An item of a dump as an object of JSON. The members of an event are those of `docs/reference/events.md`, and a few more.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tidings_core::{
    BatchPart, Cursor, Draft, DraftParts, Epoch, Event, IdempotencyKey, KeyFields, Sequence, Topic,
    UnixMillis,
};
use tidings_sse::{EventId, EventType};
use tidings_store::offline::DumpItem;

use crate::cmd::store::shown;

/// The version of the format.
pub(super) const VERSION: u64 = 1;

/// One of the forms of a line. The name of its member says which.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum ItemObject {
    Begin { dump: BeginObject },
    Epoch { epoch: EpochObject },
    Lost { lost: LostObject },
    End { end: EndObject },
    Event(Box<EventObject>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BeginObject {
    pub(super) version: u64,
    /// The place before the first event.
    pub(super) after: String,
    pub(super) time: TimeText,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EpochObject {
    pub(super) begins: String,
    pub(super) ends: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LostObject {
    pub(super) first: u64,
    pub(super) last: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndObject {
    pub(super) last: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventObject {
    /// The publisher's id, or the cursor.
    pub(super) id: String,
    pub(super) cursor: String,
    pub(super) topic: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) r#type: Option<String>,
    pub(super) data: String,
    pub(super) time: TimeText,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<KeyObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) batch: Option<BatchObject>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) state: bool,
}

/// An idempotency key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyObject {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    credential: String,
    key: String,
}

/// How far a batch has come.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchObject {
    before: u64,
    through: u64,
    digest: String,
    complete: bool,
}

/// A time: RFC 3339, or milliseconds since 1970 if it is too late for that.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum TimeText {
    Text(String),
    Millis(u64),
}

impl TimeText {
    fn of(time: UnixMillis) -> Self {
        match shown::time(time) {
            text if text.contains('T') => Self::Text(text),
            _ => Self::Millis(time.0),
        }
    }

    fn parse(&self) -> Result<UnixMillis, String> {
        match self {
            Self::Millis(ms) => Ok(UnixMillis(*ms)),
            Self::Text(text) => {
                let time =
                    text.parse::<jiff::Timestamp>().map_err(|error| format!("`time` is none: {error}"))?;
                u64::try_from(time.as_millisecond())
                    .map(UnixMillis)
                    .map_err(|_| "`time` is before 1970".to_owned())
            }
        }
    }
}

impl ItemObject {
    pub(super) fn of(item: &DumpItem) -> Self {
        match item {
            DumpItem::Begin { epoch, after, time } => {
                let after = Cursor::new(*epoch, *after).to_string();
                Self::Begin { dump: BeginObject { version: VERSION, after, time: TimeText::of(*time) } }
            }
            DumpItem::Epoch { begins, ends } => {
                Self::Epoch { epoch: EpochObject { begins: begins.to_string(), ends: ends.to_string() } }
            }
            DumpItem::Lost { first, last } => {
                Self::Lost { lost: LostObject { first: first.0, last: last.0 } }
            }
            DumpItem::End { last } => Self::End { end: EndObject { last: last.0 } },
            DumpItem::Event(event) => Self::Event(Box::new(EventObject::of(event))),
        }
    }

    /// What it says, or what is wrong with it.
    pub(super) fn parse(self) -> Result<DumpItem, String> {
        Ok(match self {
            Self::Begin { dump } if dump.version != VERSION => {
                return Err(format!(
                    "it is a dump of version {}, and this version reads {VERSION}",
                    dump.version
                ));
            }
            Self::Begin { dump } => {
                let after: Cursor = dump.after.parse().map_err(|_| "`after` is no cursor")?;
                DumpItem::Begin { epoch: after.epoch, after: after.sequence, time: dump.time.parse()? }
            }
            Self::Epoch { epoch: object } => {
                DumpItem::Epoch { begins: epoch(&object.begins)?, ends: epoch(&object.ends)? }
            }
            Self::Lost { lost } => DumpItem::Lost { first: Sequence(lost.first), last: Sequence(lost.last) },
            Self::End { end } => DumpItem::End { last: Sequence(end.last) },
            Self::Event(event) => DumpItem::Event(Box::new(event.parse()?)),
        })
    }
}

/// An epoch is written as in a cursor.
fn epoch(text: &str) -> Result<Epoch, String> {
    let cursor: Cursor = format!("{text}-0").parse().map_err(|_| format!("{text:?} is no epoch"))?;
    Ok(cursor.epoch)
}

impl EventObject {
    fn of(event: &Event) -> Self {
        let draft = &event.draft;
        Self {
            id: event.id_text(),
            cursor: event.cursor.to_string(),
            topic: draft.topic().as_str().to_owned(),
            r#type: draft.event_type().map(|text| text.as_str().to_owned()),
            data: String::from_utf8_lossy(draft.data()).into_owned(),
            time: TimeText::of(event.time),
            retry: draft.retry_ms(),
            key: draft.key().map(|key| KeyObject {
                credential: key.credential().to_owned(),
                key: key.as_str().to_owned(),
            }),
            batch: draft.batch_part().map(|part| BatchObject {
                before: part.before,
                through: part.through,
                digest: part.digest.iter().map(|byte| format!("{byte:02x}")).collect(),
                complete: part.complete,
            }),
            state: draft.is_state(),
        }
    }

    fn parse(self) -> Result<Event, String> {
        let cursor: Cursor = self.cursor.parse().map_err(|_| "`cursor` is no cursor")?;
        let topic = Topic::parse_held(&self.topic).map_err(|error| format!("`topic`: {error}"))?;
        let event_type = self.r#type.filter(|text| !text.is_empty());
        let event_type =
            event_type.map(|text| EventType::new(text).map_err(|_| "`type` is none")).transpose()?;
        let id = (self.id != self.cursor).then(|| EventId::new(&*self.id).map_err(|_| "`id` is none"));
        let key = self.key.map(|key| {
            let fields = KeyFields { credential: &key.credential, key: &key.key };
            IdempotencyKey::parse(fields).map_err(|error| format!("`key`: {error}"))
        });
        let batch_part = self.batch.map(|batch| {
            let digest = digest(&batch.digest).ok_or("`digest` is not 32 digits")?;
            Ok::<_, String>(BatchPart {
                before: batch.before,
                through: batch.through,
                digest,
                complete: batch.complete,
            })
        });
        let parts = DraftParts {
            event_type,
            id: id.transpose()?,
            retry_ms: self.retry,
            key: key.transpose()?,
            batch_part: batch_part.transpose()?,
            is_state: self.state,
            ..DraftParts::new(topic, Bytes::from(self.data))
        };
        Ok(Event { cursor, time: self.time.parse()?, draft: Draft::restore(parts) })
    }
}

fn digest(text: &str) -> Option<[u8; 16]> {
    let mut digest = [0; 16];
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    (text.len() == 32).then_some(digest)
}
