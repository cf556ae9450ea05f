//! Whether `Last-Event-ID` arrives at the hub. By an id that nobody gave: a hub that has heard it says that there is a gap.

use http::HeaderValue;
use http::header::HeaderName;
use tidings_sse::Decoder;
use tidings_sse::decode::Item;

use crate::cmd::doctor::ask::{Asker, NoAnswer, Question};
use crate::cmd::doctor::remedy::Fault;
use crate::cmd::doctor::report::Check;
use crate::cmd::doctor::target::{Target, unused_name};

const NAME: &str = "last-event-id";

/// Looks whether the header and the parameter arrive. A poll is asked for, because it arrives also where streams are held back.
pub(in crate::cmd::doctor) async fn look(asker: &Asker, target: &Target) -> Check {
    let id = unused_name();
    let of_header = Question::stream(target.url(&[("mode", "poll"), ("on_gap", "latest")])).with(
        HeaderName::from_static("last-event-id"),
        HeaderValue::from_str(&id).expect("a plain name is a value"),
    );
    let of_parameter =
        Question::stream(target.url(&[("mode", "poll"), ("on_gap", "latest"), ("last_event_id", &id)]));
    let unknown = |words: String| Check::unknown(NAME, words);
    match (arrives(asker, &of_header, &id).await, arrives(asker, &of_parameter, &id).await) {
        (Ok(true), _) => Check::well(NAME, "it arrives at the hub, so a client that comes back misses nothing"),
        (Ok(false), Ok(true)) => Check::finding(
            NAME,
            "the header does not arrive at the hub, so a browser's EventSource that comes back loses the events between; the parameter \
             `last_event_id` does arrive",
        )
        .mended_by(Fault::NoLastEventId),
        (Ok(false), Ok(false)) => Check::finding(
            NAME,
            "neither the header nor the parameter `last_event_id` arrives at the hub, so a client that comes back loses the events \
             between",
        )
        .mended_by(Fault::NoLastEventId),
        (Ok(false), Err(words)) | (Err(words), _) => unknown(words),
    }
}

/// Whether the hub has heard the id.
async fn arrives(asker: &Asker, question: &Question, id: &str) -> Result<bool, String> {
    let whole = asker.whole(question).await.map_err(|error: NoAnswer| error.words())?;
    if !whole.is_event_stream() {
        return Err(format!("the hub was asked to go on after an id, and answered {}", whole.words()));
    }
    Ok(gap(&whole.body).is_some_and(|requested| requested == id))
}

/// What the first gap of a piece of a stream says was asked for.
fn gap(piece: &[u8]) -> Option<String> {
    let mut decoder = Decoder::new();
    let mut feed = decoder.feed(piece);
    while let Ok(Some(item)) = feed.next() {
        if let Item::Event(event) = item
            && event.type_or_message() == "tidings.gap"
        {
            let gap: serde_json::Value = serde_json::from_str(event.data).ok()?;
            return gap.get("requested")?.as_str().map(str::to_owned);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_says_what_was_asked_for() {
        let piece = ": heartbeat 15000\nretry: 3000\nevent: tidings.gap\nid: a-0\ndata: {\"requested\":\"x\",\"reason\":\"unknown\"}\n\n";

        assert_eq!(gap(piece.as_bytes()).as_deref(), Some("x"));
        assert_eq!(gap(b"event: tidings.open\ndata: {}\n\n"), None);
        assert_eq!(gap(b"event: tidings.gap\ndata: x\n\n"), None);
        assert_eq!(gap(b"\xff\x00"), None);
    }
}
