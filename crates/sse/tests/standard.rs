//! HTML 9.2.5 "Parsing an event stream" and 9.2.6 "Interpreting an event stream", sentence by sentence. Each test
//! decodes its stream cut in every way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that hears something else has failed")]

mod common;

use tidings_sse::Decoder;
use tidings_sse::decode::OwnedItem;

use common::{Heard, cuts, hear, hear_whole, model};

/// What a stream says, however it is cut, and as the model says too.
fn heard(stream: impl AsRef<[u8]>) -> Heard {
    let stream = stream.as_ref();
    let whole = hear_whole(stream);
    for cut in cuts(stream) {
        assert_eq!(hear(Decoder::new(), cut), whole);
    }
    assert_eq!(whole, model::model(stream, ""));
    whole
}

/// Type, data and last event id of each event.
fn events(stream: impl AsRef<[u8]>) -> Vec<(String, String, String)> {
    let items = heard(stream).items.into_iter();
    let parts = items.filter_map(|item| match item {
        OwnedItem::Event(event) => {
            Some((event.type_or_message().to_owned(), event.data, event.last_event_id))
        }
        OwnedItem::Comment(_) | OwnedItem::Retry(_) | OwnedItem::Id(_) => None,
    });
    parts.collect()
}

fn data(stream: impl AsRef<[u8]>) -> Vec<String> {
    events(stream).into_iter().map(|event| event.1).collect()
}

fn comments(stream: &str) -> Vec<String> {
    let items = heard(stream).items.into_iter();
    let texts = items.filter_map(|item| if let OwnedItem::Comment(text) = item { Some(text) } else { None });
    texts.collect()
}

fn retries(stream: &str) -> Vec<u64> {
    let items = heard(stream).items.into_iter();
    let numbers = items.filter_map(|item| match item {
        OwnedItem::Retry(retry) => Some(retry.as_ms()),
        _ => None,
    });
    numbers.collect()
}

// 9.2.5

// "stream = [ bom ] *event"

#[test]
fn one_leading_byte_order_mark_is_no_part_of_the_stream() {
    assert_eq!(data(b"\xEF\xBB\xBFdata: x\n\n"), ["x"]);
}

#[test]
fn a_second_byte_order_mark_is_part_of_a_name() {
    assert_eq!(data("\u{FEFF}\u{FEFF}data: 1\n\ndata: 2\n\n"), ["2"]);
}

#[test]
fn a_byte_order_mark_after_the_start_is_text() {
    assert_eq!(data("data: 1\n\n\u{FEFF}data: 2\n\ndata: \u{FEFF}3\n\n"), ["1", "\u{FEFF}3"]);
}

#[test]
fn half_a_byte_order_mark_is_a_broken_character() {
    assert_eq!(data(b"\xEF\xBBdata: 1\n\ndata: 2\n\n"), ["2"]);
}

#[test]
fn a_byte_order_mark_alone_or_nothing_at_all_says_nothing() {
    assert!(events(b"\xEF\xBB\xBF").is_empty());
    assert!(events("").is_empty());
}

#[test]
fn a_byte_order_mark_may_come_again_with_a_new_connection() {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    common::hear_chunk(&mut decoder, b"\xEF\xBB\xBFdata: 1\n\n", &mut items).unwrap();

    decoder.reconnect();
    common::hear_chunk(&mut decoder, b"\xEF\xBB\xBFdata: 2\n\n", &mut items).unwrap();

    assert_eq!(items.len(), 2);
}

// "end-of-line = ( cr lf / cr / lf )"

#[test]
fn lines_end_with_crlf_lf_or_cr_in_any_mixture() {
    assert_eq!(data("data: 1\r\ndata: 2\ndata: 3\rdata: 4\r\n\r\n"), ["1\n2\n3\n4"]);
    assert_eq!(
        data("data: cr\r\rdata: lf\n\ndata: crlf\r\n\r\ndata: mix\r\n\n"),
        ["cr", "lf", "crlf", "mix"]
    );
}

#[test]
fn crlf_is_one_line_end_and_lfcr_is_two() {
    assert_eq!(data("data: 1\r\ndata: 2\r\n\r\n"), ["1\n2"]);
    assert_eq!(data("data: 1\n\rdata: 2\n\r"), ["1", "2"]);
}

