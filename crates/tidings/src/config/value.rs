//! The types of values, as people write them: `15s`, `64MiB`, `none`.
//!
//! Every value has one text form, whichever place it came from. Durations and sizes are in `unit`, words to choose
//! from in `choice`, lists in `names`.

use std::net::SocketAddr;
use std::path::PathBuf;

/// A type that a setting can have. `parse` reads what `text` writes.
pub(crate) trait Value: Sized + PartialOrd {
    const FORM: Form;

    fn parse(text: &str) -> Result<Self, BadValue>;

    fn text(&self) -> String;

    fn within(&self, low: &Self, high: &Self) -> bool {
        low <= self && self <= high
    }
}

/// A list without members, in every place. An empty text is none: a variable that is empty by accident would let everybody in.
pub(super) const EMPTY_LIST: &str = "[]";

/// A table without members, in every place.
pub(super) const EMPTY_TABLE: &str = "{}";

/// How a value is written in a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `"text"`.
    Text,
    /// `10000`.
    Number,
    /// `true`.
    Switch,
    /// `["a", "b"]`.
    List,
    /// `{ "a" = "b" }`.
    Table,
    /// Never written out.
    Secret,
}

impl Form {
    /// A value as TOML.
    pub(super) fn literal(self, text: &str) -> String {
        match self {
            Self::Number if text == "none" => quoted(text),
            Self::Number | Self::Switch => text.to_owned(),
            Self::Text | Self::Secret => quoted(text),
            Self::List if text == EMPTY_LIST => text.to_owned(),
            Self::List => {
                let members: Vec<_> = text.split(',').map(quoted).collect();
                format!("[{}]", members.join(", "))
            }
            Self::Table if text == EMPTY_TABLE => text.to_owned(),
            // In one line, so that settings may stand behind it.
            Self::Table => {
                let member = |(name, value)| format!("{} = {}", quoted(name), quoted(value));
                let members: Vec<_> = pairs(text).flatten().map(member).collect();
                format!("{{ {} }}", members.join(", "))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A member of a table, as a text. Both are percent-encoded by whoever wrote them, so a comma can be, too.
pub(super) fn pair(name: &str, value: &str) -> String {
    let name = name.replace('=', "%3D");
    format!("{name}={value}").replace(',', "%2C")
}

/// The members of a table in a text; the text of one that is no pair.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = Result<(&str, &str), &str>> {
    let pairs = text.split(',').filter(move |_| text != EMPTY_TABLE);
    pairs.map(|pair| pair.split_once('=').map(|(name, value)| (name.trim(), value.trim())).ok_or(pair))
}

/// Why a text is no value: what was expected, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadValue {
    pub(crate) expected: String,
    pub(crate) hint: String,
    /// The member of a list that is wrong, if it is not the whole text.
    pub(crate) part: Option<String>,
    /// The text may hold a secret, and is not shown.
    pub(crate) holds_secret: bool,
}

impl BadValue {
    pub(super) fn new(expected: &str, hint: &str) -> Self {
        Self { expected: expected.to_owned(), hint: hint.to_owned(), part: None, holds_secret: false }
    }

    /// Leaves the text out of what is said of it.
    pub(super) fn holds_secret(mut self) -> Self {
        self.holds_secret = true;
        self
    }

    /// Says which member of a list it is about. An empty one, and `*` among others, are wrong because of where they stand.
    pub(super) fn about(mut self, member: &str) -> Self {
        self.part = Some(member.to_owned()).filter(|member| !matches!(member.as_str(), "" | "*"));
        self
    }
}

/// Reads a text of the table itself.
pub(super) fn parsed<T: Value>(text: &str) -> T {
    T::parse(text).expect("every text in the table of settings is a value of its setting")
}

pub(super) fn in_range<T: Value>(value: &T, low: &str, high: &str) -> Result<(), BadValue> {
    if value.within(&parsed(low), &parsed(high)) {
        return Ok(());
    }
    Err(BadValue::new(
        &format!("{low} to {high}"),
        &format!("it can be {low} at the least and {high} at the most"),
    ))
}

impl Value for SocketAddr {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let hint = "write an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080";
        text.parse().map_err(|_| BadValue::new("an address and a port", hint))
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for PathBuf {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let hint = "write the path of a file or a directory";
        if text.trim().is_empty() {
            return Err(BadValue::new("a path", hint));
        }
        // The end of a line of Windows, for instance, in a file of variables: it would become a part of the name.
        let last = text.chars().count() - 1;
        let is_wrong =
            |(at, c): &(usize, char)| c.is_control() || c.is_whitespace() && (*at == 0 || *at == last);
        match text.chars().enumerate().find(is_wrong) {
            Some((at, c)) => {
                let expected = format!("a path: character {} of it is {}", at + 1, in_words(c));
                Err(BadValue::new(&expected, "write the path without that"))
            }
            None => Ok(text.into()),
        }
    }

    fn text(&self) -> String {
        self.display().to_string()
    }
}

impl Value for bool {
    const FORM: Form = Form::Switch;

    fn parse(text: &str) -> Result<Self, BadValue> {
        text.parse().map_err(|_| BadValue::new("true or false", "write true or false"))
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for usize {
    const FORM: Form = Form::Number;

    fn parse(text: &str) -> Result<Self, BadValue> {
        let hint = "write digits alone, or with _ between them, such as 10_000";
        text.replace('_', "").parse().map_err(|_| BadValue::new("a whole number", hint))
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

/// A value that may be absent, written `none`.
impl<T: Value> Value for Option<T> {
    const FORM: Form = T::FORM;

    fn parse(text: &str) -> Result<Self, BadValue> {
        match text {
            "none" => Ok(None),
            text => T::parse(text).map(Some),
        }
    }

    fn text(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), T::text)
    }

    fn within(&self, low: &Self, high: &Self) -> bool {
        self.is_none() || (low <= self && self <= high)
    }
}

/// A text that no output of ours shows.
#[derive(Clone, PartialEq, Eq, PartialOrd)]
pub(crate) struct Secret(pub(crate) String);

impl Secret {
    /// A text that can be a bearer token.
    pub(crate) fn token(text: &str) -> Result<Self, BadValue> {
        <Self as Value>::parse(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Value for Secret {
    const FORM: Form = Form::Secret;

    fn parse(text: &str) -> Result<Self, BadValue> {
        // What stands around a key in a file or a variable is not of it: none of these can be in a key.
        let text = text.trim_start_matches('\u{feff}').trim_matches([' ', '\t', '\r', '\n']);
        // RFC 6750, 2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
        let legal = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        let hint = "write letters, digits and -._~+/= alone; `tidings key` makes a good one";
        if text.is_empty() {
            return Err(BadValue::new("a bearer token: it is empty", hint));
        }
        match text.chars().enumerate().find(|(_, c)| !legal(*c)) {
            Some((at, c)) => {
                let expected = format!("a bearer token: character {} of it is {}", at + 1, in_words(c));
                Err(BadValue::new(&expected, hint))
            }
            None => Ok(Self(text.to_owned())),
        }
    }

    fn text(&self) -> String {
        "(not shown)".to_owned()
    }
}

/// A character that is not seen, or not easily, by name; any other by its number alone, because it may be a part of a secret.
fn in_words(c: char) -> String {
    let name = match c {
        ' ' => "a space, ",
        '\t' => "a tab, ",
        '\n' | '\r' => "a line end, ",
        '\0' => "a NUL, ",
        '"' | '\'' | '\u{2018}'..='\u{201f}' => "a quotation mark, ",
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{3000}' => "a space that is not ASCII, ",
        '\u{200b}'..='\u{200f}' | '\u{feff}' => "an invisible mark, ",
        '\u{fffd}' => "no character of UTF-8, ",
        c if c.is_control() => "a control character, ",
        _ => "",
    };
    format!("{name}U+{:04X}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        Secret::token(text).map(|Secret(key)| key).map_err(|bad| bad.expected)
    }

    #[test]
    fn what_stands_around_a_key_is_not_of_it() {
        for text in ["k-1", "k-1\n", "k-1\r\n", "\u{feff}k-1\n", " k-1\t\n\n"] {
            assert_eq!(read(text).as_deref(), Ok("k-1"), "{text:?}");
        }
    }

    #[test]
    fn what_no_key_has_in_it_is_told_by_place_and_name_and_the_key_is_not() {
        for (text, name) in [
            ("hun ter", "a space, U+0020"),
            ("hun\nter", "a line end, U+000A"),
            ("hun\r\nter", "a line end, U+000D"),
            ("hun\0ter", "a NUL, U+0000"),
            ("hun\u{1b}ter", "a control character, U+001B"),
            ("hun\u{feff}ter", "an invisible mark, U+FEFF"),
            ("hun#ter", "U+0023"),
            ("hun\u{e9}ter", "U+00E9"),
        ] {
            assert_eq!(read(text), Err(format!("a bearer token: character 4 of it is {name}")), "{text:?}");
        }
        assert_eq!(read("\n"), Err("a bearer token: it is empty".to_owned()));
    }
}
