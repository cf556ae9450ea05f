//! `tidings config check`: looks for mistakes without starting anything. `print` and `reference` are texts of `config`.

use crate::config::Config;
use crate::credentials::{certificate, exposed, key};
use crate::terminal::failure::Failure;
use crate::terminal::talk::tell;

/// Reads what the configuration names, too: the key and the certificate.
pub(crate) fn check(config: &Config) -> Result<(), Failure> {
    key::read(config)?;
    certificate::read(config)?;
    for warning in exposed::warnings(config) {
        tell(&format!("warning: {warning}"));
    }
    tell("the configuration is right");
    Ok(())
}
