//! Topics and selectors in a URL.

use percent_encoding::percent_decode_str;
use tidings_core::{Selector, Selectors, Topic, TopicError};

use super::query::Query;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

/// The topic of `/events/{topic}`; `rest` is what stands after `/events/`, still encoded.
pub(crate) fn topic(rest: &str) -> Result<Topic, Problem> {
    Topic::parse(&decode(rest)?).map_err(|error| bad_topic(&error))
}

/// All selectors of a request: that of its path, if `rest` has one, and those of its parameters `topic`.
pub(crate) fn selectors(rest: Option<&str>, query: &Query) -> Result<Selectors, Problem> {
    let of_path = rest.map(selector).into_iter();
    let parsed = |text| Selector::parse(text).map_err(|error| bad_topic(&error));
    let all: Vec<_> = of_path.chain(query.all("topic").map(parsed)).collect::<Result<_, _>>()?;
    Selectors::new(all).map_err(|error| Problem::new(ProblemType::BadTopics, error.to_string()))
}

/// The selector of `/events/{selector}`.
fn selector(rest: &str) -> Result<Selector, Problem> {
    Selector::parse(&decode(rest)?).map_err(|error| bad_topic(&error))
}

/// Why a name is no topic, as a problem.
fn bad_topic(error: &TopicError) -> Problem {
    Problem::new(ProblemType::BadTopic, error.to_string())
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
}
