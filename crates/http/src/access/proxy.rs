//! Whether a publish has come through a proxy: to a hub that is open because only its own machine can reach it, a proxy lets
//! everybody in.

use std::net::IpAddr;

use super::head::RequestHead;
use super::page;
use super::shown::shown;
use super::trace::is_of_a_proxy;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::config::{HttpConfig, Publishers};

/// How a hub gets a publish key, and what publishers do with it.
const SET_A_KEY: &str = "set one with --publish-key-file or TIDINGS_PUBLISH_KEY (`tidings init` makes one), and let publishers send \
                         it as `Authorization: Bearer KEY`";

/// Refuses a publish that shows that it comes from beyond this machine, unless its sender is trusted to pass such on. A
/// proxy that rewrites the host and adds nothing cannot be noticed.
pub(super) fn check_local(config: &HttpConfig, head: &RequestHead<'_>) -> Result<(), Problem> {
    if !is_for_this_machine(config, head) {
        return Ok(());
    }
    trace(config, head).map_or(Ok(()), |trace| Err(behind_a_proxy(&trace, head.peer)))
}

/// Adds to the refusal of a publish, for another reason, that [`check_local`] would refuse the next one. Whoever sets up a
/// proxy is told everything at once.
pub(super) fn with_key_advice(config: &HttpConfig, head: &RequestHead<'_>, problem: Problem) -> Problem {
    if config.publish_key.is_some() || !is_for_this_machine(config, head) {
        return problem;
    }
    problem.and(&format!(
        "if a proxy has passed the request on, the hub needs a publish key as well: {SET_A_KEY}"
    ))
}

/// Whether the hub takes publishes of its own machine alone, and from this sender nothing that it passes on.
fn is_for_this_machine(config: &HttpConfig, head: &RequestHead<'_>) -> bool {
    match &config.publishers {
        Publishers::Any => false,
        Publishers::LocalAnd(trusted) => {
            !head.peer.is_some_and(|peer| trusted.iter().any(|range| range.contains(peer)))
        }
    }
}

/// What shows it, as a fragment of a sentence.
fn trace(config: &HttpConfig, head: &RequestHead<'_>) -> Option<String> {
    if let Some((name, _)) = head.headers.iter().find(|(name, value)| is_of_a_proxy(name, value)) {
        return Some(format!("it has `{}`", shown(name.as_str().as_bytes())));
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
    let address = peer.map_or_else(|| "ADDRESS".to_owned(), |peer| peer.to_canonical().to_string());
    let detail = format!(
        "this request has come through a proxy ({trace}), and the hub has no publish key, so everybody could publish; \
         {SET_A_KEY}; or, if everybody may publish, start the hub with --trusted-proxies {address} --insecure-open"
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
            ("x-client-ip", ""),
            ("CF-Ray", "1"),
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
            ("x-request-id", "1"),
            ("traceparent", "00-1-1-00"),
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
        let ranges =
            config(Publishers::LocalAnd(vec!["::1".parse().unwrap(), "127.0.0.0/8".parse().unwrap()]));
        for peer in ["127.0.0.2", "127.255.0.1", "::ffff:127.0.0.9", "::1"] {
            assert!(!is_refused(&ranges, peer, &forwarded), "{peer}");
        }
        assert!(is_refused(&ranges, "10.0.0.1", &forwarded));
    }

    /// A publish for a host that the hub does not have was refused for the host, and when that was set, for the proxy.
    #[test]
    fn a_refusal_for_another_reason_tells_of_the_key_where_the_next_one_would_be_for_it() {
        let advised = |config: &HttpConfig, peer: &str| {
            let (parts, ()) = Request::builder().header(LOCAL.0, LOCAL.1).body(()).unwrap().into_parts();
            let head = RequestHead::read(&parts, Some(peer.parse().unwrap()));
            let head = head.unwrap_or_else(|problem| panic!("{}", problem.detail()));
            let problem = Problem::new(ProblemType::WrongHost, "why");
            with_key_advice(config, &head, problem).detail().to_owned()
        };
        let local = Publishers::LocalAnd(vec!["127.0.0.1".parse().unwrap()]);
        let keyed = HttpConfig { publish_key: Some("k".to_owned()), ..config(local.clone()) };

        assert!(advised(&config(local.clone()), "::1").starts_with("why; if a proxy has passed"));
        assert_eq!(advised(&config(local), "127.0.0.1"), "why");
        assert_eq!(advised(&keyed, "::1"), "why");
        assert_eq!(advised(&config(Publishers::Any), "::1"), "why");
    }
}
