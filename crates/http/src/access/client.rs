//! Which address a request comes from: that of its socket, or the one that proxies say, if the socket is that of a proxy which
//! the operator trusts.
//!
//! Each proxy writes behind the others whom it has the request from, so what the last one has written stands at the end. The list is
//! walked from there over addresses of trusted proxies to the first other one: that is the client, and what stands before
//! it anybody can have written. Nothing of the headers is kept but an address.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};

use super::range::AddressRange;
use crate::limits::PROXIES_WALKED_MAX;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// Whether many clients may have this address without anybody's doing: it is one of a private network, of this machine or of a
    /// trusted proxy, so a proxy may stand there that says nothing of its clients.
    pub(crate) is_of_many: bool,
}

impl Client {
    /// The client at the other end of a socket.
    pub(crate) fn of_socket(peer: IpAddr) -> Self {
        let address = peer.to_canonical();
        Self { address, is_of_many: is_private(address) }
    }

    /// The client of a request that a trusted proxy has passed on. None if the peer is no trusted proxy.
    pub(crate) fn said_by(peer: IpAddr, headers: &HeaderMap, trusted: &[AddressRange]) -> Option<Self> {
        let peer = peer.to_canonical();
        is_trusted(peer, trusted).then(|| Self::said(peer, headers, trusted))
    }

    fn said(peer: IpAddr, headers: &HeaderMap, trusted: &[AddressRange]) -> Self {
        let said = [(FORWARDED, forwarded_for as Read), (X_FORWARDED_FOR, node as Read)]
            .into_iter()
            .filter(|(name, _)| headers.contains_key(name))
            .map(|(name, read)| walked(peer, entries(headers, &name, name == FORWARDED), read, trusted));
        match said.collect::<Vec<_>>()[..] {
            [] => Self { address: peer, is_of_many: true },
            // A proxy that writes one of the two passes the other on as the client has written it. Nobody can tell which.
            [Some(one), Some(other)] if one != other => Self { address: peer, is_of_many: false },
            [Some(address)] | [Some(address), Some(_)] => {
                let is_of_many = is_private(address) || is_trusted(address, trusted);
                Self { address, is_of_many }
            }
            // Said so that it cannot be read. Whoever does that is held to the limits of one address.
            [..] => Self { address: peer, is_of_many: false },
        }
    }
}

/// Reads the address out of one entry of a list.
type Read = fn(&str) -> Option<IpAddr>;

/// The first address from the end of the list that is no trusted proxy's, or the last trusted one. None if an entry before
/// that names no address.
fn walked<'a>(
    peer: IpAddr,
    entries: impl Iterator<Item = &'a [u8]>,
    read: Read,
    trusted: &[AddressRange],
) -> Option<IpAddr> {
    let mut last = peer;
    for entry in entries.take(PROXIES_WALKED_MAX) {
        last = std::str::from_utf8(entry).ok().and_then(read)?.to_canonical();
        if !is_trusted(last, trusted) {
            break;
        }
    }
    Some(last)
}

/// The entries of a list, the last one first. Several lines are one list, and empty entries are none: RFC 9110, 5.6.1.
fn entries<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    has_quotes: bool,
) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).iter().rev();
    lines
        .flat_map(move |line| Entries { rest: Some(line.as_bytes()), has_quotes })
        .map(<[u8]>::trim_ascii)
        .filter(|entry| !entry.is_empty())
}

/// The entries of a line, the last one first. Where there are quoted strings, a comma within one divides nothing: a proxy
/// tells the host that a client has asked for in one, and a host may have commas and equals signs in it.
///
/// Quotes are paired from the end as well. What the last proxy has written is whole, so where it begins is certain, whatever
/// a client has written before it.
struct Entries<'a> {
    rest: Option<&'a [u8]>,
    has_quotes: bool,
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.rest.take()?;
        let mut is_quoted = false;
        for at in (0..line.len()).rev() {
            match line[at] {
                b'"' if self.has_quotes => is_quoted = !is_quoted || is_escaped(&line[..at]),
                b',' if !is_quoted => {
                    self.rest = Some(&line[..at]);
                    return Some(&line[at + 1..]);
                }
                _ => {}
            }
        }
        Some(line)
    }
}

