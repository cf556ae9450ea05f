//! The publish key, from the environment or a file. Both are read by the same rule, `Secret::token`.

use std::path::Path;

use crate::config::{Config, Secret};
use crate::terminal::failure::Failure;
use crate::utf8;

/// Reads the publish key, if there is one.
pub(crate) fn read(config: &Config) -> Result<Option<Secret>, Failure> {
    match (&config.publish_key, &config.publish_key_file) {
        (Some(key), _) => Ok(Some(key.clone())),
        (None, Some(path)) => from_file(path).map(Some),
        (None, None) => Ok(None),
    }
}

/// Reads a key from a file of one line.
pub(crate) fn from_file(path: &Path) -> Result<Secret, Failure> {
    let shown = path.display();
    let content = utf8::read(path)
        .map_err(|error| Failure::usage(format!("cannot read publish key file {shown}: {error}")))?;
    Secret::token(&content).map_err(|bad| {
        Failure::usage(format!("the content of publish key file {shown} is not {}", bad.expected))
            .hint(bad.hint)
    })
}
