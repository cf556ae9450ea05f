//! The HTTP front, as the configuration asks for it, in a task of its own.

use std::io;
use std::time::Duration;

use tidings_http::{Cors, Front, Hosts, HttpConfig, Publishers, Verdict};
use tidings_store::StoreMetrics;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::{Config, Origins, Secret};

/// The front at work.
#[must_use = "it has to be drained"]
pub(super) struct Serving {
    task: JoinHandle<io::Result<Verdict>>,
    end: oneshot::Sender<()>,
    front: Front,
    /// The task has ended by itself, and was waited for.
    failed: bool,
}

impl Serving {
    /// Begins to answer. `store` is what the store measures, if it does.
    #[expect(clippy::disallowed_methods, reason = "the front at work keeps the task and waits for it")]
    pub(super) fn start(listener: TcpListener, front: Front, store: Option<&StoreMetrics>) -> Self {
        front.add_metrics(|registry| store.into_iter().for_each(|metrics| metrics.register(registry)));
        let (end, asked) = oneshot::channel();
        let asked = async {
            // Dropping the sender asks for the end, too.
            let _ = asked.await;
        };
        let task = tokio::spawn(tidings_http::serve(listener, front.clone(), asked));
        Self { task, end, front, failed: false }
    }

    /// Waits until it ends unasked. Cancel safe.
    pub(super) async fn error(&mut self) -> String {
        let ended = (&mut self.task).await;
        self.failed = true;
        match ended {
            Ok(Ok(_)) => "it ended unasked".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// What is asked to end.
    pub(super) fn front(&self) -> &Front {
        &self.front
    }

    /// Sends everyone away, as the configuration says. Returns how many connections had to be cut.
    pub(super) async fn drain(self) -> usize {
        if self.failed {
            return 0;
        }
        // Fails if the task has just ended, and then there is nothing to ask.
        let _ = self.end.send(());
        match self.task.await {
            Ok(Ok(Verdict::CutOff { connections })) => connections,
            Ok(Ok(Verdict::Drained)) => 0,
            Ok(Err(error)) => ended_badly(&error),
            Err(error) => ended_badly(&error),
        }
    }
}

fn ended_badly(error: &dyn std::error::Error) -> usize {
    tracing::error!(%error, "the HTTP front did not end well");
    0
}

/// The settings of the front. `closing` is the part of the drain's deadline that is not the front's.
pub(super) fn http_config(config: &Config, key: Option<Secret>, closing: Duration) -> HttpConfig {
    let mut http = HttpConfig::default();
    http.heartbeat = config.heartbeat;
    http.compression = config.compression;
    http.retry = config.retry;
    http.stream_age_max = config.stream_age_max;
    http.cors = match &config.cors_origin {
        Origins::Any => Cors::Any,
        Origins::Only(origins) => Cors::Only(origins.clone()),
    };
    http.hosts = hosts(config);
    http.aliases = config.aliases.clone();
    http.publishers = publishers(config);
    http.trusted_proxies = config.trusted_proxies.0.clone();
    http.publish_key = key.map(|Secret(key)| key);
    // As far as the limit of open files allows, which the caller knows.
    http.connections_max = config.connections_max;
    http.connections_reserve = config.connections_reserve;
    http.unread_bytes_max = config.unread_bytes_max.bytes();
    http.answers_bytes_max = config.answers_bytes_max.bytes();
    http.bodies_bytes_max = config.bodies_bytes_max.bytes();
    http.body_bytes_per_second_min = config.body_bytes_per_second_min.0;
    http.drain_notice = config.drain_notice;
    http.idle_wait_max = config.idle_wait_max;
    http.head_wait_max = config.head_wait_max;
    http.body_wait_max = config.body_wait_max;
    http.write_wait_max = config.write_wait_max;
    http.linger_wait_max = config.linger_wait_max;
    http.drain_window = config.drain_window;
    http.drain_wait_max = config.drain_deadline.saturating_sub(closing);
    http
}

/// Beyond loopback a name says nothing about who asks, unless the operator has said which it must be.
fn hosts(config: &Config) -> Hosts {
    let names = &config.allowed_host.0;
    if config.listen.ip().is_loopback() || !names.is_empty() {
        return Hosts::LoopbackAnd(names.clone());
    }
    Hosts::Any
}

/// Beyond loopback the operator has said that the hub is open, if it has no key. On loopback the address keeps others out,
/// unless a proxy lets them in.
fn publishers(config: &Config) -> Publishers {
    match (config.listen.ip().is_loopback(), config.insecure_open) {
        (false, _) => Publishers::Any,
        (true, true) => Publishers::LocalAnd(config.trusted_proxies.0.clone()),
        (true, false) => Publishers::LocalAnd(Vec::new()),
    }
}
