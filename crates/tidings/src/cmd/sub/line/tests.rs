//! What people and programs see of a stream.

use super::*;

fn event(event_type: Option<&str>, data: &str, id: &str) -> Item {
    let mut event = Event::default();
    event.event_type = event_type.map(str::to_owned);
    event.data = data.to_owned();
    event.last_event_id = id.to_owned();
    Item::Event(event)
}

const PLAIN: Style = Style::People { color: false };

#[test]
fn an_event_is_id_type_and_data() {
    assert_eq!(of(&event(None, "hello", "e-1"), PLAIN).unwrap(), "e-1  message  hello\n");
    assert_eq!(of(&event(Some("tick"), "1", ""), PLAIN).unwrap(), "tick  1\n");
}

#[test]
fn further_lines_stand_below_the_first() {
    let shown = of(&event(Some("log"), "one\n two\n", "7"), PLAIN).unwrap();

    assert_eq!(shown, "7  log  one\n         two\n        \n");
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
    let line = of(&event(Some("log"), "one\n\"two\"\u{1f600}", "7"), Style::Programs).unwrap();
    let comment = of(&Item::Comment(" hi\t".into()), Style::Programs).unwrap();

    assert_eq!(line, "{\"type\":\"log\",\"data\":\"one\\n\\\"two\\\"\u{1f600}\",\"lastEventId\":\"7\"}\n");
    assert_eq!(comment, "{\"comment\":\" hi\\t\"}\n");
}
