//! A notification: what an application tells a user.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_core::UnixMillis;

use crate::limits::{
    BODY_BYTES_MAX, DATA_BYTES_MAX, DEDUPE_BYTES_MAX, KIND_BYTES_MAX, LINK_BYTES_MAX, TITLE_CHARACTERS_MAX,
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
        if self.data.as_ref().is_some_and(|data| data.get().len() > DATA_BYTES_MAX) {
            return Err(BadNotification::TooLong { member: "data", bytes_max: DATA_BYTES_MAX });
        }
        if let Some(dedupe) = &self.dedupe {
            check_dedupe(dedupe)?;
        }
        if self.expires.is_some_and(|expires| expires <= now.0) {
            return Err(BadNotification::Expired);
        }
        Ok(self)
    }
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