#[test]
fn a_lone_cr_dispatches_at_once() {
    assert_eq!(data("data: x\r\r"), ["x"]);
}

#[test]
fn an_lf_that_follows_a_cr_in_the_next_chunk_ends_no_line_of_its_own() {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    for chunk in ["data: 1\r", "", "\ndata: 2\r", "\n", "\r", "\n", "data: 3\n\n"] {
        common::hear_chunk(&mut decoder, chunk.as_bytes(), &mut items).unwrap();
    }

    assert_eq!(items, hear_whole(b"data: 1\r\ndata: 2\r\n\r\ndata: 3\n\n").items);
}

#[test]
fn nothing_else_ends_a_line() {
    let text = "a\u{2028}b\u{2029}c\u{85}d\u{B}e\u{C}f\u{1C}g\u{1D}h\u{1E}i\u{1F}j";
    assert_eq!(data(format!("data: {text}\n\n")), [text]);
}

// "Event streams in this format must always be encoded as UTF-8."
// 9.2.6: "Streams must be decoded using the UTF-8 decode algorithm."

#[test]
fn what_is_not_utf_8_becomes_replacement_characters_as_browsers_count_them() {
    assert_eq!(data(b"data: \xFF\n\n"), ["\u{FFFD}"]);
    assert_eq!(data(b"data: a\xE2\x82\n\n"), ["a\u{FFFD}"]);
    assert_eq!(data(b"data: \xF0\x90\x80\xE2\x82b\xC0\x80\n\n"), ["\u{FFFD}\u{FFFD}b\u{FFFD}\u{FFFD}"]);
    assert_eq!(data(b"data: \xED\xA0\x80\n\n"), ["\u{FFFD}\u{FFFD}\u{FFFD}"]);
    assert_eq!(data(b"dat\xFFa: x\n\ndata\xFF\n\n"), [""; 0]);
}

#[test]
fn a_broken_sequence_does_not_swallow_the_line_end_after_it() {
    assert_eq!(data(b"data: \xE2\x82\n\ndata: 2\n\n"), ["\u{FFFD}", "2"]);
    assert_eq!(data(b"data: \xF0\r\rdata: 2\n\n"), ["\u{FFFD}", "2"]);
}

#[test]
fn characters_of_every_length_survive_every_cut() {
    let text = "a\u{E9}\u{20AC}\u{1F600}\u{10FFFF}\u{0}z";
    let stream = format!("event: {text}\nid: \u{E9}\u{20AC}\u{1F600}\ndata: {text}\ndata: {text}\n\n");
    let joined = format!("{text}\n{text}");
    assert_eq!(events(stream), [(text.to_owned(), joined, "\u{E9}\u{20AC}\u{1F600}".to_owned())]);
}

#[test]
fn type_id_and_comment_are_mended_too() {
    let heard = heard(b":\xFF\nevent: \xFF\nid: \xFF\ndata: x\n\n");
    let [OwnedItem::Comment(comment), OwnedItem::Event(event)] = heard.items.as_slice() else { panic!() };
    assert_eq!(comment, "\u{FFFD}");
    assert_eq!((event.type_or_message(), event.id()), ("\u{FFFD}", Some("\u{FFFD}")));
}

// 9.2.6, processing of lines

// "If the line is empty (a blank line): Dispatch the event, as defined below."

#[test]
fn a_blank_line_dispatches() {
    assert_eq!(data("data: 1\n\ndata: 2\n\n"), ["1", "2"]);
}

#[test]
fn blank_lines_between_blocks_say_nothing() {
    assert_eq!(data("\n\n\r\n\rdata: 1\n\n\n\n\ndata: 2\n\n\n"), ["1", "2"]);
}

#[test]
fn a_line_of_one_space_is_not_blank() {
    assert_eq!(data("data: 1\n \ndata: 2\n\n"), ["1\n2"]);
}

// "If the line starts with a U+003A COLON character (:): Ignore the line."

