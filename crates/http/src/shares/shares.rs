//! Takes shares for requests, and says what is over a limit.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tidings_access::Credential;
use tidings_core::metrics::LabelledCounters;
use tokio::time::Instant;

use super::limits::{FairShares, ShareLimits};
use super::sender::{Kind, Name, Sender, Words, household};
use super::table::{Table, Use};
use crate::access::client::Client;

/// The shares of all names of a hub. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Shares(Arc<SharesParts>);

#[derive(Debug)]
struct SharesParts {
    limits: FairShares,
    /// Users and keys. Addresses have a table of their own, or somebody with many of them could have these forgotten.
    names: Table,
    addresses: Table,
    hash: RandomState,
    origin: Instant,
    limited: LabelledCounters,
}

/// A stream's part of a share, which is given back when this is dropped.
#[must_use = "a share that is dropped is given back"]
pub(crate) struct StreamShare {
    shares: Shares,
    name: Name,
}

/// A request is over a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limited {
    kind: Kind,
    what: What,
    max: usize,
    /// When it can be sent again. Zero if nobody knows.
    pub(crate) wait: Duration,
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Streams,
    Connects,
    Publishes,
    Bytes,
}

/// Every limit, as metrics call it.
pub(crate) const LIMITS: [&str; 12] = [
    "user-streams",
    "user-connects",
    "user-publishes",
    "user-publish-bytes",
    "key-streams",
    "key-connects",
    "key-publishes",
    "key-publish-bytes",
    "address-streams",
    "address-connects",
    "address-publishes",
    "address-publish-bytes",
];

impl Shares {
    pub(crate) fn new(limits: FairShares, limited: LabelledCounters) -> Self {
        Self(Arc::new(SharesParts {
            limits,
            names: Table::default(),
            addresses: Table::default(),
            hash: RandomState::new(),
            origin: Instant::now(),
            limited,
        }))
    }

    /// Whom a request counts for: its user, else its key, else its client's address.
    pub(crate) fn sender(
        &self,
        user: Option<&str>,
        credential: Option<&Credential>,
        client: Option<Client>,
    ) -> Sender {
        let address =
            client.map(|client| (Kind::of_client(client), Words::Household(household(client.address))));
        let name = match (user, credential) {
            (Some(user), _) => Some((Kind::User, Words::User(user))),
            (None, Some(Credential::Key(key))) => Some((Kind::Key, Words::Key(key))),
            // All who read by signed URLs would share what is for the key that has signed them.
            (None, _) => address,
        };
        Sender { name: self.limited_name(name), address: self.limited_name(address) }
    }

