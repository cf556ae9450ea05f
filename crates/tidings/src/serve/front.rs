//! The HTTP front, as the configuration asks for it, in a task of its own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tidings_core::Hub;
use tidings_http::{Cors, Front, Hosts, HttpConfig, Verdict};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::{Config, Origins, Secret};
use crate::console;
use crate::failure::{Exit, Failure};
use crate::machine::WallClock;

/// The front at work.
#[must_use = "it has to be drained"]
pub(super) struct Serving {
    task: JoinHandle<io::Result<Verdict>>,
    end: oneshot::Sender<()>,
}

impl Serving {
    /// Begins to answer.
    pub(super) fn start(listener: TcpListener, hub: &Hub, config: HttpConfig) -> Self {
        let front = Front::new(hub.clone(), config, console::pages(), Arc::new(WallClock));
        let (end, asked) = oneshot::channel();
        let asked = async {
            // Dropping the sender asks for the end, too.
            let _ = asked.await;
        };
        Self { task: tokio::spawn(tidings_http::serve(listener, front, asked)), end }
    }

    /// Waits until it fails by itself. Cancel safe.
    pub(super) async fn failure(&mut self) -> Failure {
        match (&mut self.task).await {
            Ok(Err(error)) => failed(&error.to_string()),
            Ok(Ok(_)) => failed("it ended unasked"),
            Err(error) => failed(&error.to_string()),
        }
    }

    /// Sends everyone away, as the configuration says. Returns how many connections had to be cut.
    pub(super) async fn drain(self) -> Result<usize, Failure> {
        // Fails if the task has ended, and then there is nothing to ask.
        let _ = self.end.send(());
        match self.task.await {
            Ok(Ok(Verdict::Drained)) => Ok(0),
            Ok(Ok(Verdict::CutOff { connections })) => Ok(connections),
            Ok(Err(error)) => Err(failed(&error.to_string())),
            Err(error) => Err(failed(&error.to_string())),
        }
    }
}

fn failed(error: &str) -> Failure {
    Failure::new(Exit::Failed, format!("the HTTP front has stopped: {error}"))
}

/// The settings of the front. `closing` is the part of the drain's deadline that is not the front's.
pub(super) fn http_config(config: &Config, key: Option<Secret>, closing: Duration) -> HttpConfig {
    let mut http = HttpConfig::default();
    http.heartbeat = config.heartbeat;
    http.retry = config.retry;
    http.cors = match &config.cors_origin {
        Origins::Any => Cors::Any,
        Origins::Only(origins) => Cors::Only(origins.clone()),
    };
    http.hosts = hosts(config);
    http.publish_key = key.map(|Secret(key)| key);
    http.connections_max = config.connections_max;
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
