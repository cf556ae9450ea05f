//! `tidings config check`: looks for mistakes without starting anything. `print` and `reference` are texts of `config`.

use crate::config::{Loaded, without_effect};
use crate::credentials::certificate::{self, Certificate};
use crate::credentials::{exposed, key};
use crate::terminal::failure::Failure;
use crate::terminal::talk::tell;

/// What is said of variables of a container platform.
pub(crate) const IGNORED: &str = "ignored variables that a container platform sets for a service";

/// Reads what the configuration names, too: the key and the certificate.
pub(crate) fn check(loaded: &Loaded) -> Result<(), Failure> {
    let config = &loaded.config;
    key::read(config)?;
    let certificate = certificate::read(config)?;
    let of_certificate = certificate.iter().flat_map(Certificate::warnings).cloned();
    for warning in exposed::warnings(config).into_iter().chain(of_certificate).chain(without_effect(loaded)) {
        tell(&format!("warning: {warning}"));
    }
    if !loaded.injected.is_empty() {
        tell(&format!("note: {IGNORED}: {}", loaded.injected.join(", ")));
    }
    tell("the configuration is right");
    Ok(())
}
