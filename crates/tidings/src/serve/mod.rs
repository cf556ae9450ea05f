//! `tidings serve`: puts the parts together, runs until it is asked to end, and ends with a verdict.
//!
//! The only place that names both the store and the HTTP front.

mod access_log;
mod console;
mod front;
mod heap;
mod inbox;
mod kept;
mod listen;
pub(crate) mod logging;
mod machine;
pub(crate) mod notify;
mod store;
#[cfg(test)]
mod tests;
mod troubles;
mod watched;
mod webhook;
mod welcome;

use std::sync::Arc;

use tidings_core::store::Turn;
use tidings_core::{Hub, Limits, StoreError};
use tidings_http::stream::{Encoder, Opening};
use tidings_http::{FairShares, Front, HttpConfig, SystemClock};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout_at};

use crate::config::{Config, Loaded, Secret};
use crate::credentials::access::AccessSources;
use crate::credentials::certificate::{self, Certificate};
use crate::credentials::key_files::{self, KeyFiles};
use crate::credentials::key_set;
use crate::environment::Environment;
use crate::limits::STORE_CLOSE_RESERVE;
use crate::signals::{Hangups, Signals};
use crate::terminal::failure::{Exit, Failure};
use access_log::AccessLogging;
use front::Serving;
use machine::FileShares;
use notify::ServiceManager;
use store::OpenStore;
use watched::{Fatal, Watched};
use webhook::Telling;

/// Runs the hub. Returns when it has ended: well, if in good order.
pub(crate) async fn serve(
    loaded: &Loaded,
    environment: &Environment,
    key: Option<Secret>,
    access: Option<AccessSources>,
    manager: &ServiceManager,
) -> Result<(), Failure> {
    let config = &loaded.config;
    // It may wait for a pipe, and until the signals are taken over Ctrl-C ends that.
    let certificate = certificate::read(config)?;
    for warning in certificate.iter().flat_map(Certificate::warnings) {
        tracing::warn!("{warning}");
    }
    let mut signals = Signals::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
    let hangups = Hangups::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot take signals over: {error}")))?;
    let key_files = KeyFiles::of(loaded, environment, access.as_ref())?;
    let open_files = machine::raise_open_files();
    let asked = (config.connections_max, config.connections_reserve);
    let files = FileShares::of(open_files, asked, HttpConfig::default().lanes);
    let store = store::open(config, files.old_segment_files)?;
    let listener = listen::listen(config.listen)?;
    machine::tell_of_files(open_files, loaded, files);
    Serve { config, files, shares: loaded.shares(), key, access, certificate, hangups, key_files, manager }
        .run(store, listener, &mut signals)
        .await
}

/// What was asked for.
struct Serve<'a> {
    config: &'a Config,
    files: FileShares,
    shares: FairShares,
    key: Option<Secret>,
    access: Option<AccessSources>,
    certificate: Option<Certificate>,
    hangups: Hangups,
    key_files: Option<KeyFiles>,
    manager: &'a ServiceManager,
}

impl Serve<'_> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a second signal ends the process at once, whatever is left undone"
    )]
    async fn run(
        self,
        store: OpenStore,
        listener: TcpListener,
        signals: &mut Signals,
    ) -> Result<(), Failure> {
        let Self { config, files, shares, key, access, certificate, hangups, key_files, manager } = self;
        let reads_more = key_files.is_some();
        let OpenStore { store, metrics, hold } = store;
        let (store, mut fatal) = Watched::new(store);
        // What was published last is encoded before the first reader comes back after a restart.
        let encodings = [Encoder::Sse(Opening::Event).encoding()];
        let hub = Hub::start_encoding(Arc::new(store), limits(config), &encodings).await;
        let hub = hub.map_err(|error| unreadable(&error, config))?;
        let address = listener.local_addr().unwrap_or(config.listen);
        let mut http = front::http_config(config, key, STORE_CLOSE_RESERVE);
        http.connections_max = files.connections_max;
        http.connections_reserve = files.connections_reserve;
        http.lobby_max = files.lobby_max;
        let (access_log, log) = AccessLogging::start(config)?;
        http.access_log = log;
        http.shares = shares;
        http.tls = certificate.as_ref().map(Certificate::tls);
        welcome::say(config, access.as_ref(), address, http.tls.as_ref());
        let fetched = access.as_ref().and_then(|access| access.fetched.clone());
        let webhook = access.as_ref().and_then(|access| access.webhook.clone());
        let notices = access.as_ref().and_then(|access| access.notices.clone());
        http.access = access.map(|access| Arc::new(access.settings()));
        let front = Front::new(hub.clone(), http, console::pages(config), Arc::new(SystemClock));
        let inbox = inbox::start(config, &hub, hold).await?;
        let front = match &inbox {
            Some(inbox) => front.with_inbox(inbox.clone()),
            None => front,
        };
        let front = match webhook {
            Some(settings) => front.with_authorizer(Arc::new(webhook::new(settings)?)),
            None => front,
        };
        let front = match metrics.clone() {
            Some(store) => front.with_troubles(move || troubles::of(&store)),
            None => front,
        };
        let telling = Telling::start(notices, &front)?;
        let mut serving = Serving::start(listener, front.clone(), metrics.as_ref());
        manager.ready(&address.to_string());

        let cause = tokio::select! {
            cause = until_asked_to_end(signals, &mut fatal, &mut serving) => cause,
            never = certificate::keep_fresh(certificate, hangups, reads_more) => match never {},
            never = key_files::keep_fresh(key_files, front) => match never {},
            never = key_set::keep_fresh(fetched) => match never {},
            never = heap::give_back_what_is_free() => match never {},
            never = telling.run() => match never {},
        };
        manager.stopping();
        let front = serving.front().clone();
        match cause {
            Ok(()) => give_notice(&front),
            // A hub that cannot publish any more should be away as soon as possible.
            Err(_) => front.begin_drain(),
        }
        let mut ending = std::pin::pin!(end(serving, &telling, &hub, config));
        loop {
            tokio::select! {
                ended = &mut ending => {
                    inbox::close(inbox).await;
                    access_log.finish().await;
                    return cause.and(ended);
                }
                asked = signals.next() => {
                    if !front.is_giving_notice() {
                        tracing::warn!(signal = asked.name(), "ending at once");
                        std::process::exit(asked.code());
                    }
                    tracing::info!(signal = asked.name(), "the notice ends early");
                    front.begin_drain();
                }
            }
        }
    }
}

