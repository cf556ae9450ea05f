//! The only door into the hub: each rule, with its exact error.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use bytes::Bytes;
use tidings_core::contract::ManualClock;
use tidings_core::limits::STATE_BYTES_MAX;
use tidings_core::memory::{MemoryRetention, MemoryStore};
use tidings_core::{
    BatchPart, Draft, DraftError, DraftFields, Epoch, Hub, IdempotencyKey, KeyFields, Limits, Placement,
    Sequence, Store, Topic,
};
use tidings_sse::EventType;

/// A hub whose epoch is written `10`, and whose events have at most ten bytes of data.
struct Door {
    hub: Hub,
    store: Arc<MemoryStore>,
}

impl Door {
    async fn open() -> Self {
        let mut limits = Limits::default();
        limits.event_bytes_max = 10;
        let store = Arc::new(MemoryStore::new(Epoch(36), ManualClock::at(0), MemoryRetention::default()));
        Self { hub: Hub::start(store.clone(), limits).await.unwrap(), store }
    }

    fn draft(&self, data: &[u8], fields: DraftFields<'_>) -> Result<Draft, DraftError> {
        self.hub.draft(Topic::parse("a").unwrap(), Bytes::copy_from_slice(data), fields)
    }

    fn own(&self, own_type: &str, data: &[u8]) -> Result<Draft, DraftError> {
        let own_type = EventType::new(own_type).unwrap();
        self.hub.own_draft(Topic::parse("a").unwrap(), &own_type, Bytes::copy_from_slice(data))
    }

    fn with_id(&self, id: &str) -> Result<Draft, DraftError> {
        self.draft(b"", DraftFields { id: Some(id), ..DraftFields::default() })
    }

    fn with_type(&self, event_type: &str) -> Result<Draft, DraftError> {
        self.draft(b"", DraftFields { event_type: Some(event_type), ..DraftFields::default() })
    }
}

#[tokio::test]
async fn data_is_any_text_up_to_the_limit() {
    let door = Door::open().await;
    assert!(door.draft(b"", DraftFields::default()).is_ok());
    assert!(door.draft(b"0123456789", DraftFields::default()).is_ok());
    assert!(door.draft("\r\n\0\u{1f980}".as_bytes(), DraftFields::default()).is_ok());
    assert_eq!(
        door.draft(b"0123456789a", DraftFields::default()),
        Err(DraftError::DataTooLong { bytes_max: 10 })
    );
    assert_eq!(door.draft(b"abc\xff", DraftFields::default()), Err(DraftError::DataNotUtf8 { at: 3 }));
}

#[tokio::test]
async fn an_id_must_survive_the_wire_and_the_header() {
    let door = Door::open().await;
    for id in ["369", "msg1", "urn:uuid:0", "\u{6d88}\u{606f}", "a b", &"x".repeat(256)] {
        assert_eq!(door.with_id(id).unwrap().id().unwrap().as_str(), id);
    }
    assert_eq!(door.with_id(""), Err(DraftError::IdEmpty));
    assert_eq!(door.with_id(&"x".repeat(257)), Err(DraftError::IdTooLong { bytes: 257 }));
    for character in ['\n', '\r', '\0', '\t', '\u{7f}', '\u{85}'] {
        let id = format!("a{character}b\u{1}");
        assert_eq!(door.with_id(&id), Err(DraftError::IdControl { character }), "{id:?}");
    }
    for id in [" a", "a ", "\u{3000}a"] {
        assert_eq!(door.with_id(id), Err(DraftError::IdSpace), "{id:?}");
    }
}

#[tokio::test]
async fn an_event_type_is_one_line_and_not_the_hubs_own() {
    let door = Door::open().await;
    assert_eq!(door.with_type("ping").unwrap().event_type().unwrap().as_str(), "ping");
    assert_eq!(door.with_type("").unwrap().event_type(), None);
    assert_eq!(door.with_type("tidings.gap"), Err(DraftError::TypeReserved));
    assert_eq!(door.with_type(&"x".repeat(257)), Err(DraftError::TypeTooLong { bytes: 257 }));
    for character in ['\n', '\r', '\0'] {
        let event_type = format!("a{character}b\u{1}");
        assert_eq!(door.with_type(&event_type), Err(DraftError::TypeControl { character }), "{event_type:?}");
    }
}

