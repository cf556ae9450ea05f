//! Grants that hold the name of a user: `inbox/{sub}/**`.
//!
//! The name is put in so that it stays one segment, or a part of one: what would be a slash, a wildcard or the beginning of an
//! escape is written `%XX`. So no user can have a name that opens the topics of another.

use std::fmt::Write;

use tidings_core::{Selector, TopicError};

/// What stands for the name of the user.
const USER: &str = "{sub}";

/// A selector that may hold `{sub}`, several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// Without a user.
    Selector(Selector),
    /// With one.
    OfUser(String),
}

/// A text is no template, because it is no selector whatever the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no topic and no pattern: {error}")]
pub struct TemplateError {
    text: String,
    error: TopicError,
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// If it is no selector.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let bad = |error| TemplateError { text: text.to_owned(), error };
        if text.contains(USER) {
            Selector::parse(&text.replace(USER, "u")).map_err(bad)?;
            return Ok(Self::OfUser(text.to_owned()));
        }
        Selector::parse(text).map(Self::Selector).map_err(bad)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Selector(selector) => selector.as_str(),
            Self::OfUser(text) => text,
        }
    }

    /// The selector for a user. None if it is for users and there is none, or if the user's name gives no selector: it is
    /// empty, `.` or `..`, too long for a topic, not in the normal form, or a reserved name where the template has none.
    pub fn for_user(&self, user: Option<&str>) -> Option<Selector> {
        match self {
            Self::Selector(selector) => Some(selector.clone()),
            Self::OfUser(text) => {
                let user = user.filter(|user| !matches!(*user, "" | "." | ".."))?;
                let selector = Selector::parse(&text.replace(USER, &escaped(user))).ok()?;
                // A user called `inbox` would be given the inboxes of all by `{sub}/**`.
                let is_meant = !selector.reaches_reserved() || !text.split('/').next()?.contains(USER);
                is_meant.then_some(selector)
            }
        }
    }
}

/// The name of a user as it stands in a topic.
pub fn escaped(user: &str) -> String {
    let mut text = String::with_capacity(user.len());
    for character in user.chars() {
        if character.is_control() || matches!(character, '%' | '/' | '*') {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                let _ = write!(text, "%{byte:02X}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(template: &str, user: &str) -> Option<String> {
        let selector = Template::parse(template).unwrap().for_user(Some(user));
        selector.map(|selector| selector.as_str().to_owned())
    }

    #[test]
    fn the_user_stands_where_the_template_says() {
        assert_eq!(of("users/{sub}/**", "u1").as_deref(), Some("users/u1/**"));
        assert_eq!(of("{sub}/a/{sub}-x", "u1").as_deref(), Some("u1/a/u1-x"));
        assert_eq!(of("public/**", "u1").as_deref(), Some("public/**"));
    }

    /// A name is one segment, whatever it is.
    #[test]
    fn no_name_of_a_user_opens_what_is_anothers() {
        for (user, segment) in [
            ("a/b", "a%2Fb"),
            ("**", "%2A%2A"),
            ("*", "%2A"),
            ("a%2Fb", "a%252Fb"),
            ("a\nb", "a%0Ab"),
            ("a\u{85}b", "a%C2%85b"),
            ("{sub}", "{sub}"),
            ("J\u{fc}rgen", "J\u{fc}rgen"),
            ("auth0|5f7c", "auth0|5f7c"),
        ] {
            assert_eq!(of("inbox/{sub}/**", user), Some(format!("inbox/{segment}/**")), "{user:?}");
        }
        let long = "x".repeat(600);
        for user in ["", ".", "..", "Ju\u{308}rgen", long.as_str()] {
            assert_eq!(of("inbox/{sub}/**", user), None, "{user:?}");
        }
        for (template, user) in [("{sub}/**", "inbox"), ("{sub}/x", "tidings"), ("in{sub}/**", "box")] {
            assert_eq!(of(template, user), None, "{template} for {user}");
        }
        assert_eq!(Template::parse("inbox/{sub}").unwrap().for_user(None), None);
    }

    #[test]
    fn a_template_is_a_selector_for_some_user() {
        for text in ["", "a/../{sub}", "**/**/**/**", "{sub}/**/a/**/b/**/**"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
        let error = Template::parse("a/../b").unwrap_err().to_string();
        assert_eq!(error, "`a/../b` is no topic and no pattern: a topic has no segment `.` or `..`");
    }
}
