//! The front: what all requests to one hub share. It knows no route and no handler: those are in `handle`.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use http::{Extensions, HeaderMap};
use prometheus_client::registry::Registry;
use tidings_access::Access;
use tidings_core::metrics::PREFIX;
use tidings_core::{Clock, Dismissal, Hub, InUse, Whom};
use tidings_inbox::Inbox;
use tokio::time::Instant;

use crate::access::client::Client;
use crate::access::current_keys::CurrentKeys;
use crate::access::refusal_log::RefusalLog;
use crate::answer::budget::AnswerBudget;
use crate::authorize::Authorizer;
use crate::budgets::FrontBudgets;
use crate::config::HttpConfig;
use crate::console::Pages;
use crate::denials::Denials;
use crate::inbox::InboxCollector;
use crate::lane::LanesShare;
use crate::limits::{BODY_AT_END_SILENCE_MAX, READINESS_ASKED_AGE_MAX};
use crate::metrics::FrontMetrics;
use crate::request::body::BodyRules;
use crate::request::body_budgets::{Admission, BodyBudgets};
use crate::request::position::PositionBounds;
use crate::shares::Shares;
use crate::stream::drain::Drain;
use crate::stream::gzip::Deflater;
use crate::stream::machine::Rules;
use crate::stream::permits::StreamPermits;
use crate::stream::returns::Returns;
use crate::stream::task::TaskRules;
use crate::stream::{Encoder, Opening};
use crate::tickets::Tickets;
use crate::trouble::{Trouble, Troubles};

/// A hub over HTTP. Cloning shares it. Beside what all share stands the peer whose requests this one answers, if it is known.
#[derive(Clone)]
pub struct Front {
    parts: Arc<FrontParts>,
    peer: Option<IpAddr>,
    /// The client whose request a trusted proxy passes on.
    client: Option<Client>,
}

struct FrontParts {
    hub: Hub,
    config: HttpConfig,
    keys: CurrentKeys,
    pages: Pages,
    clock: Arc<dyn Clock>,
    task_rules: TaskRules,
    budgets: FrontBudgets,
    metrics: FrontMetrics,
    stream_permits: StreamPermits,
    returns: Returns,
    /// When somebody last asked whether the hub takes work, who may look elsewhere when it does not.
    readiness_asked: Mutex<Option<Instant>>,
    refusal_log: RefusalLog,
    authorizer: OnceLock<Arc<dyn Authorizer>>,
    inbox: OnceLock<Inbox>,
    troubles: Troubles,
    tickets: Tickets,
    shares: Shares,
    denials: Denials,
    /// The feed encodes every event as server-sent events, which most readers want.
    _sse: InUse,
}

impl Front {
    /// A front for a hub. `clock` is for requests such as `?since=10m`, and for the time that a stream begins with.
    pub fn new(hub: Hub, config: HttpConfig, pages: Pages, clock: Arc<dyn Clock>) -> Self {
        let budgets = FrontBudgets::new(&hub, &config);
        let metrics = FrontMetrics::new(&hub, &config, &budgets);
        let task_rules = TaskRules {
            rules: Arc::new(Rules::for_wakes(&config.stream())),
            drain: Drain::default(),
            unread: budgets.unread.clone(),
            deflater: budgets.deflater.clone(),
            metrics: metrics.streams().clone(),
            clock: clock.clone(),
        };
        let stream_permits = StreamPermits::new(config.connections_max, metrics.streams_now());
        let returns = Returns::new(config.connections_max);
        let shares = Shares::new(config.shares.clone(), metrics.limited());
        let _sse = hub.encode(Encoder::Sse(Opening::Event).encoding());
        let parts = FrontParts {
            hub,
            keys: CurrentKeys::new(&config),
            pages: pages.with_aliases(&config.aliases),
            config,
            denials: Denials::new(clock.clone()),
            clock,
            task_rules,
            budgets,
            metrics,
            stream_permits,
            returns,
            readiness_asked: Mutex::default(),
            refusal_log: RefusalLog::default(),
            authorizer: OnceLock::new(),
            inbox: OnceLock::new(),
            troubles: Troubles::default(),
            tickets: Tickets::new(),
            shares,
            _sse,
        };
        Self { parts: Arc::new(parts), peer: None, client: None }
    }

