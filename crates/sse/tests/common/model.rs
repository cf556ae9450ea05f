//! The standard's algorithm, word for word, on a stream that is there as a whole. Slow, and short enough to be
//! checked by eye against HTML 9.2.6.

use super::Heard;
use tidings_sse::Retry;
use tidings_sse::decode::{OwnedEvent, OwnedItem};

/// What a stream says to somebody whose last event id is `seed`.
pub(crate) fn model(stream: &[u8], seed: &str) -> Heard {
    let text = String::from_utf8_lossy(stream);
    let mut state = State { id_buffer: seed.to_owned(), last_event_id: seed.to_owned(), ..State::default() };
    for line in lines(text.strip_prefix('\u{FEFF}').unwrap_or(&text)) {
        state.take(&line);
    }
    Heard { items: state.items, last_event_id: state.last_event_id, error: None }
}

#[derive(Default)]
struct State {
    data: String,
    event_type: String,
    id_buffer: String,
    last_event_id: String,
    items: Vec<OwnedItem>,
    // Not in the standard: what this very block set.
    id_in_block: bool,
    retry_in_block: Option<Retry>,
    topic: String,
    time: String,
}

impl State {
    fn take(&mut self, line: &str) {
        if line.is_empty() {
            self.dispatch();
        } else if let Some(comment) = line.strip_prefix(':') {
            self.items.push(OwnedItem::Comment(comment.to_owned()));
        } else if let Some((field, value)) = line.split_once(':') {
            self.process(field, value.strip_prefix(' ').unwrap_or(value));
            self.label(field, value.strip_prefix(' ').unwrap_or(value), line.len());
        } else {
            self.process(line, "");
            self.label(line, "", line.len());
        }
    }

    fn process(&mut self, field: &str, value: &str) {
        match field {
            "event" => self.event_type = value.to_owned(),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => {
                self.id_buffer = value.to_owned();
                self.id_in_block = true;
            }
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                if let Ok(ms) = value.parse() {
                    self.retry_in_block = Some(Retry::from_ms(ms));
                    self.items.push(OwnedItem::Retry(Retry::from_ms(ms)));
                }
            }
            _ => {}
        }
    }

    /// Not in the standard, which ignores these fields.
    fn label(&mut self, field: &str, value: &str, line_bytes: usize) {
        match field {
            "topic" if line_bytes <= 1_024 => self.topic = value.to_owned(),
            "time" if line_bytes <= 1_024 => self.time = value.to_owned(),
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        self.last_event_id = self.id_buffer.clone();
        let id_in_block = std::mem::take(&mut self.id_in_block);
        let retry = self.retry_in_block.take();
        let event_type = std::mem::take(&mut self.event_type);
        let mut data = std::mem::take(&mut self.data);
        let (topic, time) = (std::mem::take(&mut self.topic), std::mem::take(&mut self.time));
        if data.is_empty() {
            if id_in_block {
                self.items.push(OwnedItem::Id(self.last_event_id.clone()));
            }
            return;
        }
        data.pop();
        let mut event = OwnedEvent::default();
        event.event_type = Some(event_type).filter(|text| !text.is_empty());
        event.data = data;
        event.last_event_id = self.last_event_id.clone();
        event.id_in_block = id_in_block;
        event.retry = retry;
        if !topic.is_empty() {
            event = event.with_topic(&topic);
        }
        if !time.is_empty() {
            event = event.with_time(&time);
        }
        self.items.push(OwnedItem::Event(event));
    }
}

/// The lines that have an end; what follows the last one is discarded.
fn lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\r' => {
                chars.next_if_eq(&'\n');
                lines.push(std::mem::take(&mut line));
            }
            '\n' => lines.push(std::mem::take(&mut line)),
            other => line.push(other),
        }
    }
    lines
}
