//! What people and programs see of a stream.

use super::*;

fn event(event_type: Option<&str>, data: &str, id: &str) -> Item {
    let mut event = Event::default();
    event.event_type = event_type.map(str::to_owned);
    event.data = data.to_owned();
    event.last_event_id = id.to_owned();
    event.id_in_block = !id.is_empty();
    Item::Event(event)
}

const PLAIN: Style = Style::People { color: false };
const PROGRAMS: Style = Style::Programs { is_terminal: false };

fn of(item: &Item, style: Style) -> Option<String> {
    super::of(item, style).map(Iterator::collect)
}

#[test]
fn an_event_is_id_type_and_data() {
    assert_eq!(of(&event(None, "hello", "e-1"), PLAIN).unwrap(), "e-1  message  hello\n");
    assert_eq!(of(&event(Some("tick"), "1", ""), PLAIN).unwrap(), "tick  1\n");
}

#[test]
fn topic_and_time_stand_in_columns_of_their_own_where_they_are_known() {
    let Item::Event(event) = event(None, "x\ny", "1") else { unreachable!() };
    let labelled = Item::Event(event.with_topic("a/b").with_time("T"));

    assert_eq!(of(&labelled, PLAIN).unwrap(), "T  1  a/b  message  x\n                    y\n");
    let line = r#"{"id":"1","topic":"a/b","type":"message","data":"x\ny","time":"T","lastEventId":"1"}"#;
    assert_eq!(of(&labelled, PROGRAMS).unwrap(), format!("{line}\n"));
}

#[test]
fn further_lines_stand_below_the_first() {
    let shown = of(&event(Some("log"), "one\n two\n", "7"), PLAIN).unwrap();

    assert_eq!(shown, "7  log  one\n         two\n\n");
}

/// 1 MB of line ends behind a long id became 516 MB of output, and 1 GB of memory.
#[test]
fn an_event_is_shown_in_pieces_and_not_much_larger_than_it_is() {
    let id = "i".repeat(500);
    for data in ["\n".repeat(1_000_000), "x\n".repeat(500_000)] {
        let item = event(None, &data, &id);

        let (mut shown, mut largest) = (0, 0);
        for piece in super::of(&item, PLAIN).unwrap() {
            shown += piece.len();
            largest = largest.max(piece.len());
        }

        assert!(shown <= data.len() * 20, "{shown}");
        assert!(largest <= 70_000, "{largest}");
    }
}

#[test]
fn what_a_terminal_acts_on_is_escaped_in_json_for_a_terminal_alone() {
    let item = event(None, "\u{9b}31m\u{202e}\u{7f}", "7");
    let line = |data: &str| {
        format!("{{\"id\":\"7\",\"type\":\"message\",\"data\":\"{data}\",\"lastEventId\":\"7\"}}\n")
    };

    assert_eq!(of(&item, PROGRAMS).unwrap(), line("\u{9b}31m\u{202e}\u{7f}"));
    let shown = of(&item, Style::Programs { is_terminal: true }).unwrap();
    assert_eq!(shown, line("\\u009b31m\\u202e\\u007f"));
}

#[test]
fn colours_are_for_those_who_want_them() {
    let shown = of(&event(None, "x", "1"), Style::People { color: true }).unwrap();

    assert_eq!(shown, "\x1b[2m1\x1b[0m  \x1b[36mmessage\x1b[0m  x\n");
}

#[test]
fn nothing_that_a_server_sends_moves_the_cursor() {
    let shown = of(&event(Some("a\x1b"), "\x1b[2Jx\r", "\x07"), PLAIN).unwrap();

    assert_eq!(shown, "\\u{7}  a\\u{1b}  \\u{1b}[2Jx\\u{d}\n");
}

#[test]
fn a_program_gets_one_line_of_json_with_everything_in_it() {
    let line = of(&event(Some("log"), "one\n\"two\"\u{1f600}", "7"), PROGRAMS).unwrap();
    let comment = of(&Item::Comment(" hi\t".into()), PROGRAMS).unwrap();

    let expected =
        "{\"id\":\"7\",\"type\":\"log\",\"data\":\"one\\n\\\"two\\\"\u{1f600}\",\"lastEventId\":\"7\"}\n";
    assert_eq!(line, expected);
    assert_eq!(comment, "{\"comment\":\" hi\\t\"}\n");
}

#[test]
fn an_event_that_has_no_id_of_its_own_has_no_member_for_it_and_yet_a_place() {
    for (id, expected) in [
        ("7", "{\"type\":\"message\",\"data\":\"x\",\"lastEventId\":\"7\"}\n"),
        ("", "{\"type\":\"message\",\"data\":\"x\",\"lastEventId\":\"\"}\n"),
    ] {
        let mut event = Event::default();
        event.data = "x".to_owned();
        event.last_event_id = id.to_owned();
        // A block may have an `id` line that is empty, which is no id.
        event.id_in_block = id.is_empty();

        assert_eq!(of(&Item::Event(event), PROGRAMS).unwrap(), expected);
    }
}

#[test]
fn a_gap_is_the_object_of_history_with_the_name_from_before_beside_the_new_one() {
    let told = r#"{"requested":"a-1","reason":"expired","resumes_after":"a-9"}"#;
    let sparse = r#"{"reason":"moved"}"#;

    let lines = [told, sparse].map(|data| {
        let gap: Gap = serde_json::from_str(data).unwrap();
        of(&Item::Gap(gap), PROGRAMS).unwrap()
    });

    let told = r#""requested":"a-1","reason":"expired","resumes_after":"a-9","resumesAfter":"a-9""#;
    let sparse = r#""requested":null,"reason":"moved","resumes_after":null,"resumesAfter":null"#;
    assert_eq!(lines, [told, sparse].map(|gap| format!("{{\"gap\":{{{gap}}}}}\n")));
}

#[test]
fn a_search_that_ended_early_is_told_to_people_and_to_programs() {
    let told = r#"{"requested":"last 50","begins_after":"a-7"}"#;

    let lines = [told, "{}"].map(|data| {
        let item = Item::Partial(serde_json::from_str(data).unwrap());
        [PLAIN, PROGRAMS].map(|style| of(&item, style).unwrap())
    });

    let why = "the hub stopped looking for older ones";
    let expected = [
        [format!("fewer events than were asked for (last 50): {why}\n"), format!("{{\"partial\":{told}}}\n")],
        [
            format!("fewer events than were asked for: {why}\n"),
            "{\"partial\":{\"requested\":null,\"begins_after\":null}}\n".to_owned(),
        ],
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_reference_lists_exactly_the_members_of_a_line() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/events.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, section) = page.split_once("\n## `tidings sub --json`\n").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);

    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','));
    let mut listed: Vec<_> = names.map(|name| name.trim().trim_matches('`')).collect();

    let Item::Event(event) = event(Some("log"), "x", "7") else { unreachable!() };
    let line = of(&Item::Event(event.with_topic("a").with_time("T")), PROGRAMS).unwrap();
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line).unwrap();
    listed.sort_unstable();
    let mut expected: Vec<_> = members.keys().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(listed, expected);
}