    /// None of a name that no limit is for, so that it costs nothing.
    fn limited_name(&self, name: Option<(Kind, Words<'_>)>) -> Option<Name> {
        let (kind, words) = name?;
        let is_limited = *self.0.limits.of(kind) != ShareLimits::default();
        is_limited.then(|| Name { kind, id: self.0.hash.hash_one((kind, words)) })
    }

    /// Begins a stream. None if no limit is for it.
    pub(crate) fn begin_stream(&self, sender: Sender) -> Result<Option<StreamShare>, Limited> {
        if let Some(address) = sender.address.filter(|address| Some(*address) != sender.name) {
            self.begin_of(address, false)?;
        }
        let Some(name) = sender.name else { return Ok(None) };
        let is_counted = self.begin_of(name, true)?;
        Ok(is_counted.then(|| StreamShare { shares: self.clone(), name }))
    }

    /// Counts that a stream begins, and, unless it is one of somebody with another name, that it is there. Whether that was counted.
    fn begin_of(&self, name: Name, is_own: bool) -> Result<bool, Limited> {
        let limits = self.0.limits.of(name.kind);
        self.with(name, |usage, now| {
            let wait = limits.connects_per_second.map(|rate| usage.connects.wait(now, 1, rate as u64));
            over(name, What::Connects, limits.connects_per_second, wait.filter(|wait| !wait.is_zero()))?;
            let is_full = limits.streams.is_some_and(|max| is_own && usage.streams as usize >= max);
            over(name, What::Streams, limits.streams, is_full.then_some(Duration::ZERO))?;
            if let Some(rate) = limits.connects_per_second {
                usage.connects.take(now, 1, rate as u64);
            }
            if is_own && limits.streams.is_some() {
                usage.streams += 1;
                return Ok(true);
            }
            Ok(false)
        })
    }

    /// Takes a share for so many events of so many bytes.
    pub(crate) fn publish(&self, sender: Sender, events: u64, bytes: u64) -> Result<(), Limited> {
        let Some(name) = sender.name else { return Ok(()) };
        let limits = self.0.limits.of(name.kind);
        let (events_max, bytes_max) = (limits.publishes_per_second, limits.publish_bytes_per_second);
        self.with(name, |usage, now| {
            let wait = events_max.map(|rate| usage.publishes.wait(now, events, rate as u64));
            over(name, What::Publishes, events_max, wait.filter(|wait| !wait.is_zero()))?;
            let wait = bytes_max.map(|rate| usage.bytes.wait(now, bytes, rate as u64));
            over(name, What::Bytes, bytes_max, wait.filter(|wait| !wait.is_zero()))?;
            if let Some(rate) = events_max {
                usage.publishes.take(now, events, rate as u64);
            }
            if let Some(rate) = bytes_max {
                usage.bytes.take(now, bytes, rate as u64);
            }
            Ok(false)
        })
        .map(drop)
    }

    /// Counts bytes of a publish that nobody had announced. The next publish waits for them.
    pub(crate) fn add_bytes(&self, sender: Sender, bytes: u64) {
        let Some(name) = sender.name else { return };
        let Some(rate) = self.0.limits.of(name.kind).publish_bytes_per_second else { return };
        // It refuses nothing.
        let _ = self.with(name, |usage, now| {
            usage.bytes.take(now, bytes, rate as u64);
            Ok(false)
        });
    }

    /// Counts events that nobody had announced. The next publish waits for them.
    pub(crate) fn add_events(&self, sender: Sender, events: u64) {
        let Some(name) = sender.name.filter(|_| events > 0) else { return };
        let Some(rate) = self.0.limits.of(name.kind).publishes_per_second else { return };
        // It refuses nothing.
        let _ = self.with(name, |usage, now| {
            usage.publishes.take(now, events, rate as u64);
            Ok(false)
        });
    }

    /// Looks at what a name uses. A name for which there is no room is not counted.
    fn with(
        &self,
        name: Name,
        look: impl FnOnce(&mut Use, u64) -> Result<bool, Limited>,
    ) -> Result<bool, Limited> {
        let now = u64::try_from(self.0.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let looked = match self.table(name.kind).shard(name.id).usage(name.id, now) {
            Some(usage) => look(usage, now),
            None => Ok(false),
        };
        looked.inspect_err(|limited| self.0.limited.add(limited.label(), 1))
    }

    fn table(&self, kind: Kind) -> &Table {
        match kind {
            Kind::User | Kind::Key => &self.0.names,
            Kind::Address | Kind::PrivateAddress => &self.0.addresses,
        }
    }
}

fn over(name: Name, what: What, max: Option<usize>, wait: Option<Duration>) -> Result<(), Limited> {
    match (max, wait) {
        (Some(max), Some(wait)) => Err(Limited { kind: name.kind, what, max, wait }),
        _ => Ok(()),
    }
}

impl Limited {
    /// Its place in the list of all limits.
    fn label(&self) -> usize {
        let kind = match self.kind {
            Kind::User => 0,
            Kind::Key => 4,
            Kind::Address | Kind::PrivateAddress => 8,
        };
        kind + self.what as usize
    }

    /// What is over which limit, as a sentence for its sender.
    pub(crate) fn detail(&self) -> String {
        let Self { kind, max, .. } = self;
        let kind = kind.word();
        let (what, setting) = match self.what {
            What::Streams => ("streams at once", "streams_max"),
            What::Connects => ("new streams a second", "connects_per_second_max"),
            What::Publishes => ("events a second", "publishes_per_second_max"),
            What::Bytes => ("bytes of events a second", "publish_bytes_per_second_max"),
        };
        format!("one {kind} may have {max} {what} ({kind}_{setting})")
    }
}

impl Drop for StreamShare {
    fn drop(&mut self) {
        let Self { shares, name } = self;
        shares.table(name.kind).shard(name.id).end_stream(name.id);
    }
}
