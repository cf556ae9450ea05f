//! The page that sent a request, as far as its browser tells: by `Origin`, and by `Sec-Fetch-Site`, which no page can forge.

use http::HeaderValue;

use super::advice::advice;
use super::head::{RequestHead, SEC_FETCH_MODE, SEC_FETCH_SITE};
use super::host::Host;
use super::origin::Origin;
use super::policy::PageRule;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::config::{Cors, Hosts, HttpConfig};

/// Refuses pages of other origins that are not allowed: on loopback no key stands between them and the hub.
pub(super) fn check_page(config: &HttpConfig, rule: PageRule, head: &RequestHead<'_>) -> Result<(), Problem> {
    let links = match rule {
        PageRule::Any => return Ok(()),
        PageRule::OwnOrLinked => true,
        PageRule::Own => false,
    };
    if config.cors == Cors::Any {
        return Ok(());
    }
    let site = site(head);
    match head.origin() {
        Some(origin) if is_allowed(&config.cors, origin) || is_own(config, head, origin) => Ok(()),
        // A proxy in front has rewritten the host; the browser has compared what it saw.
        Some(_) if site == Site::Same => Ok(()),
        Some(origin) => Err(foreign_page(config, head, origin)),
        // Scripts and images of other sites come without `Origin`.
        None if site == Site::Other && !(links && is_navigation(head)) => Err(unnamed_page(head)),
        None => Ok(()),
    }
}

/// Whether a cookie counts: the hub or the operator knows the page that sent it. A browser adds its cookies to what any page
/// sends, and tells the page with everything that could change something.
pub(crate) fn is_trusted_page(config: &HttpConfig, head: &RequestHead<'_>, is_safe: bool) -> bool {
    let site = site(head);
    match (head.origin(), &config.cors) {
        (Some(_), _) if site == Site::Same => true,
        (Some(origin), cors @ Cors::Only(_)) if is_allowed(cors, origin) => true,
        (Some(origin), _) => is_own(config, head, origin),
        (None, _) => is_safe && site != Site::Other || site == Site::Same,
    }
}

pub(super) fn is_allowed(cors: &Cors, origin: &HeaderValue) -> bool {
    match cors {
        Cors::Any => true,
        Cors::Only(origins) => parsed(origin).is_some_and(|origin| origins.contains(&origin)),
    }
}

pub(super) fn parsed(origin: &HeaderValue) -> Option<Origin> {
    origin.to_str().ok()?.parse().ok()
}

/// Whether the page is one that the hub serves itself, at the host that was asked for or at one of its names.
fn is_own(config: &HttpConfig, head: &RequestHead<'_>, origin: &HeaderValue) -> bool {
    parsed(origin).is_some_and(|origin| is_of_hub(config, head, &origin))
}

/// The same, where the origin has been read.
pub(super) fn is_of_hub(config: &HttpConfig, head: &RequestHead<'_>, origin: &Origin) -> bool {
    // As far as the hub can know its own scheme: without a certificate of its own, a proxy may have one.
    let scheme = config.tls.is_some().then_some("https");
    head.host.as_ref().is_some_and(|host| origin.is_of(host, scheme))
        || names(&config.hosts).iter().any(|named| origin.is_of_named(named, scheme))
}

fn names(hosts: &Hosts) -> &[Host] {
    match hosts {
        Hosts::Any => &[],
        Hosts::LoopbackAnd(names) => names,
    }
}

/// Where the page stands that sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    /// At the same origin.
    Same,
    /// At another, be it of the same site.
    Other,
    /// No page has sent it, or the browser does not tell. Over plain HTTP it tells only for loopback.
    Unknown,
}

pub(super) fn site(head: &RequestHead<'_>) -> Site {
    match head.headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        Some(b"same-origin") => Site::Same,
        Some(b"same-site" | b"cross-site") => Site::Other,
        // "none" is the address bar. Fetch Metadata, 2: a server should ignore what is not of the list.
        Some(_) | None => Site::Unknown,
    }
}

pub(super) fn is_navigation(head: &RequestHead<'_>) -> bool {
    head.headers.get(SEC_FETCH_MODE).is_some_and(|mode| mode == "navigate")
}

fn foreign_page(config: &HttpConfig, head: &RequestHead<'_>, origin: &HeaderValue) -> Problem {
    let (shown_origin, shown_host) = (head.shown_origin(), head.shown_host());
    let advice = advice(config, head, origin);
    let detail = format!("pages of {shown_origin} may not use the hub at {shown_host}; {advice}");
    Problem::new(ProblemType::OriginNotAllowed, detail)
}

fn unnamed_page(head: &RequestHead<'_>) -> Problem {
    let detail = format!(
        "a page of another site asks for events of {}, with {}, as a script or an image would; let it use EventSource or \
         fetch, and allow its origin with --cors-origin",
        head.shown_host(),
        head.shown_origin()
    );
    Problem::new(ProblemType::OriginNotAllowed, detail)
}

#[cfg(test)]
mod tests {
    use http::request::Parts;
    use http::{HeaderMap, Request};

    use super::*;

    const RULES: [PageRule; 3] = [PageRule::Any, PageRule::OwnOrLinked, PageRule::Own];

    fn request(headers: &[(&str, &str)]) -> (Parts, ()) {
        let request = Request::builder().header("host", "hub:8080");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap().into_parts()
    }

    /// Whether a request to `hub:8080` with these headers is let in by each of the rules.
    fn let_in(config: &HttpConfig, headers: &[(&str, &str)]) -> [bool; 3] {
        let (parts, ()) = request(headers);
        let head = RequestHead::read(&parts, None).unwrap_or_else(|_| panic!("{headers:?} is a head"));
        RULES.map(|rule| check_page(config, rule, &head).is_ok())
    }

