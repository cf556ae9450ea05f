//! Access that is over: the hub ends the stream, and says why.

use serde::Deserialize;
use tidings_sse::decode::OwnedEvent;

/// The type of the event that says so.
const EVENT_TYPE: &str = "tidings.expired";

/// The access that the stream was asked for with is over: the token has expired, or was taken back. The hub ends the stream after it.
///
/// An event source connects again after the last id, and asks its [token source](crate::EventSourceBuilder::token_source) for a new
/// token, so nothing is lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Expired {
    /// Why, in the words of the hub.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Expired {
    /// What an event says about access that is over. `None` if it is any other event.
    ///
    /// In managed mode an event source calls this itself; it is for programs that listen in
    /// [strict mode](crate::EventSourceBuilder::strict). Data that cannot be read says it all the same.
    pub fn of_event(event: &OwnedEvent) -> Option<Self> {
        if event.event_type.as_deref() != Some(EVENT_TYPE) {
            return None;
        }
        Some(serde_json::from_str(&event.data).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(event_type: &str, data: &str) -> Option<Expired> {
        let mut event = OwnedEvent::default();
        event.event_type = Some(event_type.to_owned());
        event.data = data.to_owned();
        Expired::of_event(&event)
    }

    #[test]
    fn the_reason_is_read_and_members_from_the_future_are_no_obstacle() {
        let expired = of("tidings.expired", r#"{"reason":"the token expired","more":1}"#);

        assert_eq!(expired, Some(Expired { reason: Some("the token expired".into()) }));
    }

    #[test]
    fn data_that_cannot_be_read_says_it_all_the_same() {
        for data in ["not JSON", "", "{}", r#"{"reason":7}"#] {
            assert_eq!(of("tidings.expired", data), Some(Expired::default()), "{data}");
        }
    }

    #[test]
    fn any_other_event_says_nothing_about_access() {
        assert_eq!(of("expired", "{}"), None);
        assert_eq!(of("tidings.expired.more", "{}"), None);
        assert_eq!(Expired::of_event(&OwnedEvent::default()), None);
    }
}
