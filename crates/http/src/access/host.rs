//! A host that a request names: a name or an address, with or without a port. RFC 9110, 7.2: `Host = uri-host [ ":" port ]`.
//!
//! It is parsed strictly, so that what the hub compares is what a browser would have meant: no user, no percent sign, no second
//! colon, no letters beyond ASCII. Browsers write names of other scripts in Punycode.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::limits::HOST_BYTES_MAX;

/// A host name or an address, with or without a port: `hub.example`, `localhost:8080`, `[::1]:8080`.
///
/// ```
/// let host: tidings_http::Host = "Hub.Example:8080".parse()?;
///
/// assert_eq!(host.to_string(), "hub.example:8080");
/// # Ok::<(), tidings_http::HostError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    name: HostName,
    port: Option<u16>,
}

/// A host without its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum HostName {
    /// In lower case.
    Name(Box<str>),
    Address(IpAddr),
}

/// A text is no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no host name or address with at most a port behind it")]
pub struct HostError;

impl Host {
    pub(super) fn name(&self) -> &HostName {
        &self.name
    }

    /// The port, if it names one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether it can only be the machine that asks for it.
    pub(super) fn is_loopback(&self) -> bool {
        self.name.is_loopback()
    }

    pub(super) fn is_same_machine(&self, other: &Self) -> bool {
        self.name.is_same_machine(&other.name)
    }

    /// Whether `other` with this port is this host. The port counts if this host has one.
    pub(super) fn covers(&self, other: &HostName, port: Option<u16>) -> bool {
        self.name.is_same_machine(other) && (self.port.is_none() || self.port == port)
    }
}

impl HostName {
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Name(_) => self.relative() == "localhost" || self.relative().ends_with(".localhost"),
            Self::Address(address) => address.to_canonical().is_loopback(),
        }
    }

    pub(super) fn is_same_machine(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(_), Self::Name(_)) => self.relative() == other.relative(),
            (Self::Address(own), Self::Address(other)) => own.to_canonical() == other.to_canonical(),
            (Self::Name(_), Self::Address(_)) | (Self::Address(_), Self::Name(_)) => false,
        }
    }

    /// The name without the dot at its end, which says that it is whole.
    fn relative(&self) -> &str {
        match self {
            Self::Name(name) => name.strip_suffix('.').unwrap_or(name),
            Self::Address(_) => "",
        }
    }
}

impl FromStr for HostName {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if let Some(address) = text.strip_prefix('[') {
            let address = address.strip_suffix(']').ok_or(HostError)?;
            return address
                .parse()
                .map(|address: Ipv6Addr| Self::Address(address.into()))
                .map_err(|_| HostError);
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        let mut labels = text.strip_suffix('.').unwrap_or(text).split('.');
        // The underscore is no letter of a host name, but of names that container platforms and nginx give.
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(letter);
        // URL standard, 3.5: a host that ends in a number is an address, and this one is none.
        let last_is_number = labels.clone().next_back().is_some_and(is_number);
        if text.len() > HOST_BYTES_MAX || !labels.all(is_label) || last_is_number {
            return Err(HostError);
        }
        Ok(Self::Name(text.to_ascii_lowercase().into()))
    }
}

/// Whether browsers take the last label of a name for a number: digits, or `0x` and hexadecimal digits.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let (name, port) = match text.rfind(':') {
            Some(at) if !text[at..].contains(']') => (&text[..at], Some(&text[at + 1..])),
            _ => (text, None),
        };
        // RFC 3986, 3.2.3: a port may be empty, and is then the default.
        let port = port.filter(|port| !port.is_empty()).map(port_number).transpose()?;
        Ok(Self { name: name.parse()?, port })
    }
}

fn port_number(text: &str) -> Result<u16, HostError> {
    // Without the sign that `parse` would take.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(HostError)
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_at_most_a_port() {
        for (text, host) in [
            ("localhost", "localhost"),
            ("LocalHost:80", "localhost:80"),
            ("hub.example.", "hub.example."),
            ("my_upstream", "my_upstream"),
            ("xn--mnchen-3ya.example:", "xn--mnchen-3ya.example"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[0:0::1]:00080", "[::1]:80"),
        ] {
            assert_eq!(text.parse::<Host>().map(|host| host.to_string()), Ok(host.to_owned()), "{text}");
        }
        let long = "a".repeat(256);
        for text in [
            "",
            ".",
            ":80",
            "a..b",
            ".a",
            "localhost:evil.example",
            "localhost:80@evil",
            "user@localhost",
            "localhost:80:80",
            "localhost:65536",
            "localhost:+80",
            "localhost: 80",
            " localhost",
            "[[[127.0.0.1]]]",
            "[127.0.0.1]",
            "[::1",
            "::1",
            "[::1]80",
            "[fe80::1%eth0]",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "a,b",
            "a%41",
            "m\u{fc}nchen.example",
            "1.2.3.4.5",
            "999.1.1.1",
            "2130706433",
            "a.0x7f",
            "127.1",
            long.as_str(),
        ] {
            assert_eq!(text.parse::<Host>(), Err(HostError), "{text}");
        }
    }

    #[test]
    fn only_names_and_addresses_of_this_machine_are_loopback() {
        let is_loopback = |text: &str| text.parse::<Host>().unwrap().is_loopback();

        for text in [
            "localhost",
            "LOCALHOST:80",
            "a.localhost",
            "localhost.",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(text), "{text}");
        }
        for text in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "[::2]",
            "notlocalhost",
        ] {
            assert!(!is_loopback(text), "{text}");
        }
    }

    #[test]
    fn a_port_counts_if_the_operator_gave_one() {
        let covers = |own: &str, asked: &str| {
            let asked: Host = asked.parse().unwrap();
            own.parse::<Host>().unwrap().covers(asked.name(), asked.port())
        };

        assert!(covers("hub.example", "HUB.example.:8080"));
        assert!(covers("hub.example:8080", "hub.example:8080"));
        assert!(!covers("hub.example:8080", "hub.example"));
        assert!(!covers("hub.example", "a.hub.example"));
    }
}
