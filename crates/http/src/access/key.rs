//! The key that publishers show.

use http::HeaderMap;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use subtle::ConstantTimeEq;
use tidings_access::Credential;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

/// The name of the publish key. What belongs to its holder is kept under this name.
const PUBLISH_KEY: &str = "publish-key";

/// Lets through who shows the key as `Authorization: Bearer KEY`. `what` needs it, as the subject of a sentence.
pub(super) fn check_key(key: &str, what: &str, headers: &HeaderMap) -> Result<Credential, Problem> {
    let Some(shown) = headers.get(AUTHORIZATION).map(|value| value.as_bytes().trim_ascii()) else {
        let detail = format!("{what} needs the key, as `Authorization: Bearer KEY`");
        return Err(refused(ProblemType::KeyRequired, detail, "Bearer"));
    };
    match bearer(shown) {
        // In constant time, so that the key cannot be found byte by byte.
        Some(token) if bool::from(token.ct_eq(key.as_bytes())) => Ok(Credential::Key(PUBLISH_KEY.into())),
        token => {
            let detail = token.map_or_else(|| without_bearer(shown), wrong_token).to_owned();
            Err(refused(ProblemType::InvalidKey, detail, "Bearer error=\"invalid_token\""))
        }
    }
}

/// The token of a `Bearer` header; the scheme in any case.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"bearer".len())?;
    let ends = token.is_empty() || token.starts_with(b" ");
    (ends && scheme.eq_ignore_ascii_case(b"bearer")).then(|| token.trim_ascii())
}

/// Told by the form alone, and nothing of the value is shown: it may be a secret, and stands in the log.
fn without_bearer(shown: &[u8]) -> &'static str {
    if shown.is_empty() {
        "`Authorization` is empty; send `Authorization: Bearer KEY`"
    } else if shown.contains(&b' ') {
        "`Authorization` has another scheme than Bearer; send `Authorization: Bearer KEY`"
    } else {
        "`Authorization` does not begin with the scheme Bearer and a space; send `Authorization: Bearer KEY`"
    }
}

fn wrong_token(token: &[u8]) -> &'static str {
    let is_quote = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    if token.is_empty() {
        "there is no key behind Bearer; is a variable empty?"
    } else if is_quote(token.first()) || is_quote(token.last()) {
        "this is not the publish key: it stands in quotes; send it without them"
    } else if bearer(token).is_some() {
        "this is not the publish key: the scheme Bearer stands there twice"
    } else {
        "this is not the publish key"
    }
}

/// The key or token of a header `Authorization`, or what is wrong with it.
pub(super) fn bearer_text(value: &[u8]) -> Result<&str, &'static str> {
    let value = value.trim_ascii();
    let Some(token) = bearer(value) else { return Err(without_bearer(value)) };
    if token.is_empty() {
        return Err(wrong_token(token));
    }
    std::str::from_utf8(token).map_err(|_| "what stands behind Bearer is no text")
}

fn refused(problem_type: ProblemType, detail: String, challenge: &'static str) -> Problem {
    Problem::new(problem_type, detail).with_header(WWW_AUTHENTICATE, challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> bool {
        check_key("secret", "publishing", &HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]))
            .is_ok()
    }

    #[test]
    fn only_the_key_opens() {
        assert!(shown("Bearer secret"));
        assert!(shown("bearer secret"));
        for value in ["Bearer secre", "Bearer secrets", "Bearer ", "Basic secret", "secret", "Bearer", ""] {
            assert!(!shown(value), "{value}");
        }
        assert!(check_key("secret", "publishing", &HeaderMap::new()).is_err());
    }

    /// All of them were "not the publish key", also where the key itself was right.
    #[test]
    fn a_key_that_is_not_sent_as_it_should_be_is_told_what_is_wrong_and_is_not_shown() {
        for (value, words) in [
            ("secret", "does not begin with the scheme Bearer"),
            ("Bearer:secret", "does not begin with the scheme Bearer"),
            ("Token secret", "another scheme than Bearer"),
            ("Basic dXNlcjpzZWNyZXQ=", "another scheme than Bearer"),
            ("Bearer: secret", "another scheme than Bearer"),
            ("Bearer \"secret\"", "stands in quotes"),
            ("Bearer 'secret'", "stands in quotes"),
            ("Bearer Bearer secret", "stands there twice"),
            ("Bearer", "no key behind Bearer"),
            ("Bearer ", "no key behind Bearer"),
            ("", "is empty"),
            ("Bearer wrong", "this is not the publish key"),
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            let problem = check_key("secret", "publishing", &headers).unwrap_err();
            assert!(problem.detail().contains(words), "{value}: {}", problem.detail());
            assert!(!problem.detail().contains("secret"), "{value}: {}", problem.detail());
            assert_eq!(problem.problem_type(), ProblemType::InvalidKey, "{value}");
        }
    }

    #[test]
    fn the_key_has_a_name() {
        let shown = HeaderMap::from_iter([(AUTHORIZATION, "Bearer secret".parse().unwrap())]);

        assert_eq!(check_key("secret", "publishing", &shown).unwrap().name(), "publish-key");
    }
}
