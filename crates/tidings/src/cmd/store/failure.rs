//! What is said when a data directory cannot be used.

use std::path::Path;

use tidings_store::OpenError;

use crate::terminal::chain::visible;
use crate::terminal::failure::{Exit, Failure};

/// A directory cannot be looked at.
pub(super) fn cannot_look(dir: &Path, error: &OpenError) -> Failure {
    let shown = visible(&dir.to_string_lossy());
    match error {
        OpenError::InUse { .. } => Failure::new(Exit::InUse, error.to_string())
            .hint("end the hub first; this needs the directory for itself"),
        OpenError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Failure::new(Exit::Data, format!("there is no log in {shown}"))
                .hint("name the directory that the hub has as --data; by default that is tidings-data")
        }
        OpenError::Io { .. } => {
            Failure::new(Exit::Data, format!("cannot look at {shown}: {}", visible(&error.to_string())))
                .hint(error.hint())
        }
        _ => Failure::new(Exit::Data, visible(&error.to_string())).hint(error.hint()),
    }
}
