//! Records of version 2, byte for byte, with all that a later version may add, and whatever else may stand in their place.

use proptest::prelude::*;
use tidings_core::contract::fixture::{draft, draft_with, state};
use tidings_core::{DraftFields, IdempotencyKey, Topic};

use super::any::{AnyRecord, mend};
use super::*;
use crate::file::hash::KeyedHash;
use crate::file::record::round_trip::{is_what_was_encoded, stamped_draft_of_any_kind};

const STAMP: RecordStamp =
    RecordStamp { sequence: Sequence(7), time: UnixMillis(1_000), lag: 1, more: false };

/// An event without anything but topic and data.
const PLAIN: AnyRecord<'_> =
    AnyRecord { stamp: STAMP, kind: 1, topic: "topic", attributes: &[], data: b"data" };

fn tag() -> RecordTag {
    KeyedHash(*b"0123456789abcdef").tag()
}

fn encoded(stamp: RecordStamp, draft: &Draft) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(stamp, draft, &tag(), &mut bytes);
    bytes
}

fn made_up(record: AnyRecord<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&tag(), &mut bytes);
    bytes
}

#[test]
fn the_bytes_are_those_of_the_description() {
    let fields =
        DraftFields { event_type: Some("T"), id: Some("ID"), retry_ms: Some(5), key: Some("KEY".into()) };

    let bytes = encoded(RecordStamp { more: true, ..STAMP }, &draft_with("topic", "data", fields));

    let body = b"topic\x01\x01\0T\x02\x02\0ID\x03\x08\0\x05\0\0\0\0\0\0\0\x04\x04\0\0KEYdata";
    let header = b"\x50\0\0\0\x07\0\0\0\0\0\0\0\xe8\x03\0\0\0\0\0\0\x01\0\0\0\x01\x01\x05\0\x1b\0\0\0";
    let header = [&crc32c::crc32c(body).to_le_bytes(), &header[..]].concat();
    assert_eq!(bytes, [&tag().of(&header).to_le_bytes(), &header[..], body].concat());
}

#[test]
fn a_state_record_differs_from_an_event_in_its_kind() {
    let draft =
        draft_with("topic", "data", DraftFields { key: Some("KEY".into()), ..DraftFields::default() });
    let mut event = encoded(STAMP, &draft);

    let bytes = encoded(STAMP, &state(draft));

    assert_eq!((event[36], bytes[36]), (1, 6));
    event[36] = 6;
    mend(&mut event, &tag());
    assert_eq!(bytes, event);
}

#[test]
fn the_bytes_of_the_beginning_of_an_epoch_are_those_of_the_description() {
    let mut bytes = Vec::new();
    encode_epoch(RecordStamp { more: true, ..STAMP }, Epoch(9), Epoch(8), &tag(), &mut bytes);

    let body = b"\x09\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0";
    let header = b"\x3c\0\0\0\x07\0\0\0\0\0\0\0\xe8\x03\0\0\0\0\0\0\x01\0\0\0\x40\x01\0\0\0\0\0\0";
    let header = [&crc32c::crc32c(body).to_le_bytes(), &header[..]].concat();
    assert_eq!(bytes, [&tag().of(&header).to_le_bytes(), &header[..], body].concat());
    assert_eq!(bytes.len(), EPOCH_RECORD_BYTES);
    assert_eq!(parse(&bytes, &tag()).unwrap().epochs(), Ok((Epoch(9), Epoch(8))));
}

#[test]
fn a_beginning_of_an_epoch_that_does_not_say_which_is_foreign() {
    for data in [&b""[..], b"12345678", b"12345678123456781"] {
        let bytes = made_up(AnyRecord { kind: 64, topic: "", data, ..PLAIN });

        let epochs = parse(&bytes, &tag()).unwrap().epochs();

        assert!(epochs.is_err_and(Flaw::is_foreign), "{data:?}");
    }
}

#[test]
fn space_where_nothing_was_written_is_empty() {
    assert_eq!(parse(&[0; 100], &tag()), Err(Flaw::Empty));
    assert_eq!(parse(&[0; 10], &tag()), Err(Flaw::Short(HEADER_BYTES)));
}

#[test]
fn a_record_that_ends_early_says_what_it_needs() {
    let bytes = made_up(PLAIN);

    for end in HEADER_BYTES..bytes.len() {
        assert_eq!(parse(&bytes[..end], &tag()), Err(Flaw::Short(bytes.len())));
    }
}

