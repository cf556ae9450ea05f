//! Settings from environment variables: `TIDINGS_` and the name in capitals.

use super::setting::{Setting, Texts};
use super::suggest;
use super::table::SETTINGS;
use crate::environment::Environment;
use crate::terminal::failure::Failure;

const PREFIX: &str = "TIDINGS_";

/// Takes the settings out of the environment. A variable with our prefix that is no setting is an error: it is a
/// setting that somebody believes to be in force.
pub(super) fn texts(variables: &Environment) -> Result<Texts, Failure> {
    let mut texts = Texts::new();
    for (variable, text) in variables {
        if !variable.starts_with(PREFIX) || is_kubernetes(variable) {
            continue;
        }
        let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == *variable) else {
            let name = variable[PREFIX.len()..].to_ascii_lowercase();
            return Err(Failure::usage(format!("unknown environment variable {variable}"))
                .hint(suggest::hint(&name, Setting::variable)));
        };
        texts.insert(setting.name, text.clone());
    }
    Ok(texts)
}

/// Kubernetes sets these in every container that runs beside a service called `tidings`. They are addresses of
/// that service, and none of our business.
fn is_kubernetes(variable: &str) -> bool {
    let name = &variable[PREFIX.len()..];
    name == "PORT" || name.starts_with("PORT_") || name.starts_with("SERVICE_")
}
