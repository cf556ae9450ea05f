//! The only door into the hub: each rule, with its exact error.

#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use tidings_core::{Draft, DraftError, DraftFields, Limits, Topic};

fn draft(data: &[u8], fields: DraftFields<'_>) -> Result<Draft, DraftError> {
    let mut limits = Limits::default();
    limits.event_bytes_max = 10;
    Draft::new(Topic::parse("a").unwrap(), Bytes::copy_from_slice(data), fields, &limits)
}

fn with_id(id: &str) -> Result<Draft, DraftError> {
    draft(b"", DraftFields { id: Some(id), ..DraftFields::default() })
}

fn with_type(event_type: &str) -> Result<Draft, DraftError> {
    draft(b"", DraftFields { event_type: Some(event_type), ..DraftFields::default() })
}

#[test]
fn data_is_any_text_up_to_the_limit() {
    assert!(draft(b"", DraftFields::default()).is_ok());
    assert!(draft(b"0123456789", DraftFields::default()).is_ok());
    assert!(draft("\r\n\0\u{1f980}".as_bytes(), DraftFields::default()).is_ok());
    assert_eq!(draft(b"0123456789a", DraftFields::default()), Err(DraftError::DataTooLong { bytes_max: 10 }));
    assert_eq!(draft(b"abc\xff", DraftFields::default()), Err(DraftError::DataNotUtf8 { at: 3 }));
}

#[test]
fn an_id_must_survive_the_wire_and_the_header() {
    for id in ["369", "msg1", "urn:uuid:0", "\u{6d88}\u{606f}", "a b", &"x".repeat(256)] {
        assert_eq!(with_id(id).unwrap().id().unwrap().as_str(), id);
    }
    assert_eq!(with_id(""), Err(DraftError::IdEmpty));
    assert_eq!(with_id(&"x".repeat(257)), Err(DraftError::IdTooLong { bytes: 257 }));
    for id in ["a\nb", "a\rb", "a\0b", "a\tb", "a\u{7f}b", "a\u{85}b"] {
        assert_eq!(with_id(id), Err(DraftError::IdControl), "{id:?}");
    }
    for id in [" a", "a ", "\u{3000}a"] {
        assert_eq!(with_id(id), Err(DraftError::IdSpace), "{id:?}");
    }
}

#[test]
fn an_event_type_is_one_line_and_not_the_hubs_own() {
    assert_eq!(with_type("ping").unwrap().event_type().unwrap().as_str(), "ping");
    assert_eq!(with_type("").unwrap().event_type(), None);
    assert_eq!(with_type("tidings.gap"), Err(DraftError::TypeReserved));
    assert_eq!(with_type(&"x".repeat(257)), Err(DraftError::TypeTooLong { bytes: 257 }));
    for event_type in ["a\nb", "a\rb", "a\0b"] {
        assert_eq!(with_type(event_type), Err(DraftError::TypeControl), "{event_type:?}");
    }
}

#[test]
fn a_retry_is_at_most_a_day() {
    let with_retry = |ms| draft(b"", DraftFields { retry_ms: Some(ms), ..DraftFields::default() });

    assert_eq!(with_retry(86_400_000).unwrap().retry_ms(), Some(86_400_000));
    assert_eq!(with_retry(86_400_001), Err(DraftError::RetryTooLong));
}

#[test]
fn a_key_is_visible_ascii() {
    let with_key = |key| draft(b"", DraftFields { key: Some(key), ..DraftFields::default() });

    assert_eq!(with_key("k-1").unwrap().key().unwrap().as_str(), "k-1");
    let long = "x".repeat(256);
    for key in ["", "a b", "\u{e9}", "a\n", &long] {
        assert_eq!(with_key(key), Err(DraftError::Key), "{key:?}");
    }
}

#[test]
fn a_draft_says_the_same_whatever_its_key() {
    let fields = |key| DraftFields { id: Some("1"), key: Some(key), ..DraftFields::default() };

    assert!(draft(b"x", fields("k")).unwrap().says_the_same_as(&draft(b"x", fields("l")).unwrap()));
    assert!(!draft(b"x", fields("k")).unwrap().says_the_same_as(&draft(b"y", fields("k")).unwrap()));
}
