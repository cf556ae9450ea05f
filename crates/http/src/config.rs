//! How the hub behaves over HTTP: every bound with its unit, default and reason.

use std::sync::Arc;
use std::time::Duration;

use crate::access::host::Host;
use crate::access::origin::Origin;
use crate::access::range::AddressRange;
use crate::access::settings::AccessSettings;
use crate::access_log::AccessLog;
use crate::aliases::Aliases;
use crate::lane::LaneConfig;
use crate::limits::LOBBY_MAX;
use crate::shares::FairShares;
use crate::stream::machine::StreamConfig;
use crate::tls::Tls;

/// The settings of a [`Front`](crate::Front).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpConfig {
    /// Silence after which a stream carries a heartbeat. Default 15 s: half of the shortest time-out known on the
    /// way (30 s), as section 9.2.7 of the standard advises.
    pub heartbeat: Duration,
    /// The reconnection delay that every stream begins with. Default 3 s, what browsers do by themselves.
    pub retry: Duration,
    /// Other paths of topics, such as `/stream`. Default none.
    pub aliases: Aliases,
    /// Origins whose pages may use this hub. Default none but the hub's own.
    pub cors: Cors,
    /// Host names that requests may ask for. Default any.
    pub hosts: Hosts,
    /// The key that publishers must show. Default none: then `publishers` says who may publish.
    pub publish_key: Option<String>,
    /// Who may publish if there is no key. Default everybody who reaches the hub.
    pub publishers: Publishers,
    /// The proxies that say, in `Forwarded` or `X-Forwarded-For`, whose request they pass on. Default none: then the client's address
    /// is that of the socket. Those of `publishers` are not added.
    pub trusted_proxies: Vec<AddressRange>,
    /// How much one user, one key and one address may have. Default no limits.
    pub shares: FairShares,
    /// Who may publish and read what. Default none: then everybody may read, and `publish_key` and `publishers` say who may
    /// publish. With it nothing is allowed that it does not name, and those two say nothing.
    pub access: Option<Arc<AccessSettings>>,
    /// Where a line for each request goes. Default none.
    pub access_log: Option<AccessLog>,
    /// The certificate to show. Default none: HTTP in the clear.
    pub tls: Option<Tls>,
    /// Bytes of memory that the bodies of all publishes may hold. Default 64 MiB: as much as waits for the disk. A body
    /// of more than 16 KiB counts with its declared length, any other as far as it has come. Bodies of at most 16 KiB have
    /// a reserve of their own. At the edge, bodies that come slowly are ended for others, then publishers are told to try again.
    pub bodies_bytes_max: usize,
    /// Bytes that a publisher must send in each second while the hub waits for its body: every five seconds the last
    /// thirty are looked at. Default 1 KiB: a phone on EDGE with bad reception still sends that much, and it is no use to wait for
    /// less. At 0 `body_wait_max` alone bounds a body that nobody needs the room of.
    pub body_bytes_per_second_min: u64,
    /// How long a publisher may take to send an ordinary body. Default 20 min: 1 MiB at the least rate, which ends a body
    /// that stands still much earlier. Raise it with `event_bytes_max`, or a large body must be as much faster.
    pub body_wait_max: Duration,
    /// How long a publisher of a stream may be silent between two pieces. Default 1 h, since a producer may have
    /// nothing to say; a comment now and then keeps it open for ever.
    pub producer_wait_max: Duration,
    /// How long a client that has connected may take to shake hands, and again to send the head of its first
    /// request, and from its first byte the head of any other. Default 10 s: slower is no client. A head has a second more for
    /// each KiB that has come. At the edge the connection is closed.
    pub head_wait_max: Duration,
    /// How long a connection may be silent between two requests. Default 75 s, as in nginx, and longer than the 60 s of
    /// most balancers: who closes first must be the one who sends requests.
    pub idle_wait_max: Duration,
    /// How long the hub reads on after an answer, when the client still sends a body that was not wanted. Default 30 s, as in
    /// nginx. As with a body that is wanted, each second's worth of `body_bytes_per_second_min` gives a second more, up to
    /// `body_wait_max`; silence of 5 s ends it.
    pub linger_wait_max: Duration,
    /// Bytes of a request's head. Default 64 KiB: a browser that is asked to resume by a 10 KB id is answered, not
    /// cut off.
    pub head_bytes_max: usize,
    /// Streams at once that `serve` carries, over all protocols. Default 10,000. A subscriber that comes
    /// beyond that is answered 200, with a `retry` and the end, since a browser would take a 503 for the end.
    pub connections_max: usize,
    /// Connections at once, beyond `connections_max`: what publishers, probes and operators have for themselves, however
    /// many subscribers there are. Default 1,000: each takes a file, and one that asks for nothing gives its place to another.
    /// When all of them are busy, one more is answered once: probes as ever, subscribers by `retry`, others by 503.
    pub connections_reserve: usize,
    /// Connections at once that have not asked for anything yet, or get one answer because there is no place for them, beside all others.
    /// Default 4,096: a crowd of thousands can be slow to ask without being closed. Each takes a file. The next one waits in the system's
    /// queue.
    pub lobby_max: usize,
    /// Silence of an HTTP/2 connection after which its peer is asked whether it is there. Default 20 s: browsers and
    /// proxies that have gone without a word are noticed within a minute.
    pub ping_interval: Duration,
    /// How long the answer to that may take. Default 20 s: longer than any network that is worth waiting for. At the
    /// edge the connection is closed, with all its streams.
    pub ping_wait_max: Duration,
    /// Events that `?last=` may ask for. Default 10,000.
    pub last_max: usize,
    /// Time between the moment in which the hub is asked to end and the moment in which it listens no more. `/readyz` says
    /// 503 meanwhile, and requests are answered. Default 3 s, three looks of a quick load balancer. None if nobody has
    /// asked for `/readyz` in the last ten minutes, and at most what `drain_wait_max` leaves beside `drain_window`.
    pub drain_notice: Duration,
    /// Time over which subscribers are sent away when the hub ends. Default 2 s.
    pub drain_window: Duration,
    /// Time after which the hub cuts off the connections that are still open, from the notice on. Default 8 s, within the 10 s that most
    /// service managers give.
    pub drain_wait_max: Duration,
    /// Threads that write to parked connections; see [`LaneConfig`](crate::lane::LaneConfig).
    pub lanes: usize,
    /// How long a subscriber's socket may take nothing. Default 60 s; see [`LaneConfig`](crate::lane::LaneConfig).
    pub write_wait_max: Duration,
    /// Bytes of large events, over all of them, that subscribers keep in memory because they do not read on in the middle
    /// of one. Each counts once, however many subscribers share it; events up to 16 KiB do not count. Default 64 MiB, as
    /// much as the window. Beyond that, the slowest subscribers are closed, and resume by their id; once half of it is
    /// used, those are that have taken nothing for 5 s. An event is as slow as the fastest of its readers.
    pub unread_bytes_max: usize,
    /// Bytes of history that answers hold until their clients have taken them, over all clients. Default 64 MiB, which are
    /// 256 of the largest pages; an eighth is kept for pages up to 16 KiB. Beyond that, the slowest of the clients that
    /// have had 5 s are cut off; if there is none, a request waits, and is refused with 503 and `Retry-After`.
    pub answers_bytes_max: usize,
    /// Whether streams and polls are compressed for clients that accept gzip. Default no: it costs time of the processor for each event,
    /// and a client that holds answers back until it has decompressed enough hears late.
    pub compression: bool,
    /// How old a stream may become, over every protocol. At nine tenths to all of it, so that those which began together
    /// do not end together, it is ended in good order, with a `retry`, and the client resumes. Default none: a stream
    /// costs little, and nothing is gained by ending it unless there are machines to spread the load over again.
    pub stream_age_max: Option<Duration>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        let LaneConfig { lanes, stream } = LaneConfig::default();
        Self {
            heartbeat: stream.heartbeat,
            retry: stream.retry,
            aliases: Aliases::default(),
            cors: Cors::Only(Vec::new()),
            hosts: Hosts::Any,
            publish_key: None,
            publishers: Publishers::Any,
            trusted_proxies: Vec::new(),
            shares: FairShares::default(),
            access: None,
            access_log: None,
            compression: false,
            tls: None,
            bodies_bytes_max: 67_108_864,
            body_bytes_per_second_min: 1_024,
            body_wait_max: Duration::from_secs(1_200),
            producer_wait_max: Duration::from_secs(3_600),
            head_wait_max: Duration::from_secs(10),
            idle_wait_max: Duration::from_secs(75),
            linger_wait_max: Duration::from_secs(30),
            head_bytes_max: 65_536,
            connections_max: 10_000,
            connections_reserve: 1_000,
            lobby_max: LOBBY_MAX,
            ping_interval: Duration::from_secs(20),
            ping_wait_max: Duration::from_secs(20),
            last_max: 10_000,
            drain_notice: Duration::from_secs(3),
            drain_window: Duration::from_secs(2),
            drain_wait_max: Duration::from_secs(8),
            lanes,
            write_wait_max: stream.write_wait_max,
            unread_bytes_max: stream.unread_bytes_max,
            answers_bytes_max: 67_108_864,
            stream_age_max: stream.stream_age_max,
        }
    }
}

