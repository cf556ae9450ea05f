//! Where a hub's stream begins, and the name of its connection.

use serde::Deserialize;
use tidings_sse::decode::OwnedEvent;

/// The type of the event that says so.
const EVENT_TYPE: &str = "tidings.open";

/// What a hub says of a stream that has just begun.
///
/// A hub tells it if it has no event for the stream at that moment, and with `opening=always` in the URL each time. An event source
/// [keeps the name of the connection](crate::EventSource::connection).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Beginning {
    /// The name of this connection, by which a publisher [leaves it out](crate::Publisher::excepting). A reconnection has another.
    #[serde(default)]
    pub connection: Option<String>,
    /// The id after which the stream has everything.
    #[serde(default)]
    pub cursor: Option<String>,
}

impl Beginning {
    /// What an event says about the beginning of its stream. `None` if it is any other event.
    ///
    /// In managed mode an event source calls this itself; it is for programs that listen in
    /// [strict mode](crate::EventSourceBuilder::strict). Data that cannot be read names no connection.
    pub fn of_event(event: &OwnedEvent) -> Option<Self> {
        if event.event_type.as_deref() != Some(EVENT_TYPE) {
            return None;
        }
        let unreadable =
            || Self { connection: None, cursor: event.id().filter(|id| !id.is_empty()).map(str::to_owned) };
        Some(serde_json::from_str(&event.data).unwrap_or_else(|_| unreadable()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(event_type: &str, data: &str) -> Option<Beginning> {
        let mut event = OwnedEvent::default();
        event.event_type = Some(event_type.to_owned());
        event.data = data.to_owned();
        event.last_event_id = "a-9".to_owned();
        event.id_in_block = true;
        Beginning::of_event(&event)
    }

    #[test]
    fn the_connection_is_read_and_other_members_are_no_obstacle() {
        let beginning =
            of("tidings.open", r#"{"cursor":"a-9","heartbeat_ms":15000,"time":"x","connection":"c1"}"#);

        assert_eq!(beginning, Some(Beginning { connection: Some("c1".into()), cursor: Some("a-9".into()) }));
        assert_eq!(of("tidings.open", "{}"), Some(Beginning::default()), "an older hub's");
    }

    #[test]
    fn data_that_cannot_be_read_names_no_connection() {
        for data in ["not JSON", "", r#"{"connection":7}"#] {
            let expected = Beginning { connection: None, cursor: Some("a-9".into()) };
            assert_eq!(of("tidings.open", data), Some(expected), "{data}");
        }
    }

    #[test]
    fn any_other_event_says_nothing_about_a_beginning() {
        assert_eq!(of("open", "{}"), None);
        assert_eq!(of("tidings.opened", "{}"), None);
        assert_eq!(Beginning::of_event(&OwnedEvent::default()), None);
    }
}
