//! `vectors/vectors.json`: bytes in, events out, cut in every way.

#![allow(clippy::unwrap_used, reason = "the vectors are known to be well-formed")]

mod common;

use serde_json::Value;
use tidings_sse::Decoder;
use tidings_sse::decode::OwnedItem;

use common::{Heard, cuts, hear};

#[test]
fn every_vector_decodes_as_written_whatever_the_chunks() {
    let file: Value = serde_json::from_str(include_str!("vectors/vectors.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();

    for vector in vectors {
        let chunks: Vec<Vec<u8>> = vector["chunks"].as_array().unwrap().iter().map(bytes).collect();
        check(vector, hear(decoder(vector), chunks.iter().map(Vec::as_slice)), "as given");
        let stream = chunks.concat();
        for cut in cuts(&stream) {
            let how =
                format!("in {} chunks, the first of {} bytes", cut.len(), cut.first().map_or(0, |c| c.len()));
            check(vector, hear(decoder(vector), cut), &how);
        }
    }

    assert_eq!(vectors.len(), 126, "the file is whole");
}

fn decoder(vector: &Value) -> Decoder {
    Decoder::new().with_last_event_id(vector["initialLastEventId"].as_str().unwrap_or_default())
}

fn check(vector: &Value, heard: Heard, how: &str) {
    let name = vector["name"].as_str().unwrap();
    let mut events = Vec::new();
    let mut retries = Vec::new();
    let mut comments = Vec::new();
    for item in &heard.items {
        match item {
            OwnedItem::Event(event) => {
                events.push((
                    event.type_or_message().into(),
                    event.data.clone(),
                    event.last_event_id.clone(),
                ));
            }
            OwnedItem::Retry(retry) => retries.push(retry.as_ms()),
            OwnedItem::Comment(text) => comments.push(text.clone()),
            OwnedItem::Id(_) => {}
        }
    }

    assert_eq!(heard.error, None, "{name} {how}");
    assert_eq!(events, expected_events(vector), "{name} {how}");
    assert_eq!(retries, expected_retries(vector), "{name} {how}");
    assert_eq!(heard.last_event_id, vector["finalLastEventId"].as_str().unwrap(), "{name} {how}");
    if let Some(expected) = vector["comments"].as_array() {
        assert_eq!(comments, expected.iter().map(text).collect::<Vec<_>>(), "{name} {how}");
    }
}

fn expected_events(vector: &Value) -> Vec<(String, String, String)> {
    let events = vector["expected"].as_array().unwrap();
    events
        .iter()
        .map(|event| (text(&event["type"]), text(&event["data"]), text(&event["lastEventId"])))
        .collect()
}

/// Without what does not fit 64 bits: the vector leaves that to us, and we ignore it.
fn expected_retries(vector: &Value) -> Vec<u64> {
    vector["retry"].as_array().unwrap().iter().filter_map(Value::as_u64).collect()
}

/// A chunk: "every character is U+0000..U+00FF and stands for that one byte".
fn bytes(chunk: &Value) -> Vec<u8> {
    text(chunk).chars().map(|c| u8::try_from(c).unwrap()).collect()
}

fn text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => value["repeat"].as_str().unwrap().repeat(value["count"].as_u64().unwrap() as usize),
    }
}
