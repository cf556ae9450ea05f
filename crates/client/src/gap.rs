//! A gap: the hub could not go on where it was asked to, and says so.

use serde::Deserialize;

/// The type of the event that declares a gap.
const EVENT_TYPE: &str = "tidings.gap";

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
    /// A reason that this version does not know.
    Other(String),
}

impl Gap {
    /// Reads an event that declares a gap. Any other event, or one whose data is not a gap's, is none.
    pub(crate) fn of_event(event_type: Option<&str>, data: &str) -> Option<Self> {
        if event_type != Some(EVENT_TYPE) {
            return None;
        }
        serde_json::from_str(data).ok()
    }
}

impl GapReason {
    /// The word for it on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Expired => "expired",
            Self::Unknown => "unknown",
            Self::OtherEpoch => "other-epoch",
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
            _ => Self::Other(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_read_from_its_event() {
        let data = r#"{"requested":"a-1","reason":"expired","resumes_after":"a-9"}"#;

        let gap = Gap::of_event(Some("tidings.gap"), data);

        let expected = Gap {
            requested: Some("a-1".into()),
            reason: GapReason::Expired,
            resumes_after: Some("a-9".into()),
        };
        assert_eq!(gap, Some(expected));
    }

    #[test]
    fn a_reason_from_the_future_is_kept_as_it_is() {
        let gap = Gap::of_event(Some("tidings.gap"), r#"{"reason":"moved","more":1}"#);

        assert_eq!(gap.map(|gap| gap.reason), Some(GapReason::Other("moved".into())));
    }

    #[test]
    fn what_only_looks_like_a_gap_is_an_ordinary_event() {
        assert_eq!(Gap::of_event(Some("tidings.gap"), "not JSON"), None);
        assert_eq!(Gap::of_event(Some("tidings.gap"), "{}"), None);
        assert_eq!(Gap::of_event(Some("gap"), r#"{"reason":"expired"}"#), None);
        assert_eq!(Gap::of_event(None, r#"{"reason":"expired"}"#), None);
    }
}
