//! What comes from upstream, as drafts for the hub.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{Stream, StreamExt, stream};
use tidings_client::{Draft, Error, Event, EventSource, Gap, Item, RESERVED_TYPE_PREFIX};
use tidings_core::Cursor;

use super::carried::{self, CarriedId, PLACE_TYPE};
use super::mended::Mended;
use super::resume::{Heard, Resume};
use crate::limits::SAID_CHARS_MAX;
use crate::link::Talk;

/// The type of the event that tells those who watch that some were lost before they came here.
pub(super) const GAP_TYPE: &str = "relay.gap";

/// An event on its way.
pub(super) struct Relayed {
    pub(super) draft: Draft,
    /// Its id, or words for what it is, for whoever must be told of it.
    pub(super) place: String,
    /// The origin's id for it.
    origin_id: Option<String>,
    /// The id that the draft has in its place.
    carried_id: Option<String>,
    /// Bytes of its data.
    size: usize,
}

impl Relayed {
    /// The origin's id for it.
    pub(super) fn origin_id(&self) -> Option<&str> {
        self.origin_id.as_deref()
    }

    /// The id that the draft has in its place, if it has another.
    pub(super) fn carried_id(&self) -> Option<&str> {
        self.carried_id.as_deref()
    }

    /// Whether the draft has an id that looks as if a hub had given it.
    pub(super) fn has_hub_like_id(&self) -> bool {
        let id = self.origin_id.as_deref().filter(|_| self.carried_id.is_none());
        id.is_some_and(|id| id.parse::<Cursor>().is_ok())
    }

    /// The same event, its id in another form, and what must be published before it.
    pub(super) fn escaped(self) -> Vec<Self> {
        match self.origin_id.as_deref().map(CarriedId::escaped) {
            Some(carried) => self.carrying(carried),
            None => vec![self],
        }
    }

    fn carrying(self, carried: CarriedId) -> Vec<Self> {
        let place = carried.place.map(|data| Self {
            size: data.len(),
            place: format!("that holds the id of the event {}", self.place),
            draft: Draft::new(data).event_type(PLACE_TYPE).expect("it is a type without line ends"),
            origin_id: None,
            carried_id: None,
        });
        let draft = self.draft.id(&carried.id).expect("what a hub takes for an id has no line ends");
        place.into_iter().chain([Self { draft, carried_id: Some(carried.id), ..self }]).collect()
    }
}

/// What is remembered of the source, however often it is asked again.
pub(super) struct Memory {
    pub(super) resume: Resume,
    pub(super) mended: Mended,
}

/// The drafts of a source, with their sizes in bytes. What becomes of the connection is told by the way.
pub(super) fn upstream(
    source: EventSource,
    talk: Talk,
    memory: Arc<Mutex<Memory>>,
) -> impl Stream<Item = Result<(Relayed, usize), Error>> + Send {
    let items = stream::unfold(source, |mut source| async move {
        let item = source.next().await?;
        Some(((item, source.replaced()), source))
    });
    let relayed = items.filter_map(move |(item, replaced)| {
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        std::future::ready(match item {
            Ok(Item::Event(event)) => of_event(event, replaced, &mut memory).map(Ok),
            Ok(Item::Gap(gap)) => Some(Ok(vec![gap_told(&gap)])),
            Ok(item) => {
                talk.say(&item);
                None
            }
            Err(error) => Some(Err(error)),
        })
    });
    relayed.flat_map(|relayed| match relayed {
        Ok(relayed) => stream::iter(relayed.into_iter().map(sized).map(Ok).collect::<Vec<_>>()),
        Err(error) => stream::iter(vec![Err(error)]),
    })
}

fn sized(relayed: Relayed) -> (Relayed, usize) {
    let size = relayed.size;
    (relayed, size)
}

/// What is to be published of an event.
///
/// In strict mode the upstream hub's own events are events like others. The hub here takes none of their types from a
/// publisher: a gap is told as a gap, and what else the upstream hub says about its stream is not about this one.
fn of_event(event: Event, replaced: u64, memory: &mut Memory) -> Option<Vec<Relayed>> {
    if let Some(gap) = Gap::of_event(&event) {
        return Some(vec![gap_told(&gap)]);
    }
    let is_own = event.type_or_message().starts_with(RESERVED_TYPE_PREFIX);
    let had_place = memory.resume.has_place();
    if is_own || memory.resume.has(Heard::of(&event)) {
        return None;
    }
    memory.mended.look(&event, replaced);
    Some(relayed(event, had_place))
}

/// The same event, but for `retry`, which is about the connection to its origin and not about those to the hub. Its id is
/// carried in a form that the hub takes. `had_place` is whether the source had an id before it.
fn relayed(mut event: Event, had_place: bool) -> Vec<Relayed> {
    let place = match event.last_event_id.as_str() {
        "" => "that has no id".to_owned(),
        id => id.chars().take(SAID_CHARS_MAX).collect(),
    };
    let own_id = event.id().map(str::to_owned);
    event.retry = None;
    let size = event.data.len();
    let as_it_is = |draft, origin_id| Relayed { draft, place, origin_id, carried_id: None, size };
    match own_id {
        None => vec![as_it_is(Draft::from(event), None)],
        Some(id) if id.is_empty() => {
            let event = as_it_is(Draft::from(event), None);
            // The standard: an empty id takes the last one back, and the source is resumed without any. Without random
            // numbers the event has no id, and the next relay resumes after the one before it.
            match CarriedId::none() {
                Ok(none) if had_place => event.carrying(none),
                Ok(_) | Err(_) => vec![event],
            }
        }
        Some(id) => {
            let is_free = carried::is_free(&id);
            let event = as_it_is(Draft::from(event), Some(id));
            if is_free { vec![event] } else { event.escaped() }
        }
    }
}

/// A gap upstream is a gap for everybody here.
fn gap_told(gap: &Gap) -> Relayed {
    let data = serde_json::json!({
        "requested": gap.requested,
        "reason": gap.reason.as_str(),
        "resumes_after": gap.resumes_after,
    });
    let data = data.to_string();
    Relayed {
        size: data.len(),
        draft: Draft::new(data).event_type(GAP_TYPE).expect("it is a type without line ends"),
        place: "that tells of a gap".to_owned(),
        origin_id: None,
        carried_id: None,
    }
}