#[tokio::test]
async fn a_retry_is_at_most_a_day() {
    let door = Door::open().await;
    let with_retry = |ms| door.draft(b"", DraftFields { retry_ms: Some(ms), ..DraftFields::default() });

    assert_eq!(with_retry(86_400_000).unwrap().retry_ms(), Some(86_400_000));
    assert_eq!(with_retry(86_400_001), Err(DraftError::RetryTooLong));
}

#[tokio::test]
async fn a_key_is_visible_ascii() {
    let door = Door::open().await;
    let with_key =
        |key: &str| door.draft(b"", DraftFields { key: Some(key.into()), ..DraftFields::default() });

    assert_eq!(with_key("k-1").unwrap().key().unwrap().as_str(), "k-1");
    let long = "x".repeat(256);
    for key in ["", "a b", "\u{e9}", "a\n", &long] {
        assert_eq!(with_key(key), Err(DraftError::Key), "{key:?}");
    }
}

#[tokio::test]
async fn a_key_belongs_to_a_credential_whose_name_is_any_short_text() {
    let door = Door::open().await;
    let named = |credential| {
        let key = Some(KeyFields { credential, key: "k" });
        door.draft(b"", DraftFields { key, ..DraftFields::default() })
    };
    let long = "x".repeat(256);

    for credential in ["", "publish-key", "J\u{f6}rg / 1", &long[1..]] {
        assert_eq!(named(credential).unwrap().key().unwrap().credential(), credential);
    }
    assert_ne!(named("a").unwrap().key(), named("b").unwrap().key());
    for credential in ["a\nb", "\0", &long] {
        assert_eq!(named(credential), Err(DraftError::Credential), "{credential:?}");
    }
}

#[tokio::test]
async fn what_a_draft_says_of_its_batch_leaves_the_rest_as_it_was() {
    let door = Door::open().await;
    let fields = DraftFields { event_type: Some("t"), id: Some("i"), retry_ms: Some(5), key: None };
    let whole = door.draft(b"x", fields).unwrap();
    let plain = door.draft(b"x", DraftFields::default()).unwrap();
    let key = IdempotencyKey::parse("k".into()).unwrap();
    let part = BatchPart { before: 1, through: 2, digest: [7; 16], complete: false };

    for draft in [whole, plain] {
        let last = draft.clone().ending_part(key.clone(), part);

        assert!(last.says_the_same_as(&draft));
        assert_eq!((last.key(), last.batch_part()), (Some(&key), Some(&part)));
        assert_eq!((draft.key(), draft.batch_part()), (None, None));
        assert!(last.bytes() > draft.bytes(), "what is kept is counted");
    }
}

#[tokio::test]
async fn a_draft_says_the_same_whatever_its_key() {
    let door = Door::open().await;
    let fields =
        |key: &'static str| DraftFields { id: Some("1"), key: Some(key.into()), ..DraftFields::default() };

    assert!(door.draft(b"x", fields("k")).unwrap().says_the_same_as(&door.draft(b"x", fields("l")).unwrap()));
    assert!(
        !door.draft(b"x", fields("k")).unwrap().says_the_same_as(&door.draft(b"y", fields("k")).unwrap())
    );
}

#[tokio::test]
async fn a_draft_of_the_hubs_own_may_have_a_key() {
    let door = Door::open().await;
    let key = |key: &str| IdempotencyKey::parse(KeyFields { credential: "me", key }).unwrap();
    let own = |data: &[u8], name| door.own("tidings.note", data).unwrap().with_key(key(name));

    let mut placements = Vec::new();
    for data in [b"x", b"x", b"y"] {
        placements.extend(door.store.append(vec![own(data, "k")]).await.unwrap());
    }

    let Placement::New(cursor) = placements[0] else { panic!("{placements:?}") };
    assert_eq!(placements[1..], [Placement::Repeated(cursor), Placement::KeyReused(cursor)]);
    assert_eq!(own(b"x", "k").key(), Some(&key("k")));
    assert!(own(b"x", "k").says_the_same_as(&own(b"x", "l")));
    assert_eq!(own(b"x", "k").bytes(), door.own("tidings.note", b"x").unwrap().bytes() + "mek".len());
}

