//! Whom a request counts for.

use std::net::IpAddr;

use crate::access::client::Client;

/// The name that a request counts for, and its address, for which it also counts when it begins a stream. Neither is there
/// where nothing limits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sender {
    pub(super) name: Option<Name>,
    pub(super) address: Option<Name>,
}

/// One that has a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) kind: Kind,
    /// A keyed hash, so that nobody can find two names with one share.
    pub(super) id: u64,
}

/// What kind of name it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    User,
    Key,
    Address,
    PrivateAddress,
}

/// What a request counts for, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Words<'a> {
    User(&'a str),
    Key(&'a str),
    Household(u64),
}

impl Kind {
    pub(super) fn of_client(client: Client) -> Self {
        if client.is_of_many { Self::PrivateAddress } else { Self::Address }
    }

    /// As settings and metrics call it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Key => "key",
            Self::Address | Self::PrivateAddress => "address",
        }
    }
}

/// What one client has of an address: all of IPv4, and of IPv6 the first 64 bits, since a network gives each of its customers at
/// least so many addresses, and a client chooses the last 64 bits by itself. An address that stands for one of IPv4 counts as that:
/// a hub that is reached through a translator would have all of these as one client otherwise.
pub(crate) fn household(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => {
            let bits = u128::from(address);
            if bits >> 32 == TRANSLATED { u64::from(bits as u32) } else { (bits >> 64) as u64 }
        }
    }
}

/// RFC 6052, 2.1: `64:ff9b::/96`, behind which stands an address of IPv4.
const TRANSLATED: u128 = 0x0064_ff9b << 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_with_those_that_its_client_can_choose() {
        let of = |text: &str| household(text.parse().unwrap());

        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        for translated in ["::ffff:192.0.2.1", "64:ff9b::192.0.2.1"] {
            assert_eq!(of(translated), of("192.0.2.1"), "{translated}");
        }
        assert_eq!(of("64:ff9b::1:0:0"), of("64:ff9b::2:0:0"));
        assert_ne!(of("64:ff9b:1::1"), of("64:ff9b::1"));
    }
}
