//! Variables that a container platform sets for a service whose name begins like ours. They are none of our business.
//!
//! Kubernetes sets them in every container that runs beside a service called `tidings` or `tidings-web`, and Docker for a
//! link, as do the runners of GitLab: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>,
//! <https://docs.docker.com/engine/network/links/>. Name and value must both look so: `TIDINGS_PORT=8080` was written by somebody
//! who believes that it is a setting. No setting has such a name, whatever the service is called, as a test says.

use std::net::IpAddr;

/// Whether a platform sets this variable, whose name begins with `TIDINGS_`, to this value.
pub(crate) fn is_injected(variable: &str, value: &str) -> bool {
    shapes(variable).any(|shape| shape.has(value))
}

/// Whether a platform sets a variable of this name, to whatever value.
pub(super) fn has_name_of_one(variable: &str) -> bool {
    shapes(variable).next().is_some()
}

/// What the end of a name says of the value.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Such as `10.0.0.1`.
    Address,
    /// Such as `8080`.
    Port,
    /// Such as `tcp`.
    Protocol,
    /// Such as `tcp://10.0.0.1:8080`.
    Endpoint,
    /// The name of a link of Docker, such as `/web/tidings`.
    Link,
    /// Anything.
    Any,
}

/// What a name can be, for each name of a service that it may begin with. A service has a word or more.
fn shapes(variable: &str) -> impl Iterator<Item = Shape> {
    let words: Vec<&str> = variable.split('_').collect();
    (1..words.len()).filter_map(move |end| shape(&words[end..]))
}

fn shape(words: &[&str]) -> Option<Shape> {
    match words {
        ["SERVICE", "HOST"] => Some(Shape::Address),
        ["SERVICE", "PORT"] => Some(Shape::Port),
        ["SERVICE", "PORT", name @ ..] => name.iter().all(|word| !word.is_empty()).then_some(Shape::Port),
        ["PORT"] => Some(Shape::Endpoint),
        ["PORT", number, protocol, rest @ ..] if is_port(number) && is_protocol(protocol) => match rest {
            [] | ["START" | "END"] => Some(Shape::Endpoint),
            ["PROTO"] => Some(Shape::Protocol),
            ["PORT"] | ["PORT", "START" | "END"] => Some(Shape::Port),
            ["ADDR"] => Some(Shape::Address),
            _ => None,
        },
        ["NAME"] => Some(Shape::Link),
        // The environment that a linked container has itself. A name there may begin with `_`.
        ["ENV", name @ ..] => name.iter().any(|word| !word.is_empty()).then_some(Shape::Any),
        _ => None,
    }
}

impl Shape {
    fn has(self, value: &str) -> bool {
        match self {
            Self::Address => is_address(value),
            Self::Port => is_port(value),
            Self::Protocol => is_protocol(value),
            Self::Endpoint => is_endpoint(value),
            Self::Link => value.strip_prefix('/').is_some_and(|names| names.contains('/')),
            Self::Any => true,
        }
    }
}

/// Such as `tcp://10.0.0.1:8080`.
fn is_endpoint(value: &str) -> bool {
    let Some((protocol, place)) = value.split_once("://") else { return false };
    let Some((address, port)) = place.rsplit_once(':') else { return false };
    is_protocol(protocol) && is_address(address.trim_matches(['[', ']'])) && is_port(port)
}

