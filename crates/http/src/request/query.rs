//! Query strings, taken strictly: a misspelt parameter is an error, not a surprise.

use percent_encoding::percent_decode;

use super::escape::broken_escape;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::limits::{PARAMETERS_MAX, UNKNOWN_NAME_CHARS_MAX};

/// Parameters of one request, known and decoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query<'q>(Vec<Parameter<'q>>);

#[derive(Debug, PartialEq, Eq)]
struct Parameter<'q> {
    name: &'static str,
    /// As it stands in the URL.
    raw: &'q str,
    value: String,
}

impl<'q> Query<'q> {
    /// Parses a query string by the rules of `application/x-www-form-urlencoded`. Parameters that begin with `_`
    /// are passed over: clients use them against caches.
    pub(crate) fn parse(query: &'q str, known: &[&[&'static str]]) -> Result<Self, Problem> {
        let mut parameters = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, raw) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).map_err(|fault| not_text("the name of a parameter", fault))?;
            if name.starts_with('_') {
                continue;
            }
            let Some(name) = known.iter().copied().flatten().find(|known| **known == name) else {
                return Err(unknown(&name, known));
            };
            if parameters.len() == PARAMETERS_MAX {
                return Err(Problem::new(
                    ProblemType::TooManyParameters,
                    format!("a request has at most {PARAMETERS_MAX} parameters"),
                ));
            }
            parameters.push(Parameter { name, raw, value: text_of(name, raw)? });
        }
        Ok(Self(parameters))
    }

    /// The same, for a URL that has other parameters as well: those are passed over.
    pub(crate) fn parse_own(query: &'q str, known: &[&'static str]) -> Result<Self, Problem> {
        let is_known = |pair: &&str| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            decode(name).is_ok_and(|name| known.contains(&name.as_str()))
        };
        let mut own = Self::default();
        for pair in query.split('&').filter(is_known) {
            own.0.extend(Self::parse(pair, &[known])?.0);
        }
        Ok(own)
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
        self.named(name).map(|parameter| parameter.value.as_str())
    }

    /// All values of a parameter, as they stand in the URL.
    pub(crate) fn raw(&self, name: &str) -> impl Iterator<Item = &'q str> {
        self.named(name).map(|parameter| parameter.raw)
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Parameter<'q>> {
        self.0.iter().filter(move |parameter| parameter.name == name)
    }
}

/// Whether a query string has a parameter of this name, also if something is wrong with another.
pub(crate) fn has_parameter(query: &str, name: &str) -> Result<bool, Problem> {
    for pair in query.split('&') {
        let (written, raw) = pair.split_once('=').unwrap_or((pair, ""));
        if decode(written).is_ok_and(|written| written == name) {
            return text_of(name, raw).map(|_| true);
        }
    }
    Ok(false)
}

/// The value of a parameter.
fn text_of(name: &str, raw: &str) -> Result<String, Problem> {
    decode(raw).map_err(|fault| not_text(&format!("the parameter `{name}`"), fault))
}

/// Why a text is not percent-encoded UTF-8.
enum Fault {
    /// A `%` without two digits behind it, in a sentence.
    Escape(String),
    /// A byte that is not UTF-8: which one it is, counted from 1 as editors do, and its value.
    Byte { number: usize, byte: u8 },
}

fn decode(text: &str) -> Result<String, Fault> {
    if let Some(broken) = broken_escape(text) {
        return Err(Fault::Escape(broken));
    }
    let spaced = text.replace('+', " ");
    let decoded: Vec<u8> = percent_decode(spaced.as_bytes()).collect();
    String::from_utf8(decoded).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fault::Byte { number: at + 1, byte: error.as_bytes()[at] }
    })
}

fn not_text(what: &str, fault: Fault) -> Problem {
    let detail = match fault {
        Fault::Escape(broken) => format!("{what} has {broken}"),
        Fault::Byte { number, byte } => {
            format!("{what} must be percent-encoded UTF-8, and byte {number} of it, %{byte:02X}, is not")
        }
    };
    Problem::new(ProblemType::QueryNotUtf8, detail)
}

fn unknown(name: &str, known: &[&[&str]]) -> Problem {
    // What came from outside goes back bounded, and escaped by JSON.
    let name: String = name.chars().take(UNKNOWN_NAME_CHARS_MAX).collect();
    let known = known.concat().join(", ");
    let detail = match known.is_empty() {
        true => format!("there is no parameter `{name}`; this request takes none"),
        false => format!("there is no parameter `{name}`; known here: {known}"),
    };
    Problem::new(ProblemType::UnknownParameter, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&[&str]] = &[&["topic", "last"]];

    #[test]
    fn parameters_are_decoded() {
        let query = Query::parse("topic=a%2Fb&topic=%E8%AE%A2+x&last=&_=17&", KNOWN).unwrap();

        assert_eq!(query.all("topic").collect::<Vec<_>>(), ["a/b", "\u{8ba2} x"]);
        assert_eq!(query.raw("topic").collect::<Vec<_>>(), ["a%2Fb", "%E8%AE%A2+x"]);
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
    fn a_request_without_parameters_says_so() {
        let problem = Query::parse("x=1", &[&[], &[]]).unwrap_err();

        assert_eq!(problem.detail(), "there is no parameter `x`; this request takes none");
    }

    #[test]
    fn what_is_not_text_is_refused() {
        let refused = |query: &str, detail: &str| {
            let problem = Problem::new(ProblemType::QueryNotUtf8, detail.to_owned());
            assert_eq!(Query::parse(query, KNOWN).unwrap_err(), problem, "{query}");
        };
        let value = "the parameter `topic` must be percent-encoded UTF-8, and byte 4 of it, %E9, is not";
        let name = "the name of a parameter must be percent-encoded UTF-8, and byte 1 of it, %FF, is not";
        refused("topic=caf%E9", value);
        refused("topic=a&topic=%C3%A9+%E9", value);
        refused("%FF=1", name);
        let rule = "and % begins two hexadecimal digits; write %25 for a % that is meant";
        refused("topic=100%&last=1", &format!("the parameter `topic` has `%`, {rule}"));
        refused("last=%2", &format!("the parameter `last` has `%2`, {rule}"));
        refused("to%zzpic=1", &format!("the name of a parameter has `%zz`, {rule}"));
        assert!(Query::parse(&"topic=a&".repeat(129), KNOWN).is_err());
    }
}
