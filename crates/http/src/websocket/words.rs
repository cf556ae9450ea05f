//! What a client says, as JSON, and what it is answered.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::json;
use crate::answer::problem::{Problem, ProblemDocument};
use crate::answer::problem_type::ProblemType;
use crate::limits::{JSON_FAULT_CHARS_MAX, SOCKET_REF_BYTES_MAX};
use crate::stream::encode::socket_frame;

/// A message of a client. Members that are not known are ignored, and so is a message that has no other.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ClientWord {
    /// Stands in the answer, too.
    #[serde(rename = "ref")]
    pub(super) reference: Option<Value>,
    pub(super) subscribe: Option<Vec<String>>,
    pub(super) unsubscribe: Option<Vec<String>>,
    pub(super) publish: Option<PublishWord>,
    pub(super) token: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PublishWord {
    pub(super) topic: String,
    #[serde(default)]
    pub(super) data: String,
    #[serde(rename = "type")]
    pub(super) event_type: Option<String>,
    pub(super) id: Option<String>,
    /// The idempotency key.
    pub(super) key: Option<String>,
}

impl ClientWord {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        // The parser would take a list for the members in their order.
        if !text.trim_start().starts_with('{') {
            return Err(bad("a message is a JSON object".to_owned()));
        }
        let word: Self = serde_json::from_str(text).map_err(|error| {
            let fault: String = error.to_string().chars().take(JSON_FAULT_CHARS_MAX).collect();
            bad(format!("a message cannot be read: {fault}"))
        })?;
        let is_fit = match &word.reference {
            None | Some(Value::Number(_)) => true,
            Some(Value::String(text)) => text.len() <= SOCKET_REF_BYTES_MAX,
            Some(_) => false,
        };
        if !is_fit {
            return Err(bad(format!("`ref` is a number, or a text of at most {SOCKET_REF_BYTES_MAX} bytes")));
        }
        let kinds = [
            word.subscribe.is_some(),
            word.unsubscribe.is_some(),
            word.publish.is_some(),
            word.token.is_some(),
        ];
        if kinds.into_iter().filter(|is_there| *is_there).count() > 1 {
            let detail = "a message has one of `subscribe`, `unsubscribe`, `publish` and `token`".to_owned();
            return Err(bad(detail));
        }
        Ok(word)
    }
}

fn bad(detail: String) -> Problem {
    Problem::new(ProblemType::BadMessage, detail)
}

/// An answer, with the `ref` of what it answers.
#[derive(Serialize)]
struct AnswerWord<T> {
    #[serde(flatten)]
    answer: T,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<Value>,
}

#[derive(Serialize)]
struct Ok<'a> {
    /// The selectors from now on.
    ok: Vec<&'a str>,
    /// The name of the socket on the roster from now on.
    connection: String,
}

#[derive(Serialize)]
struct PublishedWord<'a> {
    published: PublishedDocument<'a>,
}

#[derive(Serialize)]
struct PublishedDocument<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replayed: bool,
}

#[derive(Serialize)]
struct ErrorWord {
    error: ProblemDocument,
}

/// What was asked for is so.
pub(super) fn ok(selectors: Vec<&str>, connection: String, reference: Option<Value>) -> Vec<u8> {
    message(Ok { ok: selectors, connection }, reference)
}

/// An event is in the log, durable.
pub(super) fn published(id: &str, key: Option<&str>, replayed: bool, reference: Option<Value>) -> Vec<u8> {
    message(PublishedWord { published: PublishedDocument { id, key, replayed } }, reference)
}

/// What was asked for is not so.
pub(super) fn error(problem: Problem, reference: Option<Value>) -> Vec<u8> {
    message(ErrorWord { error: problem.into_document() }, reference)
}

fn message<T: Serialize>(answer: T, reference: Option<Value>) -> Vec<u8> {
    socket_frame::text(json::text(&AnswerWord { answer, reference }).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_refused_and_what_is_unknown_is_not() {
        for text in [
            "",
            "[]",
            "7",
            "{",
            "[[\"a\"]]",
            r#"{"subscribe":"a"}"#,
            r#"{"subscribe":[1]}"#,
            r#"{"publish":{}}"#,
            r#"{"ref":{}}"#,
            r#"{"ref":null,"ref":1}"#,
            r#"{"token":1}"#,
            r#"{"subscribe":[],"unsubscribe":[]}"#,
        ] {
            let problem = ClientWord::parse(text).unwrap_err();
            assert_eq!(problem.problem_type(), ProblemType::BadMessage, "{text}");
        }
        for text in ["{}", r#" {"later":{"a":[]},"ref":"x"}"#, r#"{"publish":{"topic":"a","more":1}}"#] {
            assert!(ClientWord::parse(text).is_ok(), "{text}");
        }
        let long = format!(r#"{{"ref":"{}"}}"#, "x".repeat(SOCKET_REF_BYTES_MAX + 1));
        assert!(ClientWord::parse(&long).is_err());
    }

    #[test]
    fn answers_are_exactly_these_messages() {
        let reference = || Some(Value::from(7));
        let text = |frame: Vec<u8>| String::from_utf8(frame[2..].to_vec()).unwrap();

        let answer = ok(vec!["a", "b/*"], "zzz".to_owned(), reference());
        assert_eq!(text(answer), r#"{"ok":["a","b/*"],"connection":"zzz","ref":7}"#);
        assert_eq!(text(published("1-1", Some("k"), false, None)), r#"{"published":{"id":"1-1","key":"k"}}"#);
        let replayed = published("1-1", None, true, reference());
        assert_eq!(text(replayed), r#"{"published":{"id":"1-1","replayed":true},"ref":7}"#);
    }
}
