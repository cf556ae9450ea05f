//! The ids of an origin in a form that every hub takes, and back.
//!
//! The standard allows an id any text without line ends and NUL. A hub takes less: 256 bytes, no control characters, no
//! white space at an end, and no id that could be one of its own. An id that a hub takes is published as it is. Any other
//! is escaped; if that is too long, the event gets a hash for its id, and an event of type `relay.place` before it holds
//! the id itself. So the newest event of the topic still says where to go on at the origin.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use tidings_client::HeldEvent;
use tidings_core::check_id;

/// The type of the event that holds the id of the event behind it.
pub(super) const PLACE_TYPE: &str = "relay.place";

/// How an id begins that is escaped.
const ESCAPED: &str = "relay-escaped:";
/// How an id begins that is a hash.
const HASHED: &str = "relay-hash:";
/// How the id of an event begins with which the origin took its id back: an empty one.
const NONE: &str = "relay-none:";

/// Escaped are characters that are not ASCII, too.
const SET: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// The data of an event of type [`PLACE_TYPE`].
#[derive(Serialize, Deserialize)]
struct Place {
    id: String,
}

/// An id in the form in which it is published.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CarriedId {
    pub(super) id: String,
    /// The data of an event of type [`PLACE_TYPE`] to publish before the one that has the id, if it does not say it all.
    pub(super) place: Option<String>,
}

impl CarriedId {
    /// The id in a form that every hub takes.
    pub(super) fn escaped(id: &str) -> Self {
        let escaped = format!("{ESCAPED}{}", utf8_percent_encode(id, SET));
        if check_id(&escaped).is_ok() {
            return Self { id: escaped, place: None };
        }
        let place = serde_json::to_string(&Place { id: id.to_owned() }).expect("a text is always JSON");
        Self { id: hashed(id), place: Some(place) }
    }

    /// What stands for an empty id: a text that comes once, so that subscribers find its event by it.
    pub(super) fn none() -> Result<Self, getrandom::Error> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits)?;
        Ok(Self { id: format!("{NONE}{:032x}", u128::from_ne_bytes(bits)), place: None })
    }
}

/// Whether an id can be published as it is: a hub takes it, and it does not look like one that was carried here.
pub(super) fn is_free(id: &str) -> bool {
    !is_carried(id) && check_id(id).is_ok()
}

/// Whether an id was given by a relay to an event whose own id a hub would not take.
pub(super) fn is_carried(id: &str) -> bool {
    [ESCAPED, HASHED, NONE].iter().any(|prefix| id.starts_with(prefix))
}

/// The id that an event had at the origin, which stands here among the newest of the topic. None if it had none, or it is lost; the
/// empty text if the origin took its id back.
pub(super) fn place_at(at: usize, newest: &[HeldEvent]) -> Option<String> {
    place_of(newest.get(at)?.given_id.as_deref()?, newest)
}

/// The id of the origin that was published as this one. None if it is lost, because its `relay.place` is no longer there.
fn place_of(id: &str, newest: &[HeldEvent]) -> Option<String> {
    if let Some(escaped) = id.strip_prefix(ESCAPED) {
        return percent_decode_str(escaped).decode_utf8().ok().map(String::from);
    }
    if id.starts_with(NONE) {
        return Some(String::new());
    }
    if !id.starts_with(HASHED) {
        return Some(id.to_owned());
    }
    let places = newest.iter().filter(|event| event.event_type == PLACE_TYPE);
    let ids = places.filter_map(|event| serde_json::from_str::<Place>(&event.data).ok());
    ids.map(|place| place.id).find(|place| hashed(place) == id)
}

fn hashed(id: &str) -> String {
    let digest = digest(&SHA256, id.as_bytes());
    let hex: String = digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{HASHED}{hex}")
}

#[cfg(test)]
mod tests;