    /// The same front, for the requests of one peer: with its address a hub can tell [proxies that it trusts](crate::Publishers)
    /// from others, and holds the peer to what HTTP asks of a request on a connection, such as a `Host`.
    #[must_use]
    pub fn for_peer(&self, peer: IpAddr) -> Self {
        Self { parts: self.parts.clone(), peer: Some(peer), client: None }
    }

    /// The same front, which asks a program of your own what each request that publishes or reads may do. It answers with
    /// grants, and the hub checks that they cover what is asked for. Clones of the front ask it, too; the first one that is
    /// given stays.
    #[must_use]
    pub fn with_authorizer(self, authorizer: Arc<dyn Authorizer>) -> Self {
        // A second one would leave requests that were decided by the first.
        let _ = self.parts.authorizer.set(authorizer);
        self
    }

    /// The same front, with the inbox of the same hub: it answers below `/inbox` then. Clones of the front do, too; the first one that is
    /// given stays.
    #[must_use]
    pub fn with_inbox(self, inbox: Inbox) -> Self {
        if self.parts.inbox.set(inbox.clone()).is_ok() {
            let mut registry = self.metrics().registry();
            let registry = registry.sub_registry_with_prefix(PREFIX);
            registry.register_collector(Box::new(InboxCollector(inbox)));
        }
        self
    }

    /// The same front, which tells in `/readyz` what `look` says is wrong, such as a disk that is full: the hub serves what it can all the same,
    /// so the status stays 200. `look` is called for each such request and should be quick. Clones of the front tell it, too; the first `look`
    /// that is given stays.
    #[must_use]
    pub fn with_troubles(self, look: impl Fn() -> Vec<Trouble> + Send + Sync + 'static) -> Self {
        self.parts.troubles.look_by(look);
        self
    }

    /// What is wrong with a hub that serves.
    pub(crate) fn troubles(&self) -> Vec<Trouble> {
        self.parts.troubles.now()
    }

    /// Takes another publish key in place of [`HttpConfig::publish_key`]: from now on the old one is refused. Does nothing if
    /// there is none in the settings.
    pub fn replace_publish_key(&self, key: &str) {
        self.keys().replace_publish_key(key);
    }

    /// Checks requests by this in place of the [`access`](crate::AccessSettings::access) of the settings, from now on, and ends the streams
    /// that were let in by a key which it has not: a named key, one that checks tokens, or the one of signed URLs. The answer is the
    /// number of these streams. A named key that may read something else now counts as another key. All other streams go on: those of
    /// everybody, those of keys that are fetched, and those that an [`Authorizer`](crate::Authorizer) has let in by grants without a key. Does
    /// nothing if the settings have no `access`.
    ///
    /// Cancel safety: streams that are not ended when it is dropped end within a heartbeat.
    pub async fn replace_access(&self, access: Access) -> usize {
        self.keys().replace_access(access);
        self.hub().roster().dismiss(&Whom::OfEndedKeys, Dismissal::AccessEnded).await
    }

    /// The keys of now.
    pub(crate) fn keys(&self) -> &CurrentKeys {
        &self.parts.keys
    }

    pub(crate) fn denials(&self) -> &Denials {
        &self.parts.denials
    }

    pub(crate) fn shares(&self) -> &Shares {
        &self.parts.shares
    }

    pub(crate) fn tickets(&self) -> &Tickets {
        &self.parts.tickets
    }

    pub(crate) fn inbox(&self) -> Option<&Inbox> {
        self.parts.inbox.get()
    }

