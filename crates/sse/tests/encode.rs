//! The encoder's exact bytes, and what its types refuse.

#![allow(clippy::unwrap_used, reason = "the texts are legal")]

use bytes::BytesMut;
use std::time::Duration;
use tidings_sse::encode::{Comment, Event};
use tidings_sse::{EventId, EventIdError, EventType, EventTypeError, Retry, RetryError};

#[test]
fn the_lines_stand_in_the_order_event_id_retry_data() {
    let (event_type, id) = (EventType::new("t").unwrap(), EventId::new("1").unwrap());
    let event = Event::new().data("x\ny").retry(Retry::from_ms(5)).id(&id).event_type(&event_type);

    assert_eq!(event.to_vec(), b"event: t\nid: 1\nretry: 5\ndata: x\ndata: y\n\n");
}

#[test]
fn empty_data_is_an_event_and_no_data_is_none() {
    assert_eq!(Event::new().data("").to_vec(), b"data: \n\n");
    assert_eq!(Event::new().to_vec(), b"\n");
}

#[test]
fn a_block_may_have_an_id_or_a_retry_alone() {
    assert_eq!(Event::new().id(&EventId::new("7").unwrap()).to_vec(), b"id: 7\n\n");
    assert_eq!(Event::new().id(&EventId::new("").unwrap()).to_vec(), b"id: \n\n");
    assert_eq!(Event::new().retry(Retry::from_ms(0)).to_vec(), b"retry: 0\n\n");
    assert_eq!(Event::new().retry(Retry::from_ms(u64::MAX)).to_vec(), b"retry: 18446744073709551615\n\n");
}

#[test]
fn data_is_split_at_crlf_cr_and_lf() {
    let lines = "data: a\ndata: b\ndata: \ndata: c\ndata: \n\n";

    assert_eq!(Event::new().data("a\r\nb\r\rc\n").to_vec(), lines.as_bytes());
    assert_eq!(Event::new().data("a\rb\n\nc\r\n").to_vec(), lines.as_bytes());
}

#[test]
fn data_that_looks_like_fields_stays_data() {
    let data = "x\n\nevent: admin\rid: 1\r\n\r\ndata: pwned";

    let bytes = Event::new().data(data).to_vec();

    let lines = b"data: x\ndata: \ndata: event: admin\ndata: id: 1\ndata: \ndata: data: pwned\n\n";
    assert_eq!(bytes, lines);
}

#[test]
fn comments_of_several_lines_are_several_comments() {
    assert_eq!(Comment::new("").to_vec(), b":\n");
    assert_eq!(Comment::new("a\r\nb\r\rdata: c\n").to_vec(), b":a\n:b\n:\n:data: c\n:\n");
}

#[test]
fn the_length_is_known_to_the_byte_for_long_and_short_lines() {
    for text in ["", "x", "\n", "\r\n", "\r", "a\r\nb\rc\nd", "\r\r\n\n\r"] {
        for times in [1, 2, 63, 64, 127, 128, 129, 191, 192, 193, 1000] {
            let text = text.repeat(times);
            let (event, comment) = (Event::new().data(&text), Comment::new(&text));

            assert_eq!(event.encoded_len(), event.to_vec().len());
            assert_eq!(event.to_vec().capacity(), event.to_vec().len());
            assert_eq!(comment.encoded_len(), comment.to_vec().len());
        }
    }
}

#[test]
fn a_line_end_is_found_at_every_distance() {
    for before in 0..300 {
        let text = format!("{}\r\n{}", "x".repeat(before), "y".repeat(before));
        let expected = format!("data: {}\ndata: {}\n\n", "x".repeat(before), "y".repeat(before));

        assert_eq!(Event::new().data(&text).to_vec(), expected.as_bytes());
    }
}

#[test]
fn every_form_is_the_same_bytes_and_what_was_there_stays() {
    let id = EventId::new("1").unwrap();
    let event = Event::new().id(&id).retry(Retry::from_ms(12)).data("a\nb");
    let (mut vec, mut buffer) = (b"before".to_vec(), BytesMut::from(&b"before"[..]));

    event.encode(&mut vec);
    event.encode(&mut buffer);

    assert_eq!(vec, b"beforeid: 1\nretry: 12\ndata: a\ndata: b\n\n");
    assert_eq!(buffer, vec);
    assert_eq!(event.pieces().concat(), &vec[6..]);
    assert_eq!(event.to_bytes(), &vec[6..]);
}

#[test]
fn pieces_point_at_the_data_and_copy_nothing() {
    let data = "x".repeat(1000);

    let event = Event::new().data(&data);

    assert!(event.pieces().iter().any(|piece| piece.as_ptr() == data.as_ptr() && piece.len() == 1000));
}

#[test]
fn a_type_is_not_empty_and_one_line() {
    assert_eq!(EventType::new(""), Err(EventTypeError::Empty));
    assert_eq!(EventType::new("a\nb"), Err(EventTypeError::LineBreak { at: 1 }));
    assert_eq!(EventType::new("ab\r"), Err(EventTypeError::LineBreak { at: 2 }));
    assert_eq!(EventType::new("a:b \0\u{2028}".to_owned()).unwrap().as_str(), "a:b \0\u{2028}");
}

#[test]
fn an_id_is_one_line_without_nul_and_may_be_empty() {
    assert_eq!(EventId::new("\n"), Err(EventIdError::LineBreak { at: 0 }));
    assert_eq!(EventId::new("a\r"), Err(EventIdError::LineBreak { at: 1 }));
    assert_eq!(EventId::new("ab\0"), Err(EventIdError::Nul { at: 2 }));
    assert_eq!(EventId::new("").unwrap().as_str(), "");
}

#[test]
fn a_retry_is_not_negative_and_fits_64_bits() {
    assert_eq!(Retry::try_from(-1), Err(RetryError));
    assert_eq!(Retry::try_from(Duration::MAX), Err(RetryError));
    assert_eq!(Retry::try_from(Duration::from_micros(2_999)), Ok(Retry::from_ms(2)));
    assert_eq!(Retry::from_ms(3_000).as_duration(), Duration::from_secs(3));
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    assert_eq!(EventTypeError::Empty.to_string(), "an event type needs at least one character");
    assert_eq!(
        EventType::new("a\n").unwrap_err().to_string(),
        "an event type is one line, and byte 1 ends it"
    );
    assert_eq!(EventId::new("a\n").unwrap_err().to_string(), "an id is one line, and byte 1 ends it");
    assert_eq!(EventId::new("\0").unwrap_err().to_string(), "an id has no NUL, and byte 0 is one");
}

#[test]
fn types_can_be_parsed_compared_and_cloned_cheaply() {
    let id: EventId = "7".parse().unwrap();
    let clone = id.clone();

    assert_eq!(id, clone);
    assert_eq!(id.as_str().as_ptr(), clone.as_str().as_ptr());
    assert_eq!(format!("{id} {id:?}"), "7 EventId(\"7\")");
}
