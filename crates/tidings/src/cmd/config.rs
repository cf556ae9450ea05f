//! `tidings config check`: looks for mistakes without starting anything. `print` and `reference` are texts of `config`.

use crate::config::{Loaded, without_effect};
use crate::credentials::certificate::{self, Certificate};
use crate::credentials::{access, exposed, key};
use crate::environment::Environment;
use crate::terminal::failure::Failure;
use crate::terminal::talk::tell;

/// What is said of variables of a container platform.
pub(crate) const IGNORED: &str = "ignored variables that a container platform sets for a service";

/// Reads what the configuration names, too: the keys and the certificate.
pub(crate) fn check(loaded: &Loaded, environment: &Environment) -> Result<(), Failure> {
    let config = &loaded.config;
    let publish_key = key::read(config)?;
    let access = access::read(loaded, environment, publish_key.as_ref())?;
    let certificate = certificate::read(config)?;
    let secret_files = access.map(|access| access.secret_files).unwrap_or_default();
    let of_certificate = certificate.iter().flat_map(Certificate::warnings).cloned();
    let exposed = exposed::warnings(config, &secret_files);
    for warning in exposed.into_iter().chain(of_certificate).chain(without_effect(loaded)) {
        tell(&format!("warning: {warning}"));
    }
    if !loaded.injected.is_empty() {
        tell(&format!("note: {IGNORED}: {}", loaded.injected.join(", ")));
    }
    tell("the configuration is right");
    Ok(())
}
