//! A request to read whose parameters stand in a body: `POST /subscribe`.
//!
//! For long lists of topics, for proxies that hold back the answers to `GET`, and for clients that want no names in URLs. The
//! members of the body are the parameters of the `GET`, and become them, so that everything is read in one place.

use bytes::Bytes;
use http::request::Parts;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::limits::SUBSCRIBE_BODY_BYTES_MAX;
use crate::request::body_document::{check_json, object, read_document};

/// The body. A name that stands twice is refused, and so is one that is not known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscribeDocument {
    #[serde(default)]
    topics: Vec<String>,
    last_event_id: Option<Parameter>,
    since: Option<Parameter>,
    last: Option<Parameter>,
    on_gap: Option<Parameter>,
    mode: Option<Parameter>,
    wait: Option<Parameter>,
    opening: Option<Parameter>,
    with: Option<Parameter>,
    envelope: Option<Parameter>,
    limit: Option<Parameter>,
    after: Option<Parameter>,
    partial: Option<Parameter>,
}

/// The value of a parameter.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a parameter is a text, a whole number, `true` or `false`")]
enum Parameter {
    Text(String),
    Number(u64),
    Flag(bool),
}

/// Reads a body as the query string of the same request by `GET`.
pub(crate) async fn read_as_query<B>(front: &Front, parts: &Parts, body: B) -> Result<String, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    check_json(&parts.headers, &[])?;
    let rules = front.body_rules(&parts.extensions);
    let body = read_document(body, &parts.headers, rules, SUBSCRIBE_BODY_BYTES_MAX).await?;
    query_of(&body.data)
}

fn query_of(body: &[u8]) -> Result<String, Problem> {
    let document: SubscribeDocument = object(body).map_err(refused)?;
    let mut query = String::new();
    document.topics.iter().for_each(|topic| put(&mut query, "topic", topic));
    for (name, value) in document.parameters() {
        match value {
            None => {}
            Some(Parameter::Text(text)) => put(&mut query, name, &text),
            Some(Parameter::Number(number)) => put(&mut query, name, &number.to_string()),
            Some(Parameter::Flag(flag)) => put(&mut query, name, &flag.to_string()),
        }
    }
    Ok(query)
}

impl SubscribeDocument {
    fn parameters(self) -> [(&'static str, Option<Parameter>); 12] {
        [
            ("last_event_id", self.last_event_id),
            ("since", self.since),
            ("last", self.last),
            ("on_gap", self.on_gap),
            ("mode", self.mode),
            ("wait", self.wait),
            ("opening", self.opening),
            ("with", self.with),
            ("envelope", self.envelope),
            ("limit", self.limit),
            ("after", self.after),
            ("partial", self.partial),
        ]
    }
}

fn put(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    query.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
}

fn refused(detail: String) -> Problem {
    Problem::new(ProblemType::BadSubscription, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_become_parameters_and_every_character_of_a_topic_is_kept() {
        let body = r#" {"topics": ["a/b", "c//*", "x&y=%"], "last": 5, "wait": "3s", "partial": true, "since": null}"#;

        assert_eq!(
            query_of(body.as_bytes()).unwrap(),
            "topic=a%2Fb&topic=c%2F%2F%2A&topic=x%26y%3D%25&last=5&wait=3s&partial=true"
        );
        assert_eq!(query_of(b"{}").unwrap(), "");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for body in [
            "",
            "[]",
            "[[\"a\"]]",
            "\"a\"",
            "{",
            "{} x",
            r#"{"topics": "a"}"#,
            r#"{"topics": [1]}"#,
            r#"{"topics": null}"#,
            r#"{"topic": ["a"]}"#,
            r#"{"topics": ["a"], "topics": ["b"]}"#,
            r#"{"last": -1}"#,
            r#"{"last": 1.5}"#,
            r#"{"last": []}"#,
            r#"{"access_token": "x"}"#,
        ] {
            let problem = query_of(body.as_bytes()).unwrap_err();
            assert_eq!(problem.problem_type(), ProblemType::BadSubscription, "{body}");
        }
    }
}
