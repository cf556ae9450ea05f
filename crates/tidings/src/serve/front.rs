//! The HTTP front, as the configuration asks for it.

use std::time::Duration;

use tidings_core::Hub;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::config::{Config, Secret};

/// The running front.
pub(super) struct Front {
    _listener: TcpListener,
}

impl Front {
    /// Begins to answer.
    pub(super) fn start(listener: TcpListener, _hub: &Hub, _config: &Config, _key: Option<Secret>) -> Self {
        Self { _listener: listener }
    }

    /// Ends what is open: subscribers spread over `window`, requests when they are answered, all by `deadline`.
    /// Returns how many connections had to be cut.
    pub(super) async fn drain(self, _window: Duration, _deadline: Instant) -> usize {
        0
    }
}