#[test]
fn a_line_that_begins_with_a_colon_is_a_comment_and_changes_nothing() {
    assert_eq!(data("data: 1\n:data: x\n: event: y\n::\ndata: 2\n\n"), ["1\n2"]);
}

#[test]
fn comments_are_reported_as_they_stand_after_the_colon() {
    assert_eq!(comments(":a\n: b\n:\n::c\n:data: d\n"), ["a", " b", "", ":c", "data: d"]);
}

#[test]
fn a_field_called_comment_is_not_a_comment() {
    assert!(comments("comment: x\n\n").is_empty());
}

// "Collect the characters on the line before the first U+003A COLON character (:), and let field be that string."
// "Collect the characters on the line after the first U+003A COLON character (:), and let value be that string."

#[test]
fn the_first_colon_ends_the_name_and_later_ones_are_text() {
    assert_eq!(data("data:a:b: c\n\ndata:: x\n\n"), ["a:b: c", ": x"]);
}

// "If value starts with a U+0020 SPACE character, remove it from value."

#[test]
fn one_space_after_the_colon_is_removed_and_no_more() {
    assert_eq!(data("data:x\n\ndata: x\n\ndata:  x\n\ndata:\tx\n\ndata: \n\n"), ["x", "x", " x", "\tx", ""]);
}

#[test]
fn white_space_at_the_end_stays() {
    assert_eq!(data("data: x \t\n\n"), ["x \t"]);
}

// "Otherwise, the string is not empty but does not contain a U+003A COLON character (:): Process the field using
// [...] the whole line as the field name, and the empty string as the field value."

#[test]
fn a_line_without_colon_is_a_field_without_value() {
    assert_eq!(data("data\n\ndata\ndata\n\n"), ["", "\n"]);
    assert_eq!(
        events("event: a\nevent\nid: 1\nid\ndata\n\n"),
        [("message".into(), String::new(), String::new())]
    );
    assert!(retries("retry\n").is_empty());
}

// "Once the end of the file is reached, any pending data must be discarded. (If the file ends in the middle of an
// event, before the final empty line, the incomplete event is not dispatched.)"

#[test]
fn a_block_without_its_blank_line_is_discarded_with_its_id() {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    common::hear_chunk(&mut decoder, b"id: 1\ndata: 1\n\nid: 2\nevent: x\ndata: 2\n", &mut items).unwrap();

    decoder.reconnect();
    common::hear_chunk(&mut decoder, b"data: 3\n\n", &mut items).unwrap();

    assert_eq!(decoder.last_event_id(), "1");
    let OwnedItem::Event(event) = &items[1] else { panic!("an event") };
    assert_eq!((event.type_or_message(), event.data.as_str(), event.id()), ("message", "3", None));
}

#[test]
fn half_a_line_and_half_a_character_are_discarded() {
    for pending in [&b"dat"[..], b"data: 1", b"data: \xE2\x82", b"data: 1\r", b":", b"id: 7", b"\xEF\xBB"] {
        let mut decoder = Decoder::new();
        let mut items = Vec::new();
        common::hear_chunk(&mut decoder, pending, &mut items).unwrap();

        decoder.reconnect();
        common::hear_chunk(&mut decoder, b"\ndata: 2\n\n", &mut items).unwrap();

        assert_eq!(items, hear_whole(b"data: 2\n\n").items);
    }
}

// 9.2.6, processing of fields
// "Field names must be compared literally, with no case folding performed."

#[test]
fn names_are_compared_literally() {
    let unknown = [
        "Data",
        "DATA",
        " data",
        "data ",
        "dat",
        "datas",
        "da-ta",
        "data_5",
        "data\0",
        "\u{FEFF}data",
        "\tdata",
    ];
    for name in unknown {
        assert!(events(format!("\n{name}: x\n\n")).is_empty(), "{name:?}");
    }
    assert_eq!(
        events("Event: a\nID: 1\nIds: 2\nevents: b\ndata\n\n"),
        [("message".into(), String::new(), String::new())]
    );
    assert!(retries("Retry: 1\nretry : 2\nretryx: 3\n").is_empty());
}

// "If the field name is "event": Set the event type buffer to field value."

#[test]
fn the_last_event_line_of_a_block_sets_the_type() {
    assert_eq!(events("event: a\ndata: x\nevent: b\n\n")[0].0, "b");
}

