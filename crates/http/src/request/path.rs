//! Topics and selectors in a URL, by one rule for the path and for the parameter `topic`.
//!
//! What some programs on the way would read as another name is refused while it is still encoded: proxies fold empty
//! segments or do not, and people take a slash at the end for nothing. Whoever means such a name writes `%2F`.

use std::borrow::Cow;
use std::str::Utf8Error;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tidings_core::presence::PRESENCE_PREFIX;
use tidings_core::{Selector, Selectors, Topic, TopicError};

use super::escape::broken_escape;
use super::query::{Query, has_parameter};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

/// The topic of `/events/{topic}`; `rest` is what stands after `/events/`, still encoded.
pub(crate) fn topic(rest: &str) -> Result<Topic, Problem> {
    topic_of_text(&decode(rest)?)
}

/// A topic that stands as it is, without escapes, and is nobody's own.
pub(crate) fn topic_of_text(text: &str) -> Result<Topic, Problem> {
    let topic = Topic::parse(text).map_err(|error| bad_topic(&error))?;
    if topic.is_reserved() { Err(reserved(topic.as_str())) } else { Ok(topic) }
}

/// A topic that is named by itself, not in a URL.
pub(crate) fn named_topic(name: &str) -> Result<Topic, Problem> {
    let topic = Topic::parse(name).map_err(|error| bad_topic(&error))?;
    if topic.is_reserved() { Err(reserved(topic.as_str())) } else { Ok(topic) }
}

/// The topic of a request that names it in the parameter `topic` alone.
pub(crate) fn one_topic(query: &Query<'_>) -> Result<Topic, Problem> {
    query.raw("topic").try_for_each(check_slashes)?;
    let Some(text) = query.one("topic")? else {
        return Err(Problem::new(ProblemType::BadTopics, "the parameter `topic` is missing"));
    };
    topic_of_text(text)
}

/// Refuses a request with a topic in its path and another in its parameters, whatever its method: a program in front that
/// looks at the path alone would let a reader of other topics pass.
pub(crate) fn refuse_second_topic(rest: &str, query: Option<&str>) -> Result<(), Problem> {
    let Some(query) = query.filter(|_| !rest.is_empty()) else { return Ok(()) };
    if !has_parameter(query, "topic")? {
        return Ok(());
    }
    let detail = "the path names a topic, and so does the parameter `topic`; for several topics use \
                  /events?topic=...&topic=... without a topic in the path";
    Err(Problem::new(ProblemType::TopicsTwice, detail))
}

/// All selectors of a request: that of its path, if `rest` has one, or those of its parameters `topic`.
pub(crate) fn selectors(rest: Option<&str>, query: &Query<'_>) -> Result<Selectors, Problem> {
    selectors_by(selector, rest, query)
}

/// The same for a stream, which may ask for the presence of topics, too.
pub(crate) fn stream_selectors(rest: Option<&str>, query: &Query<'_>) -> Result<Selectors, Problem> {
    selectors_by(stream_selector, rest, query)
}

fn selectors_by(
    selector: fn(&str) -> Result<Selector, Problem>,
    rest: Option<&str>,
    query: &Query<'_>,
) -> Result<Selectors, Problem> {
    query.raw("topic").try_for_each(check_slashes)?;
    let of_path = rest.map(|rest| selector(&decode(rest)?)).into_iter();
    let all: Vec<_> = of_path.chain(query.all("topic").map(selector)).collect::<Result<_, _>>()?;
    Selectors::new(all).map_err(|error| Problem::new(ProblemType::BadTopics, error.to_string()))
}

/// A selector as a path has it, still encoded, which reaches nothing of the hub's own.
pub(crate) fn plain_selector(rest: &str) -> Result<Selector, Problem> {
    selector(&decode(rest)?)
}

/// One selector, decoded.
fn selector(text: &str) -> Result<Selector, Problem> {
    let selector = Selector::parse(text).map_err(|error| bad_topic(&error))?;
    if selector.reaches_reserved() { Err(reserved(text)) } else { Ok(selector) }
}

/// One selector of a stream, decoded.
pub(crate) fn stream_selector(text: &str) -> Result<Selector, Problem> {
    let Some(watched) = text.strip_prefix(PRESENCE_PREFIX) else { return selector(text) };
    // What is no topic is told as ever.
    let selector = Selector::parse(text).map_err(|error| bad_topic(&error))?;
    if selector.topic().is_some() && !watched.is_empty() {
        return Ok(selector);
    }
    let detail = format!(
        "presence is told of single topics, and `{text}` names none; ask for each by itself: \
         topic=tidings/presence/a&topic=tidings/presence/b"
    );
    Err(Problem::new(ProblemType::ReservedTopic, detail))
}

