//! The proxies whose settings the doctor knows.

use clap::ValueEnum;
use http::HeaderMap;
use serde::Serialize;

use crate::terminal::chain::excerpt;

/// A proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Proxy {
    #[value(help = "https://nginx.org")]
    Nginx,
    #[value(help = "https://www.haproxy.org")]
    Haproxy,
    #[value(help = "https://caddyserver.com")]
    Caddy,
    #[value(help = "https://www.cloudflare.com")]
    Cloudflare,
    #[value(help = "https://traefik.io")]
    Traefik,
}

impl Proxy {
    pub(super) const ALL: [Self; 5] =
        [Self::Nginx, Self::Haproxy, Self::Caddy, Self::Cloudflare, Self::Traefik];

    /// The name for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Caddy => "Caddy",
            Self::Cloudflare => "Cloudflare",
            Self::Traefik => "Traefik",
        }
    }

    /// The words by which it names itself in `Server` and `Via`.
    fn signs(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx", "openresty", "tengine"],
            Self::Haproxy => &["haproxy"],
            Self::Caddy => &["caddy"],
            Self::Cloudflare => &["cloudflare"],
            Self::Traefik => &["traefik"],
        }
    }

    /// The proxies that the head of an answer names. HAProxy and Traefik add nothing unless they are told to.
    pub(super) fn of(headers: &HeaderMap) -> Vec<Self> {
        let mut said = named(headers).to_ascii_lowercase();
        if headers.contains_key("cf-ray") {
            said.push_str(" cloudflare");
        }
        Self::ALL.into_iter().filter(|proxy| proxy.signs().iter().any(|sign| said.contains(sign))).collect()
    }
}

/// What stands in `Server` and `Via`. Not for a terminal.
fn named(headers: &HeaderMap) -> String {
    let values = ["server", "via"].into_iter().flat_map(|name| headers.get_all(name));
    let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    values.join(", ")
}

/// The same for people. `None` if the server does not name itself.
pub(super) fn shown(headers: &HeaderMap) -> Option<String> {
    let named = named(headers);
    (!named.is_empty()).then(|| excerpt(&named))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_known_by_the_headers_that_it_adds() {
        let of = |name: &'static str, value: &'static str| {
            Proxy::of(&HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )]))
        };

        assert_eq!(of("server", "nginx/1.22.1"), [Proxy::Nginx]);
        assert_eq!(of("via", "1.1 varnish, 2.0 Caddy"), [Proxy::Caddy]);
        assert_eq!(of("cf-ray", "8"), [Proxy::Cloudflare]);
        assert_eq!(of("server", "Apache"), []);
        assert_eq!(of("date", "nginx"), []);
    }
}
