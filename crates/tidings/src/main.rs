//! `tidings`: server push for the web.
//!
//! | module | does |
//! |---|---|
//! | `cli` | reads the command line, and holds the longer texts of its help |
//! | `cmd` | the commands, one file or folder each |
//! | `serve` | `tidings serve`: wires store, hub and HTTP front, and ends them in good order |
//! | `bench` | `tidings bench`: measures a hub from outside |
//! | `config` | every setting: table, sources, precedence, reference |
//! | `credentials` | reads the publish key, and the certificate for TLS |
//! | `link` | how `pub`, `sub` and `relay` reach a server |
//! | `signals` | the signals that ask the process to end or to read its files again |
//! | `terminal` | what is said when it goes wrong, and the exit codes |

mod bench;
mod cli;
mod cmd;
mod config;
mod credentials;
mod link;
mod serve;
mod signals;
mod terminal;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;

use cli::{ConfigTask, Flags, Task};
use cmd::sub::Color;
use cmd::{manual, publish, relay, sub, token};
use config::{Config, Loaded};
use credentials::{certificate, key};
use serve::logging;
use serve::notify::ServiceManager;
use terminal::failure::{Exit, Failure};

fn main() -> ExitCode {
    let environment = environment();
    match cli::parse(std::env::args_os()).map(|task| run(task, &environment)) {
        Ok(Ok(())) | Err(None) => ExitCode::SUCCESS,
        Ok(Err(failure)) | Err(Some(failure)) => {
            if !failure.is_told() {
                eprintln!("{failure}");
            }
            failure.code()
        }
    }
}

/// The environment, as far as it is text. Nothing below `main` asks the process for it.
pub(crate) type Environment = BTreeMap<String, String>;

fn environment() -> Environment {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

fn run(task: Task, environment: &Environment) -> Result<(), Failure> {
    let load = |flags: Flags| config::load(&flags.0, environment);
    match task {
        Task::Serve(flags) => serve(&load(flags)?, environment),
        Task::Pub(args) => block_on(publish::run(&args, environment)),
        Task::Sub(args) => block_on(sub::run(&args, color(environment))),
        Task::Relay(args) => block_on(relay::run(&args, environment, color(environment))),
        Task::Token => say(&token::draw()?),
        Task::Completions(args) => say(&manual::completions(&args, cli::command())),
        Task::Man(args) => say(&manual::manual(&args, cli::command())?),
        Task::Config(ConfigTask::Print(flags)) => say(&config::print(&load(flags)?)),
        Task::Config(ConfigTask::Check(flags)) => check(&load(flags)?.config),
        Task::Bench(bench) => say(&bench::run(&bench)?),
        Task::Config(ConfigTask::Reference) => say(&config::reference()),
    }
}

fn serve(loaded: &Loaded, environment: &Environment) -> Result<(), Failure> {
    let config = &loaded.config;
    let key = key::read(config)?;
    logging::start(config, color(environment).stderr);
    let manager = ServiceManager::new(environment.get("NOTIFY_SOCKET"));
    let runtime = tokio::runtime::Runtime::new().map_err(|error| no_runtime(&error))?;
    let ended = runtime.block_on(serve::serve(config, key, &manager));
    // What is still running has passed its deadline.
    runtime.shutdown_background();
    ended
}

/// Runs what needs one thread.
fn block_on(task: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| no_runtime(&error))?;
    let ended = runtime.block_on(task);
    // A thread may still wait for a terminal or a pipe that nobody will use again.
    runtime.shutdown_background();
    ended
}

fn no_runtime(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot start threads: {error}"))
}

/// Colours are for people at a terminal who did not ask for none: <https://no-color.org>.
fn color(environment: &Environment) -> Color {
    use std::io::{IsTerminal, stderr, stdout};

    let wanted = environment.get("NO_COLOR").is_none_or(String::is_empty);
    Color { stdout: wanted && stdout().is_terminal(), stderr: wanted && stderr().is_terminal() }
}

fn check(config: &Config) -> Result<(), Failure> {
    key::read(config)?;
    certificate::read(config)?;
    eprintln!("the configuration is right");
    Ok(())
}

/// Writes data to stdout. A reader that has gone away, as `head` does, is no failure.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write};

    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, format!("cannot write to stdout: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
