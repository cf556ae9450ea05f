//! Log records: structured, on stderr.

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{Config, LogFormat};
use crate::terminal::talk::LogWriter;

/// Starts logging for the whole process. Colours only if a person wants to see them.
pub(crate) fn start(config: &Config, color: bool) {
    let targets: Targets = config.log_level.0.parse().expect("a log level was parsed before");
    let json = config.log_format == LogFormat::Json;
    // `log_internal_errors` would use `eprintln!`, which panics if that cannot be written either.
    let layer = fmt::layer().with_writer(LogWriter { json }).log_internal_errors(false);
    let layer = match config.log_format {
        LogFormat::Text => layer.with_ansi(color).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(targets)).init();
}
