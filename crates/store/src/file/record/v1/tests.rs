//! Records of version 1, byte for byte, and whatever else may stand in their place.

use proptest::prelude::*;
use tidings_core::contract::fixture::draft_with;
use tidings_core::{Draft, DraftFields};

use super::encode::encode;
use super::*;
use crate::file::record::round_trip::{is_what_was_encoded, stamped_draft};

const STAMP: RecordStamp =
    RecordStamp { sequence: Sequence(7), time: UnixMillis(1_000), lag: 1, more: false };

fn encoded(stamp: RecordStamp, draft: &Draft) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(stamp, draft, &mut bytes);
    bytes
}

#[test]
fn the_bytes_are_those_of_the_description() {
    let fields =
        DraftFields { event_type: Some("T"), id: Some("ID"), retry_ms: Some(5), key: Some("KEY".into()) };

    let bytes = encoded(RecordStamp { more: true, ..STAMP }, &draft_with("topic", "data", fields));

    let expected = b"\x3b\0\0\0\x07\0\0\0\0\0\0\0\xe8\x03\0\0\0\0\0\0\x01\0\0\0\x03\x03\x05\0\x01\0\x02\0\
        \x05\0\0\0\0\0\0\0topicTIDKEYdata";
    assert_eq!(bytes[4..], expected[..]);
    assert_eq!(bytes[..4], crc32c::crc32c(expected).to_le_bytes());
}

#[test]
fn space_where_nothing_was_written_is_empty() {
    assert_eq!(parse(&[0; 100]), Err(Flaw::Empty));
    assert_eq!(parse(&[0; 10]), Err(Flaw::Short(HEADER_BYTES)));
}

#[test]
fn a_record_that_ends_early_says_what_it_needs() {
    let bytes = encoded(STAMP, &draft_with("a", "some data", DraftFields::default()));

    assert_eq!(parse(&bytes[..bytes.len() - 1]), Err(Flaw::Short(bytes.len())));
}

proptest! {
    #[test]
    fn decoding_returns_what_was_encoded((stamp, draft) in stamped_draft(), neighbour in any::<Vec<u8>>()) {
        let mut bytes = encoded(stamp, &draft);
        let len = bytes.len();
        bytes.extend(neighbour);

        is_what_was_encoded(parse(&bytes).unwrap(), stamp, draft, len)?;
    }

    #[test]
    fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let fields = DraftFields { id: Some("an-id"), ..DraftFields::default() };
        let mut bytes = encoded(STAMP, &draft_with("a/topic", "some data", fields));
        let at = at.index(bytes.len());
        bytes[at] ^= change;

        prop_assert!(parse(&bytes).is_err());
    }

    /// The checksum is set right, so that the fields are reached.
    #[test]
    fn any_bytes_are_a_record_or_a_flaw(mut bytes in any::<Vec<u8>>(), flags in 0..4_u8) {
        let _ = parse(&bytes);
        let len = bytes.len();
        if let Some(header) = bytes.first_chunk_mut::<HEADER_BYTES>() {
            header[4..8].copy_from_slice(&(len as u32).to_le_bytes());
            header[28] = flags;
            // Often short enough to fit.
            header[30..36].iter_mut().skip(1).step_by(2).for_each(|high| *high = 0);
            let checksum = crc32c::crc32c(&bytes[4..]);
            bytes[..4].copy_from_slice(&checksum.to_le_bytes());

            match parse(&bytes) {
                Ok(record) => prop_assert_eq!(record.len, len),
                Err(flaw) => prop_assert!(matches!(flaw, Flaw::Broken(_)), "{:?}", flaw),
            }
        }
    }
}
