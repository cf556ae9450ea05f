//! A notification: what an application tells a user.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tidings_core::UnixMillis;

use crate::limits::{
    BODY_BYTES_MAX, DATA_BYTES_MAX, DATA_DEPTH_MAX, DEDUPE_BYTES_MAX, KIND_BYTES_MAX, LINK_BYTES_MAX,
    TITLE_CHARACTERS_MAX,
};

/// What an application says to a user. Its texts are plain text, never HTML.
///
/// The log holds it as JSON, and so does the database.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Notification {
    /// One line.
    pub title: Box<str>,
    /// More text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<str>>,
    /// Where it leads: `http:`, `https:`, `mailto:`, or relative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Box<str>>,
    /// A word to filter and to mute by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Box<str>>,
    /// JSON of the application's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<RawValue>>,
    /// While the inbox holds a notification with this key, another one is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe: Option<Box<str>>,
    /// When it leaves the inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
}

impl Notification {
    /// Bytes that it has in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        let texts = [&self.body, &self.link, &self.kind, &self.dedupe];
        let texts = texts.into_iter().flatten().map(|text| text.len()).sum::<usize>();
        let data = self.data.as_ref().map_or(0, |data| data.get().len());
        size_of::<Self>() + self.title.len() + texts + data
    }

    /// Checks what came from outside. What a log holds is not checked again. `now` is the hub's time: what is over already is refused.
    ///
    /// # Errors
    ///
    /// One variant for each rule; the notifier's to mend.
    pub fn check(self, now: UnixMillis) -> Result<Self, BadNotification> {
        check_title(&self.title)?;
        if let Some(body) = &self.body {
            check_text("body", body, BODY_BYTES_MAX)?;
        }
        if let Some(link) = &self.link {
            check_link(link)?;
        }
        if let Some(kind) = &self.kind {
            check_kind(kind)?;
        }
        let data = self.data.map(|data| checked_data(&data)).transpose()?;
        if let Some(dedupe) = &self.dedupe {
            check_dedupe(dedupe)?;
        }
        if self.expires.is_some_and(|expires| expires <= now.0) {
            return Err(BadNotification::Expired);
        }
        Ok(Self { data, ..self })
    }
}

