//! The webhook that is asked what a request may do, and the one that is told of connections.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use tidings_http::{Front, SystemClock};
use tidings_webhook::{NoRandomness, NoticeSettings, Notices, Webhook, WebhookSettings};

use crate::terminal::failure::{Exit, Failure};

/// The webhook of the configuration. It is not asked before a request needs it, so a backend may start after the hub.
pub(super) fn new(settings: WebhookSettings) -> Result<Webhook, Failure> {
    Webhook::new(settings, Arc::new(SystemClock)).map_err(without_randomness)
}

/// The notices of connections, if the configuration asks for them.
pub(super) struct Telling(Option<Arc<Notices>>);

impl Telling {
    /// Listens to the front's streams from now on.
    pub(super) fn start(settings: Option<NoticeSettings>, front: &Front) -> Result<Self, Failure> {
        let Some(settings) = settings else { return Ok(Self(None)) };
        let notices = Notices::new(settings, Arc::new(SystemClock)).map_err(without_randomness)?;
        let notices = Arc::new(notices);
        front.add_metrics(|registry| notices.register_metrics(registry));
        front.hub().roster().add_listener(notices.clone());
        Ok(Self(Some(notices)))
    }

    /// Sends them for as long as it is driven. Cancel safe.
    pub(super) async fn run(&self) -> Infallible {
        match &self.0 {
            Some(notices) => notices.run().await,
            None => pending().await,
        }
    }

    /// Sends what is left, once every stream has ended.
    pub(super) async fn flush(&self) {
        if let Some(notices) = &self.0 {
            notices.flush().await;
        }
    }
}

fn without_randomness(error: NoRandomness) -> Failure {
    Failure::new(Exit::Failed, error.to_string())
}
