//! A user: whose inbox it is.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidings_access::escaped;
use tidings_core::Topic;
use tidings_core::event::TopicError;

use crate::limits::USER_BYTES_MAX;

/// The name of a user, as tokens and applications have it.
///
/// Cloning shares the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct User(Arc<str>);

impl User {
    /// Parses a name: 1 to [`USER_BYTES_MAX`] bytes that can stand in a topic as one segment.
    ///
    /// # Errors
    ///
    /// Refuses other names with a sentence for people.
    pub fn parse(name: &str) -> Result<Self, BadUser> {
        if name.is_empty() || name.len() > USER_BYTES_MAX {
            return Err(BadUser::Length { bytes: name.len() });
        }
        if name.chars().any(char::is_control) {
            return Err(BadUser::Control);
        }
        let user = Self(name.into());
        match user.parse_topic() {
            Ok(_) => Ok(user),
            Err(TopicError::DotSegment) => Err(BadUser::Dots),
            Err(TopicError::NotNormal { nfc }) => {
                Err(BadUser::NotNormal { nfc: nfc.strip_prefix("inbox/").unwrap_or(&nfc).to_owned() })
            }
            Err(error) => Err(BadUser::Topic(error.to_string())),
        }
    }

    /// A name that a log or a database holds. It was parsed once.
    pub(crate) fn held(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The topic of the user's inbox: `inbox/` and the name, written as `{sub}` is in grants, so that a grant for `inbox/{sub}`
    /// covers it.
    ///
    /// # Panics
    ///
    /// Never: the name was checked when it was parsed.
    pub fn topic(&self) -> Topic {
        #[expect(clippy::expect_used, reason = "`parse` has parsed the same text")]
        self.parse_topic().expect("a user's name can stand in a topic")
    }

    fn parse_topic(&self) -> Result<Topic, TopicError> {
        Topic::parse(&format!("inbox/{}", escaped(&self.0)))
    }
}

impl fmt::Display for User {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Why a text is no name of a user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUser {
    /// Too short or too long.
    #[error("the name of a user has 1 to {USER_BYTES_MAX} bytes, this one has {bytes}")]
    Length {
        /// As it came.
        bytes: usize,
    },
    /// Nobody could read it.
    #[error("the name of a user has no control characters")]
    Control,
    /// In a URL it would lead elsewhere.
    #[error("the name of a user is neither `.` nor `..`")]
    Dots,
    /// Not in the normal form NFC: it would look like another user.
    #[error(
        "names of users are compared byte by byte, and this one is not in Unicode's normal form NFC, which is `{nfc}`"
    )]
    NotNormal {
        /// The name in the normal form, as it stands in a topic.
        nfc: String,
    },
    /// It cannot stand in a topic.
    #[error("the name of a user stands in a topic, and this one cannot: {0}")]
    Topic(String),
}
