//! The host that a request is for.

use std::net::IpAddr;

use http::header::HOST;
use http::{HeaderMap, Uri, Version};

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::config::Hosts;

/// Refuses a request for a host that this hub is not. Ports do not count: they may be forwarded.
pub(super) fn check_host(
    hosts: &Hosts,
    uri: &Uri,
    headers: &HeaderMap,
    version: Version,
) -> Result<(), Problem> {
    let Hosts::LoopbackAnd(allowed) = hosts else { return Ok(()) };
    let header = headers.get(HOST).and_then(|value| value.to_str().ok());
    let Some(host) = uri.host().or_else(|| header.map(without_port)) else {
        // Every browser names a host. HTTP/1.0 need not.
        return if version <= Version::HTTP_10 { Ok(()) } else { Err(wrong_host()) };
    };
    let host = host.to_ascii_lowercase();
    if is_loopback(&host) || allowed.iter().any(|name| without_port(name).eq_ignore_ascii_case(&host)) {
        return Ok(());
    }
    Err(wrong_host())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn without_port(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(at) if !authority[at..].contains(']') => &authority[..at],
        _ => authority,
    }
}

fn wrong_host() -> Problem {
    let detail = "this hub does not answer for that host; name the host with --allowed-host";
    Problem::new(ProblemType::WrongHost, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_is_let_in(host: &str) -> bool {
        let hosts = Hosts::LoopbackAnd(vec!["hub.example".to_owned()]);
        let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
        check_host(&hosts, &Uri::from_static("/"), &headers, Version::HTTP_11).is_ok()
    }

    #[test]
    fn loopback_and_the_names_given_are_let_in() {
        for host in [
            "localhost",
            "LOCALHOST:80",
            "a.localhost",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
            "hub.example:1",
        ] {
            assert!(host_is_let_in(host), "{host}");
        }
        for host in
            ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "[::2]"]
        {
            assert!(!host_is_let_in(host), "{host}");
        }
    }
}
