//! The webhook that is asked what a request may do.

use std::sync::Arc;

use tidings_http::SystemClock;
use tidings_webhook::{Webhook, WebhookSettings};

use crate::terminal::failure::{Exit, Failure};

/// The webhook of the configuration. It is not asked before a request needs it, so a backend may start after the hub.
pub(super) fn new(settings: WebhookSettings) -> Result<Webhook, Failure> {
    Webhook::new(settings, Arc::new(SystemClock))
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))
}
