//! Variables that a container platform sets for a service whose name begins like ours. They are none of our business.
//!
//! Kubernetes sets them in every container that runs beside a service called `tidings` or `tidings-web`, and Docker for a
//! link: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>,
//! <https://docs.docker.com/engine/network/links/>. Name and value must both look so: `TIDINGS_PORT=8080` was written by somebody
//! who believes that it is a setting.

use std::net::IpAddr;

/// Whether a platform sets this variable, whose name begins with `TIDINGS_`, to this value.
pub(super) fn is_injected(variable: &str, value: &str) -> bool {
    let words: Vec<&str> = variable.split('_').collect();
    // After the name of the service, which has one word or more.
    (1..words.len()).any(|end| is_of_a_service(&words[end..], value))
}

fn is_of_a_service(words: &[&str], value: &str) -> bool {
    match words {
        ["SERVICE", "HOST"] => is_address(value),
        ["SERVICE", "PORT"] => is_port(value),
        ["SERVICE", "PORT", name @ ..] => name.iter().all(|word| !word.is_empty()) && is_port(value),
        ["PORT"] => is_endpoint(value),
        ["PORT", number, protocol, rest @ ..] if is_port(number) && is_protocol(protocol) => match rest {
            [] | ["START" | "END"] => is_endpoint(value),
            ["PROTO"] => is_protocol(value),
            ["PORT"] | ["PORT", "START" | "END"] => is_port(value),
            ["ADDR"] => is_address(value),
            _ => false,
        },
        // Docker: the name of a linked container, and the environment that it has itself.
        ["NAME"] => value.starts_with('/') && value[1..].contains('/'),
        ["ENV", name, ..] => !name.is_empty(),
        _ => false,
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

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_a_service_are_known_by_name_and_value() {
        for service in ["TIDINGS", "TIDINGS_X", "TIDINGS_EU_WEST_1", "TIDINGS_DATA", "TIDINGS_PORT"] {
            for (name, value) in [
                ("SERVICE_HOST", "10.0.0.1"),
                ("SERVICE_HOST", "fd00::1"),
                ("SERVICE_PORT", "8080"),
                ("SERVICE_PORT_HTTP", "8080"),
                ("SERVICE_PORT_METRICS_V2", "9090"),
                ("PORT", "tcp://10.0.0.1:8080"),
                ("PORT", "tcp://[fd00::1]:8080"),
                ("PORT_8080_TCP", "tcp://10.0.0.1:8080"),
                ("PORT_53_UDP", "udp://10.0.0.1:53"),
                ("PORT_8080_TCP_PROTO", "tcp"),
                ("PORT_8080_TCP_PORT", "8080"),
                ("PORT_8080_TCP_ADDR", "10.0.0.1"),
                ("PORT_8000_TCP_START", "tcp://172.17.0.5:8000"),
                ("PORT_8000_TCP_PORT_END", "8010"),
                ("NAME", "/web/tidings"),
                ("ENV_PATH", "/usr/bin:/bin"),
            ] {
                assert!(is_injected(&format!("{service}_{name}"), value), "{service}_{name}={value}");
            }
        }
    }

    #[test]
    fn what_only_resembles_them_is_a_setting_that_somebody_means() {
        for (name, value) in [
            ("TIDINGS_PORT", "8080"),
            ("TIDINGS_PORT", ""),
            ("TIDINGS_PORT", "tcp://10.0.0.1"),
            ("TIDINGS_SERVICE_HOST", "hub.example.com"),
            ("TIDINGS_SERVICE_PORT", "0"),
            ("TIDINGS_SERVICE_PORT", "http"),
            ("TIDINGS_PORT_8080", "tcp://10.0.0.1:8080"),
            ("TIDINGS_PORT_8080_TCP_HOST", "10.0.0.1"),
            ("TIDINGS_NAME", "hub"),
            ("TIDINGS_ENV", "production"),
            ("TIDINGS_LISTENS", "10.0.0.1:8080"),
        ] {
            assert!(!is_injected(name, value), "{name}={value}");
        }
    }
}
