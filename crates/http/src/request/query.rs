//! Query strings, taken strictly: a misspelt parameter is an error, not a surprise.

use percent_encoding::percent_decode;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::limits::{PARAMETERS_MAX, UNKNOWN_NAME_CHARS_MAX};

/// Parameters of one request, decoded and known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Parses a query string by the rules of `application/x-www-form-urlencoded`. Parameters that begin with `_`
    /// are passed over: clients use them against caches.
    pub(crate) fn parse(query: &str, known: &[&'static str]) -> Result<Self, Problem> {
        let mut pairs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            if name.starts_with('_') {
                continue;
            }
            let Some(name) = known.iter().find(|known| **known == name) else {
                return Err(unknown(&name, known));
            };
            if pairs.len() == PARAMETERS_MAX {
                return Err(Problem::new(
                    ProblemType::TooManyParameters,
                    format!("a request has at most {PARAMETERS_MAX} parameters"),
                ));
            }
            pairs.push((*name, decode(value)?));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter that may be given once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.all(name);
        let value = values.next();
        match values.next() {
            None => Ok(value),
            Some(_) => {
                let detail = format!("the parameter `{name}` may be given once");
                Err(Problem::new(ProblemType::RepeatedParameter, detail))
            }
        }
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

fn decode(text: &str) -> Result<String, Problem> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8();
    let not_text =
        |_| Problem::new(ProblemType::QueryNotUtf8, "the query string must be percent-encoded UTF-8");
    decoded.map(std::borrow::Cow::into_owned).map_err(not_text)
}

fn unknown(name: &str, known: &[&str]) -> Problem {
    // What came from outside goes back bounded, and escaped by JSON.
    let name: String = name.chars().take(UNKNOWN_NAME_CHARS_MAX).collect();
    let known = known.join(", ");
    Problem::new(
        ProblemType::UnknownParameter,
        format!("there is no parameter `{name}`; known here: {known}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["topic", "last"];

    #[test]
    fn parameters_are_decoded() {
        let query = Query::parse("topic=a%2Fb&topic=%E8%AE%A2+x&last=&_=17&", KNOWN).unwrap();

        assert_eq!(query.all("topic").collect::<Vec<_>>(), ["a/b", "\u{8ba2} x"]);
        assert_eq!(query.one("last"), Ok(Some("")));
        assert!(query.one("topic").is_err());
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is() {
        let problem = Query::parse("lats=3", KNOWN).unwrap_err();

        assert_eq!(
            problem,
            Problem::new(
                ProblemType::UnknownParameter,
                "there is no parameter `lats`; known here: topic, last"
            )
        );
    }

    #[test]
    fn what_is_not_text_is_refused() {
        assert!(Query::parse("topic=%FF", KNOWN).is_err());
        assert!(Query::parse("%FF=1", KNOWN).is_err());
        assert!(Query::parse(&"topic=a&".repeat(129), KNOWN).is_err());
    }
}