    pub(crate) fn authorizer(&self) -> Option<&Arc<dyn Authorizer>> {
        self.parts.authorizer.get()
    }

    /// Gives notice of the drain, for servers other than our own [`serve`](crate::serve()): from now on `/readyz` says 503 and
    /// new subscribers are told to come back later; everything else is answered as ever, and streams go on. So a load balancer
    /// has [`drain_notice`](HttpConfig::drain_notice) to look elsewhere while the listener is still open.
    ///
    /// Does nothing if nobody has asked for `/readyz` in the last ten minutes, since then nobody would notice, nor a second time, nor after
    /// [`begin_drain`](Self::begin_drain). Go on accepting connections until [`notice_over`](Self::notice_over) returns.
    pub fn begin_notice(&self) {
        let config = self.config();
        // Time must be left for the drain.
        let notice_max = config.drain_wait_max.saturating_sub(config.drain_window);
        let asked = self.readiness_asked().is_some_and(|asked| asked.elapsed() <= READINESS_ASKED_AGE_MAX);
        if asked {
            self.drain().give_notice(config.drain_notice.min(notice_max));
        }
    }

    /// Waits until the notice has lasted its time or [`begin_drain`](Self::begin_drain) was called. Does not wait where
    /// [`begin_notice`](Self::begin_notice) has not given one. Cancel safe.
    pub async fn notice_over(&self) {
        self.drain().notice_over().await;
    }

    /// Whether notice was given and the drain has not begun.
    pub fn is_giving_notice(&self) -> bool {
        self.drain().is_giving_notice()
    }

    /// Begins to send all subscribers away, for servers other than our own [`serve`](crate::serve()): from now on
    /// `/readyz` says so, publishes are refused with 503 and `Retry-After`, and streams end over
    /// [`drain_window`](HttpConfig::drain_window), each with a `retry`. A second call does nothing.
    ///
    /// Stop accepting connections at the same time, wait for those that are open, but not longer than
    /// [`drain_overdue`](Self::drain_overdue) does, and then [close](Hub::close) the hub.
    pub fn begin_drain(&self) {
        self.drain().begin(self.config().drain_window);
    }

    /// Waits until the drain, with the notice before it, has lasted [`drain_wait_max`](HttpConfig::drain_wait_max), which is
    /// when a server should cut off the connections that are still open: a peer that takes no bytes does not hear that it
    /// should leave. Waits for ever if no drain begins. Cancel safe.
    pub async fn drain_overdue(&self) {
        self.drain().overdue(self.config().drain_wait_max).await;
    }

