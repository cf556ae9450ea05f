//! Opens a directory whose files are any bytes, and reads it in every way.
//!
//! An input is a list of files, each with 4 bytes before its content: its kind (the lowest two bits: 1 for a segment, 2
//! for an index, else `META`; with 0x80 its checksums and tags are set right, so that what they protect is reached: tags are
//! those of a log whose key is zeros), the number of its first event (0 stands for the largest there is), and the bytes of
//! its content (2 bytes, little-endian). The last file ends where the input does.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use siphasher::sip::SipHasher13;
use tidings_core::{
    Clock, Draft, DraftParts, Event, IdempotencyKey, Query, Reading, Selector, Selectors, Start, Store,
    StoreError, Topic, UnixMillis,
};
use tidings_sse::EventId;
use tidings_store::{FileStore, FileStoreConfig, OpenError};

/// The `META` of a directory for which an input has none.
const META: &[u8] =
    b"tidings 1\nepoch 1\nhash 00000000000000000000000000000000\nopen fsync ?\ncrc32c 00000000\n";

/// Checks that a directory can be read, or is refused, and that a second start finds what the first one has found.
pub(crate) fn check(input: &[u8]) {
    let dir = tempfile::tempdir().expect("a directory for a moment");
    write(dir.path(), input);

    let first = attempt(dir.path());
    let second = attempt(dir.path());

    if let Some(Ok(events)) = first {
        let Some(Ok(again)) = second else { panic!("the second start: {second:?}") };
        // Where parts of a log contradict each other, the epochs of its events may be others after the next start. Their readers are told.
        let shown = |events: &[Event]| -> Vec<_> {
            events.iter().map(|event| (event.cursor.sequence, event.time, event.draft.clone())).collect()
        };
        assert!(
            shown(&again).starts_with(&shown(&events)),
            "the second start: {again:?} instead of {events:?}"
        );
    }
}