#[test]
fn a_changed_byte_is_noticed_wherever_it_is_and_is_what_a_crash_may_leave() {
    let fields =
        DraftFields { event_type: Some("T"), id: Some("ID"), retry_ms: Some(5), key: Some("KEY".into()) };
    let bytes = encoded(STAMP, &draft_with("topic", "data", fields));

    for at in 0..bytes.len() {
        for change in 1..=255 {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let parsed = parse(&changed, &tag());
            assert!(matches!(parsed, Err(Flaw::Broken(_))), "byte {at} changed by {change}: {parsed:?}");
        }
    }
}

#[test]
fn the_tag_of_another_log_is_none() {
    let bytes = made_up(PLAIN);

    let other = KeyedHash(*b"0123456789abcdee").tag();

    assert_eq!(parse(&bytes, &other), Err(Flaw::Broken("the record's tag is not one of this log's")));
}

/// What a publisher sent costs recovery no more than a header, whatever length it gives.
#[test]
fn nothing_behind_a_header_is_looked_at_when_its_tag_is_wrong() {
    let mut bytes = made_up(PLAIN);
    bytes[12..16].copy_from_slice(&(RECORD_BYTES_MAX as u32).to_le_bytes());

    let alone = parse(&bytes[..HEADER_BYTES], &tag());

    assert_eq!(alone, Err(Flaw::Broken("the record's tag is not one of this log's")));
}

#[test]
fn every_kind_is_read_as_it_was_written() {
    let kinds = (0..=u8::MAX).filter_map(Kind::parse);
    for kind in kinds {
        let bytes = made_up(AnyRecord { kind: kind.number(), ..PLAIN });

        let record = parse(&bytes, &tag()).unwrap();

        assert_eq!((record.kind, record.stamp, record.len), (kind, STAMP, bytes.len()));
        assert_eq!((record.topic, record.data), ("topic", &b"data"[..]));
    }
}

#[test]
fn a_kind_that_this_version_does_not_know_is_told_by_its_number() {
    for kind in (0..=255).filter(|number| Kind::parse(*number).is_none()) {
        let flaw = parse(&made_up(AnyRecord { kind, ..PLAIN }), &tag()).unwrap_err();

        assert_eq!(flaw, Flaw::UnknownKind(kind));
        assert!(flaw.what().contains(&format!("of kind {kind},")), "{}", flaw.what());
        assert!(flaw.is_foreign());
    }
}

#[test]
fn flags_that_this_version_does_not_know_are_foreign() {
    for flag in 1..8 {
        let mut bytes = made_up(PLAIN);
        bytes[37] |= 1 << flag;
        mend(&mut bytes, &tag());

        assert!(parse(&bytes, &tag()).is_err_and(Flaw::is_foreign), "flag {flag}");
    }
}

/// The publisher, the content type, the trace context, the expiry, further topics, and one that nobody has thought of.
const LATER: [(u8, &[u8]); 7] = [
    (6, b"a-user"),
    (7, b"application/json"),
    (8, b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    (9, b"\x10\x27\0\0\0\0\0\0"),
    (10, b"another/topic"),
    (10, b"a/third"),
    (200, b""),
];

#[test]
fn attributes_that_this_version_does_not_use_are_passed_over() {
    let known: [(u8, &[u8]); 4] = [(1, b"T"), (2, b"ID"), (3, b"\x05\0\0\0\0\0\0\0"), (4, b"\0KEY")];
    for count in 0..=LATER.len() {
        let attributes = [&known[..], &LATER[..count]].concat();
        let bytes = made_up(AnyRecord { attributes: &attributes, ..PLAIN });

        let record = parse(&bytes, &tag()).unwrap();

        let fields =
            DraftFields { event_type: Some("T"), id: Some("ID"), retry_ms: Some(5), key: Some("KEY".into()) };
        let event = record.to_event(Topic::parse(record.topic).unwrap(), Epoch(1)).unwrap();
        assert_eq!(event.draft, draft_with("topic", "data", fields));
    }
    // Without any that this version uses.
    let bytes = made_up(AnyRecord { attributes: &LATER, ..PLAIN });
    let record = parse(&bytes, &tag()).unwrap();
    let event = record.to_event(Topic::parse(record.topic).unwrap(), Epoch(1)).unwrap();
    assert_eq!(event.draft, draft_with("topic", "data", DraftFields::default()));
}

#[test]
fn attributes_out_of_order_are_foreign() {
    for attributes in
        [[(2, &b"ID"[..]), (1, b"T")], [(200, b"x"), (10, b"a")], [(3, b"12345678"), (2, b"ID")]]
    {
        let bytes = made_up(AnyRecord { attributes: &attributes, ..PLAIN });

        assert!(parse(&bytes, &tag()).is_err_and(Flaw::is_foreign), "{attributes:?}");
    }
}

#[test]
fn fields_that_overrun_their_ends_are_foreign() {
    let attributes: [(u8, &[u8]); 2] = [(1, b"T"), (2, b"ID")];
    let whole = made_up(AnyRecord { attributes: &attributes, ..PLAIN });
    let mended = |at: usize, to: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        mend(&mut bytes, &tag());
        bytes
    };
    let topic_at = HEADER_BYTES;
    let attributes_at = topic_at + "topic".len();
    for (bytes, what) in [
        (mended(38, &100_u16.to_le_bytes()), "the topic, that of the record"),
        (mended(40, &100_u32.to_le_bytes()), "the attributes, that of the record"),
        (mended(40, &u32::MAX.to_le_bytes()), "the attributes, that of any record"),
        (mended(40, &8_u32.to_le_bytes()), "an attribute, that of all"),
        (mended(40, &6_u32.to_le_bytes()), "the length of an attribute, that of all"),
        (mended(attributes_at + 1, &1_000_u16.to_le_bytes()), "an attribute, that of the record"),
        (mended(topic_at, b"\xff"), "nothing, and the topic is no text"),
        (mended(attributes_at + 3, b"\xff"), "nothing, and the event type is no text"),
        (made_up(AnyRecord { attributes: &[(3, b"1234567")], ..PLAIN }), "a retry of 7 bytes"),
        (made_up(AnyRecord { attributes: &[(4, b"")], ..PLAIN }), "a key without a credential"),
        (made_up(AnyRecord { attributes: &[(4, b"\x05name")], ..PLAIN }), "the credential of a key, the key"),
    ] {
        let parsed = parse(&bytes, &tag());
        assert!(parsed.is_err_and(Flaw::is_foreign), "what overruns: {what}; {parsed:?}");
    }
}