    /// Adds metrics of the program's own to those that `/metrics` tells, for example those of a store:
    ///
    /// `front.add_metrics(|registry| store_metrics.register(registry))`
    ///
    /// What is counted there must have labels from a closed set: each of their values is a time series for ever. `add` must
    /// not call this front.
    pub fn add_metrics(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.metrics().registry());
    }

    /// Makes the metrics of this front and its hub part of a registry of the program's own, for a program that tells its
    /// metrics by itself. The registry keeps the hub in memory.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.metrics().register(self.hub(), self.budgets(), registry);
    }

    /// The hub behind it.
    pub fn hub(&self) -> &Hub {
        &self.parts.hub
    }

    /// Bytes that the bodies of publishes hold now, of [`bodies_bytes_max`](Self::bodies_bytes_max).
    pub fn bodies_bytes(&self) -> usize {
        self.body_budgets().used()
    }

    /// Bytes that the bodies of publishes may hold, with the reserves for small ones.
    pub fn bodies_bytes_max(&self) -> usize {
        self.body_budgets().bytes_max()
    }

    pub(crate) fn config(&self) -> &HttpConfig {
        &self.parts.config
    }

    /// The other end of the connection. Whose request it sends says [`client`](Self::client).
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// The same front, for the client whose request the peer passes on. None if the peer is no trusted proxy.
    pub(crate) fn beyond_proxies(&self, headers: &HeaderMap) -> Option<Self> {
        let trusted = &self.config().trusted_proxies;
        // Nearly every hub, and all that has no peer.
        let peer = self.peer.filter(|_| !trusted.is_empty())?;
        let client = Client::said_by(peer, headers, trusted)?;
        Some(Self { client: Some(client), ..self.clone() })
    }

    /// Whose request it is, if a connection has brought it.
    pub(crate) fn client(&self) -> Option<Client> {
        self.client.or_else(|| self.peer.map(Client::of_socket))
    }

    /// The client's address.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.client().map(|client| client.address)
    }

    /// The client's address, if it is another one than that of the socket.
    pub(crate) fn address_beyond_proxies(&self) -> Option<IpAddr> {
        self.client.map(|client| client.address)
    }

    pub(crate) fn refusal_log(&self) -> &RefusalLog {
        &self.parts.refusal_log
    }

    pub(crate) fn metrics(&self) -> &FrontMetrics {
        &self.parts.metrics
    }

    pub(crate) fn pages(&self) -> &Pages {
        &self.parts.pages
    }

    pub(crate) fn budgets(&self) -> &FrontBudgets {
        &self.parts.budgets
    }

    pub(crate) fn body_budgets(&self) -> &BodyBudgets {
        &self.parts.budgets.bodies
    }

    /// What the body of a request is admitted by.
    pub(crate) fn body_admission(&self, extensions: &Extensions) -> Admission<'_> {
        self.body_budgets().admission(extensions.get().cloned())
    }

    /// What the body of an ordinary publish is read by.
    pub(crate) fn body_rules(&self, extensions: &Extensions) -> BodyRules<'_> {
        BodyRules {
            admission: self.body_admission(extensions),
            bytes_max: self.hub().limits().event_bytes_max,
            wait_max: self.config().body_wait_max,
            drain: self.drain(),
            // What is read until then can still be answered.
            end_wait_max: self.config().drain_wait_max.saturating_sub(BODY_AT_END_SILENCE_MAX),
        }
    }

    /// The clock of the program.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.parts.clock
    }

    /// What a request's position is read by.
    pub(crate) fn position_bounds(&self) -> PositionBounds<'_> {
        PositionBounds { clock: self.clock(), last_max: self.config().last_max }
    }

    /// What decides about streams that are not parked.
    pub(crate) fn task_rules(&self) -> TaskRules {
        self.parts.task_rules.clone()
    }

    /// What compresses events.
    pub(crate) fn deflater(&self) -> &Deflater {
        &self.parts.task_rules.deflater
    }

    /// What its lanes share with its tasks.
    pub(crate) fn lanes_share(&self) -> LanesShare {
        let FrontBudgets { unread, pages, deflater, .. } = self.budgets().clone();
        LanesShare {
            unread,
            pages,
            deflater,
            metrics: self.metrics().streams().clone(),
            clock: self.parts.clock.clone(),
        }
    }

    /// What answers that are not read may hold.
    pub(crate) fn answers(&self) -> &AnswerBudget {
        &self.parts.budgets.answers
    }

    /// Somebody asks whether the hub takes work.
    pub(crate) fn is_ready(&self) -> bool {
        *self.readiness_asked() = Some(Instant::now());
        !self.drain().is_ending()
    }

    fn readiness_asked(&self) -> MutexGuard<'_, Option<Instant>> {
        self.parts.readiness_asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many streams the connections of our own server may carry.
    pub(crate) fn stream_permits(&self) -> &StreamPermits {
        &self.parts.stream_permits
    }

    /// When a subscriber of this peer may come back that found no place.
    pub(crate) fn next_return(&self) -> Duration {
        self.parts.returns.next(self.address(), self.config().retry, self.drain().share())
    }

    pub(crate) fn drain(&self) -> &Drain {
        &self.parts.task_rules.drain
    }
}