fn is_protocol(text: &str) -> bool {
    ["tcp", "udp", "sctp"].iter().any(|protocol| text.eq_ignore_ascii_case(protocol))
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Nobody can be reached at an unspecified address: `0.0.0.0` was written by somebody who wants to listen there.
fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok_and(|address| !address.is_unspecified())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::SETTINGS;

    /// An address of a service.
    fn address() -> impl Strategy<Value = IpAddr> {
        let specified = |address: &IpAddr| !address.is_unspecified();
        any::<IpAddr>().prop_filter("somebody can be reached there", specified)
    }

    /// What Kubernetes 1.34 sets for a service, and Docker 28 for a link, with a range of ports: the end of the name, and the value.
    fn variables() -> impl Strategy<Value = Vec<(String, String)>> {
        let protocol = prop_oneof![Just("tcp"), Just("udp"), Just("sctp")];
        let name = "[A-Z][A-Z0-9]{0,5}(_[A-Z0-9]{1,5}){0,2}";
        let variable = "_{0,2}[A-Za-z][A-Za-z0-9_]{0,8}";
        (address(), 1..=u16::MAX, protocol, name, variable, ".*").prop_map(
            |(address, port, protocol, name, variable, value)| {
                let host = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
                let endpoint = format!("{protocol}://{host}:{port}");
                let prefix = format!("PORT_{port}_{}", protocol.to_uppercase());
                let (address, port) = (address.to_string(), port.to_string());
                let mut set = vec![
                    ("SERVICE_HOST".to_owned(), address.clone()),
                    ("SERVICE_PORT".to_owned(), port.clone()),
                    (format!("SERVICE_PORT_{name}"), port.clone()),
                    ("PORT".to_owned(), endpoint.clone()),
                    ("NAME".to_owned(), format!("/{name}/tidings")),
                    (format!("ENV_{variable}"), value),
                    (prefix.clone(), endpoint.clone()),
                    (format!("{prefix}_PROTO"), protocol.to_owned()),
                    (format!("{prefix}_ADDR"), address),
                ];
                for end in ["PORT", "PORT_START", "PORT_END"] {
                    set.push((format!("{prefix}_{end}"), port.clone()));
                }
                for end in ["START", "END"] {
                    set.push((format!("{prefix}_{end}"), endpoint.clone()));
                }
                set
            },
        )
    }

    proptest! {
        #[test]
        fn what_a_platform_sets_is_known_whatever_the_service_is_called(
            service in "TIDINGS(_[A-Z0-9]{0,6}){0,3}",
            variables in variables(),
        ) {
            for (name, value) in variables {
                let variable = format!("{service}_{name}");
                prop_assert!(is_injected(&variable, &value), "{variable}={value}");
            }
        }

        #[test]
        fn no_value_makes_a_setting_one_of_a_platform(value in ".*", at in 0..SETTINGS.len()) {
            let variable = SETTINGS[at].variable();
            prop_assert!(!is_injected(&variable, &value), "{variable}={value}");
        }

        #[test]
        fn a_setting_with_a_letter_too_many_is_not_taken_for_one_of_a_platform(letter in "[A-Z_]", at in 0..SETTINGS.len()) {
            let variable = SETTINGS[at].variable();
            for place in "TIDINGS_".len()..=variable.len() {
                let mistyped = format!("{}{letter}{}", &variable[..place], &variable[place..]);
                prop_assert!(!has_name_of_one(&mistyped), "{mistyped}");
            }
        }
    }

    #[test]
    fn what_only_resembles_them_is_a_setting_that_somebody_means() {
        for (name, value) in [
            ("TIDINGS_PORT", "8080"),
            ("TIDINGS_PORT", ""),
            ("TIDINGS_PORT", "tcp://10.0.0.1"),
            ("TIDINGS_PORT", "http://10.0.0.1:80"),
            ("TIDINGS_PORT", "tcp://0.0.0.0:8080"),
            ("TIDINGS_SERVICE_HOST", "hub.example.com"),
            ("TIDINGS_SERVICE_HOST", "0.0.0.0"),
            ("TIDINGS_SERVICE_HOST", "::"),
            ("TIDINGS_SERVICE_PORT", "0"),
            ("TIDINGS_SERVICE_PORT", "+80"),
            ("TIDINGS_SERVICE_PORT", "http"),
            ("TIDINGS_SERVICE_PORT_", "80"),
            ("TIDINGS_PORT_8080", "tcp://10.0.0.1:8080"),
            ("TIDINGS_PORT_8080_TCP_HOST", "10.0.0.1"),
            ("TIDINGS_PORT_8080_TCP_PORT_MIDDLE", "8080"),
            ("TIDINGS_PORT_8080_TCP_PROTO", "http"),
            ("TIDINGS_PORT_0_TCP", "tcp://10.0.0.1:8080"),
            ("TIDINGS_NAME", "hub"),
            ("TIDINGS_NAME", "/hub"),
            ("TIDINGS_ENV", "production"),
            ("TIDINGS_ENV_", "production"),
            ("TIDINGS_LISTENS", "10.0.0.1:8080"),
        ] {
            assert!(!is_injected(name, value), "{name}={value}");
        }
    }
}
