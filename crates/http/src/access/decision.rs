//! The decision whether a request is handled, taken once, before its handler is called.

use http::request::Parts;

use super::credential::Credential;
use super::host::check_host;
use super::key::check_key;
use super::origin::check_origin;
use crate::answer::problem::Problem;
use crate::config::HttpConfig;

/// What a request must pass. Each has the checks of the one before it, too, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checks {
    /// The host that it is for.
    Host,
    /// The origin of the page that sent it.
    Origin,
    /// The key of publishers.
    Key,
}

/// Decides by the settings of the hub. A request that is let in is told by the name of what it showed.
///
/// # Errors
///
/// With the answer for a request that is not let in.
pub(crate) fn decide(config: &HttpConfig, checks: Checks, request: &Parts) -> Result<Credential, Problem> {
    check_host(&config.hosts, &request.uri, &request.headers, request.version)?;
    // As far as the hub can know its own scheme: without a certificate of its own, a proxy may have one.
    let scheme = config.tls.is_some().then_some("https");
    let origin = || check_origin(&config.cors, scheme, &request.uri, &request.headers);
    match checks {
        Checks::Host => Ok(Credential::none()),
        Checks::Origin => origin().map(|()| Credential::none()),
        Checks::Key => {
            origin()?;
            check_key(config.publish_key.as_deref(), &request.headers)
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, StatusCode};

    use super::*;
    use crate::config::{Cors, Hosts};

    fn decided(checks: Checks, headers: &[(&str, &str)]) -> Option<StatusCode> {
        let config = HttpConfig {
            hosts: Hosts::LoopbackAnd(Vec::new()),
            cors: Cors::Only(Vec::new()),
            publish_key: Some("secret".to_owned()),
            ..HttpConfig::default()
        };
        let request =
            headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        decide(&config, checks, &parts).err().map(|problem| problem.into_response().status())
    }

    #[test]
    fn each_check_is_made_after_those_before_it_and_not_before_it_is_asked_for() {
        let foreign_host = [("host", "evil.example"), ("origin", "http://evil.example")];
        let foreign_page = [("host", "localhost"), ("origin", "http://evil.example")];
        let no_key = [("host", "localhost"), ("origin", "http://localhost")];
        let all = [("host", "localhost"), ("authorization", "Bearer secret")];
        let (wrong_host, no_origin, unauthorized) =
            (StatusCode::MISDIRECTED_REQUEST, StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED);

        for (checks, answers) in [
            (Checks::Host, [Some(wrong_host), None, None, None]),
            (Checks::Origin, [Some(wrong_host), Some(no_origin), None, None]),
            (Checks::Key, [Some(wrong_host), Some(no_origin), Some(unauthorized), None]),
        ] {
            let decided = [
                decided(checks, &foreign_host),
                decided(checks, &foreign_page),
                decided(checks, &no_key),
                decided(checks, &all),
            ];
            assert_eq!(decided, answers, "{checks:?}");
        }
    }
}
