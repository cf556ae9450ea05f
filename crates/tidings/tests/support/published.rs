//! What a topic holds after something was published, as history tells it.

use tidings_testkit::hub::Hub;

/// All events of a topic: type, data and id, an id of the hub's as `-`.
pub(crate) fn events(hub: &Hub, topic: &str) -> Vec<(String, String, String)> {
    let answer = hub
        .connect()
        .get(&format!("/events/{topic}?limit=1000"), &[("Accept", "application/json")])
        .expect("it is history as JSON");
    let page: serde_json::Value = serde_json::from_str(&answer.body).expect("it is history as JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("it is history as JSON").to_owned();
    let id = |event: &serde_json::Value| {
        if event["id"] == event["cursor"] { "-".into() } else { text(&event["id"]) }
    };
    let events = page["events"].as_array().expect("it is history as JSON");
    events.iter().map(|event| (text(&event["type"]), text(&event["data"]), id(event))).collect()
}

pub(crate) fn event(event_type: &str, data: &str, id: &str) -> (String, String, String) {
    (event_type.into(), data.into(), id.into())
}
