//! The body of `POST /events`: lines of JSON, each of them an event with its topic.
//!
//! It is read to its end before anything of it is published, because all of it is published or nothing. What is wrong with it is
//! told with the number of the line.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::Deserialize;
use tidings_core::{ConnectionId, Draft, DraftFields, Hub, Selector, Topic};
use tokio::task::yield_now;

use super::problem::bad_draft;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::limits::{JSON_FAULT_CHARS_MAX, LINES_EVENTS_MAX, LINES_STEP_BYTES};
use crate::request::content::Charset;
use crate::request::path::topic_of_text;
use crate::request::text;

/// The events of a body, and the topics that they name, each once.
pub(super) struct Lines {
    pub(super) drafts: Vec<Draft>,
    pub(super) topics: Vec<Selector>,
}

/// One line. A member that stands twice is refused, and so is one that is not known: a misspelt `type` would be lost.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    topic: String,
    data: String,
    #[serde(rename = "type")]
    event_type: Option<String>,
    id: Option<String>,
}

/// Reads all lines. Lines without anything are passed over. Other requests have their turn in between: a body of the largest size
/// takes longer than a request may hold a thread.
pub(super) async fn read(hub: &Hub, body: Bytes, excepted: Option<ConnectionId>) -> Result<Lines, Problem> {
    let body = text::data(body, Charset::Utf8)?;
    let mut drafts = Vec::new();
    let mut topics = BTreeSet::new();
    let mut step = 0;
    for (at, line) in body.split(|byte| *byte == b'\n').enumerate() {
        step += line.len() + 1;
        if step >= LINES_STEP_BYTES {
            step = 0;
            yield_now().await;
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let number = at as u64 + 1;
        if drafts.len() == LINES_EVENTS_MAX {
            let detail =
                format!("a body has at most {LINES_EVENTS_MAX} events; send the others in another one");
            return Err(Problem::new(ProblemType::TooLarge, detail).at_line(number));
        }
        let draft = draft(hub, line, &mut topics).map_err(|problem| problem.at_line(number))?;
        drafts.push(match excepted {
            Some(connection) => draft.excepting(connection),
            None => draft,
        });
    }
    if drafts.is_empty() {
        return Err(refused("the body has no event".to_owned()));
    }
    Ok(Lines { drafts, topics: topics.into_iter().map(Selector::Topic).collect() })
}

fn draft(hub: &Hub, line: &[u8], topics: &mut BTreeSet<Topic>) -> Result<Draft, Problem> {
    let Line { topic, data, event_type, id } = parse(line)?;
    let topic = match topics.get(topic.as_str()) {
        Some(known) => known.clone(),
        None => {
            let topic = topic_of_text(&topic)?;
            topics.insert(topic.clone());
            topic
        }
    };
    let fields =
        DraftFields { event_type: event_type.as_deref(), id: id.as_deref(), retry_ms: None, key: None };
    hub.draft(topic, data.into(), fields).map_err(|error| bad_draft(&error))
}

fn parse(line: &[u8]) -> Result<Line, Problem> {
    if let Err(error) = std::str::from_utf8(line) {
        let detail = format!("a line is UTF-8 text, and byte {} of it is not", error.valid_up_to() + 1);
        return Err(Problem::new(ProblemType::DataNotUtf8, detail));
    }
    // The parser would take a list for the members in their order.
    if !line.starts_with(b"{") {
        return Err(refused("it is no JSON object".to_owned()));
    }
    serde_json::from_slice(line).map_err(|error| {
        let column = error.column();
        let fault = error.to_string();
        // The parser counts lines, too, and has seen only this one.
        let fault = fault.rsplit_once(" at line ").map_or(&*fault, |(fault, _)| fault);
        let fault: String = fault.chars().take(JSON_FAULT_CHARS_MAX).collect();
        let hint = if fault == "trailing characters" {
            "; each event has a line of its own, and `curl --data-binary @FILE` keeps the line ends that `curl -d` drops"
        } else {
            ""
        };
        refused(format!("it is no event `{{\"topic\",\"data\",\"type\",\"id\"}}`: {fault}, at column {column}{hint}"))
    })
}

fn refused(detail: String) -> Problem {
    Problem::new(ProblemType::BadLine, detail)
}