/// Whether what follows in a quoted string is itself, and neither its end nor the beginning of an escape.
fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// RFC 7239, 4: `for=192.0.2.43;proto=http`. None if any part of it is not as the standard writes it: then nobody can tell what its
/// writer meant.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let (mut rest, mut found) = (element, None);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return node(found?);
        }
        let (name, value, after) = pair(rest)?;
        // "Each parameter MUST NOT occur more than once per field-value."
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
        rest = after;
    }
}

/// A parameter and its value, without quotes, and what stands behind it.
fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let (name, behind) = text.split_once('=')?;
    let (value, after) = match behind.strip_prefix('"') {
        Some(quoted) => {
            let mut quotes = quoted.match_indices('"').map(|(at, _)| at);
            let end = quotes.find(|at| !is_escaped(&quoted.as_bytes()[..*at]))?;
            (&quoted[..end], quoted[end + 1..].trim_start())
        }
        None => {
            let end = behind.find(';').unwrap_or(behind.len());
            let value = behind[..end].trim_end();
            is_word(value).then_some((value, &behind[end..]))?
        }
    };
    (is_word(name) && (after.is_empty() || after.starts_with(';'))).then_some((name, value, after))
}

/// Whether text has nothing in it that needs quotes to be told from what is around it. Colons and brackets need some by the standard,
/// and there are proxies that write addresses of IPv6 without.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(['"', '\\', '=', ' ', '\t'])
}

/// RFC 7239, 6: an address, with a port or without. `unknown` and names that begin with `_` are none.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        return (port.is_empty() || is_port(port.strip_prefix(':')?)).then_some(address.into());
    }
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (address, port) = text.split_once(':')?;
    let address = address.parse().ok()?;
    is_port(port).then_some(IpAddr::V4(address))
}

/// RFC 7239, 6.2: digits, or a name that hides them.
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(name) => {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        }
        None => text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok(),
    }
}

fn is_trusted(address: IpAddr, trusted: &[AddressRange]) -> bool {
    trusted.iter().any(|range| range.contains(address))
}