    fn config(cors: Cors) -> HttpConfig {
        HttpConfig { cors, ..HttpConfig::default() }
    }

    fn app() -> HttpConfig {
        config(Cors::Only(vec!["https://app.example".parse().unwrap()]))
    }

    #[test]
    fn a_page_of_another_origin_is_refused_unless_allowed() {
        for origin in
            ["http://hub:8080", "https://hub:8080", "https://app.example", "https://APP.example:443"]
        {
            assert_eq!(let_in(&app(), &[("origin", origin)]), [true; 3], "{origin}");
        }
        for origin in [
            "https://app.example:444",
            "http://app.example",
            "null",
            "https://app.example.evil",
            "http://hub:80",
            "http://hub",
            "https://app.example/",
            "https://x@app.example",
            "\u{e9}",
            "",
        ] {
            assert_eq!(let_in(&app(), &[("origin", origin)]), [true, false, false], "{origin}");
            assert_eq!(let_in(&config(Cors::Any), &[("origin", origin)]), [true; 3], "{origin}");
        }
        assert_eq!(let_in(&app(), &[]), [true; 3]);
    }

    #[test]
    fn a_refusal_names_both_values_and_what_can_be_set() {
        for (origin, words) in [
            ("http://evil.example:81", "--cors-origin http://evil.example:81;"),
            ("null", "opened from a file"),
            ("http://a b", "this is no origin, which has a scheme"),
            ("http://a b", "cannot be allowed by name"),
        ] {
            let (parts, ()) = request(&[("origin", origin)]);
            let head = RequestHead::read(&parts, None).unwrap();
            let problem = check_page(&app(), PageRule::Own, &head).unwrap_err();
            for part in ["`hub:8080`", origin, words] {
                assert!(problem.detail().contains(part), "{origin}: {}", problem.detail());
            }
        }
    }

    #[test]
    fn the_browser_says_whether_a_page_is_the_hubs_own_if_a_proxy_has_rewritten_the_host() {
        let from = |site| let_in(&app(), &[("origin", "https://hub.example"), ("sec-fetch-site", site)]);

        assert_eq!(from("same-origin"), [true; 3]);
        for site in ["same-site", "cross-site", "none", "SAME-ORIGIN", ""] {
            assert_eq!(from(site), [true, false, false], "{site}");
        }
        let opaque = [("origin", "null"), ("sec-fetch-site", "same-origin")];
        assert_eq!(let_in(&app(), &opaque), [true; 3]);
    }

    #[test]
    fn a_page_at_a_name_of_the_hub_is_its_own() {
        let hosts = Hosts::LoopbackAnd(vec!["hub.example".parse().unwrap(), "b.example:81".parse().unwrap()]);
        let config = HttpConfig { hosts, ..app() };
        let from = |origin| let_in(&config, &[("origin", origin)]);

        for origin in ["http://hub.example", "https://hub.example:8443", "http://b.example:81"] {
            assert_eq!(from(origin), [true; 3], "{origin}");
        }
        // What else runs on this machine is not the hub's.
        for origin in ["http://a.hub.example", "http://b.example", "http://localhost:1"] {
            assert_eq!(from(origin), [true, false, false], "{origin}");
        }
    }

    #[test]
    fn a_script_or_an_image_of_another_site_reads_nothing_and_a_link_does() {
        for site in ["cross-site", "same-site"] {
            for mode in ["no-cors", "cors", "same-origin", "websocket", ""] {
                let headers = [("sec-fetch-site", site), ("sec-fetch-mode", mode)];
                assert_eq!(let_in(&app(), &headers), [true, false, false], "{headers:?}");
                assert_eq!(let_in(&config(Cors::Any), &headers), [true; 3], "{headers:?}");
            }
            assert_eq!(let_in(&app(), &[("sec-fetch-site", site)]), [true, false, false]);
            let link = [("sec-fetch-site", site), ("sec-fetch-mode", "navigate")];
            assert_eq!(let_in(&app(), &link), [true, true, false]);
        }
        for site in ["none", "same-origin", "new-in-2030"] {
            assert_eq!(let_in(&app(), &[("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")]), [true; 3]);
        }
    }

    #[test]
    fn behind_tls_the_own_page_is_an_https_page_whichever_the_version_of_http() {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["hub".to_owned()]).unwrap();
        let tls =
            crate::tls::Tls::from_pem(cert.pem().as_bytes(), signing_key.serialize_pem().as_bytes()).unwrap();
        let config = HttpConfig { tls: Some(tls), ..app() };
        let from = |uri: &str, headers: HeaderMap| {
            let (mut parts, ()) = Request::get(uri).body(()).unwrap().into_parts();
            parts.headers = headers;
            let head = RequestHead::read(&parts, None).unwrap_or_else(|_| panic!("{uri} is a head"));
            check_page(&config, PageRule::Own, &head).is_ok()
        };
        let headers = |host: Option<&'static str>, origin: &'static str| {
            let host = host.map(|host| (http::header::HOST, HeaderValue::from_static(host)));
            HeaderMap::from_iter(
                host.into_iter().chain([(http::header::ORIGIN, HeaderValue::from_static(origin))]),
            )
        };

        assert!(from("/", headers(Some("hub"), "https://hub")));
        assert!(from("https://hub/", headers(None, "https://hub")));
        assert!(!from("/", headers(Some("hub"), "http://hub")));
        assert!(!from("https://hub/", headers(None, "http://hub")));
        assert!(!from("https://hub/", headers(None, "https://hub:444")));
    }
}
