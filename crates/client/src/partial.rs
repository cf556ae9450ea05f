//! A search for the newest events that ended too early: fewer follow than were asked for, and the hub says so.

use serde::Deserialize;
use tidings_sse::decode::OwnedEvent;

/// The type of the event that says so.
const EVENT_TYPE: &str = "tidings.partial";

/// The hub was asked for the newest events, and would have had to look at too many to find all of them.
///
/// What follows on the stream has every event after a place; older ones may be there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Partial {
    /// What was asked for, such as `last 50`.
    #[serde(default)]
    pub requested: Option<String>,
    /// The id after which the stream has everything.
    #[serde(default)]
    pub begins_after: Option<String>,
}

impl Partial {
    /// What an event says about the search. `None` if it is any other event.
    ///
    /// In managed mode an event source calls this itself; it is for programs that listen in
    /// [strict mode](crate::EventSourceBuilder::strict). Data that cannot be read says it all the same.
    pub fn of_event(event: &OwnedEvent) -> Option<Self> {
        if event.event_type.as_deref() != Some(EVENT_TYPE) {
            return None;
        }
        let unreadable = || Self {
            requested: None,
            begins_after: event.id().filter(|id| !id.is_empty()).map(str::to_owned),
        };
        Some(serde_json::from_str(&event.data).unwrap_or_else(|_| unreadable()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(event_type: &str, data: &str) -> Option<Partial> {
        let mut event = OwnedEvent::default();
        event.event_type = Some(event_type.to_owned());
        event.data = data.to_owned();
        event.last_event_id = "a-9".to_owned();
        event.id_in_block = true;
        Partial::of_event(&event)
    }

    #[test]
    fn it_is_read_from_its_event_and_members_from_the_future_are_no_obstacle() {
        let partial = of("tidings.partial", r#"{"requested":"last 50","begins_after":"a-7","more":1}"#);

        let expected = Partial { requested: Some("last 50".into()), begins_after: Some("a-7".into()) };
        assert_eq!(partial, Some(expected));
    }

    #[test]
    fn data_that_cannot_be_read_says_it_all_the_same() {
        for data in ["not JSON", "", r#"{"requested":7}"#] {
            let expected = Partial { requested: None, begins_after: Some("a-9".into()) };
            assert_eq!(of("tidings.partial", data), Some(expected), "{data}");
        }
    }

    #[test]
    fn any_other_event_says_nothing_about_a_search() {
        assert_eq!(of("partial", "{}"), None);
        assert_eq!(of("tidings.partial.more", "{}"), None);
        assert_eq!(Partial::of_event(&OwnedEvent::default()), None);
    }
}
