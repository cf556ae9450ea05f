//! `tidings`: server push for the web.
//!
//! | module | does |
//! |---|---|
//! | `cli` | reads the command line |
//! | `config` | every setting: table, sources, precedence, reference |
//! | `serve` | `tidings serve`: wires store, hub and HTTP front, and ends them in good order |
//! | `bench` | `tidings bench`: measures a hub from outside |
//! | `key` | reads the publish key |
//! | `console` | the files of the web console |
//! | `watched` | a store that tells when it has stopped for good |
//! | `machine`, `signals`, `notify` | what the hub takes from the machine, and tells the service manager |
//! | `logging`, `welcome` | what an operator reads |
//! | `failure` | what is said when it goes wrong, and the exit codes |

mod bench;
mod cli;
mod config;
mod console;
mod failure;
mod key;
mod logging;
mod machine;
mod notify;
mod serve;
mod signals;
mod watched;
mod welcome;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;

use cli::{ConfigTask, Flags, Task};
use config::{Config, Loaded};
use failure::{Exit, Failure};
use notify::ServiceManager;

fn main() -> ExitCode {
    let environment = environment();
    match cli::parse(std::env::args_os()).map(|task| run(task, &environment)) {
        Ok(Ok(())) | Err(None) => ExitCode::SUCCESS,
        Ok(Err(failure)) | Err(Some(failure)) => {
            eprintln!("{failure}");
            failure.code()
        }
    }
}

/// The environment, as far as it is text. Nothing below `main` asks the process for it.
type Environment = BTreeMap<String, String>;

fn environment() -> Environment {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

fn run(task: Task, environment: &Environment) -> Result<(), Failure> {
    let load = |flags: Flags| config::load(&flags.0, environment);
    match task {
        Task::Serve(flags) => serve(&load(flags)?, environment),
        Task::Config(ConfigTask::Print(flags)) => say(&config::print(&load(flags)?)),
        Task::Config(ConfigTask::Check(flags)) => check(&load(flags)?.config),
        Task::Bench(bench) => say(&bench::run(&bench)?),
        Task::Config(ConfigTask::Reference) => say(&config::reference()),
    }
}

fn serve(loaded: &Loaded, environment: &Environment) -> Result<(), Failure> {
    let config = &loaded.config;
    let key = key::read(config)?;
    let no_color = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    logging::start(config, no_color);
    let manager = ServiceManager::new(environment.get("NOTIFY_SOCKET"));
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot start threads: {error}")))?;
    let ended = runtime.block_on(serve::serve(config, key, &manager));
    // What is still running has passed its deadline.
    runtime.shutdown_background();
    ended
}

fn check(config: &Config) -> Result<(), Failure> {
    key::read(config)?;
    eprintln!("the configuration is right");
    Ok(())
}

/// Writes data to stdout. A reader that has gone away, as `head` does, is no failure.
fn say(text: &str) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write};

    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, format!("cannot write to stdout: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
