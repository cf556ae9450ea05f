//! A gap: the hub could not go on where it was asked to, and says so.

use serde::Deserialize;
use tidings_sse::decode::OwnedEvent;

/// Event types that begin so are the hub's own: no publisher can use them. In managed mode the types that this
/// version does not know are passed over, and what they carry for the connection, such as an id, counts.
pub const RESERVED_TYPE_PREFIX: &str = "tidings.";

/// The type of the events that tell who reads a topic. They have no id, and only who subscribes to `tidings/presence/` and a topic
/// hears them.
pub const PRESENCE_TYPE: &str = "tidings.presence";

/// The type of the event that declares a gap.
const EVENT_TYPE: &str = "tidings.gap";

/// The reason of a gap that is declared in words that cannot be read.
const UNREADABLE: &str = "unreadable";

/// Events that were asked for and that the hub can no longer give. Loss is never silent.
///
/// Whoever keeps a state made of events should fetch it anew: what follows on the stream begins after the gap.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// The id that was asked for, as it was sent.
    #[serde(default)]
    pub requested: Option<String>,
    /// Why it cannot be resumed.
    pub reason: GapReason,
    /// The id after which the stream goes on.
    #[serde(default)]
    pub resumes_after: Option<String>,
}

/// Why a place in the log cannot be resumed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
#[non_exhaustive]
pub enum GapReason {
    /// Events after the place are older than the hub keeps them.
    Expired,
    /// The hub does not know the place.
    Unknown,
    /// The place is of an earlier life of the log, for instance before its data was replaced.
    OtherEpoch,
    /// The hub cannot read the events that come next, since a disk has changed or lost their bytes.
    Damaged,
    /// A reason that this version does not know.
    Other(String),
}

impl Gap {
    /// The gap that an event declares. `None` if it is any other event.
    ///
    /// In managed mode an event source calls this itself; it is for programs that listen in
    /// [strict mode](crate::EventSourceBuilder::strict). A declaration that cannot be read is a gap for a reason
    /// that is not known, because a loss must never pass for none.
    pub fn of_event(event: &OwnedEvent) -> Option<Self> {
        if event.event_type.as_deref() != Some(EVENT_TYPE) {
            return None;
        }
        let unreadable = || Self {
            requested: None,
            reason: GapReason::Other(UNREADABLE.to_owned()),
            resumes_after: event.id().filter(|id| !id.is_empty()).map(str::to_owned),
        };
        Some(serde_json::from_str(&event.data).unwrap_or_else(|_| unreadable()))
    }
}

impl GapReason {
    /// The word for it on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::OtherEpoch => "other-epoch",
            Self::Damaged => "damaged",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for GapReason {
    fn from(word: String) -> Self {
        match word.as_str() {
            "expired" => Self::Expired,
            "unknown" => Self::Unknown,
            "other-epoch" => Self::OtherEpoch,
            "damaged" => Self::Damaged,
            _ => Self::Other(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(event_type: &str, data: &str) -> Option<Gap> {
        let mut event = OwnedEvent::default();
        event.event_type = Some(event_type.to_owned());
        event.data = data.to_owned();
        event.last_event_id = "a-9".to_owned();
        event.id_in_block = true;
        Gap::of_event(&event)
    }

    #[test]
    fn a_gap_is_read_from_its_event() {
        let data = r#"{"requested":"a-1","reason":"expired","resumes_after":"a-9"}"#;

        let gap = of("tidings.gap", data);

        let expected = Gap {
            requested: Some("a-1".into()),
            reason: GapReason::Expired,
            resumes_after: Some("a-9".into()),
        };
        assert_eq!(gap, Some(expected));
    }

    #[test]
    fn a_reason_and_members_from_the_future_are_no_obstacle() {
        let gap = of("tidings.gap", r#"{"reason":"moved","more":1}"#);

        assert_eq!(gap.map(|gap| gap.reason), Some(GapReason::Other("moved".into())));
    }

    #[test]
    fn a_declaration_that_cannot_be_read_is_a_gap_all_the_same() {
        for data in ["not JSON", "{}", "", r#"{"reason":7}"#] {
            let expected = Gap {
                requested: None,
                reason: GapReason::Other("unreadable".into()),
                resumes_after: Some("a-9".into()),
            };
            assert_eq!(of("tidings.gap", data), Some(expected), "{data}");
        }
    }

    #[test]
    fn any_other_event_is_no_gap() {
        let data = r#"{"reason":"expired"}"#;

        assert_eq!(of("gap", data), None);
        assert_eq!(of("tidings.gap.more", data), None);
        assert_eq!(Gap::of_event(&OwnedEvent::default()), None);
    }
}
