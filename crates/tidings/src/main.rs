//! `tidings`: server push for the web.
//!
//! | module | does |
//! |---|---|
//! | `cli` | reads the command line, and holds the longer texts of its help |
//! | `cmd` | the commands, one file or folder each |
//! | `serve` | `tidings serve`: wires store, hub and HTTP front, and ends them in good order |
//! | `config` | every setting: table, sources, precedence, reference |
//! | `credentials` | reads the keys, and the certificate for TLS |
//! | `link` | how `pub`, `sub`, `relay`, `inbox` and `doctor` reach a server |
//! | `environment` | the environment, read once |
//! | `limits` | every bound of the command line |
//! | `signals` | the signals that ask the process to end or to read its files again |
//! | `content` | the content of a small file, which may be a pipe |
//! | `utf8` | text from other programs, and what is not UTF-8 in it |
//! | `terminal` | standard output, talk on standard error, what is said when something goes wrong, and the exit codes |

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod cli;
mod cmd;
mod config;
mod content;
mod credentials;
mod environment;
mod limits;
mod link;
mod serve;
mod signals;
mod terminal;
mod utf8;

use std::process::ExitCode;

use cli::{ConfigTask, Flags, Task};
use cmd::{
    bench, completions, doctor, inbox, init, key as new_key, manual, publish, relay, sign, store, sub, token,
};
use config::Loaded;
use credentials::{access, exposed, key};
use environment::Environment;
use serve::logging;
use serve::notify::ServiceManager;
use terminal::failure::{Exit, Failure};
use terminal::output::{Color, report, say};
use terminal::talk::tell;

fn main() -> ExitCode {
    let done = match cli::parse(std::env::args_os()) {
        Ok(Some(task)) => environment::read().and_then(|environment| run(task, &environment)),
        Ok(None) => Ok(()),
        Err(failure) => Err(failure),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_told() {
                tell(&failure.to_string());
            }
            failure.code()
        }
    }
}

fn run(task: Task, environment: &Environment) -> Result<(), Failure> {
    let load = |flags: Flags| config::load(&flags.0, environment);
    let color = Color::wanted(environment);
    match task {
        Task::Serve(flags) => serve(&load(flags)?, environment, color),
        Task::Pub(args) => block_on(publish::run(&args, environment)),
        Task::Sub(args) => block_on(sub::run(&args, environment, color)),
        Task::Relay(args) => block_on(relay::run(&args, environment, color)),
        Task::Inbox(task) => block_on(inbox::run(&task, environment, color)),
        Task::Store(task) => store::run(&task),
        Task::Doctor(args) => block_on(doctor::run(&args, environment, color)),
        Task::Token(args) => block_on(token::run(&args, environment)),
        Task::Key(args) => new_key::run(&args),
        Task::Sign(args) => say(&sign::run(&args, environment)?),
        Task::Init(args) => init::init(&args).map(|done| report("both files are written", &done)),
        Task::Completions(args) => say(&completions::completions(&args, cli::command())),
        Task::Man(args) => say(&manual::manual(&args, cli::command())?),
        Task::Config(ConfigTask::Print(flags)) => say(&config::print(&load(flags)?)),
        Task::Config(ConfigTask::Check(flags)) => cmd::config::check(&load(flags)?, environment),
        Task::Bench(bench) => bench::run(&bench),
        Task::Config(ConfigTask::Reference) => say(&config::reference()),
    }
}

fn serve(loaded: &Loaded, environment: &Environment, color: Color) -> Result<(), Failure> {
    let config = &loaded.config;
    let key = key::read(config)?;
    let access = access::read(loaded, environment, key.as_ref())?;
    logging::start(config, color.stderr);
    let secret_files = access.as_ref().map_or(&[][..], |access| &access.secret_files);
    for warning in exposed::warnings(config, secret_files).into_iter().chain(config::without_effect(loaded)) {
        tracing::warn!("{warning}");
    }
    if !loaded.injected.is_empty() {
        tracing::info!(variables = loaded.injected.join(" "), "{}", cmd::config::IGNORED);
    }
    let manager = ServiceManager::new(environment.get("NOTIFY_SOCKET"));
    let runtime = tokio::runtime::Runtime::new().map_err(|error| no_runtime(&error))?;
    let ended = runtime.block_on(serve::serve(loaded, environment, key, access, &manager));
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
