//! `tidings store backup`: copies a log into another directory, from which a hub can start.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tidings_store::offline::{Backup, BackupError, backup};

use super::failure::cannot_look;
use super::progress::Bar;
use super::shown::{bytes, count};
use super::verify;
use crate::terminal::chain::visible;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::report;
use crate::terminal::talk::tell;

/// From where to where.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The directory of the copy: one that is empty, that does not exist yet, or that has an earlier copy
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// Print one object of JSON
    #[arg(long)]
    json: bool,
}

/// Copies it.
pub(super) fn run(args: &BackupArgs) -> Result<(), Failure> {
    let mut bar = Bar::new("copying");
    let done = backup(&args.dir, &args.to, &mut |progress| bar.show(progress));
    bar.clear();
    let done = done.map_err(|error| refused(args, &error))?;
    for damage in &done.damage {
        tell(&format!("warning: {}; the copy has it as it is", visible(&damage.to_string())));
    }
    report("the backup is whole", &if args.json { for_programs(&done) } else { for_people(&done) });
    Ok(())
}

fn for_people(done: &Backup) -> String {
    let removed = match done.removed {
        0 => String::new(),
        removed => format!(", {} removed that had left the log", count(removed, "segment")),
    };
    let (copied, kept) = (count(done.copied, "segment"), count(done.kept, "segment"));
    format!(
        "{copied} copied ({}), {kept} there already{removed}; the copy ends after event {}\n",
        bytes(done.bytes),
        done.last
    )
}

fn for_programs(done: &Backup) -> String {
    let object = json!({
        "copied": done.copied,
        "bytes": done.bytes,
        "kept": done.kept,
        "removed": done.removed,
        "last": done.last.0,
        "damage": done.damage.iter().map(verify::damage).collect::<Vec<_>>(),
    });
    format!("{object}\n")
}

fn refused(args: &BackupArgs, error: &BackupError) -> Failure {
    let to = visible(&args.to.to_string_lossy());
    match error {
        BackupError::From(error) => cannot_look(&args.dir, error),
        BackupError::To(error) => {
            let failure =
                Failure::new(Exit::Failed, format!("cannot write the copy: {}", visible(&error.to_string())));
            failure.hint("what the copy had before, it still has")
        }
        BackupError::OtherLog { .. } => {
            Failure::new(Exit::Failed, format!("{to} has another log, and nothing was changed"))
                .hint("name the directory of an earlier copy of this log, or an empty one")
        }
        BackupError::GoneOn { .. } => Failure::new(
            Exit::Failed,
            format!("a hub has gone on with the copy in {to}, and nothing was changed"),
        )
        .hint("name an empty directory: a copy that was served is a log of its own"),
        _ => Failure::new(Exit::Failed, visible(&error.to_string())),
    }
}