/// Tells a load balancer to look elsewhere, if there may be one.
fn give_notice(front: &Front) {
    front.begin_notice();
    if front.is_giving_notice() {
        tracing::info!(
            "giving notice: /readyz says 503, and requests are answered until drain_notice is over"
        );
    }
}

/// Waits for a signal, which is well, or for something to stop by itself, which is a failure.
async fn until_asked_to_end(
    signals: &mut Signals,
    fatal: &mut Fatal,
    serving: &mut Serving,
) -> Result<(), Failure> {
    tokio::select! {
        asked = signals.next() => {
            tracing::info!(signal = asked.name(), "draining");
            Ok(())
        }
        error = fatal.error() => {
            tracing::error!(%error, "draining, because the store has stopped for good");
            Err(stopped(&error))
        }
        error = serving.error() => {
            tracing::error!(error, "closing, because the HTTP front has stopped");
            Err(Failure::new(Exit::Failed, format!("the HTTP front has stopped: {error}")))
        }
    }
}

/// Sends everyone away and closes the store, within the deadline.
async fn end(serving: Serving, telling: &Telling, hub: &Hub, config: &Config) -> Result<(), Failure> {
    let begun = Instant::now();
    let cut = tokio::select! {
        cut = serving.drain() => cut,
        never = telling.run() => match never {},
    };
    let deadline = begun + config.drain_deadline;
    // What is told has nothing to do with the store. A backend that does not answer keeps neither it nor its verdict waiting.
    let (closed, _) = tokio::join!(timeout_at(deadline, hub.close()), timeout_at(deadline, telling.flush()));
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(milliseconds, connections_cut = cut, "ended");
    match closed {
        Ok(Ok(())) if cut == 0 => Ok(()),
        Ok(Ok(())) => Err(late(&format!("connections cut: {cut}"))),
        Ok(Err(error)) => Err(stopped(&error)),
        Err(_) => Err(late("the store was not closed")),
    }
}

fn late(what: &str) -> Failure {
    Failure::new(Exit::Deadline, format!("drain_deadline passed, {what}"))
        .hint("what was acknowledged is kept, as far as durability promises")
}

fn unreadable(error: &StoreError, config: &Config) -> Failure {
    match error.turn() {
        Turn::TryAgain | Turn::StopProcess => {
            Failure::new(Exit::System, error.to_string()).hint("look at the disk, then start the hub again")
        }
        Turn::GiveUp | Turn::CallOperator => {
            Failure::new(Exit::Data, error.to_string()).hint(store::damaged_hint(&config.data))
        }
    }
}

/// The error itself says what became of the events that were acknowledged: that depends on `durability`.
fn stopped(error: &StoreError) -> Failure {
    Failure::new(Exit::Failed, error.to_string()).hint("look at the disk, then start the hub again")
}

fn limits(config: &Config) -> Limits {
    let mut limits = Limits::default();
    limits.event_bytes_max = config.event_bytes_max.bytes();
    limits.window_bytes_max = config.window_bytes.bytes();
    limits.in_flight_bytes_max = config.in_flight_bytes_max.bytes();
    limits.selectors_max = config.selectors_max;
    limits.presence_debounce = config.presence_debounce;
    limits
}