#[test]
fn the_last_record_of_a_part_says_whose_batch_it_is_and_how_far_it_has_come() {
    let key = IdempotencyKey::parse(KeyFields { credential: "me", key: "k" }).unwrap();
    let part = BatchPart { before: 1, through: 258, digest: *b"0123456789abcdef", complete: true };
    let draft = draft("t", "data").ending_part(key, part);
    let mut bytes = Vec::new();

    encode(STAMP, &draft, &tag(), &mut bytes);

    assert_eq!(
        &bytes[HEADER_BYTES..],
        b"t\x04\x04\0\x02mek\x05\x21\0\x01\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\x000123456789abcdef\x01data"
    );
    assert_eq!(bytes.len(), encoded_len(&draft));
    let event = parse(&bytes, &tag()).unwrap().to_event(Topic::parse("t").unwrap(), Epoch(1)).unwrap();
    assert_eq!(event.draft, draft);
}

#[test]
fn a_batch_of_another_length_is_not_from_this_version() {
    for value in [&[][..], &[0; BATCH_BYTES - 1], &[0; BATCH_BYTES + 1]] {
        let mut bytes = Vec::new();
        encode_with(STAMP, Kind::Event, "t", &tag(), &mut bytes, |into| {
            put(Attribute::Batch as u8, &[value], into);
            b""
        });

        assert!(matches!(parse(&bytes, &tag()), Err(Flaw::Foreign(_))), "{} bytes", value.len());
    }
}

proptest! {
    #[test]
    fn decoding_returns_what_was_encoded((stamp, draft) in stamped_draft_of_any_kind(), neighbour in any::<Vec<u8>>()) {
        let mut bytes = encoded(stamp, &draft);
        let len = bytes.len();
        prop_assert_eq!(len, encoded_len(&draft));
        bytes.extend(neighbour);

        is_what_was_encoded(parse(&bytes, &tag()).unwrap(), stamp, draft, len)?;
    }

    /// Length, checksum and tag are set right, so that everything else is reached.
    #[test]
    fn any_bytes_are_a_record_or_a_flaw(
        mut bytes in prop::collection::vec(any::<u8>(), 0..120),
        (kind, flags) in (0..6_u8, 0..2_u8),
        (topic, attributes) in (0..40_u16, 0..40_u32),
    ) {
        let _ = parse(&bytes, &tag());
        let len = bytes.len();
        if let Some(header) = bytes.first_chunk_mut::<HEADER_BYTES>() {
            (header[36], header[37]) = (kind, flags);
            header[38..40].copy_from_slice(&topic.to_le_bytes());
            header[40..44].copy_from_slice(&attributes.to_le_bytes());
            mend(&mut bytes, &tag());

            match parse(&bytes, &tag()) {
                Ok(record) => prop_assert_eq!(record.len, len),
                Err(flaw) => prop_assert!(flaw.is_foreign(), "{:?}", flaw),
            }
        }
    }
}
