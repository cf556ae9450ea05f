//! Settings from environment variables: `TIDINGS_` and the name in capitals.

use super::injected;
use super::setting::{Setting, Texts};
use super::suggest;
use super::table::SETTINGS;
use crate::environment::{Environment, is_of_clients};
use crate::terminal::chain::visible;
use crate::terminal::failure::Failure;

const PREFIX: &str = "TIDINGS_";

/// What the environment says.
#[derive(Debug, Default)]
pub(super) struct FromEnvironment {
    pub(super) texts: Texts,
    /// Variables that a container platform has set for a service, and that are not ours.
    pub(super) injected: Vec<String>,
    /// Variables with our prefix that are no setting. A file may name them as those of its keys.
    pub(super) unknown: Vec<String>,
}

/// Takes the settings out of the environment.
pub(super) fn read(variables: &Environment) -> FromEnvironment {
    let mut found = FromEnvironment::default();
    let ours = |variable: &str| variable.starts_with(PREFIX) && !is_of_clients(variable);
    for (variable, text) in variables.iter().filter(|(variable, _)| ours(variable)) {
        if let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == *variable) {
            found.texts.insert(setting.name, text.clone());
        } else if injected::is_injected(variable, text) {
            found.injected.push(variable.clone());
        } else {
            found.unknown.push(variable.clone());
        }
    }
    found
}

impl FromEnvironment {
    /// Refuses a variable with our prefix that is no setting, and that no table names: it is a setting that somebody believes
    /// to be in force.
    pub(super) fn check_unknown<'n>(&self, named: impl Iterator<Item = &'n str>) -> Result<(), Failure> {
        let named: Vec<_> = named.collect();
        match self.unknown.iter().find(|variable| !named.contains(&variable.as_str())) {
            Some(variable) => {
                Err(Failure::usage(format!("unknown environment variable {}", visible(variable)))
                    .hint(hint(variable)))
            }
            None => Ok(()),
        }
    }
}

fn hint(variable: &str) -> String {
    let name = variable[PREFIX.len()..].to_ascii_lowercase();
    if let Some(hint) = suggest::listening(&name) {
        return format!("{hint}, as in TIDINGS_LISTEN=127.0.0.1:8080");
    }
    if injected::has_name_of_one(variable) {
        return "leave it out; if a container platform sets it, its value is not one that platforms give to this name".to_owned();
    }
    suggest::hint(&name, Setting::variable)
}
