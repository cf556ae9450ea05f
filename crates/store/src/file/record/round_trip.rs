//! What is encoded is decoded: the same property for the records of both versions.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tidings_core::contract::fixture::{draft_with, state};
use tidings_core::{Cursor, Draft, DraftFields, Epoch, Event, Sequence, Topic, UnixMillis};

use super::kind::Kind;
use super::{Record, RecordStamp};

/// The same, and some of them are state records, which version 1 does not know.
pub(crate) fn stamped_draft_of_any_kind() -> impl Strategy<Value = (RecordStamp, Draft)> {
    (stamped_draft(), any::<bool>())
        .prop_map(|((stamp, draft), is_state)| (stamp, if is_state { state(draft) } else { draft }))
}

/// A draft with any fields, at any place.
pub(crate) fn stamped_draft() -> impl Strategy<Value = (RecordStamp, Draft)> {
    let texts = (
        "[a-z\u{4e00}-\u{4e10}]{1,20}",
        any::<String>(),
        prop::option::of("[a-z]{1,9}"),
        prop::option::of("[a-z0-9]{1,9}"),
        prop::option::of("[!-~]{1,255}"),
    );
    let numbers = (prop::option::of(0..=86_400_000_u64), any::<(u64, u64, u32, bool)>());
    (texts, numbers).prop_map(|((topic, data, event_type, id, key), (retry_ms, stamp))| {
        let fields = DraftFields {
            event_type: event_type.as_deref(),
            id: id.as_deref(),
            retry_ms,
            key: key.as_deref().map(Into::into),
        };
        let (sequence, time, lag, more) = stamp;
        let stamp = RecordStamp { sequence: Sequence(sequence), time: UnixMillis(time), lag, more };
        (stamp, draft_with(&topic, &data, fields))
    })
}

/// Compares a record with what was encoded, which had as many bytes.
pub(crate) fn is_what_was_encoded(
    record: Record<'_>,
    stamp: RecordStamp,
    draft: Draft,
    len: usize,
) -> Result<(), TestCaseError> {
    let kind = if draft.is_state() { Kind::State } else { Kind::Event };
    prop_assert_eq!((record.stamp, record.kind, record.len), (stamp, kind, len));
    let event = record.to_event(Topic::parse(record.topic).unwrap(), Epoch(1)).unwrap();
    let cursor = Cursor::new(Epoch(1), stamp.sequence);
    prop_assert_eq!(event, Event { cursor, time: stamp.time, draft });
    Ok(())
}
