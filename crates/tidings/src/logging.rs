//! Log records: structured, on stderr.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{Config, LogFormat};

/// Starts logging for the whole process. Colours only for a person who did not ask for none.
pub(crate) fn start(config: &Config, no_color: bool) {
    let targets: Targets = config.log_level.0.parse().expect("a log level was parsed before");
    let layer = match config.log_format {
        LogFormat::Text => {
            let colour = !no_color && std::io::stderr().is_terminal();
            fmt::layer().with_writer(std::io::stderr).with_ansi(colour).boxed()
        }
        LogFormat::Json => fmt::layer().with_writer(std::io::stderr).json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(targets)).init();
}
