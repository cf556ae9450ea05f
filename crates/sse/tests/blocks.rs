//! What each block, and nothing but that block, set; and what is reported to whom.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that hears something else has failed")]

mod common;

use tidings_sse::decode::{Item, OwnedEvent, OwnedItem, Report};
use tidings_sse::{Decoder, Retry};

use common::{cuts, hear, hear_chunk, hear_whole};

/// The events of a stream, however it is cut.
fn events(stream: &str) -> Vec<OwnedEvent> {
    let hear = |cut| {
        let items = hear(Decoder::new(), cut).items.into_iter();
        let events =
            items.filter_map(|item| if let OwnedItem::Event(event) = item { Some(event) } else { None });
        events.collect::<Vec<_>>()
    };
    let whole = hear(vec![stream.as_bytes()]);
    for cut in cuts(stream.as_bytes()) {
        assert_eq!(hear(cut), whole);
    }
    whole
}

#[test]
fn an_event_tells_the_id_of_its_own_block_from_one_carried_over() {
    let events = events("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n");

    let ids: Vec<_> = events.iter().map(|event| (event.id(), event.last_event_id.as_str())).collect();
    assert_eq!(ids, [(Some("1"), "1"), (None, "1"), (Some(""), "")]);
}

#[test]
fn an_id_of_a_block_without_data_does_not_count_as_the_next_blocks_own() {
    let events = events("id: 1\n\ndata: a\n\n");

    assert_eq!((events[0].id(), events[0].last_event_id.as_str()), (None, "1"));
}

#[test]
fn an_event_tells_the_retry_of_its_own_block() {
    let events =
        events("retry: 5\ndata: a\n\ndata: b\n\nretry: 6\n\ndata: c\n\nretry: 7\nretry: x\ndata: d\n\n");

    let retries: Vec<_> = events.iter().map(|event| event.retry.map(Retry::as_ms)).collect();
    assert_eq!(retries, [Some(5), None, None, Some(7)]);
}

#[test]
fn nobody_hears_comments_retries_and_ids_without_asking() {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    let stream = b":hi\nretry: 5\n\nid: 1\n\ndata: x\n\n";

    hear_chunk(&mut decoder, stream, &mut items).unwrap();

    assert_eq!(items.len(), 1);
    assert_eq!(decoder.last_event_id(), "1");
}

#[test]
fn each_kind_is_reported_to_those_who_ask_for_it() {
    let stream = b":hi\nretry: 5\n\nid: 1\n\ndata: x\n\n";
    let first = |report| {
        let mut items = Vec::new();
        hear_chunk(&mut Decoder::new().with_report(report), stream, &mut items).unwrap();
        assert_eq!(items.len(), 2);
        items.swap_remove(0)
    };

    assert_eq!(first(Report { comments: true, ..Report::default() }), OwnedItem::Comment("hi".into()));
    assert_eq!(first(Report { retries: true, ..Report::default() }), OwnedItem::Retry(Retry::from_ms(5)));
    assert_eq!(first(Report { ids: true, ..Report::default() }), OwnedItem::Id("1".into()));
}

#[test]
fn an_event_that_lies_whole_in_the_chunk_is_lent_from_it() {
    let chunk = b"id: 7\nevent: tick\ndata: whole\n\n".to_vec();
    let mut decoder = Decoder::new();

    let mut feed = decoder.feed(&chunk);
    let Some(Item::Event(event)) = feed.next().unwrap() else { panic!("an event") };

    let range = chunk.as_ptr_range();
    assert!(range.contains(&event.data.as_ptr()) && range.contains(&event.event_type.unwrap().as_ptr()));
}

#[test]
fn an_item_can_be_kept_when_it_is_made_owned() {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    {
        let chunk = b"event: a\nid: 1\nretry: 2\ndata: x\n\n".to_vec();
        hear_chunk(&mut decoder, &chunk, &mut items).unwrap();
    }

    let OwnedItem::Event(event) = &items[0] else { panic!("an event") };
    let parts = (event.event_type.as_deref(), event.data.as_str(), event.id(), event.retry);
    assert_eq!(parts, (Some("a"), "x", Some("1"), Some(Retry::from_ms(2))));
}

#[test]
fn an_empty_chunk_changes_nothing() {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    for chunk in ["", "data", "", ": x", "", "\r", "", "\n", "", "\r\n", ""] {
        hear_chunk(&mut decoder, chunk.as_bytes(), &mut items).unwrap();
    }

    assert_eq!(items.len(), 1);
}

#[test]
fn a_broken_chunk_does_not_hurt_the_events_around_the_broken_one() {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    hear_chunk(&mut decoder, b"data: 1\n\ndata: \xFF\n\ndata: 3\n\n", &mut items).unwrap();

    let data: Vec<_> = items
        .iter()
        .map(|item| match item {
            OwnedItem::Event(event) => event.data.as_str(),
            _ => panic!("an event"),
        })
        .collect();
    assert_eq!(data, ["1", "\u{FFFD}", "3"]);
}

/// Found by fuzzing. After a blank line that ended nothing, the decoder believed itself between blocks while it read
/// the lines of the next one; a comment in that block then made it dispatch the rest as an event of its own.
#[test]
fn a_comment_in_a_block_after_two_blank_lines_does_not_split_it() {
    let stream = b"data: 0\n\n\ndata: 1\n:comment\ndata: 2\n\n";

    let heard = hear_whole(stream);

    let OwnedItem::Event(event) = &heard.items[2] else { panic!("an event") };
    assert_eq!((heard.items.len(), event.data.as_str()), (3, "1\n2"));
}

#[test]
fn a_text_that_is_handed_over_brings_no_memory_of_a_larger_one() {
    let large = format!("data: {}\ndata: x\n\n", "x".repeat(60_000));
    let mut decoder = Decoder::new();

    let texts: Vec<String> = [large.as_bytes(), b"data: a\ndata: b\n\n", large.as_bytes()]
        .into_iter()
        .filter_map(|chunk| match decoder.feed(chunk).next_owned() {
            Ok(Some(OwnedItem::Event(event))) => Some(event.data),
            _ => None,
        })
        .collect();

    assert_eq!(texts.iter().map(String::len).collect::<Vec<_>>(), [60_002, 3, 60_002]);
    assert!(
        texts.iter().all(|text| text.capacity() <= text.len() + 1_024),
        "{:?}",
        texts.iter().map(String::capacity).collect::<Vec<_>>()
    );
}
