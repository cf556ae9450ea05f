//! Other paths of topics. In a file they are a table, `[aliases]`; as a text, pairs such as `/stream=greetings` with commas
//! between them. In each place a topic is written as in a path after `/events/`, where `%2C` is a comma and `%25` a `%`.

use tidings_http::{AliasError, Aliases};

use super::value::{BadValue, EMPTY_TABLE, Form, Value, pair, pairs};

const HINT: &str = "write a path and a topic, such as /stream=greetings, or in a file [aliases] and below it \"/stream\" = \"greetings\"; other settings stand before [aliases]";

impl Value for Aliases {
    const FORM: Form = Form::Table;

    fn parse(text: &str) -> Result<Self, BadValue> {
        if text.trim().is_empty() {
            let hint = format!("{HINT}; an empty table is {EMPTY_TABLE}");
            return Err(BadValue::new("a list of paths and topics", &hint));
        }
        let mut members = Vec::new();
        for member in pairs(text) {
            let (path, topic) = member
                .map_err(|text| BadValue::new("a path and a topic with = between them", HINT).about(text))?;
            // One by one, so that the wrong one can be shown.
            Self::new([(path, topic)]).map_err(|error| wrong(&error).about(&format!("{path}={topic}")))?;
            members.push((path, topic));
        }
        Self::new(members).map_err(|error| wrong(&error))
    }

    fn text(&self) -> String {
        let pairs: Vec<_> = self.written().map(|(path, topic)| pair(path, topic)).collect();
        if pairs.is_empty() { EMPTY_TABLE.to_owned() } else { pairs.join(",") }
    }
}

fn wrong(error: &AliasError) -> BadValue {
    BadValue::new(&format!("right: {error}"), HINT)
}
