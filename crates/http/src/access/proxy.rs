//! Whether a publish has come through a proxy: to a hub that is open because only its own machine can reach it, a proxy lets
//! everybody in.

use std::net::IpAddr;

use http::header::{FORWARDED, HeaderName, VIA};

use super::head::RequestHead;
use super::page;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::config::{HttpConfig, Publishers};

/// What proxies and content delivery networks add, beside every header that begins with `x-forwarded-`. A list, because a
/// program of this machine sends none of them.
const ADDED_BY_PROXIES: [HeaderName; 6] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("cdn-loop"),
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("true-client-ip"),
];

/// Refuses a publish that shows that it comes from beyond this machine, unless its sender is trusted to pass such on. A
/// proxy that rewrites the host and adds nothing cannot be noticed.
pub(super) fn check_local(config: &HttpConfig, head: &RequestHead<'_>) -> Result<(), Problem> {
    let trusted = match &config.publishers {
        Publishers::Any => return Ok(()),
        Publishers::LocalAnd(trusted) => trusted,
    };
    if head.peer.is_some_and(|peer| trusted.iter().any(|own| own.to_canonical() == peer.to_canonical())) {
        return Ok(());
    }
    trace(config, head).map_or(Ok(()), |trace| Err(behind_a_proxy(&trace, head.peer)))
}

/// What shows it, as a fragment of a sentence.
fn trace(config: &HttpConfig, head: &RequestHead<'_>) -> Option<String> {
    let is_added =
        |name: &&HeaderName| ADDED_BY_PROXIES.contains(name) || name.as_str().starts_with("x-forwarded-");
    if let Some(name) = head.headers.keys().find(is_added) {
        return Some(format!("it has `{name}`"));
    }
    if head.host.as_ref().is_some_and(|host| !host.is_loopback()) {
        return Some(format!("it is for {}", head.shown_host()));
    }
    // A page of an origin that the operator has allowed is expected, and runs in a browser of this machine.
    let origin = head.origin().filter(|origin| !page::is_allowed(&config.cors, origin))?;
    let is_local = page::parsed(origin).is_none_or(|origin| origin.is_loopback());
    (!is_local).then(|| format!("it comes from a page of {}", head.shown_origin()))
}

fn behind_a_proxy(trace: &str, peer: Option<IpAddr>) -> Problem {
    let address = peer.map_or_else(|| "ADDRESS".to_owned(), |peer| peer.to_string());
    let detail = format!(
        "this request has come through a proxy ({trace}), and the hub has no publish key, so everybody could publish; set a \
         key with TIDINGS_PUBLISH_KEY or --publish-key-file, or, if everybody may publish, start the hub with \
         --trusted-proxies {address} --insecure-open"
    );
    Problem::new(ProblemType::BehindAProxy, detail)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::config::Cors;

    fn is_refused(config: &HttpConfig, peer: &str, headers: &[(&str, &str)]) -> bool {
        let request =
            headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let head = RequestHead::read(&parts, Some(peer.parse().unwrap()));
        let head = head.unwrap_or_else(|_| panic!("{headers:?} is a head"));
        check_local(config, &head).is_err()
    }

    fn config(publishers: Publishers) -> HttpConfig {
        let cors = Cors::Only(vec!["https://app.example".parse().unwrap()]);
        HttpConfig { publishers, cors, ..HttpConfig::default() }
    }

    const LOCAL: (&str, &str) = ("host", "localhost:8080");

    #[test]
    fn every_trace_of_a_proxy_is_enough() {
        let local = config(Publishers::LocalAnd(Vec::new()));

        for trace in [
            ("forwarded", "for=192.0.2.1"),
            ("x-forwarded-for", "192.0.2.1"),
            ("X-Forwarded-Proto", "https"),
            ("x-forwarded-anything", ""),
            ("x-real-ip", "192.0.2.1"),
            ("via", "1.1 proxy"),
            ("cdn-loop", "cdn"),
            ("origin", "https://hub.example"),
        ] {
            assert!(is_refused(&local, "127.0.0.1", &[LOCAL, trace]), "{trace:?}");
            assert!(!is_refused(&config(Publishers::Any), "127.0.0.1", &[LOCAL, trace]), "{trace:?}");
        }
        assert!(is_refused(&local, "127.0.0.1", &[("host", "hub.example")]));
        for harmless in [
            ("origin", "http://localhost:8080"),
            ("origin", "https://app.example"),
            ("origin", "null"),
            ("user-agent", "via proxy"),
            ("x-forwarded", "1"),
        ] {
            assert!(!is_refused(&local, "127.0.0.1", &[LOCAL, harmless]), "{harmless:?}");
        }
    }

    #[test]
    fn a_trusted_proxy_speaks_for_others_and_no_one_else_does() {
        let trusting = config(Publishers::LocalAnd(vec!["127.0.0.1".parse().unwrap()]));
        let forwarded = [LOCAL, ("x-forwarded-for", "192.0.2.1")];

        assert!(!is_refused(&trusting, "127.0.0.1", &forwarded));
        assert!(!is_refused(&trusting, "::ffff:127.0.0.1", &forwarded));
        assert!(is_refused(&trusting, "127.0.0.2", &forwarded));
        assert!(is_refused(&trusting, "::1", &forwarded));
    }
}
