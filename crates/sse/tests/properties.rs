//! What holds of any stream. Streams are made of pieces that mean something to a decoder, because random bytes
//! hardly ever do.

mod common;

use proptest::collection::vec;
use proptest::prelude::*;

use common::{check, hear, hear_whole, model::model};
use tidings_sse::Decoder;

/// Pieces of a stream: names, line ends, text, and what is neither.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&[u8]> = vec![
        b"data: ",
        b"data:",
        b"data",
        b"event: ",
        b"event:",
        b"id: ",
        b"id",
        b"retry: ",
        b"retry:",
        b":",
        b" ",
        b"\n",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\r\r",
        b"\r\n\r\n",
        b"\0",
        b"5",
        b"42",
        b"x",
        b"unknown: x",
        b"topic: ",
        b"topic:",
        b"topic",
        b"time: ",
        b"time",
        b"topic: a/b\nid: 1\ndata: x\n\n",
        b"time: 2026-11-21T08:00:00.000Z\ntopic: a\r\ndata: x\r\n\r\n",
        b"\xEF\xBB\xBF",
        b"\xEF\xBB",
        b"\xE2\x82",
        b"\xAC",
        b"\xF0\x9F\x98\x80",
        b"\xFF",
        b"\xE2\x80\xA8",
    ];
    prop_oneof![
        8 => prop::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..8),
        1 => "[a-z\u{e9}\u{20ac}]{0,300}".prop_map(String::into_bytes),
        1 => (1_000..1_030_usize).prop_map(|bytes| [&b"topic: "[..], &vec![b'x'; bytes], b"\n"].concat()),
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    vec(piece(), 0..60).prop_map(|pieces| pieces.concat())
}

fn text() -> impl Strategy<Value = String> {
    vec(prop_oneof![4 => any::<char>(), 1 => prop::sample::select(vec!['\r', '\n', ' ', ':', '\0'])], 0..300)
        .prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_decoder_says_what_the_standard_says(stream in stream(), seed in "[a-z]{0,3}") {
        prop_assert_eq!(hear(Decoder::new().with_last_event_id(&*seed), [&*stream]), model(&stream, &seed));
    }

    #[test]
    fn items_are_the_same_lent_and_owned(stream in stream()) {
        check::decode(&stream);
    }

    #[test]
    fn any_chunking_gives_the_same_items(stream in stream(), sizes in vec(0_usize..40, 1..8)) {
        let mut rest = &*stream;
        let mut chunks = Vec::new();
        for size in sizes.iter().chain(&[1]).cycle() {
            let (chunk, after) = rest.split_at(rest.len().min(*size));
            chunks.push(chunk);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }

        prop_assert_eq!(hear(Decoder::new(), chunks), hear_whole(&stream));
    }

    #[test]
    fn limits_hold_at_the_same_place_whatever_the_chunks(
        head in any::<[u8; 9]>(),
        stream in stream(),
    ) {
        check::chunking(&[&head[..], &stream].concat());
    }

    #[test]
    fn what_is_encoded_is_decoded_and_the_neighbours_are_not_touched(
        parts in (text(), text(), text(), text()),
    ) {
        let (event_type, id, comment, data) = parts;
        check::roundtrip([event_type, id, comment, data].join("\u{1}").as_bytes());
    }

    #[test]
    fn a_type_refuses_exactly_what_would_not_come_back(text in text()) {
        check::types(text.as_bytes());
    }
}
