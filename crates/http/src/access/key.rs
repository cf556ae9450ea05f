//! The key that publishers show.

use http::HeaderMap;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use subtle::ConstantTimeEq;

use super::credential::Credential;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;

/// Lets a publisher through that shows the key as `Authorization: Bearer KEY`.
pub(super) fn check_key(key: &str, headers: &HeaderMap) -> Result<Credential, Problem> {
    let shown = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    match shown.map(bearer) {
        // In constant time, so that the key cannot be found byte by byte.
        Some(Some(shown)) if bool::from(shown.ct_eq(key.as_bytes())) => Ok(Credential::publish_key()),
        Some(_) => Err(refused(
            ProblemType::InvalidKey,
            "this is not the publish key",
            "Bearer error=\"invalid_token\"",
        )),
        None => {
            let detail = "publishing needs the key, as `Authorization: Bearer KEY`";
            Err(refused(ProblemType::KeyRequired, detail, "Bearer"))
        }
    }
}

/// The token of a `Bearer` header; the scheme in any case.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

fn refused(problem_type: ProblemType, detail: &str, challenge: &'static str) -> Problem {
    Problem::new(problem_type, detail).with_header(WWW_AUTHENTICATE, challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> bool {
        check_key("secret", &HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])).is_ok()
    }

    #[test]
    fn only_the_key_opens() {
        assert!(shown("Bearer secret"));
        assert!(shown("bearer secret"));
        for value in ["Bearer secre", "Bearer secrets", "Bearer ", "Basic secret", "secret", "Bearer", ""] {
            assert!(!shown(value), "{value}");
        }
        assert!(check_key("secret", &HeaderMap::new()).is_err());
    }

    #[test]
    fn the_key_has_a_name() {
        let shown = HeaderMap::from_iter([(AUTHORIZATION, "Bearer secret".parse().unwrap())]);

        assert_eq!(check_key("secret", &shown).unwrap().name(), "publish-key");
    }
}
