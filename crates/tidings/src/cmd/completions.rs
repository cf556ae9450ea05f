//! `tidings completions`: the script that completes our command line in a shell, made from the command line itself.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

/// Whose completions.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// The script that completes our command line in a shell.
pub(crate) fn completions(args: &CompletionsArgs, mut command: Command) -> String {
    let mut script = Vec::new();
    generate(args.shell, &mut command, "tidings", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
