//! The page about the JSON of events says what the types say: names, order, which are always there, and an example.

use serde_json::{Map, Value};
use tidings_core::contract::fixture::{draft, draft_with};
use tidings_core::{Cursor, Draft, DraftFields, Epoch, Lost, Sequence};

use super::*;

/// `1k3f-42`.
const PLACE: Cursor = Cursor { epoch: Epoch(72_699), sequence: Sequence(42) };
/// 2026-11-26T09:50:12Z.
const TIME: UnixMillis = UnixMillis(1_795_686_612_000);

fn event(time: UnixMillis, draft: Draft) -> Event {
    Event { cursor: PLACE, time, draft }
}

/// An event with every member that there is.
fn full() -> Event {
    let fields = DraftFields {
        event_type: Some("status"),
        id: Some("order-42-paid"),
        retry_ms: Some(5_000),
        ..DraftFields::default()
    };
    event(TIME, draft_with("orders/42", r#"{"state":"paid"}"#, fields))
}

fn pretty(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap()
}

fn members(document: &impl Serialize) -> Map<String, Value> {
    let Value::Object(members) = serde_json::to_value(document).unwrap() else { panic!("it is an object") };
    members
}

/// The page.
struct Page(String);

impl Page {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/events.md");
        Self(std::fs::read_to_string(path).unwrap())
    }

    fn section(&self, heading: &str) -> &str {
        let (_, section) = self.0.split_once(&format!("\n## {heading}\n")).unwrap();
        section.split("\n## ").next().unwrap()
    }

    /// The first block of JSON of a section.
    fn example(&self, heading: &str) -> &str {
        let (_, block) = self.section(heading).split_once("```json\n").unwrap();
        block.split_once("\n```").unwrap().0
    }

    /// The rows of a section's table: the name of a member, its type, and when it is there.
    fn rows(&self, heading: &str) -> Vec<(&str, &str, &str)> {
        let rows = self.section(heading).lines().filter(|line| line.starts_with("| ")).skip(1);
        rows.map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [name, kind, there, meaning] = cells[..] else { panic!("a row has four cells: {line}") };
            assert!(!meaning.is_empty(), "{name} has no meaning");
            (name.trim_matches('`'), kind, there)
        })
        .collect()
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Object(_) => "object",
        Value::Null | Value::Bool(_) | Value::Array(_) => "a type that no row names",
    }
}

#[test]
fn the_reference_shows_an_event_exactly_as_it_is_written() {
    let page = Page::read();

    assert_eq!(page.example("The members"), pretty(&EventDocument::new(&full())));
}

#[test]
fn the_reference_lists_exactly_these_members_and_says_which_are_always_there() {
    let page = Page::read();
    let full = full();
    let (full, sparse) = (EventDocument::new(&full), event(TIME, draft("a", "x")));
    let (all, always) = (members(&full), members(&EventDocument::new(&sparse)));

    let rows = page.rows("The members");

    // The example has the order of the type, which a map does not keep.
    let text = pretty(&full);
    let mut expected: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), kind(value))).collect();
    expected.sort_by_key(|(name, _)| text.find(&format!("\n  \"{name}\": ")));
    // `meta` is reserved and in no event yet.
    expected.push(("meta", "object"));
    assert_eq!(rows.iter().map(|(name, kind, _)| (*name, *kind)).collect::<Vec<_>>(), expected);
    for (name, _, there) in rows {
        assert_eq!(there == "always", always.contains_key(name), "{name}");
    }
    assert!(!all.contains_key("meta"), "it is reserved");
}

#[test]
fn the_reference_shows_a_gap_exactly_as_it_is_written() {
    let gap = Gap { requested: "1k3f-7".to_owned(), lost: Lost::Expired, resumes_after: PLACE };
    let page = Page::read();

    let document = GapDocument::from(&gap);

    assert_eq!(page.example("A gap"), pretty(&document));
    let rows = page.rows("A gap");
    let expected = ["requested", "reason", "resumes_after"].map(|name| (name, "string", "always"));
    assert_eq!(rows, expected);
    let all = members(&document);
    assert_eq!(all.len(), rows.len());
}

#[test]
fn the_reference_shows_where_a_stream_begins_exactly_as_it_is_written() {
    let page = Page::read();

    let connection = "1vcknh9ndjmm8".parse().unwrap();
    let heartbeat = Duration::from_secs(15);
    let document = OpenDocument::new(PLACE, connection, heartbeat, TIME);

    assert_eq!(page.example("Where a stream begins"), pretty(&document));
    let rows = page.rows("Where a stream begins");
    let expected =
        [("cursor", "string"), ("heartbeat_ms", "number"), ("time", "string"), ("connection", "string")];
    assert_eq!(rows, expected.map(|(name, kind)| (name, kind, "always")));
    assert_eq!(members(&CursorDocument::new(PLACE)), members(&serde_json::json!({"cursor": "1k3f-42"})));
}

#[test]
fn an_event_without_a_type_and_an_id_has_those_that_a_page_hears() {
    let all = members(&EventDocument::new(&event(TIME, draft("a", "x"))));

    assert_eq!((&all["id"], &all["cursor"]), (&"1k3f-42".into(), &"1k3f-42".into()));
    assert_eq!(all["type"], "message");
}

#[test]
fn a_time_has_three_digits_of_a_second_and_four_of_a_year_whatever_it_is() {
    for (ms, expected) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (TIME.0, "2026-11-26T09:50:12.000Z"),
        (TIME.0 + 120, "2026-11-26T09:50:12.120Z"),
        (253_402_207_200_999, "9999-12-30T22:00:00.999Z"),
        (253_402_207_201_000, "9999-12-30T22:00:00.999Z"),
        (i64::MAX.unsigned_abs(), "9999-12-30T22:00:00.999Z"),
        (u64::MAX, "9999-12-30T22:00:00.999Z"),
    ] {
        assert_eq!(time(UnixMillis(ms)), expected, "{ms}");
    }
}
