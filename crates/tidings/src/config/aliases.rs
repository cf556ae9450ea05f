//! Other paths of topics. In a file they are a table, `[aliases]`; as a text, pairs such as `/stream=greetings` with commas
//! between them, in which `%2C` is a comma and `%25` a `%`.

use tidings_http::Aliases;

use super::value::{BadValue, EMPTY_TABLE, Form, Value, pair, pairs};

const HINT: &str = "write a path and a topic, such as /stream=greetings, or in a file [aliases] and below it \"/stream\" = \"greetings\"; other settings stand before [aliases]";

impl Value for Aliases {
    const FORM: Form = Form::Table;

    fn parse(text: &str) -> Result<Self, BadValue> {
        if text.trim().is_empty() {
            let hint = format!("{HINT}; an empty table is {EMPTY_TABLE}");
            return Err(BadValue::new("a list of paths and topics", &hint));
        }
        let pairs: Option<Vec<_>> = pairs(text).collect();
        let pairs = pairs.ok_or_else(|| BadValue::new("a list of paths and topics", HINT))?;
        Self::new(pairs).map_err(|error| BadValue::new(&format!("right: {error}"), HINT))
    }

    fn text(&self) -> String {
        let pairs: Vec<_> = self.iter().map(|(path, selector)| pair(path, selector.as_str())).collect();
        if pairs.is_empty() { EMPTY_TABLE.to_owned() } else { pairs.join(",") }
    }
}