/// The data without white space between its parts. It is kept as text and goes back to readers so; a text that some parsers refuse would
/// take the whole list from them, since it stands in the middle of it.
fn checked_data(data: &RawValue) -> Result<Box<RawValue>, BadNotification> {
    if data.get().len() > DATA_BYTES_MAX {
        return Err(BadNotification::TooLong { member: "data", bytes_max: DATA_BYTES_MAX });
    }
    // Only a parser that makes values looks at surrogates, at numbers and at how deep it is.
    let value: Value = serde_json::from_str(data.get()).map_err(|_| BadNotification::Data)?;
    if depth(&value) > DATA_DEPTH_MAX {
        return Err(BadNotification::Data);
    }
    RawValue::from_string(without_white_space(data.get())).map_err(|_| BadNotification::Data)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// JSON without what stands between its parts. Its texts and numbers stay as they are, to the byte.
fn without_white_space(json: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    let mut kept = json.to_owned();
    kept.retain(|character| {
        if !in_text {
            in_text = character == '"';
            return !matches!(character, ' ' | '\t' | '\n' | '\r');
        }
        in_text = escaped || character != '"';
        escaped = character == '\\' && !escaped;
        true
    });
    kept
}

fn check_title(title: &str) -> Result<(), BadNotification> {
    if title.trim().is_empty() {
        return Err(BadNotification::NoTitle);
    }
    let characters = title.chars().count();
    if characters > TITLE_CHARACTERS_MAX {
        return Err(BadNotification::TitleTooLong { characters });
    }
    match title.chars().find(|character| character.is_control()) {
        Some(_) => Err(BadNotification::Control { member: "title" }),
        None => Ok(()),
    }
}

/// A text of several lines.
fn check_text(member: &'static str, text: &str, bytes_max: usize) -> Result<(), BadNotification> {
    if text.len() > bytes_max {
        return Err(BadNotification::TooLong { member, bytes_max });
    }
    match text.chars().find(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        Some(_) => Err(BadNotification::Control { member }),
        None => Ok(()),
    }
}

/// A link that a page may open. A scheme such as `javascript:` would run in the page that shows it. Browsers pass over control characters
/// and white space within a scheme, so none may be there.
fn check_link(link: &str) -> Result<(), BadNotification> {
    if link.len() > LINK_BYTES_MAX {
        return Err(BadNotification::TooLong { member: "link", bytes_max: LINK_BYTES_MAX });
    }
    if link.is_empty() || link.chars().any(|character| character.is_control() || character.is_whitespace()) {
        return Err(BadNotification::Link);
    }
    // RFC 3986, 4.2: in a relative reference no colon stands before the first slash, question mark or number sign.
    let end = link.find(['/', '?', '#', '\\']).unwrap_or(link.len());
    match link[..end].split_once(':') {
        None => Ok(()),
        Some((scheme, _)) => {
            let known = ["http", "https", "mailto"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
            if known { Ok(()) } else { Err(BadNotification::Link) }
        }
    }
}

/// Checks the name of a kind.
///
/// # Errors
///
/// [`BadNotification::Kind`].
pub fn check_kind(kind: &str) -> Result<(), BadNotification> {
    let is_word = kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    if kind.is_empty() || kind.len() > KIND_BYTES_MAX || !is_word {
        Err(BadNotification::Kind)
    } else {
        Ok(())
    }
}

fn check_dedupe(dedupe: &str) -> Result<(), BadNotification> {
    let is_visible = !dedupe.chars().any(char::is_control);
    if dedupe.is_empty() || dedupe.len() > DEDUPE_BYTES_MAX || !is_visible {
        return Err(BadNotification::Dedupe);
    }
    Ok(())
}

/// Why a notification is refused. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadNotification {
    /// There is none, or it is blank.
    #[error("a notification needs a `title`")]
    NoTitle,
    /// Over [`TITLE_CHARACTERS_MAX`].
    #[error("a `title` has at most {TITLE_CHARACTERS_MAX} characters, this one has {characters}")]
    TitleTooLong {
        /// As it came.
        characters: usize,
    },
    /// Over its limit.
    #[error("`{member}` has at most {bytes_max} bytes")]
    TooLong {
        /// Of which member.
        member: &'static str,
        /// The limit.
        bytes_max: usize,
    },
    /// No text for people.
    #[error("`{member}` has a control character")]
    Control {
        /// Of which member.
        member: &'static str,
    },
    /// No page should open it.
    #[error("a `link` is an `http:`, `https:` or `mailto:` URL, or a relative one, without white space")]
    Link,
    /// No word.
    #[error("a `kind` is 1 to {KIND_BYTES_MAX} letters, digits, `.`, `_` and `-`")]
    Kind,
    /// Some parsers could not read it.
    #[error(
        "`data` is JSON that every parser can read: at most {DATA_DEPTH_MAX} lists and objects within each other, no number beyond \
         those of 64 bits, and no half of a surrogate pair"
    )]
    Data,
    /// No key.
    #[error("a `dedupe` key is 1 to {DEDUPE_BYTES_MAX} bytes without control characters")]
    Dedupe,
    /// It would be gone at once.
    #[error("`expires` is in the past")]
    Expired,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(change: impl FnOnce(&mut Notification)) -> Result<(), BadNotification> {
        let mut notification = Notification { title: "t".into(), ..Notification::default() };
        change(&mut notification);
        notification.check(UnixMillis(1_000)).map(drop)
    }

    #[test]
    fn links_that_would_run_in_a_page_are_refused_however_they_are_written() {
        for link in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "java\tscript:x",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "\u{1}javascript:x",
            "blob:x",
            "",
            "a b",
            "x:y",
        ] {
            assert_eq!(checked(|n| n.link = Some(link.into())), Err(BadNotification::Link), "{link:?}");
        }
        for link in [
            "/a",
            "a/b:c",
            "?a=b:c",
            "#x:y",
            "https://e.example/a",
            "HTTP://x",
            "mailto:a@b.example",
            "//e.example/a",
            "../x",
            "a",
        ] {
            assert_eq!(checked(|n| n.link = Some(link.into())), Ok(()), "{link:?}");
        }
    }

    #[test]
    fn data_is_what_every_parser_reads_and_keeps_its_texts_and_numbers_to_the_byte() {
        let checked = |text: &str| {
            let data = Some(RawValue::from_string(text.to_owned()).unwrap());
            let notification = Notification { title: "t".into(), data, ..Notification::default() };
            notification.check(UnixMillis(1_000)).map(|checked| checked.data.unwrap().get().to_owned())
        };

        for (text, kept) in [
            (
                "{ \"a\" :\n[1.0, 1e2,\t\"x \\\" \\\\\" , \" y\"] }",
                "{\"a\":[1.0,1e2,\"x \\\" \\\\\",\" y\"]}",
            ),
            ("  null ", "null"),
            ("18446744073709551615", "18446744073709551615"),
            ("\"\\ud83d\\ude00 \u{85}\"", "\"\\ud83d\\ude00 \u{85}\""),
            ("{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"),
        ] {
            assert_eq!(checked(text).as_deref(), Ok(kept), "{text}");
        }
        let deep = |count: usize| format!("{}1{}", "[".repeat(count), "]".repeat(count));
        assert!(checked(&deep(DATA_DEPTH_MAX)).is_ok());
        for text in ["\"\\ud800\"", "1e999", &deep(DATA_DEPTH_MAX + 1), &deep(4_000)] {
            assert_eq!(checked(text), Err(BadNotification::Data), "{text}");
        }
    }

    #[test]
    fn each_member_has_a_bound() {
        assert_eq!(checked(|n| n.title = " ".into()), Err(BadNotification::NoTitle));
        assert!(checked(|n| n.title = "ü".repeat(TITLE_CHARACTERS_MAX).into()).is_ok());
        assert!(checked(|n| n.title = "a".repeat(TITLE_CHARACTERS_MAX + 1).into()).is_err());
        assert!(checked(|n| n.title = "a\nb".into()).is_err());
        assert!(checked(|n| n.body = Some("a\nb".into())).is_ok());
        assert!(checked(|n| n.body = Some("a".repeat(BODY_BYTES_MAX + 1).into())).is_err());
        assert!(checked(|n| n.kind = Some("a b".into())).is_err());
        assert!(checked(|n| n.kind = Some("order.paid-2".into())).is_ok());
        assert!(checked(|n| n.dedupe = Some("".into())).is_err());
        assert_eq!(checked(|n| n.expires = Some(1_000)), Err(BadNotification::Expired));
        assert!(checked(|n| n.expires = Some(1_001)).is_ok());
        let long = format!("\"{}\"", "a".repeat(DATA_BYTES_MAX));
        assert!(checked(|n| n.data = Some(RawValue::from_string(long).unwrap())).is_err());
    }
}
