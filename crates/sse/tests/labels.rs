//! Topic and time: what a hub says of an event beside the standard. Nothing of the standard depends on them.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

mod common;

use common::{cuts, hear};
use tidings_sse::Decoder;
use tidings_sse::decode::{Limits, OwnedEvent, OwnedItem};

const TIME: &str = "2026-11-21T08:00:00.000Z";

/// Topic, time and data of the events of a stream, which are the same however it is cut.
fn events(stream: &str) -> Vec<(Option<String>, Option<String>, String)> {
    let mut found = None;
    for cut in cuts(stream.as_bytes()) {
        let heard = hear(Decoder::new(), cut).items;
        assert_eq!(*found.get_or_insert_with(|| heard.clone()), heard, "{stream:?}");
    }
    let told = |event: &OwnedEvent| {
        (event.topic().map(str::to_owned), event.time().map(str::to_owned), event.data.clone())
    };
    let items = found.unwrap_or_default();
    items
        .iter()
        .filter_map(|item| if let OwnedItem::Event(event) = item { Some(told(event)) } else { None })
        .collect()
}

fn told(topic: &str, time: &str, data: &str) -> (Option<String>, Option<String>, String) {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    (text(topic), text(time), data.to_owned())
}

#[test]
fn an_event_has_the_topic_and_the_time_of_its_own_block() {
    let stream = format!(
        "time: {TIME}\ntopic: orders/42\nid: 1\ndata: one\n\ndata: two\n\ntopic: a b\r\nevent: x\r\ndata: three\r\n\r\n\
         data: four\ntopic:five\n\nid: 6\ndata: six\n\n"
    );

    assert_eq!(
        events(&stream),
        [
            told("orders/42", TIME, "one"),
            told("", "", "two"),
            told("a b", "", "three"),
            told("five", "", "four"),
            told("", "", "six"),
        ]
    );
}

#[test]
fn a_block_of_labels_alone_is_no_event_and_leaves_nothing_to_the_next_one() {
    let stream = format!("topic: a\ntime: {TIME}\n\ndata: x\n\ntopic: b\nid: 1\n\ndata: y\n\n");

    assert_eq!(events(&stream), [told("", "", "x"), told("", "", "y")]);
}

#[test]
fn the_last_label_of_a_block_counts_and_one_that_is_empty_is_none() {
    assert_eq!(events("topic: a\ntopic: b\ndata: x\n\n"), [told("b", "", "x")]);
    assert_eq!(
        events("topic: a\ntopic\ndata: x\n\ntime:\ndata: y\n\n"),
        [told("", "", "x"), told("", "", "y")]
    );
}

#[test]
fn names_are_compared_to_the_letter() {
    for name in ["Topic", " topic", "topics", "topi", "t", "times", "tim", "TIME"] {
        assert_eq!(events(&format!("{name}: a\ndata: x\n\n")), [told("", "", "x")], "{name}");
    }
}

#[test]
fn a_label_of_more_than_a_kibibyte_is_ignored_and_takes_no_memory() {
    let longest = "x".repeat(1_024 - "topic: ".len());
    let stream = format!("topic: {longest}\ndata: x\n\ntopic: a\ntopic: {longest}x\ndata: y\n\n");
    assert_eq!(events(&stream), [told(&longest, "", "x"), told("a", "", "y")]);

    let mut decoder = Decoder::new();
    for _ in 0..1_000 {
        assert!(
            decoder.feed(&[b"topic: "[..].to_vec(), vec![b'x'; 10_000]].concat()).next().unwrap().is_none()
        );
    }
    assert!(decoder.memory_bytes() < 4_096, "{}", decoder.memory_bytes());
}

#[test]
fn the_limit_of_a_line_holds_for_a_label_too() {
    let limits = Limits { line_bytes_max: 10, event_bytes_max: 10 };
    for (stream, passes) in [("topic: abc\ndata: x\n\n", true), ("topic: abcd\ndata: x\n\n", false)] {
        for cut in cuts(stream.as_bytes()) {
            let heard = hear(Decoder::new().with_limits(limits), cut);
            assert_eq!(heard.error.is_none(), passes, "{stream:?}");
        }
    }
}

#[test]
fn an_event_that_was_lent_has_them_too() {
    let mut decoder = Decoder::new();
    let stream = format!("time: {TIME}\ntopic: a\ndata: x\n\n");
    let mut feed = decoder.feed(stream.as_bytes());
    let item = feed.next().unwrap().unwrap();
    let tidings_sse::decode::Item::Event(event) = item else { unreachable!("{item:?}") };

    assert_eq!((event.topic(), event.time()), (Some("a"), Some(TIME)));
    let mut owned = OwnedEvent::default();
    owned.data = "x".to_owned();
    assert_eq!(event.to_owned(), owned.with_topic("a").with_time(TIME));
}

#[test]
fn memory_of_labels_is_counted_and_can_be_given_back() {
    let mut decoder = Decoder::new();
    let stream = format!("topic: {}\ndata: x\n\n", "x".repeat(500));
    let mut feed = decoder.feed(stream.as_bytes());
    while feed.next().unwrap().is_some() {}

    assert!(decoder.memory_bytes() >= 500);
    decoder.shrink_to_fit();
    assert_eq!(decoder.memory_bytes(), 0);
}
