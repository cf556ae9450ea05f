//! The process's environment, read once by `main`. Everything below is handed it as a map.

use std::collections::BTreeMap;

use crate::config::is_injected;
use crate::terminal::failure::Failure;

/// The environment, as far as it is text.
pub(crate) type Environment = BTreeMap<String, String>;

/// What the name of each of our variables begins with.
const PREFIX: &str = "TIDINGS_";

/// The token of `pub`, `sub`, `relay` and `doctor`, the file with it, and the command that prints it.
pub(crate) const TOKEN_VARIABLES: [&str; 3] =
    ["TIDINGS_TOKEN", "TIDINGS_TOKEN_FILE", "TIDINGS_TOKEN_COMMAND"];

/// The same for the source of `relay`.
pub(crate) const SOURCE_TOKEN_VARIABLES: [&str; 3] =
    ["TIDINGS_SOURCE_TOKEN", "TIDINGS_SOURCE_TOKEN_FILE", "TIDINGS_SOURCE_TOKEN_COMMAND"];

/// Whether a variable is for `pub`, `sub`, `relay` or `doctor`, and says nothing to the hub.
pub(crate) fn is_of_clients(name: &str) -> bool {
    TOKEN_VARIABLES.contains(&name) || SOURCE_TOKEN_VARIABLES.contains(&name)
}

/// Reads the environment of this process. A variable of ours that is no text is an error: without it, a hub would start
/// without its key, or in another directory.
#[expect(clippy::disallowed_methods, reason = "here the environment is read")]
pub(crate) fn read() -> Result<Environment, Failure> {
    let mut environment = Environment::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => _ = environment.insert(name, value),
            // What a container platform copies from another container may be in any encoding, and is not read.
            Err(value) if is_injected(&name, &value.to_string_lossy()) => {}
            Err(_) if name.starts_with(PREFIX) => {
                return Err(Failure::usage(format!("the value of {name} is not UTF-8"))
                    .hint("write it in UTF-8, or leave it out"));
            }
            Err(_) => {}
        }
    }
    Ok(environment)
}
