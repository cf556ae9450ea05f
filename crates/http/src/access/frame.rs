//! The page that frames a document of events, which the URL names: `mode=iframe&origin=https://app.example`.
//!
//! A browser that loads a frame does not tell whose page it is for, so that the request cannot be checked as that of a page. It need
//! not be: another page that frames the document sees none of it, since the browser shows it to the named page alone
//! (`frame-ancestors`) and passes what it says on to that page alone (`postMessage`).

use http::{HeaderMap, HeaderValue};

use super::advice::advice;
use super::head::{RequestHead, SEC_FETCH_DEST};
use super::origin::{Origin, OriginError};
use super::page::{Site, is_navigation, is_of_hub, is_trusted_page, site};
use super::shown::shown;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::config::{Cors, HttpConfig};
use crate::request::query::Query;
use crate::stream::StreamFormat;
use crate::stream::encode::iframe::SCRIPT_HASH;

/// The page that frames a document of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FramingPage(Origin);

impl FramingPage {
    /// The page that frames a stream of this format, if it is one that pages frame.
    pub(crate) fn of(
        format: StreamFormat,
        config: &HttpConfig,
        head: &RequestHead<'_>,
        query: &Query<'_>,
    ) -> Result<Option<Self>, Problem> {
        match format {
            StreamFormat::Iframe => Self::read(config, head, query).map(Some),
            StreamFormat::Sse | StreamFormat::Lines | StreamFormat::WebSocket => Ok(None),
        }
    }

    /// Reads `origin`, and refuses pages of origins that are not allowed.
    fn read(config: &HttpConfig, head: &RequestHead<'_>, query: &Query<'_>) -> Result<Self, Problem> {
        let Some(text) = query.one("origin")? else {
            return Err(
                bad("`mode=iframe` needs `origin`, the origin of the page that frames it".to_owned()),
            );
        };
        let origin = parse(text)?;
        let is_known = match &config.cors {
            Cors::Any => true,
            Cors::Only(origins) => origins.contains(&origin),
        };
        // A proxy in front may have rewritten the host.
        if is_known || is_of_hub(config, head, &origin) || site(head) == Site::Same {
            return Ok(Self(origin));
        }
        let value = HeaderValue::try_from(origin.to_string());
        let advice = value.map(|value| advice(config, head, &value)).unwrap_or_default();
        let detail = format!("pages of origin `{origin}` may not frame events of the hub; {advice}");
        Err(Problem::new(ProblemType::FrameNotAllowed, detail))
    }

    /// The origin as browsers write it.
    pub(crate) fn origin(&self) -> String {
        self.0.to_string()
    }

    /// The policy of the document. It loads nothing, sends nothing, leads nowhere, and runs one script, known by its hash, so that
    /// also an event which got out of its block would do nothing. The sandbox keeps its origin, by which the page knows the hub.
    pub(crate) fn policy(&self) -> HeaderValue {
        let policy = format!(
            "default-src 'none'; script-src '{}'; base-uri 'none'; form-action 'none'; frame-ancestors {}; \
             sandbox allow-scripts allow-same-origin",
            *SCRIPT_HASH, self.0
        );
        HeaderValue::try_from(policy).expect("a hash and an origin are visible ASCII")
    }
}

/// Whether the cookie of a request counts: the hub or the operator knows the page that sent it, or the page that alone can hear the
/// answer.
pub(crate) fn cookie_counts(
    config: &HttpConfig,
    head: &RequestHead<'_>,
    is_safe: bool,
    query: &Query<'_>,
) -> bool {
    is_trusted_page(config, head, is_safe) || is_safe && is_for_trusted_page(config, head, query)
}

/// Only what loads a frame: the answer to a script is its own, whichever page the URL names.
fn is_for_trusted_page(config: &HttpConfig, head: &RequestHead<'_>, query: &Query<'_>) -> bool {
    let loads_frame = head.origin().is_none() && is_navigation(head) && is_for_frame(head.headers);
    if !loads_frame || query.one("mode") != Ok(Some("iframe")) {
        return false;
    }
    let origin = query.one("origin").ok().flatten().and_then(|text| parse(text).ok());
    origin.is_some_and(|origin| match &config.cors {
        Cors::Only(origins) if origins.contains(&origin) => true,
        // Not where every site is allowed: that would be every site in the user's name.
        Cors::Only(_) | Cors::Any => is_of_hub(config, head, &origin),
    })
}

fn is_for_frame(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_DEST).is_some_and(|destination| destination == "iframe" || destination == "frame")
}

fn parse(text: &str) -> Result<Origin, Problem> {
    let shown = shown(text.as_bytes());
    let origin: Origin = text.parse().map_err(|error: OriginError| {
        bad(format!("`origin` is `{shown}`, which is no origin such as https://app.example: {error}"))
    })?;
    if !origin.is_of_pages() {
        return Err(bad(format!("`origin` is `{shown}`, and no page has such an origin")));
    }
    // CSP Level 3, 2.3.1: a `host-source` has a name, and an address of IPv6 is none. Browsers would frame nothing.
    if origin.has_ipv6_address() {
        return Err(bad(format!(
            "`origin` is `{shown}`, and `frame-ancestors` cannot name an address of IPv6; give the host of the page a name"
        )));
    }
    Ok(origin)
}