#[test]
fn an_empty_event_line_takes_the_type_back() {
    assert_eq!(events("event: a\nevent:\ndata: x\n\n")[0].0, "message");
}

// "If the field name is "data": Append the field value to the data buffer, then append a single U+000A LINE FEED
// (LF) character to the data buffer."

#[test]
fn data_lines_are_joined_by_lf_wherever_they_stand() {
    assert_eq!(data("data: 1\nid: x\ndata: 2\n:\nfoo\ndata: 3\n\n"), ["1\n2\n3"]);
}

#[test]
fn empty_data_lines_count() {
    assert_eq!(data("data:\ndata: x\n\ndata: x\ndata:\n\ndata:\ndata:\n\n"), ["\nx", "x\n", "\n"]);
}

// "If the field name is "id": If the field value does not contain U+0000 NULL, then set the last event ID buffer to
// the field value. Otherwise, ignore the field."

#[test]
fn an_id_lasts_until_another_one() {
    let ids: Vec<_> =
        events("data\n\nid: 1\ndata\n\ndata\n\nid: 2\ndata\n\n").into_iter().map(|event| event.2).collect();
    assert_eq!(ids, ["", "1", "1", "2"]);
}

#[test]
fn an_empty_id_resets_it() {
    assert_eq!(events("id: 1\ndata\n\nid:\ndata\n\n")[1].2, "");
    assert_eq!(events("id: 1\ndata\n\nid\ndata\n\n")[1].2, "");
}

#[test]
fn an_id_with_nul_is_ignored_and_an_earlier_one_stays() {
    assert_eq!(events("id: 1\nid: 2\0\ndata\n\n")[0].2, "1");
    assert_eq!(events("id: 1\ndata\n\nid: \0\ndata\n\n")[1].2, "1");
}

// "If the field name is "retry": If the field value consists of only ASCII digits, then interpret the field value as
// an integer in base ten, and set the event stream's reconnection time to that integer. Otherwise, ignore the field."

#[test]
fn retry_is_a_decimal_number_of_milliseconds() {
    assert_eq!(
        retries("retry: 3000\nretry:0\nretry: 007\nretry: 18446744073709551615\n"),
        [3000, 0, 7, u64::MAX]
    );
}

#[test]
fn a_retry_that_is_no_number_is_ignored() {
    let wrong =
        ["", " ", "+5", "-5", "5.0", "1e3", "0x10", "5L", " 5", "5 ", "\u{661}", "\u{FF15}", "5\0", "1_000"];
    for value in wrong {
        assert!(retries(&format!("retry: {value}\n")).is_empty(), "{value:?}");
    }
}

#[test]
fn a_retry_beyond_64_bits_is_ignored() {
    assert!(retries("retry: 18446744073709551616\nretry: 99999999999999999999999\n").is_empty());
    assert_eq!(retries("retry: 00000000000000000000000000000000005\n"), [5]);
}

#[test]
fn retry_acts_with_its_line_even_if_the_block_never_ends() {
    assert_eq!(retries("retry: 2\n"), [2]);
    assert!(retries("retry: 2").is_empty());
}

// "Otherwise: The field is ignored."

#[test]
fn unknown_fields_are_ignored() {
    assert_eq!(data("foo: x\nbar\ntopic: y\ndata: 1\nbaz:\n\n"), ["1"]);
}

// 9.2.6, dispatching
// "Set the last event ID string of the event source to the value of the last event ID buffer. The buffer does not
// get reset"

#[test]
fn a_block_without_data_commits_its_id() {
    let heard = heard("id: 1\n\n:\n\ndata: x\n\n");
    assert_eq!(heard.items[0], OwnedItem::Id("1".into()));
    assert_eq!(heard.last_event_id, "1");
}

#[test]
fn an_id_is_not_committed_before_its_blank_line() {
    let heard = heard("id: 1\ndata: x\n");
    assert_eq!((heard.items.len(), heard.last_event_id.as_str()), (0, ""));
}

