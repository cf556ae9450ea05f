//! `vectors/encoder_cases.json`: what an encoder must emit, and what it must refuse.

#![allow(clippy::unwrap_used, reason = "the cases are known to be well-formed")]

mod common;

use serde_json::Value;
use tidings_sse::decode::OwnedItem;
use tidings_sse::encode::{Comment, Event};
use tidings_sse::{Decoder, EventId, EventType, Retry};

use common::{Heard, cuts, hear};

#[test]
fn every_case_is_encoded_to_its_reference_or_refused() {
    let file: Value = serde_json::from_str(include_str!("vectors/encoder_cases.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();

    for case in cases {
        let name = case["name"].as_str().unwrap();
        match (encode(&case["input"]), case["outcome"].as_str().unwrap()) {
            (Ok(bytes), "ok") => check(case, &bytes),
            (Err(_), "reject") => {}
            (outcome, expected) => unreachable!("{name}: {expected}, not {outcome:?}"),
        }
    }

    assert_eq!(cases.len(), 24, "the file is whole");
}

fn encode(input: &Value) -> Result<Vec<u8>, String> {
    if let Some(comment) = input["comment"].as_str() {
        return Ok(Comment::new(comment).to_vec());
    }
    let text = |field: &str| input[field].as_str();
    let event_type = text("event").map(EventType::new).transpose().map_err(|error| error.to_string())?;
    let id = text("id").map(EventId::new).transpose().map_err(|error| error.to_string())?;
    let retry =
        input["retry"].as_i64().map(Retry::try_from).transpose().map_err(|error| error.to_string())?;
    let mut event = Event::new();
    event = event_type.iter().fold(event, |event, event_type| event.event_type(event_type));
    event = id.iter().fold(event, |event, id| event.id(id));
    event = retry.into_iter().fold(event, Event::retry);
    event = text("data").into_iter().fold(event, |event, data| event.data(data));
    Ok(event.to_vec())
}

/// "whole, byte-wise, and followed or preceded by another encoded event"
fn check(case: &Value, bytes: &[u8]) {
    let name = case["name"].as_str().unwrap();
    assert_eq!(str::from_utf8(bytes).unwrap(), case["referenceBytes"].as_str().unwrap(), "{name}");
    for cut in cuts(bytes) {
        let heard = hear(Decoder::new(), cut);
        assert_eq!(heard.last_event_id, case["finalLastEventId"].as_str().unwrap(), "{name}");
        assert_eq!(spoken(&heard), expected(case), "{name}");
    }
    let neighbour = Event::new().data("neighbour").to_vec();
    let stream = [&*neighbour, bytes, &*neighbour].concat();
    for cut in cuts(&stream) {
        let mut all = spoken(&hear(Decoder::new(), cut));
        let (first, last) = (all.events.remove(0), all.events.pop());
        assert_eq!((first.0.as_str(), first.1.as_str()), ("message", "neighbour"), "{name}");
        assert_eq!(last.map(|last| (last.0, last.1)), Some(("message".into(), "neighbour".into())), "{name}");
        assert_eq!(all, expected(case), "{name} between neighbours");
    }
}

#[derive(Debug, PartialEq, Eq, Default)]
struct Spoken {
    events: Vec<(String, String, String)>,
    retries: Vec<u64>,
    comments: Vec<String>,
}

fn spoken(heard: &Heard) -> Spoken {
    let mut spoken = Spoken::default();
    for item in &heard.items {
        match item {
            OwnedItem::Event(event) => spoken.events.push((
                event.type_or_message().to_owned(),
                event.data.clone(),
                event.last_event_id.clone(),
            )),
            OwnedItem::Retry(retry) => spoken.retries.push(retry.as_ms()),
            OwnedItem::Comment(text) => spoken.comments.push(text.clone()),
            OwnedItem::Id(_) => {}
        }
    }
    spoken
}

fn expected(case: &Value) -> Spoken {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |field: &str| case[field].as_array().cloned().unwrap_or_default();
    Spoken {
        events: list("parsed")
            .iter()
            .map(|event| (text(&event["type"]), text(&event["data"]), text(&event["lastEventId"])))
            .collect(),
        retries: list("retry").iter().map(|retry| retry.as_u64().unwrap()).collect(),
        comments: list("comments").iter().map(text).collect(),
    }
}
