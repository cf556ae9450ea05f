//! Either form says everything, and a text that is none says where.

use bytes::Bytes;
use proptest::prelude::*;
use tidings_core::{
    BatchPart, Cursor, Draft, DraftParts, Epoch, Event, IdempotencyKey, KeyFields, Sequence, Topic,
    UnixMillis,
};
use tidings_sse::{EventId, EventType};

use super::*;

fn text_of(items: &[DumpItem], format: DumpFormat) -> String {
    let mut text = String::new();
    items.iter().for_each(|item| format.write(item, &mut text));
    text
}

fn read(text: &str) -> Result<Vec<DumpItem>, ReadError> {
    let (mut reader, mut items) = (DumpReader::new(text.as_bytes()), Vec::new());
    while let Some(item) = reader.next()? {
        items.push(item);
    }
    Ok(items)
}

fn event(data: &str, time: u64, has_all: bool) -> DumpItem {
    let topic = Topic::parse("orders/42").unwrap();
    let parts = DraftParts::new(topic, Bytes::copy_from_slice(data.as_bytes()));
    let parts = match has_all {
        false => parts,
        true => DraftParts {
            event_type: EventType::new("paid").ok(),
            id: EventId::new("an id").ok(),
            retry_ms: Some(0),
            key: IdempotencyKey::parse(KeyFields { credential: "one", key: "k" }).ok(),
            batch_part: Some(BatchPart { before: 1, through: 2, digest: [7; 16], complete: true }),
            is_state: true,
            ..parts
        },
    };
    let cursor = Cursor::new(Epoch(99_999), Sequence(7));
    DumpItem::Event(Box::new(Event { cursor, time: UnixMillis(time), draft: Draft::restore(parts) }))
}

proptest! {
    #[test]
    fn what_is_written_is_read(data in "(?s).{0,40}|[\r\n: a]{0,12}", time: u64, has_all: bool, first: u64, last: u64) {
        let items = [
            DumpItem::Begin { epoch: Epoch(first), after: Sequence(last), time: UnixMillis(time) },
            event(&data, time, has_all),
            DumpItem::Epoch { begins: Epoch(first), ends: Epoch(last) },
            DumpItem::Lost { first: Sequence(first), last: Sequence(last) },
            event("", 0, !has_all),
            DumpItem::End { last: Sequence(last) },
        ];

        for format in [DumpFormat::Ndjson, DumpFormat::EventStream] {
            prop_assert_eq!(read(&text_of(&items, format)), Ok(items.to_vec()));
        }
    }
}

#[test]
fn an_event_has_the_members_of_all_events_and_a_stream_is_one_for_every_client() {
    let json = "{\"id\":\"255r-7\",\"cursor\":\"255r-7\",\"topic\":\"orders/42\",\"data\":\"a\\r\\nb\",\"time\":\"1970-01-01T00:00:01.000Z\"}\n";
    assert_eq!(text_of(&[event("a\r\nb", 1_000, false)], DumpFormat::Ndjson), json);
    let stream = "cursor: 255r-7\nexact: \"a\\r\\nb\"\ndata: a\ndata: b\nid: 255r-7\ntime: 1970-01-01T00:00:01.000Z\ntopic: orders/42\n\n";
    assert_eq!(text_of(&[event("a\r\nb", 1_000, false)], DumpFormat::EventStream), stream);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let error = |text: &str| read(text).map_err(|error| (error.line, error.what));
    assert_eq!(error("{\"end\":{\"last\":1}}\n{\"x\":1}\n"), Err((2, "it is no line of a dump".to_owned())));
    assert_eq!(
        error("{\"dump\":{\"version\":2,\"after\":\"1-0\",\"time\":0}}\n"),
        Err((1, "it is a dump of version 2, and this version reads 1".to_owned()))
    );
    assert!(error("{\"end\"\n").is_err_and(|(line, _)| line == 1));
    assert!(
        error("cursor: 1-1\ntopic: a\n\n")
            .is_err_and(|(line, what)| line == 3 && what.contains("missing field"))
    );
    assert!(error("cursor: 1-1\ncursor: 1-1\n\n").is_err_and(|(line, _)| line == 2));
    assert_eq!(error(": a comment\n\n"), Ok(Vec::new()));
}