/// Opens the directory and reads in every way. Returns all events, unless the directory is refused.
fn attempt(dir: &Path) -> Option<Result<Vec<Event>, StoreError>> {
    let config = FileStoreConfig { dir: dir.to_owned(), segment_bytes: 65_536, ..FileStoreConfig::default() };
    let store = match FileStore::open(config, Arc::new(NoTime)) {
        Ok(store) => store,
        Err(OpenError::Corrupt { .. } | OpenError::NotOurs { .. }) => return None,
        Err(error) => panic!("{error}"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    Some(runtime.block_on(async {
        let events = read_all(&store, Start::Earliest, "**").await;
        let id = EventId::new("msg1").expect("an id");
        for start in [Start::Earliest, Start::Last(2), Start::Last(usize::MAX), Start::Since(UnixMillis(2))] {
            for selector in ["a", "a/*", "**"] {
                let _ = read_all(&store, start.clone(), selector).await;
            }
        }
        let _ = read_all(&store, Start::AfterId(id), "**").await;
        match store.append(vec![again()]).await {
            Ok(_) | Err(StoreError::Corrupt(_)) => {}
            Err(error) => panic!("an append: {error}"),
        }
        store.close().await.expect("closed");
        events
    }))
}

/// An event whose key the directory may know.
fn again() -> Draft {
    let topic = Topic::parse("a").expect("a topic");
    let (data, key) = (Bytes::from_static(b"again"), IdempotencyKey::parse("key-1".into()).expect("a key"));
    Draft::restore(DraftParts { key: Some(key), ..DraftParts::new(topic, data) })
}

/// Reads page by page. Fails if a page leads nowhere, or if something else than corruption is told.
async fn read_all(store: &FileStore, start: Start, selector: &str) -> Result<Vec<Event>, StoreError> {
    let selectors = Selectors::new([Selector::parse(selector).expect("a selector")]).expect("one selector");
    let mut query = Query { start, selectors, events_max: 100, bytes_max: 262_144 };
    let mut events: Vec<Event> = Vec::new();
    loop {
        let page = match store.read(query.clone()).await {
            Ok(Reading::Page(page)) => page,
            Ok(Reading::Lost { .. }) => return Ok(events),
            Err(error @ StoreError::Corrupt(_)) => return Err(error),
            Err(error) => panic!("a reading: {error}"),
        };
        let (after, next, has_more) = (page.after, page.next, page.has_more());
        events.extend(page.events);
        assert!(
            events.is_sorted_by(|one, two| one.cursor.sequence < two.cursor.sequence),
            "out of order, or twice"
        );
        if !has_more {
            return Ok(events);
        }
        assert!(next.sequence > after.sequence, "a page that leads nowhere");
        query.start = Start::After(next);
    }
}

/// A clock that stands still.
struct NoTime;

impl Clock for NoTime {
    fn now(&self) -> UnixMillis {
        UnixMillis(1)
    }
}

/// Writes the files of an input.
fn write(dir: &Path, mut input: &[u8]) {
    let mut meta = META.to_vec();
    mend_meta(&mut meta);
    fs::write(dir.join("META"), meta).expect("META is written");
    while let Some((&[kind, number, low, high], rest)) = input.split_first_chunk() {
        let (content, rest) = rest.split_at(rest.len().min(u16::from_le_bytes([low, high]).into()));
        input = rest;
        let mut content = content.to_vec();
        let base = if number == 0 { u64::MAX } else { number.into() };
        let name = match kind & 3 {
            1 => format!("{base:020}.log"),
            2 => format!("{base:020}.idx"),
            _ => "META".to_owned(),
        };
        if kind & 0x80 != 0 {
            match kind & 3 {
                1 => mend_segment(&mut content),
                2 => mend_index(&mut content, base),
                _ => mend_meta(&mut content),
            }
        }
        fs::write(dir.join(name), content).expect("a file is written");
    }
}

fn mend_meta(bytes: &mut Vec<u8>) {
    const LAST: usize = b"crc32c 00000000\n".len();
    let Some(body) = bytes.len().checked_sub(LAST) else { return };
    let line = format!("crc32c {:08x}\n", crc32c::crc32c(&bytes[..body]));
    bytes.splice(body.., line.into_bytes());
}

fn mend_segment(bytes: &mut [u8]) {
    let Some((header, records)) = bytes.split_first_chunk_mut::<64>() else { return };
    let format = header[12];
    if format > 1 {
        header[40..48].copy_from_slice(&hash(&[0; 16], b"").to_le_bytes());
    }
    let checksum = crc32c::crc32c(&header[12..]);
    header[8..12].copy_from_slice(&checksum.to_le_bytes());
    match format {
        1 => mend_records_of_version_1(records),
        _ => mend_records(records),
    }
}

fn mend_records_of_version_1(mut rest: &mut [u8]) {
    while let Some(len) = rest.get(4..8) {
        let len = number(len);
        if len < 36 || len > rest.len() {
            return;
        }
        let (record, after) = rest.split_at_mut(len);
        let checksum = crc32c::crc32c(&record[4..]);
        record[..4].copy_from_slice(&checksum.to_le_bytes());
        rest = after;
    }
}

fn mend_records(mut rest: &mut [u8]) {
    let halves = [&b"tidings record tag, low"[..], b"tidings record tag, high"];
    let mut key = [0; 16];
    for (half, text) in key.chunks_exact_mut(8).zip(halves) {
        half.copy_from_slice(&hash(&[0; 16], text).to_le_bytes());
    }
    while rest.len() >= 44 {
        let len = number(&rest[12..16]);
        // The tag is right even if the length leads beyond the end: then the length is believed.
        let end = len.clamp(44, rest.len());
        let (record, after) = rest.split_at_mut(end);
        let checksum = crc32c::crc32c(&record[44..]);
        record[8..12].copy_from_slice(&checksum.to_le_bytes());
        let tag = hash(&key, &record[8..44]);
        record[..8].copy_from_slice(&tag.to_le_bytes());
        if end != len {
            return;
        }
        rest = after;
    }
}

fn hash(key: &[u8; 16], bytes: &[u8]) -> u64 {
    SipHasher13::new_with_key(key).hash(bytes)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn mend_index(bytes: &mut [u8], base: u64) {
    for (number, page) in (0_u64..).zip(bytes.chunks_exact_mut(4_096)) {
        let place = [base.to_le_bytes(), number.to_le_bytes()].concat();
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&place), &page[..4_092]);
        page[4_092..].copy_from_slice(&checksum.to_le_bytes());
    }
}