/// A topic or a selector as it can stand in a path after `/events/`.
pub(crate) fn in_path(name: &str) -> String {
    let encoded = utf8_percent_encode(name, ENCODED).to_string();
    // A slash stays readable, unless the path would lose it.
    let is_plain = name.split('/').all(|segment| !segment.is_empty());
    if is_plain { encoded.replace("%2F", "/") } else { encoded }
}

/// What is encoded in a path: all but what RFC 3986 calls "pchar", without those that have a meaning in a query string.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b':')
    .remove(b'@');

/// Why a name is no topic, as a problem.
fn bad_topic(error: &TopicError) -> Problem {
    let problem_type = match error {
        TopicError::TooManySegments { .. }
        | TopicError::TooManyWildcards { .. }
        | TopicError::TooManyDoubleStars { .. } => ProblemType::PatternTooComplex,
        _ => ProblemType::BadTopic,
    };
    let detail = match error {
        // Both forms look alike, so the one to send is shown to the byte, too.
        TopicError::NotNormal { nfc } => format!("{error}; in a URL that is {}", in_path(nfc)),
        _ => error.to_string(),
    };
    Problem::new(problem_type, detail)
}

/// A name that is a topic or a selector, and that no client may use. A client is told so, and does not only find nothing
/// there: a browser gives up at this status, for asking again would not help.
fn reserved(name: &str) -> Problem {
    let detail = if name.starts_with("inbox/") {
        format!(
            "`{name}` is reserved: topics that begin with `inbox/` are the inboxes of users, and nothing of them is read or \
             published as events; an inbox is at /inbox/{{user}}, for both; or choose another name"
        )
    } else {
        format!(
            "`{name}` is reserved: topics that begin with `tidings/` are for the hub's own use; over HTTP nobody can publish \
             to them, and nothing of them can be read but a stream of `tidings/presence/TOPIC`; choose another name"
        )
    };
    Problem::new(ProblemType::ReservedTopic, detail)
}

/// The name that stands in a path after `/events/`, decoded.
pub(crate) fn decode(rest: &str) -> Result<Cow<'_, str>, Problem> {
    check_slashes(rest)?;
    if !rest.contains('%') {
        return Ok(Cow::Borrowed(rest));
    }
    if let Some(broken) = broken_escape(rest) {
        return Err(Problem::new(ProblemType::TopicNotUtf8, format!("the topic has {broken}")));
    }
    let bytes = Vec::from_iter(percent_decode_str(rest));
    let not_text = |bytes: &[u8], error: Utf8Error| {
        let at = error.valid_up_to();
        let (byte, number) = (bytes[at], at + 1);
        let detail =
            format!("a topic is percent-encoded UTF-8, and byte {number} of it, %{byte:02X}, is not");
        Problem::new(ProblemType::TopicNotUtf8, detail)
    };
    String::from_utf8(bytes).map(Cow::Owned).map_err(|error| not_text(error.as_bytes(), error.utf8_error()))
}

/// Refuses a name, still encoded, that has an empty segment.
fn check_slashes(name: &str) -> Result<(), Problem> {
    if name.starts_with('/') || name.contains("//") {
        let detail = "the topic has an empty segment, which some programs on the way drop; take the slash away that is \
                      too much, or write %2F for a slash beside an empty segment that is meant";
        return Err(Problem::new(ProblemType::EmptySegment, detail));
    }
    // `orders/` and `orders` look the same to people and are two topics.
    if name.ends_with('/') {
        let detail = "the topic ends in a slash; drop it, or write %2F if the topic really ends in one";
        return Err(Problem::new(ProblemType::TrailingSlash, detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_path_is_the_topic() {
        for (path, expected) in [
            ("orders/42", "orders/42"),
            ("orders%2F42", "orders/42"),
            ("https%3A%2F%2Fexample.com%2Fa%2F", "https://example.com/a/"),
            ("%E8%AE%A2%E5%8D%95", "\u{8ba2}\u{5355}"),
            ("a+b", "a+b"),
        ] {
            assert_eq!(topic(path).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_is_no_topic_is_refused() {
        for path in
            ["", "a/", "a//b", "/a", "/", "a/../b", "a/%2e%2E", "%FF", "a%0Ab", "*", "%zz", "%", "a%2"]
        {
            assert!(topic(path).is_err(), "{path}");
        }
        assert!(selector("*").is_ok());
    }

    #[test]
    fn reserved_topics_are_refused_however_they_are_encoded() {
        let refused = |result: Result<(), Problem>| result.unwrap_err() == reserved("inbox/x");
        for path in ["inbox/x", "inbox%2Fx", "%69nbox/x", "%69%6e%62%6f%78%2f%78"] {
            assert!(refused(topic(path).map(drop)), "publish to {path}");
            assert!(refused(selectors(Some(path), &Query::default()).map(drop)), "read {path}");
        }
        for path in ["inbox", "tidings", "inbox%252Fx", "Inbox/x", "inboxes/x", "a/inbox/x"] {
            assert!(topic(path).is_ok(), "{path}");
        }
    }
}
