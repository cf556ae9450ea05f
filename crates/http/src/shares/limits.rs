//! The limits of shares, as settings.

use super::sender::Kind;

/// What each user, key and address may have at once and in a second, on this hub alone: several hubs do not count together. A request
/// counts for its user if its grants name one, else for its named key, else for the address of its client. Default
/// no limits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FairShares {
    /// Of one user, over all of its tokens and connections.
    pub user: ShareLimits,
    /// Of one named key: a [`Credential::Key`](tidings_access::Credential::Key).
    pub key: ShareLimits,
    /// Of one address of IPv4, or of the 2^64 addresses of IPv6 that begin alike: each client has so many to itself. The limit of
    /// connects holds also for those who have a name.
    pub address: ShareLimits,
    /// The same for addresses of private networks, of this machine and of trusted proxies: many clients have one of these
    /// where a proxy says nothing of them.
    pub private_address: ShareLimits,
}

/// Limits; none where there is no number. Rates allow as much at once as they allow in 5 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ShareLimits {
    /// Streams at once.
    pub streams: Option<usize>,
    /// Streams that begin, in a second.
    pub connects_per_second: Option<usize>,
    /// Events, in a second.
    pub publishes_per_second: Option<usize>,
    /// Bytes of these events, in a second. A larger body is let in when nothing is used, and is paid off.
    pub publish_bytes_per_second: Option<usize>,
}

impl FairShares {
    pub(super) fn of(&self, kind: Kind) -> &ShareLimits {
        match kind {
            Kind::User => &self.user,
            Kind::Key => &self.key,
            Kind::Address => &self.address,
            Kind::PrivateAddress => &self.private_address,
        }
    }
}
