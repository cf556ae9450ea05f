//! `tidings`: server push for the web.
//!
//! | module | does |
//! |---|---|
//! | [`cli`] | reads the command line |
//! | [`config`] | every setting: table, sources, precedence, reference |
//! | [`failure`] | what is said when it goes wrong, and the exit codes |

mod cli;
mod config;
mod failure;
mod key;

use std::collections::BTreeMap;
use std::process::ExitCode;

use cli::{ConfigTask, Flags, Task};
use config::{Config, Loaded};
use failure::Failure;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()).map(run) {
        Ok(Ok(())) | Err(None) => ExitCode::SUCCESS,
        Ok(Err(failure)) | Err(Some(failure)) => {
            eprintln!("{failure}");
            failure.code()
        }
    }
}

fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Serve(flags) => load(&flags).map(drop),
        Task::Config(ConfigTask::Print(flags)) => say(&config::print(&load(&flags)?)),
        Task::Config(ConfigTask::Check(flags)) => check(&load(&flags)?.config),
        Task::Config(ConfigTask::Reference) => say(&config::reference()),
    }
}

fn check(config: &Config) -> Result<(), Failure> {
    key::read(config)?;
    eprintln!("the configuration is right");
    Ok(())
}

fn load(flags: &Flags) -> Result<Loaded, Failure> {
    let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let variables: BTreeMap<_, _> = std::env::vars_os().filter_map(utf8).collect();
    config::load(&flags.0, &variables)
}

/// Writes data to stdout. A reader that has gone away, as `head` does, is no failure.
fn say(text: &str) -> Result<(), Failure> {
    use std::io::Write;

    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(failure::Exit::Failed, format!("cannot write to stdout: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
