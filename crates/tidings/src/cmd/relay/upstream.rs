//! What comes from upstream, as drafts for the hub.

use futures_util::{Stream, StreamExt};
use tidings_client::{Draft, Error, Event, EventSource, Gap, Item, RESERVED_TYPE_PREFIX};

use crate::link::Talk;

/// The type of the event that tells those who watch that some were lost before they came here.
const GAP_TYPE: &str = "relay.gap";

/// An event on its way.
pub(super) struct Relayed {
    pub(super) draft: Draft,
    /// Its id, or words for where it stands, for whoever must be told of it.
    pub(super) place: String,
}

/// The drafts of a source, with their sizes in bytes. What becomes of the connection is told by the way.
pub(super) fn upstream(
    source: EventSource,
    talk: Talk,
) -> impl Stream<Item = Result<(Relayed, usize), Error>> + Send {
    source.filter_map(move |item| {
        std::future::ready(match item {
            Ok(Item::Event(event)) => of_event(event).map(Ok),
            Ok(Item::Gap(gap)) => Some(Ok(gap_told(&gap))),
            Ok(item) => {
                talk.say(&item);
                None
            }
            Err(error) => Some(Err(error)),
        })
    })
}

/// What is to be published of an event.
///
/// In strict mode the upstream hub's own events are events like others. The hub here takes none of their types from a
/// publisher: a gap is told as a gap, and what else the upstream hub says about its stream is not about this one.
fn of_event(event: Event) -> Option<(Relayed, usize)> {
    if let Some(gap) = Gap::of_event(&event) {
        return Some(gap_told(&gap));
    }
    let is_own = event.type_or_message().starts_with(RESERVED_TYPE_PREFIX);
    (!is_own).then(|| relayed(event))
}

/// The same event, but for `retry`, which is about the connection to its origin and not about those to the hub.
fn relayed(mut event: Event) -> (Relayed, usize) {
    let size = event.data.len();
    let place = match event.last_event_id.as_str() {
        "" => "that has no id".to_owned(),
        id => id.to_owned(),
    };
    event.retry = None;
    (Relayed { draft: Draft::from(event), place }, size)
}

/// A gap upstream is a gap for everybody here.
fn gap_told(gap: &Gap) -> (Relayed, usize) {
    let data = serde_json::json!({
        "requested": gap.requested,
        "reason": gap.reason.as_str(),
        "resumes_after": gap.resumes_after,
    });
    let draft = Draft::new(data.to_string()).event_type(GAP_TYPE).expect("it is a type without line ends");
    (Relayed { draft, place: "that tells of a gap".to_owned() }, data.to_string().len())
}
