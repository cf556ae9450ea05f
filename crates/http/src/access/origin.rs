//! The origin of a page: scheme, host and port. RFC 6454, compared as section 5 says and never as text.

use std::fmt;
use std::str::FromStr;

use super::host::{Host, HostError, HostName};

/// The origin of a page, such as `https://app.example`. The default port of a scheme is the same as none, and upper case
/// the same as lower case.
///
/// ```
/// let origin: tidings_http::Origin = "https://App.Example:443".parse()?;
///
/// assert_eq!(origin, "https://app.example".parse()?);
/// # Ok::<(), tidings_http::OriginError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// In lower case. Apps have schemes of their own, such as `capacitor` and `tauri`.
    scheme: Box<str>,
    host: HostName,
    /// None only for a scheme without a default.
    port: Option<u16>,
}

/// Schemes of URLs whose pages, if there are any, have the origin `null`, and those of other protocols than HTTP.
const SCHEMES_WITHOUT_ORIGIN: [&str; 15] = [
    "about",
    "blob",
    "data",
    "file",
    "filesystem",
    "ftp",
    "ftps",
    "javascript",
    "mailto",
    "sftp",
    "ssh",
    "tcp",
    "udp",
    "ws",
    "wss",
];

/// A text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The scheme is missing, or is none.
    #[error("it does not begin with a scheme, such as `https://`")]
    Scheme,
    /// Something follows the port: a path, if only a slash.
    #[error("it goes on after host and port; write `{origin}`")]
    Path {
        /// What stands before it.
        origin: Origin,
    },
    /// What follows the scheme is no host.
    #[error("what follows the scheme is no host name or address with at most a port behind it")]
    Host,
}

impl From<HostError> for OriginError {
    fn from(_: HostError) -> Self {
        Self::Host
    }
}

impl Origin {
    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The port: that of the scheme if it names none, and none if the scheme has none either.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether a page can have it. No page has the schemes of a socket or of a mailbox, nor port 0, and the pages of some schemes
    /// have the origin `null`. Apps have schemes of their own, which nobody knows all of.
    pub fn is_of_pages(&self) -> bool {
        self.port != Some(0) && !SCHEMES_WITHOUT_ORIGIN.contains(&&*self.scheme)
    }

    /// Whether it is at this host, on whatever port.
    pub(super) fn is_at(&self, host: &Host) -> bool {
        host.name().is_same_machine(&self.host)
    }

    /// Whether its host is an address of IPv6, which is written in brackets.
    pub(super) fn has_ipv6_address(&self) -> bool {
        self.authority().starts_with('[')
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.host.is_loopback()
    }

    /// Whether it is the origin of the pages that `host` serves. `scheme` is the hub's own; if it is not known, because a proxy
    /// in front may speak TLS, it is `http` or `https`.
    pub(super) fn is_of(&self, host: &Host, scheme: Option<&str>) -> bool {
        let port = host.port().or_else(|| default_port(&self.scheme));
        self.has_scheme(scheme) && self.host == *host.name() && self.port == port
    }

    /// Whether the operator has named its host as one of the hub's.
    pub(super) fn is_of_named(&self, named: &Host, scheme: Option<&str>) -> bool {
        self.has_scheme(scheme) && named.covers(&self.host, self.port)
    }

    fn has_scheme(&self, scheme: Option<&str>) -> bool {
        match scheme {
            Some(scheme) => *self.scheme == *scheme,
            // The hub serves no page of another scheme: `capacitor://localhost` is a page of an app.
            None => matches!(&*self.scheme, "http" | "https"),
        }
    }

    /// Host and port, as `Host` would have them.
    pub(super) fn authority(&self) -> String {
        let port = self.port.filter(|_| self.port != default_port(&self.scheme));
        port.map_or_else(|| self.host.to_string(), |port| format!("{}:{port}", self.host))
    }
}

pub(super) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::Scheme)?;
        if !is_scheme(scheme) {
            return Err(OriginError::Scheme);
        }
        let scheme = scheme.to_ascii_lowercase();
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let authority = &rest[..end];
        // `Host` takes an empty port, and no browser writes one here.
        if authority.ends_with(':') {
            return Err(OriginError::Host);
        }
        let host: Host = authority.parse()?;
        let port = host.port().or_else(|| default_port(&scheme));
        let origin = Self { scheme: scheme.into(), host: host.name().clone(), port };
        if end == rest.len() { Ok(origin) } else { Err(OriginError::Path { origin }) }
    }
}

/// RFC 3986, 3.1: `scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )`.
fn is_scheme(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(letter)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn the_default_port_and_upper_case_make_no_other_origin() {
        for (text, same) in [
            ("https://app.example:443", "https://app.example"),
            ("HTTP://App.Example:80", "http://app.example"),
            ("http://[0::1]:5173", "http://[::1]:5173"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(origin(text), origin(same), "{text}");
            assert_eq!(origin(text).to_string(), same);
        }
        for (text, other) in [
            ("https://app.example", "http://app.example"),
            ("https://app.example:80", "https://app.example"),
            ("https://app.example", "https://app.example.evil"),
            ("https://app.example", "https://a.app.example"),
        ] {
            assert_ne!(origin(text), origin(other), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_told_apart_from_an_origin_with_something_behind_it() {
        for text in ["null", "", "app.example", "//app.example", "://a", "1a://b", "a b://c"] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError::Scheme), "{text}");
        }
        for text in [
            "file://",
            "https://",
            "https://a@b",
            "https://a b",
            "https://a, https://b",
            "https://a:",
            "https://a:x",
            "https://*.example",
            "https://a:65536",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError::Host), "{text}");
        }
        for text in [
            "https://app.example/",
            "https://app.example/x",
            "https://app.example:443?x",
            "https://app.example#x",
        ] {
            let path = OriginError::Path { origin: origin("https://app.example") };
            assert_eq!(text.parse::<Origin>(), Err(path), "{text}");
        }
    }

    #[test]
    fn a_host_without_a_port_has_that_of_the_scheme() {
        let is_of = |text: &str, host: &str, scheme| origin(text).is_of(&host.parse().unwrap(), scheme);

        assert!(is_of("http://hub", "hub", None));
        assert!(is_of("https://hub", "hub", None));
        assert!(is_of("https://hub", "hub:443", Some("https")));
        assert!(is_of("http://hub:8080", "HUB:8080", None));
        assert!(!is_of("http://hub", "hub:443", None));
        assert!(!is_of("http://hub:8080", "hub", None));
        assert!(!is_of("http://hub", "hub", Some("https")));
    }

    /// Every scheme was taken for the hub's own, so an app whose pages are at `localhost` could read a hub on loopback.
    #[test]
    fn a_page_of_an_app_is_not_the_hubs_own_whatever_its_host() {
        for text in ["capacitor://localhost", "tauri://localhost", "app://localhost:80", "ionic://hub"] {
            for scheme in [None, Some("http"), Some("https")] {
                let origin = origin(text);
                for host in ["localhost", "localhost:80", "hub"] {
                    let host = host.parse().unwrap();
                    assert!(!origin.is_of(&host, scheme), "{text} at {host}");
                    assert!(!origin.is_of_named(&host, scheme), "{text} at {host}");
                }
            }
        }
    }
}
