//! `tidings token`: makes JSON Web Tokens for development and tests, and explains one.
//!
//! Without an option it makes a key, as `tidings key` does: so it did before there were tokens, and scripts use it.

mod explain;
mod mint;

use clap::{Args, Subcommand};

use crate::environment::Environment;
use crate::terminal::failure::Failure;
use crate::terminal::output::say;

use super::key;

/// A token to make, or one to explain.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    task: Option<TokenTask>,
    #[command(flatten)]
    mint: mint::MintArgs,
}

#[derive(Debug, Subcommand)]
enum TokenTask {
    /// Say what a token may do, or why it may do nothing
    Explain(explain::ExplainArgs),
}

/// Does what was asked for.
pub(crate) async fn run(args: &TokenArgs, environment: &Environment) -> Result<(), Failure> {
    match &args.task {
        Some(TokenTask::Explain(args)) => explain::run(args, environment).await,
        None if args.mint.is_empty() => say(&key::draw()?),
        None => say(&mint::run(&args.mint, environment)?),
    }
}
