//! A dump as `text/event-stream`: each event is a block that any client reads, with fields that the standard ignores.
//!
//! The standard has no way to say a carriage return in data. An event with one has its data once more, as a string of JSON, in the field
//! `exact`.

use serde_json::{Map, Value};
use tidings_store::offline::DumpItem;

use super::item::ItemObject;

/// Appends an item.
pub(super) fn write(item: &DumpItem, into: &mut String) {
    let object = serde_json::to_value(ItemObject::of(item)).unwrap_or_default();
    let Value::Object(members) = object else { return };
    let mut put = |name: &str, value: &str| {
        into.push_str(name);
        into.push_str(if value.is_empty() { ":" } else { ": " });
        into.push_str(value);
        into.push('\n');
    };
    for (name, value) in &members {
        match (name.as_str(), value) {
            ("data", Value::String(text)) => {
                if text.contains('\r') {
                    put("exact", &value.to_string());
                }
                text.replace("\r\n", "\n").split(['\n', '\r']).for_each(|line| put("data", line));
            }
            ("type", Value::String(text)) => put("event", text),
            (name, Value::String(text)) => put(name, text),
            (name, value) => put(name, &value.to_string()),
        }
    }
    into.push('\n');
}

/// A block that is being read.
#[derive(Debug, Default)]
pub(super) struct Block {
    members: Map<String, Value>,
    data: Option<String>,
}

impl Block {
    /// Takes a line that is not empty.
    pub(super) fn line(&mut self, line: &str) -> Result<(), String> {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        let name = match name {
            // A comment.
            "" => return Ok(()),
            "data" => {
                match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    none => *none = Some(value.to_owned()),
                }
                return Ok(());
            }
            "event" => "type",
            name => name,
        };
        let is_text =
            matches!(name, "id" | "cursor" | "topic" | "type") || name == "time" && value.contains('T');
        let value = match is_text {
            true => Value::String(value.to_owned()),
            false => serde_json::from_str(value).map_err(|error| format!("field `{name}`: {error}"))?,
        };
        match self.members.insert(name.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(format!("field `{name}` stands there a second time")),
        }
    }

    /// The item; none of a block of comments.
    pub(super) fn end(&mut self) -> Result<Option<DumpItem>, String> {
        let Self { mut members, data } = std::mem::take(self);
        if members.is_empty() && data.is_none() {
            return Ok(None);
        }
        let exact = members.remove("exact");
        if let Some(data) = exact.or(data.map(Value::String)) {
            members.insert("data".to_owned(), data);
        }
        super::ndjson::read_object(Value::Object(members)).map(Some)
    }
}
