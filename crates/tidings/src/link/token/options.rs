//! The options that choose a token, and the variables that stand for them.
//!
//! An option is stronger than any variable. Two that would choose two tokens are refused: nobody can know which one was meant.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{Origin, Token, TokenCommand, TokenError, TokenFile};
use crate::config::Secret;
use crate::credentials::exposed;
use crate::environment::{Environment, SOURCE_TOKEN_VARIABLES, TOKEN_VARIABLES};
use crate::terminal::chain::chain;
use crate::terminal::failure::Failure;

/// The token for a server.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct TokenArgs {
    /// Token to send, as `Authorization: Bearer TOKEN`
    ///
    /// Others on this machine see it in the list of processes. They do not see what --token-file or the variable TIDINGS_TOKEN
    /// holds.
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, value_parser = hidden)]
    token: Option<Secret>,
    /// File with the token, which is read for every attempt
    ///
    /// It holds one line. Write it anew before the token expires. Its path can also be in TIDINGS_TOKEN_FILE.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Command that prints the token, which is run again when the token has expired or is refused
    ///
    /// `sh -c COMMAND` has a minute, nothing to read on standard input, and no terminal to ask at. The first line that it prints is the
    /// token. It can also be in TIDINGS_TOKEN_COMMAND.
    #[arg(long, value_name = "COMMAND")]
    token_command: Option<String>,
}

/// The token for the source of a relay.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct SourceTokenArgs {
    /// Token for the source, as `Authorization: Bearer TOKEN`
    ///
    /// Others on this machine see it in the list of processes. They do not see what --source-token-file or the variable
    /// TIDINGS_SOURCE_TOKEN holds. A source at the origin of the hub gets the token of the hub, if it has none of its own.
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, value_parser = hidden)]
    source_token: Option<Secret>,
    /// File with the token for the source, which is read for every attempt
    ///
    /// Its path can also be in TIDINGS_SOURCE_TOKEN_FILE.
    #[arg(long, value_name = "FILE")]
    source_token_file: Option<PathBuf>,
    /// Command that prints the token for the source, run as --token-command is
    ///
    /// It can also be in TIDINGS_SOURCE_TOKEN_COMMAND.
    #[arg(long, value_name = "COMMAND")]
    source_token_command: Option<String>,
}

/// Takes every text, so that no error shows it. What it is worth is looked at later.
fn hidden(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret(text.to_owned()))
}

/// A token as it was chosen, by whatever names.
struct Choice<'a> {
    token: Option<(&'static str, &'a str)>,
    file: Option<(&'static str, &'a Path)>,
    command: Option<(&'static str, &'a str)>,
}

impl TokenArgs {
    /// The token that an option has chosen.
    pub(crate) fn chosen(&self, warn: &dyn Fn(&str)) -> Result<Option<Token>, Failure> {
        let choice = Choice {
            token: self.token.as_ref().map(|Secret(token)| ("--token", token.as_str())),
            file: self.token_file.as_deref().map(|path| ("--token-file", path)),
            command: self.token_command.as_deref().map(|command| ("--token-command", command)),
        };
        choice.token(warn)
    }

    /// The token that a variable holds or names.
    pub(crate) fn of_environment(
        environment: &Environment,
        warn: &dyn Fn(&str),
    ) -> Result<Option<Token>, Failure> {
        of_variables(TOKEN_VARIABLES, environment, warn)
    }
}

impl SourceTokenArgs {
    /// The token that an option has chosen.
    pub(crate) fn chosen(&self, warn: &dyn Fn(&str)) -> Result<Option<Token>, Failure> {
        let choice = Choice {
            token: self.source_token.as_ref().map(|Secret(token)| ("--source-token", token.as_str())),
            file: self.source_token_file.as_deref().map(|path| ("--source-token-file", path)),
            command: self.source_token_command.as_deref().map(|command| ("--source-token-command", command)),
        };
        choice.token(warn)
    }

    /// The token that a variable holds or names.
    pub(crate) fn of_environment(
        environment: &Environment,
        warn: &dyn Fn(&str),
    ) -> Result<Option<Token>, Failure> {
        of_variables(SOURCE_TOKEN_VARIABLES, environment, warn)
    }
}

fn of_variables(
    names: [&'static str; 3],
    environment: &Environment,
    warn: &dyn Fn(&str),
) -> Result<Option<Token>, Failure> {
    let [token, file, command] = names.map(|name| environment.get(name).map(|text| (name, text.as_str())));
    let set: Vec<_> = [token, file, command].into_iter().flatten().map(|(name, _)| name).collect();
    if let [one, other, ..] = set[..] {
        let message = format!("{one} and {other} are both set, and either chooses a token");
        return Err(Failure::usage(message).hint("unset one of them"));
    }
    Choice { token, file: file.map(|(name, path)| (name, Path::new(path))), command }.token(warn)
}

impl Choice<'_> {
    fn token(self, warn: &dyn Fn(&str)) -> Result<Option<Token>, Failure> {
        let token = |chosen_by, origin| Ok(Some(Token { chosen_by, is_publish_key: false, origin }));
        if let Some((name, text)) = self.token {
            let given = Secret::token(text).map_err(|bad| {
                Failure::usage(format!("{name} is not {}", bad.expected))
                    .hint("a token has letters, digits and -._~+/= alone")
            });
            return token(name, Origin::Given(given?));
        }
        if let Some((name, path)) = self.file {
            let file = TokenFile::open(path);
            let file = file.map_err(|error| {
                Failure::usage(format!("{name}: {}", chain(&TokenError::from(error))))
                    .hint("it is a file with one line, the token")
            })?;
            exposed::warning(file.path()).iter().for_each(|warning| warn(warning));
            return token(name, Origin::File(Arc::new(file)));
        }
        let Some((name, command)) = self.command else { return Ok(None) };
        if command.trim().is_empty() {
            return Err(Failure::usage(format!("{name} is empty"))
                .hint("write a command that prints a token, such as 'cat token'"));
        }
        token(name, Origin::Command(Arc::new(TokenCommand::new(command))))
    }
}
