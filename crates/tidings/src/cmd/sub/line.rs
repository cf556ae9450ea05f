//! An item of a stream as a line: coloured for people, JSON for programs.

use serde::Serialize;
use tidings_client::{Event, Gap, Item, Partial};

use super::data::DataLines;
use crate::terminal::chain::visible;
use crate::terminal::guard;

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    People {
        color: bool,
    },
    Programs {
        /// Nothing in a line may be what a terminal acts on.
        is_terminal: bool,
    },
}

/// The lines of an item, a piece at a time. The last one ends with LF.
pub(super) type Pieces<'a> = Box<dyn Iterator<Item = String> + Send + 'a>;

/// ANSI: dim, green, cyan, yellow, and back to normal.
const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const CYAN: &str = "\x1b[36m";
const YELLOW: &str = "\x1b[33m";
const NORMAL: &str = "\x1b[0m";

/// What is shown of an item. `None` for what is not content, such as a new connection.
pub(super) fn of(item: &Item, style: Style) -> Option<Pieces<'_>> {
    match style {
        Style::People { color } => for_people(item, color),
        Style::Programs { is_terminal } => {
            let line = for_programs(item)?;
            let line = if is_terminal { guard::json(&line).into_owned() } else { line };
            Some(Box::new(std::iter::once(line)))
        }
    }
}

fn for_people(item: &Item, color: bool) -> Option<Pieces<'_>> {
    let paint = |paint, text: &str| {
        if color && !text.is_empty() { format!("{paint}{text}{NORMAL}") } else { text.to_owned() }
    };
    let line = match item {
        Item::Event(event) => return Some(event_for_people(event, paint)),
        Item::Gap(gap) => paint(YELLOW, &gap_for_people(gap)),
        Item::Partial(partial) => paint(YELLOW, &partial_for_people(partial)),
        Item::Comment(text) => paint(DIM, &format!(":{}", visible(text))),
        _ => return None,
    };
    Some(Box::new(std::iter::once(line + "\n")))
}

/// Time, id, topic, type and data in columns as wide as they need to be; further lines of data stand below the first. The time is
/// there if the URL asks for it, and the topic in streams of several.
fn event_for_people(event: &Event, paint: impl Fn(&'static str, &str) -> String) -> Pieces<'_> {
    let columns = [
        (DIM, event.time().unwrap_or_default()),
        (DIM, &event.last_event_id),
        (GREEN, event.topic().unwrap_or_default()),
        (CYAN, event.type_or_message()),
    ];
    let (mut line, mut column) = (String::new(), 0);
    for (color, text) in columns.into_iter().filter(|(_, text)| !text.is_empty()) {
        let text = visible(text);
        column += text.chars().count() + 2;
        line += &format!("{}  ", paint(color, &text));
    }
    Box::new(std::iter::once(line).chain(DataLines::new(&event.data, column)))
}

fn gap_for_people(gap: &Gap) -> String {
    let after = |id: &Option<String>| id.as_deref().map_or_else(|| "an unknown place".to_owned(), visible);
    let (requested, resumes) = (after(&gap.requested), after(&gap.resumes_after));
    format!(
        "gap ({}): events after {requested} are gone; it goes on after {resumes}",
        visible(gap.reason.as_str())
    )
}

fn partial_for_people(partial: &Partial) -> String {
    let asked = partial.requested.as_deref().map(|asked| format!(" ({})", visible(asked)));
    format!(
        "fewer events than were asked for{}: the hub stopped looking for older ones",
        asked.unwrap_or_default()
    )
}

/// The object of docs/reference/events.md, with the members that a stream of server-sent events tells.
#[derive(Serialize)]
struct EventLine<'a> {
    /// None if the event has no id of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// None if the server does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    r#type: &'a str,
    data: &'a str,
    /// None if the server does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    /// Where to go on, also after an event that has no id of its own. Its name is that of the standard.
    #[serde(rename = "lastEventId")]
    last_event_id: &'a str,
}

#[derive(Serialize)]
struct CommentLine<'a> {
    comment: &'a str,
}

#[derive(Serialize)]
struct GapLine<'a> {
    gap: GapData<'a>,
}

#[derive(Serialize)]
struct GapData<'a> {
    requested: Option<&'a str>,
    reason: &'a str,
    resumes_after: Option<&'a str>,
    /// The same, by the name that it had before there was one object for all: programs were written for it.
    #[serde(rename = "resumesAfter")]
    resumes_after_as_before: Option<&'a str>,
}

#[derive(Serialize)]
struct PartialLine<'a> {
    partial: PartialData<'a>,
}

#[derive(Serialize)]
struct PartialData<'a> {
    requested: Option<&'a str>,
    begins_after: Option<&'a str>,
}

fn for_programs(item: &Item) -> Option<String> {
    let line = match item {
        Item::Event(event) => json(&EventLine {
            id: event.id().filter(|id| !id.is_empty()),
            topic: event.topic(),
            r#type: event.type_or_message(),
            data: &event.data,
            time: event.time(),
            last_event_id: &event.last_event_id,
        }),
        Item::Gap(gap) => json(&GapLine {
            gap: GapData {
                requested: gap.requested.as_deref(),
                reason: gap.reason.as_str(),
                resumes_after: gap.resumes_after.as_deref(),
                resumes_after_as_before: gap.resumes_after.as_deref(),
            },
        }),
        Item::Partial(partial) => json(&PartialLine {
            partial: PartialData {
                requested: partial.requested.as_deref(),
                begins_after: partial.begins_after.as_deref(),
            },
        }),
        Item::Comment(text) => json(&CommentLine { comment: text }),
        _ => return None,
    };
    Some(line)
}

fn json(line: &impl Serialize) -> String {
    let mut text = serde_json::to_string(line).expect("texts and their names are always JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