/// Whether an address means something within one network alone: RFC 1918, RFC 6598, RFC 3927, RFC 4193.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || first == 100 && (64..128).contains(&second)
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// What is said by a trusted proxy at 10.0.0.1, beside which all of 10.0.0.0/8 and 2001:db8:ffff::/48 are trusted.
    fn said(lines: &[(HeaderName, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8:ffff::/48".parse().unwrap()];
        of("10.0.0.1", &headers, &trusted).address.to_string()
    }

    fn of(peer: &str, headers: &HeaderMap, trusted: &[AddressRange]) -> Client {
        let peer = peer.parse().unwrap();
        Client::said_by(peer, headers, trusted).unwrap_or_else(|| Client::of_socket(peer))
    }

    #[test]
    fn the_last_address_that_is_no_trusted_proxy_is_the_client() {
        for (list, client) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("192.0.2.1:_port", "192.0.2.1"),
            ("  192.0.2.1  ", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:DB8::1]:80", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("198.51.100.1, 192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, 10.1.1.1", "192.0.2.1"),
            ("192.0.2.1, 2001:db8:ffff::9, 10.1.1.1,10.0.0.2", "192.0.2.1"),
            ("192.0.2.1, ::ffff:10.1.1.1", "192.0.2.1"),
            // What a client has written before what a proxy knows.
            ("unknown, garbage, 192.0.2.1", "192.0.2.1"),
            ("\"', 192.0.2.1", "192.0.2.1"),
            ("192.0.2.1, ,", "192.0.2.1"),
            // All of it is trusted: the one that is the farthest away.
            ("10.9.9.9", "10.9.9.9"),
            ("10.9.9.9, 10.2.2.2", "10.9.9.9"),
        ] {
            assert_eq!(said(&[(X_FORWARDED_FOR, list)]), client, "{list}");
        }
    }

    #[test]
    fn what_names_no_address_leaves_that_of_the_proxy() {
        for list in [
            "",
            ",",
            "unknown",
            "_hidden",
            "garbage",
            "192.0.2.1, unknown",
            "192.0.2.1, _hidden, 10.1.1.1",
            "192.0.2",
            "192.0.2.1.5",
            "192.0.2.256",
            "192.0.2.01",
            "192.0.2.1:",
            "192.0.2.1:99999",
            "192.0.2.1:+80",
            "192.0.2.1:_",
            "192.0.2.1 192.0.2.2",
            "[2001:db8::1",
            "2001:db8::1]",
            "[2001:db8::1]80",
            "[2001:db8::1]:x",
            "[192.0.2.1]",
            "fe80::1%eth0",
            "\"192.0.2.1\"",
            "192.0.2.\u{e9}",
        ] {
            assert_eq!(said(&[(X_FORWARDED_FOR, list)]), "10.0.0.1", "{list}");
        }
    }

    #[test]
    fn forwarded_is_read_as_its_standard_writes_it() {
        for (list, client) in [
            ("for=192.0.2.43", "192.0.2.43"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("proto=https; for=\"192.0.2.60:80\" ;host=a", "192.0.2.60"),
            ("for=192.0.2.43, for=198.51.100.17", "198.51.100.17"),
            ("for=192.0.2.43, for=10.7.7.7;proto=http", "192.0.2.43"),
            ("for=\"_a, b\", for=192.0.2.43", "192.0.2.43"),
            ("by=\"a,b\";for=192.0.2.43;proto=\"x;y\"", "192.0.2.43"),
            ("for=192.0.2.43;host=\"a\\\\\"", "192.0.2.43"),
            ("for=192.0.2.43;host=\"a\\\"b\"", "192.0.2.43"),
            ("for=2001:db8::1", "2001:db8::1"),
            ("for=192.0.2.43;;proto=http;", "192.0.2.43"),
            // The host that a client has asked for, as proxies pass it on.
            ("for=192.0.2.43;host=\"a,for=198.51.100.1;x=b\"", "192.0.2.43"),
            ("for=192.0.2.43;host=\"a, for=198.51.100.1;x=b\";proto=http", "192.0.2.43"),
            ("host=\"a;for=198.51.100.1;x=b\";for=192.0.2.43", "192.0.2.43"),
            ("for=192.0.2.43;host=\"a\\\",for=198.51.100.1;x=b\"", "192.0.2.43"),
            ("for=192.0.2.43;host=\"a,for=198.51.100.1;x=\\\"b\"", "192.0.2.43"),
            // A quote that a client has begun, before what a proxy has written.
            ("for=198.51.100.1;x=\", for=192.0.2.43;host=\"h\"", "192.0.2.43"),
            ("for=198.51.100.1;x=\"\\, for=192.0.2.43;host=\"h\"", "192.0.2.43"),
            ("for=198.51.100.1;x=\", for=10.7.7.7;host=\"h\"", "10.0.0.1"),
            ("for=unknown", "10.0.0.1"),
            ("for=\"_gazonk\"", "10.0.0.1"),
            ("for=_SEVKISEK", "10.0.0.1"),
            ("for=192.0.2.1, proto=http", "10.0.0.1"),
            ("for=192.0.2.1;proto", "10.0.0.1"),
            ("for = 192.0.2.1", "10.0.0.1"),
            ("for=192.0.2.1;host=\"a\"b", "10.0.0.1"),
            ("for=192.0.2.1;host=a\"", "10.0.0.1"),
            ("for=192.0.2.1;host=a=b", "10.0.0.1"),
            ("for=192.0.2.1;=b", "10.0.0.1"),
            ("for=192.0.2.1;x=", "10.0.0.1"),
            ("for=192.0.2.1;for=192.0.2.2", "10.0.0.1"),
            ("for=\"192.0.2.1", "10.0.0.1"),
            ("for=192.0.2.1\"", "10.0.0.1"),
            ("for=\"192.0.2\\.1\"", "10.0.0.1"),
            ("192.0.2.1", "10.0.0.1"),
        ] {
            assert_eq!(said(&[(FORWARDED, list)]), client, "{list}");
        }
    }

    #[test]
    fn several_lines_are_one_list_and_two_headers_must_say_the_same() {
        let lines =
            |lines: &[&str]| said(&lines.iter().map(|line| (X_FORWARDED_FOR, *line)).collect::<Vec<_>>());
        let both = |forwarded, other| said(&[(FORWARDED, forwarded), (X_FORWARDED_FOR, other)]);

        assert_eq!(lines(&["198.51.100.1", "192.0.2.1"]), "192.0.2.1");
        assert_eq!(lines(&["192.0.2.1", "10.0.0.2, 10.0.0.3"]), "192.0.2.1");
        assert_eq!(both("for=192.0.2.1", "192.0.2.1"), "192.0.2.1");
        assert_eq!(both("for=192.0.2.1", "192.0.2.2"), "10.0.0.1");
        assert_eq!(both("for=192.0.2.1", "unknown"), "10.0.0.1");
        assert_eq!(both("for=unknown", "192.0.2.1"), "10.0.0.1");
    }

    #[test]
    fn of_a_thousand_entries_the_last_ones_are_looked_at() {
        let untrusted = vec!["192.0.2.1"; 1_000].join(",");
        let trusted = format!("192.0.2.1,{}", vec!["10.2.2.2"; 1_000].join(","));
        let commas = format!("192.0.2.1{}", ",".repeat(1_000));

        assert_eq!(said(&[(X_FORWARDED_FOR, &untrusted)]), "192.0.2.1");
        assert_eq!(said(&[(X_FORWARDED_FOR, &trusted)]), "10.2.2.2");
        assert_eq!(said(&[(X_FORWARDED_FOR, &commas)]), "192.0.2.1");
    }

    #[test]
    fn nobody_but_a_trusted_proxy_says_who_sends_a_request() {
        let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, HeaderValue::from_static("192.0.2.1"))]);
        let address = |peer: &str, trusted: &[AddressRange]| of(peer, &headers, trusted).address.to_string();
        let trusted = ["10.0.0.1".parse().unwrap()];

        assert_eq!(address("10.0.0.1", &trusted), "192.0.2.1");
        assert_eq!(address("::ffff:10.0.0.1", &trusted), "192.0.2.1");
        assert_eq!(address("10.0.0.2", &trusted), "10.0.0.2");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(address("::ffff:10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn addresses_that_many_may_have_are_told_from_those_of_one_client() {
        let is_of_many = |peer: &str, said: Option<&str>| {
            let said = said.map(|said| (X_FORWARDED_FOR, HeaderValue::from_str(said).unwrap()));
            let trusted = ["203.0.113.1".parse().unwrap()];
            of(peer, &HeaderMap::from_iter(said), &trusted).is_of_many
        };

        for private in
            ["127.0.0.1", "::1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.0.1", "100.64.0.1"]
        {
            assert!(is_of_many(private, None), "{private}");
        }
        assert!(is_of_many("fd00::1", None) && is_of_many("fe80::1", None));
        for public in ["192.0.2.1", "100.128.0.1", "100.63.0.1", "172.32.0.1", "2001:db8::1"] {
            assert!(!is_of_many(public, None), "{public}");
            assert!(!is_of_many("203.0.113.1", Some(public)), "{public}");
        }
        // A trusted proxy that says nothing, one that is asked through another, and one that cannot be understood.
        assert!(is_of_many("203.0.113.1", None));
        assert!(is_of_many("203.0.113.1", Some("10.0.0.9")));
        assert!(!is_of_many("203.0.113.1", Some("garbage")));
        assert!(is_of_many("203.0.113.1", Some("203.0.113.1")), "a trusted proxy asks for itself");
    }
}