#[tokio::test]
async fn a_state_record_is_an_event_of_the_hubs_own_of_another_kind() {
    let door = Door::open().await;
    let state = |own_type: &str, data: &[u8]| {
        let own_type = EventType::new(own_type).unwrap();
        door.hub.state_draft(Topic::parse("a").unwrap(), &own_type, Bytes::copy_from_slice(data))
    };
    assert_eq!(state("note", b"x"), Err(DraftError::TypeNotOwn));
    // The limit of what publishers send may be lower than when the hub took what the state is made of.
    assert!(state("tidings.note", b"0123456789a").is_ok());
    let bytes_max = STATE_BYTES_MAX;
    assert_eq!(state("tidings.note", &vec![b'x'; bytes_max + 1]), Err(DraftError::DataTooLong { bytes_max }));

    let (state, own) = (state("tidings.note", b"x").unwrap(), door.own("tidings.note", b"x").unwrap());

    assert!(state.is_state() && !own.is_state());
    assert!(!state.says_the_same_as(&own) && !own.says_the_same_as(&state) && state != own);
    assert_eq!(state.bytes(), own.bytes());
    // What is set later leaves it as it is.
    let key = IdempotencyKey::parse("k".into()).unwrap();
    let part = BatchPart { before: 1, through: 2, digest: [7; 16], complete: false };
    assert!(state.clone().with_key(key.clone()).is_state() && state.ending_part(key, part).is_state());
}

#[tokio::test]
async fn an_id_that_reads_as_a_place_of_this_log_is_refused() {
    let door = Door::open().await;

    for id in ["10-0", "10-1", "10-18446744073709551615"] {
        assert_eq!(door.with_id(id), Err(DraftError::IdReserved), "{id:?}");
    }
    for id in ["11-1", "10-01", "10-", "10-18446744073709551616", "10-1-1"] {
        assert_eq!(door.with_id(id).unwrap().id().unwrap().as_str(), id);
    }
}

#[tokio::test]
async fn an_id_that_reads_as_a_place_of_any_epoch_on_the_line_is_refused() {
    let door = Door::open().await;
    let draft = door.draft(b"x", DraftFields::default()).unwrap();
    door.hub.publish(draft).await.unwrap();

    door.store.begin_epoch(Epoch(37), Sequence(1));

    for id in ["10-1", "10-7", "11-1", "11-7"] {
        assert_eq!(door.with_id(id), Err(DraftError::IdReserved), "{id:?}");
    }
    // It is on no line.
    assert!(door.with_id("12-1").is_ok());
}

#[tokio::test]
async fn an_event_of_the_hubs_own_is_known_by_its_type_and_has_no_other_field() {
    let door = Door::open().await;

    let own = door.own("tidings.presence", b"0123456789").unwrap();

    assert_eq!(own.event_type().unwrap().as_str(), "tidings.presence");
    assert_eq!((own.topic().as_str(), &own.data()[..]), ("a", &b"0123456789"[..]));
    assert_eq!((own.id(), own.retry_ms(), own.key()), (None, None, None));
    for own_type in ["ping", "tidings", "Tidings.x", " tidings.x"] {
        assert_eq!(door.own(own_type, b""), Err(DraftError::TypeNotOwn), "{own_type:?}");
    }
    assert_eq!(door.own("tidings.x", b"0123456789a"), Err(DraftError::DataTooLong { bytes_max: 10 }));
    assert_eq!(door.own("tidings.x", b"\xff"), Err(DraftError::DataNotUtf8 { at: 0 }));
}
