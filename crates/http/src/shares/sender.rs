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
/// least so many addresses, and a client chooses the last 64 bits by itself.
pub(crate) fn household(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => (u128::from(address) >> 64) as u64,
    }
}