fn bad(detail: String) -> Problem {
    Problem::new(ProblemType::BadOrigin, detail)
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::Parts;

    use super::*;

    fn request(headers: &[(&str, &str)]) -> Parts {
        let request = Request::builder().header("host", "hub:8080");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts().0
    }

    fn config(cors: Cors) -> HttpConfig {
        HttpConfig { cors, ..HttpConfig::default() }
    }

    fn app() -> HttpConfig {
        config(Cors::Only(vec!["https://app.example".parse().unwrap()]))
    }

    fn query(text: &str) -> Query<'_> {
        Query::parse(text, &[&["mode", "origin"]]).unwrap()
    }

    fn read(config: &HttpConfig, headers: &[(&str, &str)], text: &str) -> Result<String, ProblemType> {
        let parts = request(headers);
        let head = RequestHead::read(&parts, None).unwrap_or_else(|_| panic!("{headers:?} is a head"));
        let page = FramingPage::read(config, &head, &query(text));
        page.map(|page| page.origin()).map_err(|problem| problem.problem_type())
    }

    #[test]
    fn a_page_of_an_allowed_origin_or_of_the_hub_may_frame_events_and_no_other() {
        for (origin, expected) in [
            ("https://app.example", Ok("https://app.example")),
            ("https%3A%2F%2FAPP.example%3A443", Ok("https://app.example")),
            ("http://hub:8080", Ok("http://hub:8080")),
            ("https://hub:8080", Ok("https://hub:8080")),
            ("http://hub", Err(ProblemType::FrameNotAllowed)),
            ("http://app.example", Err(ProblemType::FrameNotAllowed)),
            ("https://app.example.evil", Err(ProblemType::FrameNotAllowed)),
            ("capacitor://localhost", Err(ProblemType::FrameNotAllowed)),
            ("null", Err(ProblemType::BadOrigin)),
            ("*", Err(ProblemType::BadOrigin)),
            ("", Err(ProblemType::BadOrigin)),
            ("https://app.example/", Err(ProblemType::BadOrigin)),
            ("https://app.example;script-src *", Err(ProblemType::BadOrigin)),
            ("https://app.example https://evil.example", Err(ProblemType::BadOrigin)),
            ("https://app.example,https://evil.example", Err(ProblemType::BadOrigin)),
            ("https://app.example%0D%0Ax:y", Err(ProblemType::BadOrigin)),
            ("https://*.example", Err(ProblemType::BadOrigin)),
            ("https://x@app.example", Err(ProblemType::BadOrigin)),
            ("file://", Err(ProblemType::BadOrigin)),
            ("data://app.example", Err(ProblemType::BadOrigin)),
            ("http://[::1]:5173", Err(ProblemType::BadOrigin)),
        ] {
            let text = format!("origin={origin}");
            assert_eq!(read(&app(), &[], &text), expected.map(str::to_owned), "{origin}");
            let of_all = read(&config(Cors::Any), &[], &text);
            assert_eq!(of_all.is_ok(), expected != Err(ProblemType::BadOrigin), "{origin}");
        }
        assert_eq!(read(&app(), &[], ""), Err(ProblemType::BadOrigin));
        let twice = "origin=https://app.example&origin=https://app.example";
        assert_eq!(read(&app(), &[], twice), Err(ProblemType::RepeatedParameter));
    }

    #[test]
    fn the_browser_says_whether_a_page_of_the_hub_frames_it_if_a_proxy_has_rewritten_the_host() {
        let from = |site| read(&app(), &[("sec-fetch-site", site)], "origin=https://hub.example").is_ok();

        assert!(from("same-origin"));
        assert!(!from("same-site") && !from("cross-site") && !from("none"));
    }

    #[test]
    fn the_policy_names_one_script_and_one_ancestor() {
        let page = FramingPage("https://app.example:8443".parse().unwrap());

        let policy = page.policy();
        let text = policy.to_str().unwrap();
        assert!(text.starts_with("default-src 'none'; script-src 'sha256-"), "{text}");
        assert!(text.contains("='; base-uri 'none'; form-action 'none'; "), "{text}");
        assert!(text.contains("; frame-ancestors https://app.example:8443; sandbox "), "{text}");
        assert!(!text.contains("unsafe"), "{text}");
    }

    #[test]
    fn a_cookie_counts_in_a_frame_for_a_page_that_the_operator_names() {
        const FRAME: [(&str, &str); 3] =
            [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        let counts = |config: &HttpConfig, headers: &[(&str, &str)], text: &str| {
            let parts = request(headers);
            let head = RequestHead::read(&parts, None).unwrap_or_else(|_| panic!("{headers:?} is a head"));
            cookie_counts(config, &head, true, &query(text))
        };
        let (allowed, own) = ("mode=iframe&origin=https://app.example", "mode=iframe&origin=http://hub:8080");

        assert!(counts(&app(), &FRAME, allowed) && counts(&app(), &FRAME, own));
        assert!(counts(&config(Cors::Any), &FRAME, own) && !counts(&config(Cors::Any), &FRAME, allowed));
        for text in [
            "",
            "mode=iframe",
            "mode=poll&origin=https://app.example",
            "mode=iframe&origin=https://b.example",
        ] {
            assert!(!counts(&app(), &FRAME, text), "{text}");
        }
        for other in [
            [FRAME[0], ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "script")],
            [FRAME[0], ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
            [FRAME[0], FRAME[1], ("sec-fetch-dest", "document")],
            [FRAME[0], FRAME[1], ("origin", "https://evil.example")],
        ] {
            assert!(!counts(&app(), &other, allowed), "{other:?}");
        }
    }
}
