//! A range of addresses, such as those of the proxies in front.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// One address, or all that begin with the same bits: `127.0.0.1`, `10.0.0.0/8`, `fd00::/8`. An address of IPv4 that is
/// written in IPv6 (`::ffff:10.0.0.1`) is the same address.
///
/// ```
/// let range: tidings_http::AddressRange = "10.0.0.0/8".parse()?;
///
/// assert!(range.contains("::ffff:10.1.2.3".parse()?));
/// assert!(!range.contains("11.1.2.3".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange(IpNet);

/// A text is no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no IP address, alone or with the length of a prefix behind it")]
pub struct AddressRangeError;

impl AddressRange {
    /// Whether the address is one of it.
    pub fn contains(&self, address: IpAddr) -> bool {
        // A wide range of IPv6 may hold the addresses of IPv4 as they are written there.
        self.0.contains(&address.to_canonical()) || self.0.contains(&address)
    }
}

impl From<IpAddr> for AddressRange {
    fn from(address: IpAddr) -> Self {
        Self(address.to_canonical().into())
    }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    /// Bits behind the prefix mean nothing: `10.1.2.3/8` is `10.0.0.0/8`.
    fn from_str(text: &str) -> Result<Self, AddressRangeError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(address.into());
        }
        let range: IpNet = text.parse().map_err(|_| AddressRangeError)?;
        Ok(Self(in_ipv4(range).unwrap_or(range).trunc()))
    }
}

/// The range of IPv4 that a range of IPv6 stands for.
fn in_ipv4(range: IpNet) -> Option<IpNet> {
    let IpNet::V6(range) = range else { return None };
    let address: Ipv4Addr = range.addr().to_ipv4_mapped()?;
    let bits_before = Ipv6Addr::BITS - Ipv4Addr::BITS;
    let prefix = u32::from(range.prefix_len()).checked_sub(bits_before)?;
    Ipv4Net::new(address, u8::try_from(prefix).ok()?).ok().map(IpNet::V4)
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        range.parse::<AddressRange>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_is_an_address_or_a_prefix() {
        for (text, range) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1/32", "127.0.0.1"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("0::1", "::1"),
            ("::1/128", "::1"),
            ("fd00:1::2/16", "fd00::/16"),
            ("::ffff:127.0.0.1", "127.0.0.1"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(
                text.parse::<AddressRange>().map(|range| range.to_string()),
                Ok(range.to_owned()),
                "{text}"
            );
        }
        for text in [
            "",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/255.0.0.0",
            "10/8",
            "10.*",
            "10.0.0.1-10.0.0.9",
            "127.0.0.1:80",
            "[::1]",
            "[::1]/128",
            "fe80::1%eth0",
            "010.0.0.1",
            "localhost",
            "10.0.0.0 /8",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(text.parse::<AddressRange>(), Err(AddressRangeError), "{text}");
        }
    }

    #[test]
    fn an_address_is_in_a_range_however_it_is_written() {
        for (range, address) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1", "::ffff:127.0.0.1"),
            ("::ffff:127.0.0.1", "127.0.0.1"),
            ("::ffff:127.0.0.0/104", "127.9.9.9"),
            ("127.0.0.0/8", "127.255.0.1"),
            ("10.0.0.0/9", "10.127.255.255"),
            ("0.0.0.0/0", "::ffff:192.0.2.1"),
            ("fd00::/8", "fdff::1"),
            ("::/0", "::1"),
            ("::/0", "::ffff:192.0.2.1"),
        ] {
            assert!(contains(range, address), "{address} in {range}");
        }
        for (range, address) in [
            ("127.0.0.1", "127.0.0.2"),
            ("127.0.0.1", "::1"),
            ("::1", "127.0.0.1"),
            ("10.0.0.0/9", "10.128.0.0"),
            ("0.0.0.0/0", "::1"),
            ("fd00::/8", "fe00::1"),
            ("::ffff:10.0.0.0/104", "::10.0.0.1"),
        ] {
            assert!(!contains(range, address), "{address} in {range}");
        }
    }
}
