//! Nobody ever sees an event that no grant covers, whichever way of reading is tried, and everybody sees what is covered.
//!
//! Random grants, selectors and topics, against a model that matches segment by segment.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::Value;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Selector};
use tidings_http::grants::{Access, Allowed, Grants};
use tidings_http::{AccessSettings, Body, Front, HttpConfig, Pages};
use tokio::time::timeout;

/// Whether a pattern matches a topic, by the words of the reference.
fn matches(pattern: &[&str], topic: &[&str]) -> bool {
    match (pattern.split_first(), topic.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) if matches(rest, topic) => true,
        (Some((&"**", _)), Some((_, topic))) => matches(pattern, topic),
        (Some((&"*", pattern)), Some((_, topic))) => matches(pattern, topic),
        (Some((own, pattern)), Some((segment, topic))) => own == segment && matches(pattern, topic),
        _ => false,
    }
}

fn is_of(selectors: &[String], topic: &str) -> bool {
    let topic: Vec<_> = topic.split('/').collect();
    selectors.iter().any(|selector| matches(&selector.split('/').collect::<Vec<_>>(), &topic))
}

/// Names of up to four segments out of few letters, so that they meet often.
fn topic() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof!["a", "b", "c%2"], 1..4).prop_map(|segments| segments.join("/"))
}

fn selector() -> impl Strategy<Value = String> {
    let segment =
        prop_oneof![4 => "a", 2 => "b", 1 => "c%2", 2 => Just("*".to_owned()), 1 => Just("**".to_owned())];
    let is_good = |text: &String| Selector::parse(text).is_ok();
    proptest::collection::vec(segment, 1..4)
        .prop_map(|segments| segments.join("/"))
        .prop_filter("one", is_good)
}

/// A way of reading: parameters, and whether it is a page.
const WAYS: [(&str, bool); 8] = [
    ("since=earliest", false),
    ("last=3", false),
    ("last_event_id=1-2", false),
    ("last_event_id=9-9", false),
    ("", false),
    ("limit=2", true),
    ("last=3", true),
    ("since=earliest&limit=100", true),
];

/// The topics of the events that come. Each event has its topic as data.
async fn seen(body: Body, is_page: bool) -> Vec<String> {
    let mut body = body;
    let mut bytes = Vec::new();
    // Virtual time: as soon as nothing more is done.
    while let Ok(Some(frame)) = timeout(Duration::from_secs(1), body.frame()).await {
        bytes.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    let text = String::from_utf8(bytes).unwrap();
    if is_page {
        let page: Value = serde_json::from_str(&text).unwrap();
        let events = page["events"].as_array().unwrap().iter();
        return events.map(|event| event["data"].as_str().unwrap().to_owned()).collect();
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| !data.starts_with('{')).map(str::to_owned).collect()
}

async fn read(
    granted: &[String],
    asked: &[String],
    topics: &[String],
    way: (&str, bool),
    wants_a_part: bool,
) -> Option<Vec<String>> {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    let selectors = granted.iter().map(|text| Selector::parse(text).unwrap());
    let anonymous = Grants { subscribe: Allowed::new(selectors), ..Grants::default() };
    let access = Access { anonymous, ..Access::default() };
    let mut config = HttpConfig::default();
    config.access = Some(Arc::new(AccessSettings { access, ..AccessSettings::default() }));
    let front = Front::new(hub.clone(), config, Pages::default(), clock);
    let (before, after) = topics.split_at(topics.len() / 2);
    for topic in before {
        hub.publish(draft(topic, topic)).await.unwrap();
    }
    let (parameters, is_page) = way;
    let mut target = format!("/events?{parameters}&partial={wants_a_part}");
    for selector in asked {
        target.push_str(&format!("&topic={}", selector.replace('%', "%25")));
    }
    let accept = if is_page { "application/json" } else { "text/event-stream" };
    let request = Request::get(target).header("accept", accept).body(String::new()).unwrap();
    let response = front.handle(request).await;
    if response.status() == 401 {
        return None;
    }
    assert_eq!(response.status(), 200);
    for topic in after {
        hub.publish(draft(topic, topic)).await.unwrap();
    }
    Some(seen(response.into_body(), is_page).await)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nobody_sees_what_is_not_granted(
        granted in proptest::collection::vec(selector(), 0..4),
        asked in proptest::collection::vec(selector(), 1..4),
        topics in proptest::collection::vec(topic(), 0..12),
        way in proptest::sample::select(&WAYS[..]),
        wants_a_part in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let seen = runtime.block_on(read(&granted, &asked, &topics, way, wants_a_part));
        match &seen {
            Some(seen) => {
                for topic in seen {
                    prop_assert!(is_of(&granted, topic) && is_of(&asked, topic), "{topic} of {topics:?}");
                }
                // All that was asked for is covered, so all of it comes.
                if !wants_a_part && way.0 == "since=earliest" {
                    let expected: Vec<_> = topics.iter().filter(|topic| is_of(&asked, topic)).cloned().collect();
                    prop_assert_eq!(seen, &expected);
                }
            }
            None => {
                let single = |asked: &String| granted.iter().any(|granted| granted == asked || granted == "**");
                prop_assert!(!asked.iter().all(single), "all are granted literally");
            }
        }
    }
}
