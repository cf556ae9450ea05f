//! Topics and selectors in a URL.

use percent_encoding::percent_decode_str;
use tidings_core::{Selector, Selectors, Topic, TopicError};

use super::query::Query;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

/// The topic of `/events/{topic}`; `rest` is what stands after `/events/`, still encoded.
pub(crate) fn topic(rest: &str) -> Result<Topic, Problem> {
    let topic = Topic::parse(&decode(rest)?).map_err(|error| bad_topic(&error))?;
    if topic.is_reserved() { Err(reserved(topic.as_str())) } else { Ok(topic) }
}

/// All selectors of a request: that of its path, if `rest` has one, and those of its parameters `topic`.
pub(crate) fn selectors(rest: Option<&str>, query: &Query) -> Result<Selectors, Problem> {
    let of_path = rest.map(|rest| selector(&decode(rest)?)).into_iter();
    let all: Vec<_> = of_path.chain(query.all("topic").map(selector)).collect::<Result<_, _>>()?;
    Selectors::new(all).map_err(|error| Problem::new(ProblemType::BadTopics, error.to_string()))
}

/// One selector, decoded.
fn selector(text: &str) -> Result<Selector, Problem> {
    let selector = Selector::parse(text).map_err(|error| bad_topic(&error))?;
    if selector.reaches_reserved() { Err(reserved(text)) } else { Ok(selector) }
}

/// Why a name is no topic, as a problem.
fn bad_topic(error: &TopicError) -> Problem {
    let problem_type = match error {
        TopicError::TooManySegments { .. }
        | TopicError::TooManyWildcards { .. }
        | TopicError::TooManyDoubleStars { .. } => ProblemType::PatternTooComplex,
        _ => ProblemType::BadTopic,
    };
    Problem::new(problem_type, error.to_string())
}

/// A name that is a topic or a selector, and that no client may use. A client is told so, and does not only find nothing
/// there: a browser gives up at this status, for asking again would not help.
fn reserved(name: &str) -> Problem {
    let detail = format!(
        "`{name}` is reserved: topics that begin with `inbox/` or `tidings/` are for the hub's own use, and nobody \
         can publish or read them over HTTP; choose another name"
    );
    Problem::new(ProblemType::ReservedTopic, detail)
}

fn decode(rest: &str) -> Result<std::borrow::Cow<'_, str>, Problem> {
    // `orders/` and `orders` look the same to people and are two topics.
    if rest.ends_with('/') && rest.len() > 1 {
        let detail = "the path ends in a slash; drop it, or write %2F if the topic really ends in one";
        return Err(Problem::new(ProblemType::TrailingSlash, detail));
    }
    let not_text = |_| Problem::new(ProblemType::TopicNotUtf8, "a topic must be percent-encoded UTF-8");
    percent_decode_str(rest).decode_utf8().map_err(not_text)
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
        for path in ["", "a/", "a/../b", "a/%2e%2E", "%FF", "a%0Ab", "*"] {
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