impl HttpConfig {
    /// Connections at once, whatever is on them.
    pub(crate) fn places_max(&self) -> usize {
        self.connections_max.saturating_add(self.connections_reserve)
    }

    /// What of it concerns streams, wherever they are carried.
    pub(crate) fn stream(&self) -> StreamConfig {
        StreamConfig {
            heartbeat: self.heartbeat,
            write_wait_max: self.write_wait_max,
            unread_bytes_max: self.unread_bytes_max,
            stream_age_max: self.stream_age_max,
            retry: self.retry,
        }
    }
}

/// Which pages of other origins may use the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cors {
    /// Those of every origin, without credentials.
    Any,
    /// Those of these origins, with credentials.
    Only(Vec<Origin>),
}

/// Which hosts requests may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// Every one: for a hub behind a name.
    Any,
    /// `localhost`, names below it, and addresses of the loopback interface, and these. Keeps out the pages of
    /// other sites that rebind their name to this machine. Pages at one of these, on any port unless one is given, are the
    /// hub's own, whichever host a proxy in front makes of it.
    LoopbackAnd(Vec<Host>),
}

/// Who may publish to a hub without a publish key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publishers {
    /// Everybody who reaches it: who that is, the program or its surroundings have decided.
    Any,
    /// Programs of this machine, and what proxies at these addresses pass on. For a hub on loopback: a publish that shows that
    /// a proxy has passed it on is refused: by a header that only proxies add, such as `Forwarded`, `X-Forwarded-For`, `Via`,
    /// `X-Client-IP` or `CF-Ray`, or by a host or an origin that is not loopback.
    ///
    /// The address of the peer is known in [`serve`](crate::serve()), and elsewhere by
    /// [`Front::for_peer`](crate::Front::for_peer).
    LocalAnd(Vec<AddressRange>),
}
