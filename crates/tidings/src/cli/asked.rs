//! What a wrong command line was meant to be: the command that it names, and options that other programs have.

use std::ffi::OsString;

use clap::Command;
use clap::error::ErrorKind;

use super::command;
use crate::config::listening;

/// The command that the arguments name, as far as they name one.
pub(super) struct Asked {
    /// Such as `tidings config`.
    pub(super) name: String,
    command: Command,
}

impl Asked {
    pub(super) fn of(arguments: &[OsString]) -> Self {
        let mut asked = Self { name: "tidings".to_owned(), command: command() };
        for argument in arguments.iter().skip(1) {
            let Some(below) = asked.command.find_subcommand(argument).cloned() else { break };
            asked.name = format!("{} {}", asked.name, below.get_name());
            asked.command = below;
        }
        asked
    }

    pub(super) fn lacks_command(&self) -> String {
        let names: Vec<_> = self.command.get_subcommands().map(Command::get_name).collect();
        format!("`{}` needs a command behind it: {}", self.name, names.join(", "))
    }
}

/// What to write in the place of an argument that other programs have.
pub(super) fn other_spelling(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let is_unknown = matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::ArgumentConflict);
    // Only a hub has these; `tidings bench` has options of its own.
    let of_hub = Asked::of(arguments).command.get_arguments().any(|argument| argument.get_id() == "listen");
    if !is_unknown || !of_hub {
        return None;
    }
    arguments.iter().skip(1).find_map(|argument| {
        let hint = listening(argument.to_str()?.strip_prefix("--")?.split('=').next()?)?;
        Some(format!("{hint}, as in --listen 127.0.0.1:8080"))
    })
}
