//! The origin of the page that sent a request.

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Uri};

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::config::Cors;

/// Refuses a page of another origin that is not allowed: on loopback no key stands between it and the hub.
///
/// `scheme` is the hub's own, if it is known: a proxy in front may speak TLS.
pub(super) fn check_origin(
    cors: &Cors,
    scheme: Option<&str>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or("null");
    if is_same_origin(origin, scheme, authority(uri, headers)) || is_allowed(cors, origin) {
        return Ok(());
    }
    let detail = "pages of this origin may not use the hub; allow it with --cors-origin";
    Err(Problem::new(ProblemType::OriginNotAllowed, detail))
}

pub(super) fn is_allowed(cors: &Cors, origin: &str) -> bool {
    match cors {
        Cors::Any => true,
        Cors::Only(origins) => origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)),
    }
}

fn is_same_origin(origin: &str, scheme: Option<&str>, asked: Option<&str>) -> bool {
    let (Some((from, authority)), Some(asked)) = (origin.split_once("://"), asked) else { return false };
    scheme.is_none_or(|scheme| scheme.eq_ignore_ascii_case(from)) && authority.eq_ignore_ascii_case(asked)
}

/// Host and port that the request is for: in HTTP/2 they stand before the headers, as `:authority`.
fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let header = || headers.get(HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(Authority::as_str).or_else(header)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[test]
    fn a_page_of_another_origin_is_refused_unless_allowed() {
        let check = |cors: &Cors, origin: &str| {
            let headers = HeaderMap::from_iter([
                (HOST, "hub:8080".parse().unwrap()),
                (ORIGIN, origin.parse().unwrap()),
            ]);
            check_origin(cors, None, &Uri::from_static("/"), &headers).is_ok()
        };
        let only = Cors::Only(vec!["https://app.example".to_owned()]);

        assert!(check(&only, "http://hub:8080"));
        assert!(check(&only, "https://app.example"));
        for origin in [
            "https://app.example:444",
            "http://app.example",
            "null",
            "https://app.example.evil",
            "http://hub:80",
        ] {
            assert!(!check(&only, origin), "{origin}");
        }
        assert!(check(&Cors::Any, "null"));
        assert!(check_origin(&only, None, &Uri::from_static("/"), &HeaderMap::new()).is_ok());
    }

    #[test]
    fn behind_tls_the_own_page_is_an_https_page_whichever_the_version_of_http() {
        let check = |uri: &'static str, headers: &[(HeaderName, &str)]| {
            let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
            let only = Cors::Only(Vec::new());
            check_origin(&only, Some("https"), &Uri::from_static(uri), &headers.collect()).is_ok()
        };

        assert!(check("/", &[(HOST, "hub"), (ORIGIN, "https://hub")]));
        assert!(check("https://hub/", &[(ORIGIN, "https://hub")]));
        assert!(!check("/", &[(HOST, "hub"), (ORIGIN, "http://hub")]));
        assert!(!check("https://hub/", &[(ORIGIN, "http://hub")]));
        assert!(!check("https://hub/", &[(ORIGIN, "https://hub:444")]));
    }
}
