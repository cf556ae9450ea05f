//! `tidings config check`: looks for mistakes without starting anything. `print` and `reference` are texts of `config`.

use crate::config::Config;
use crate::credentials::{certificate, key};
use crate::terminal::failure::Failure;

/// Reads what the configuration names, too: the key and the certificate.
pub(crate) fn check(config: &Config) -> Result<(), Failure> {
    key::read(config)?;
    certificate::read(config)?;
    eprintln!("the configuration is right");
    Ok(())
}
