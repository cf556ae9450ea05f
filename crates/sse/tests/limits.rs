//! What a decoder refuses.

mod common;

use tidings_sse::Decoder;
use tidings_sse::decode::{DecodeError, Limits};

use common::{cuts, hear};

/// Items that came, and why no more did, however the stream is cut.
fn heard(line_bytes_max: usize, event_bytes_max: usize, stream: &str) -> (usize, Option<DecodeError>) {
    let decoder = || Decoder::new().with_limits(Limits { line_bytes_max, event_bytes_max });
    let whole = hear(decoder(), [stream.as_bytes()]);
    for cut in cuts(stream.as_bytes()) {
        assert_eq!(hear(decoder(), cut), whole);
    }
    (whole.items.len(), whole.error)
}

#[test]
fn a_line_of_just_the_limit_passes_and_one_byte_more_does_not() {
    let error = Some(DecodeError::LineTooLong { bytes_max: 9 });

    assert_eq!(heard(9, 100, "data: 123\n\ndata: 456\r\n\r\n"), (2, None));
    assert_eq!(heard(9, 100, "data: 123\n\ndata: 4567\n\n"), (1, error));
    assert_eq!(heard(9, 100, "data: 123\n\ndata: 4567"), (1, error));
}

#[test]
fn the_limit_holds_for_lines_that_nobody_asks_for() {
    for line in
        ["unknown: line", ":a long comment", "event: long", "id: 1234567", "retry: 1234", "data1234567"]
    {
        assert_eq!(heard(9, 100, line), (0, Some(DecodeError::LineTooLong { bytes_max: 9 })), "{line}");
    }
}

#[test]
fn data_of_just_the_limit_passes_and_one_byte_more_does_not() {
    let error = Some(DecodeError::EventTooLarge { bytes_max: 5 });

    assert_eq!(heard(100, 5, "data: 12345\n\ndata: 12\ndata: 34\n\n"), (2, None));
    assert_eq!(heard(100, 5, "data: 123456\n\n"), (0, error));
    assert_eq!(heard(100, 5, "data: 12\n\ndata: 12\ndata: 345\n\n"), (1, error));
    assert_eq!(heard(100, 5, &"data\n".repeat(7)), (0, error));
}

#[test]
fn the_data_limit_counts_each_event_by_itself() {
    assert_eq!(heard(100, 5, &"data: 12345\n\n".repeat(10)), (10, None));
    assert_eq!(heard(100, 5, &"data: 12\ndata: 45\n\n".repeat(10)), (10, None));
}

#[test]
fn what_came_before_the_offending_line_is_reported() {
    assert_eq!(
        heard(9, 100, "retry: 1\n:hi\nid: 1\n\ndata: 12345\n\n"),
        (3, Some(DecodeError::LineTooLong { bytes_max: 9 }))
    );
}

#[test]
fn at_zero_only_blank_lines_pass() {
    assert_eq!(heard(0, 0, "\n\r\n\r"), (0, None));
    assert_eq!(heard(0, 0, "x"), (0, Some(DecodeError::LineTooLong { bytes_max: 0 })));
    assert_eq!(heard(100, 0, "data\n\ndata:\n\n"), (2, None));
}

#[test]
fn a_decoder_that_gave_up_stays_so_until_it_reconnects() {
    let limits = Limits { line_bytes_max: 9, event_bytes_max: 9 };
    let error = DecodeError::LineTooLong { bytes_max: 9 };
    let mut decoder = Decoder::new().with_limits(limits).with_last_event_id("7");

    let mut feed = decoder.feed(b"data: too long\n\ndata: 1\n\n");
    assert_eq!(feed.next(), Err(error));
    assert_eq!(feed.next(), Err(error));
    assert_eq!(decoder.feed(b"data: 1\n\n").next(), Err(error));
    assert_eq!(decoder.feed(b"").next(), Err(error));
    decoder.reconnect();

    assert!(matches!(decoder.feed(b"data: 1\n\n").next(), Ok(Some(_))));
    assert_eq!(decoder.last_event_id(), "7");
}

#[test]
fn the_message_names_the_limit() {
    let messages = [DecodeError::LineTooLong { bytes_max: 9 }, DecodeError::EventTooLarge { bytes_max: 5 }];
    let messages = messages.map(|error| error.to_string());
    assert_eq!(messages, ["a line has more than 9 bytes", "an event's data has more than 5 bytes"]);
}

#[test]
fn a_line_of_megabytes_in_small_chunks_is_not_read_again_with_each() {
    // A decoder that looks at pending bytes again with every chunk would take minutes for this.
    let stream = ["data: ", &"x".repeat(4 << 20), "\n\n"].concat();

    let heard = hear(Decoder::new(), stream.as_bytes().chunks(7));

    assert_eq!((heard.items.len(), heard.error), (1, None));
}

#[test]
fn a_decoder_knows_whether_it_stands_between_two_events() {
    for (stream, is_between) in [
        ("", true),
        ("data: 1\n\n", true),
        ("data: 1\r\r", true),
        ("data: 1\n\n: comm", true),
        ("data: 1\n\n: comment\n", true),
        ("event: x\n\n", true),
        ("id: 1\n\n", true),
        ("d", false),
        ("data: 1", false),
        ("data: 1\n", false),
        ("data: 1\n: comm", false),
        ("event: x\n", false),
        ("id: 1\n", false),
    ] {
        for cut in cuts(stream.as_bytes()) {
            let mut decoder = Decoder::new();
            for chunk in cut {
                let mut feed = decoder.feed(chunk);
                while feed.next().unwrap().is_some() {}
            }
            assert_eq!(decoder.is_between_events(), is_between, "{stream:?}");
        }
    }
}

#[test]
fn memory_that_a_large_event_took_is_counted_and_can_be_given_back() {
    let mut decoder = Decoder::new();
    let mut feed = |bytes: &[u8]| {
        let mut feed = decoder.feed(bytes);
        let mut items = 0;
        while feed.next().unwrap().is_some() {
            items += 1;
        }
        decoder.shrink_to_fit();
        (items, decoder.memory_bytes())
    };

    assert_eq!(feed(b"data: 12345"), (0, 5 + b"data: ".len()));
    assert_eq!(feed(&[b'6'; 10_000]), (0, 10_005 + b"data: ".len()));
    assert_eq!(feed(b"\nid: 1\n"), (0, 10_006));
    assert_eq!(feed(b"\n"), (1, 1));
}