#[test]
fn a_decoder_carries_the_id_over_to_the_next_connection() {
    let mut decoder = Decoder::new().with_last_event_id("seed");
    let mut items = Vec::new();
    common::hear_chunk(&mut decoder, b"data: 1\n\n", &mut items).unwrap();
    decoder.reconnect();
    common::hear_chunk(&mut decoder, b"data: 2\n\n", &mut items).unwrap();

    for item in &items {
        let OwnedItem::Event(event) = item else { panic!("an event") };
        assert_eq!((event.last_event_id.as_str(), event.id()), ("seed", None));
    }
}

// "If the data buffer is an empty string, set the data buffer and the event type buffer to the empty string and
// return."

#[test]
fn a_block_without_data_fires_nothing_and_its_type_is_forgotten() {
    assert_eq!(events("event: x\n\ndata: 1\n\n"), [("message".into(), "1".into(), String::new())]);
}

// "If the data buffer's last character is a U+000A LINE FEED (LF) character, then remove the last character from the
// data buffer."

#[test]
fn one_lf_is_removed_from_the_end_of_data() {
    assert_eq!(data("data: 1\ndata\ndata\n\n"), ["1\n\n"]);
}

// "initialize event's type attribute to "message", its data attribute to data [...] If the event type buffer has a
// value other than the empty string, change the type of the newly created event to equal the value of the event type
// buffer."

#[test]
fn the_type_is_message_unless_the_block_sets_another() {
    let types: Vec<_> = events("data\n\nevent: open\ndata\n\nevent: message\ndata\n\n")
        .into_iter()
        .map(|event| event.0)
        .collect();
    assert_eq!(types, ["message", "open", "message"]);
}

#[test]
fn a_type_that_was_set_to_message_is_told_from_one_that_was_not_set() {
    let heard = heard("event: message\ndata\n\ndata\n\n");
    let types = heard.items.iter().map(|item| match item {
        OwnedItem::Event(event) => event.event_type.as_deref(),
        _ => panic!("an event"),
    });
    assert_eq!(types.collect::<Vec<_>>(), [Some("message"), None]);
}

// "Set the data buffer and the event type buffer to the empty string."

#[test]
fn data_and_type_do_not_reach_the_next_block() {
    assert_eq!(
        events("event: a\ndata: 1\n\ndata: 2\n\n"),
        [("a".into(), "1".into(), String::new()), ("message".into(), "2".into(), String::new())]
    );
}

// The examples of 9.2.6.

#[test]
fn the_stock_ticker_of_the_standard_is_one_event_of_three_lines() {
    assert_eq!(data("data: YHOO\ndata: +2\ndata: 10\n\n"), ["YHOO\n+2\n10"]);
}

#[test]
fn the_four_blocks_of_the_standard_are_two_events_and_one_that_is_cut_off() {
    let stream = ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n";
    let expected = [("first event", "1"), ("second event", "")];
    let heard: Vec<_> = events(stream).into_iter().map(|event| (event.1, event.2)).collect();
    assert_eq!(heard, expected.map(|(data, id)| (data.to_owned(), id.to_owned())));
    assert_eq!(data(format!("{stream}\n"))[2], " third event");
}

#[test]
fn the_empty_events_of_the_standard_are_two() {
    assert_eq!(data("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
}

#[test]
fn the_space_after_the_colon_makes_no_difference_in_the_standards_example() {
    assert_eq!(data("data:test\n\ndata: test\n\n"), ["test", "test"]);
}

#[test]
fn a_decoder_counts_what_it_has_replaced_up_to_each_item_at_every_split() {
    let text = b"data: 1\n\ndata: \xFF\xFE\n\ndata: \xEF\xBF\xBD\n\n: \xE2\x82\n\nid: \xF0\ndata: 4\n\n";
    for at in 0..=text.len() {
        let mut decoder = Decoder::new();
        let mut counts = Vec::new();
        let (first, second) = text.split_at(at);
        for part in [first, second] {
            let mut feed = decoder.feed(part);
            while feed.next().unwrap().is_some() {
                counts.push(feed.decoder().replaced());
            }
        }
        assert_eq!(counts, [0, 2, 2, 4], "at {at}");
        decoder.reconnect();
        assert_eq!(decoder.replaced(), 4);
    }
}
