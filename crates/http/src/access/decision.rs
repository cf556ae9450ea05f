//! The decision whether a request is handled, taken once, before its handler is called.

use tidings_access::Credential;

use super::head::RequestHead;
use super::key::check_key;
use super::page::check_page;
use super::policy::{HostRule, Policy, PublisherRule};
use super::proxy::{check_local, with_key_advice};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::config::{Hosts, HttpConfig};

/// Decides by the settings of the hub, and by its publish key of now: first the host, then the page, then the key. Returns the
/// credential of a request that had to show one.
///
/// # Errors
///
/// With the answer for a request that is not let in.
pub(crate) fn decide(
    config: &HttpConfig,
    publish_key: Option<&str>,
    policy: Policy,
    head: &RequestHead<'_>,
) -> Result<Option<Credential>, Problem> {
    // Grants are asked for once it is known what the request asks for.
    if config.access.is_some() {
        return check_host_and_page(config, policy, head).map(|()| None);
    }
    match policy.publisher {
        PublisherRule::Nothing => check_host_and_page(config, policy, head).map(|()| None),
        PublisherRule::KeyIfSet => {
            check_host_and_page(config, policy, head)?;
            match publish_key {
                Some(key) => check_key(key, "with a publish key set, this", head.headers).map(Some),
                None => Ok(None),
            }
        }
        PublisherRule::Key => {
            check_host_and_page(config, policy, head)
                .map_err(|problem| with_key_advice(config, head, problem))?;
            match publish_key {
                Some(key) => check_key(key, "publishing", head.headers).map(Some),
                // A hub without a key knows no publisher by name.
                None => check_local(config, head).map(|()| None),
            }
        }
    }
}

fn check_host_and_page(config: &HttpConfig, policy: Policy, head: &RequestHead<'_>) -> Result<(), Problem> {
    match policy.host {
        HostRule::Any => {}
        HostRule::Own => check_host(&config.hosts, head)?,
    }
    check_page(config, policy.page, head)
}

/// Refuses a request for a host that this hub is not. Ports do not count unless the operator gave one: they may be forwarded.
fn check_host(hosts: &Hosts, head: &RequestHead<'_>) -> Result<(), Problem> {
    let Hosts::LoopbackAnd(names) = hosts else { return Ok(()) };
    // Every browser names a host. HTTP/1.0 need not.
    let Some(host) = &head.host else { return Ok(()) };
    if host.is_loopback() || names.iter().any(|named| named.is_same_machine(host)) {
        return Ok(());
    }
    let detail = format!(
        "this hub does not answer for {} (asked with {}); if it is a name of the hub, give it with --allowed-host {}",
        head.shown_host(),
        head.shown_origin(),
        host.name()
    );
    Err(Problem::new(ProblemType::WrongHost, detail))
}

#[cfg(test)]
mod tests {
    use http::{Request, StatusCode};

    use super::*;

    fn decided(policy: Policy, headers: &[(&str, &str)]) -> Option<StatusCode> {
        let config = HttpConfig {
            hosts: Hosts::LoopbackAnd(vec!["hub.example:81".parse().unwrap()]),
            publish_key: Some("secret".to_owned()),
            ..HttpConfig::default()
        };
        let request =
            headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let head = RequestHead::read(&parts, None).unwrap_or_else(|_| panic!("{headers:?} is a head"));
        decide(&config, Some("secret"), policy, &head).err().map(|problem| problem.problem_type().status())
    }

    #[test]
    fn each_check_is_made_after_those_before_it_and_not_before_it_is_asked_for() {
        let foreign_host = [("host", "evil.example"), ("origin", "http://evil.example")];
        let foreign_page = [("host", "localhost"), ("origin", "http://evil.example")];
        let no_key = [("host", "localhost"), ("origin", "http://localhost")];
        let all = [("host", "localhost"), ("authorization", "Bearer secret")];
        let (wrong_host, no_origin, unauthorized) =
            (StatusCode::MISDIRECTED_REQUEST, StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED);

        for (policy, answers) in [
            (Policy::PUBLIC, [None, None, None, None]),
            (Policy::METRICS, [Some(unauthorized), Some(unauthorized), Some(unauthorized), None]),
            (Policy::PREFLIGHT, [Some(wrong_host), None, None, None]),
            (Policy::READ, [Some(wrong_host), Some(no_origin), None, None]),
            (Policy::PUBLISH, [Some(wrong_host), Some(no_origin), Some(unauthorized), None]),
        ] {
            let decided = [
                decided(policy, &foreign_host),
                decided(policy, &foreign_page),
                decided(policy, &no_key),
                decided(policy, &all),
            ];
            assert_eq!(decided, answers, "{policy:?}");
        }
    }

    #[test]
    fn loopback_and_the_names_given_are_let_in_whatever_their_port() {
        let status = |host: &str| decided(Policy::READ, &[("host", host)]);

        for host in ["localhost:1", "127.0.0.1", "[::1]:8080", "hub.example", "HUB.example:8080"] {
            assert_eq!(status(host), None, "{host}");
        }
        for host in ["evil.example", "a.hub.example", "10.0.0.1:81"] {
            assert_eq!(status(host), Some(StatusCode::MISDIRECTED_REQUEST), "{host}");
        }
        assert_eq!(decided(Policy::READ, &[]), None);
    }
}
