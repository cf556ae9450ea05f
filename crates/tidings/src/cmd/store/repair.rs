//! `tidings store repair`: says how a damaged log can be mended, and does it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tidings_store::offline::{Repair, RepairError, repair};

use super::failure::cannot_look;
use super::shown::{count, events};
use crate::terminal::chain::visible;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::{report, say};

/// Which directory, and whether to do it.
#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    /// The data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Do it; no hub may use the directory meanwhile
    #[arg(long)]
    apply: bool,
    /// Where the damaged files are kept, as they were; beside DIR if nothing is named: DIR-damaged
    #[arg(long, value_name = "DIR", requires = "apply")]
    keep: Option<PathBuf>,
    /// Print one object of JSON
    #[arg(long)]
    json: bool,
}

/// Says it or does it.
pub(super) fn run(args: &RepairArgs) -> Result<(), Failure> {
    let keep = match (&args.keep, args.apply) {
        (_, false) => None,
        (Some(keep), true) => Some(outside(&args.dir, keep)?),
        (None, true) => Some(beside(&args.dir)?),
    };
    let done = repair(&args.dir, keep.as_deref()).map_err(|error| refused(args, &error))?;
    let text = if args.json { for_programs(args, &done) } else { for_people(args, &done) };
    match args.apply {
        true => report("the log is repaired", &text),
        false => say(&text)?,
    }
    if args.apply || done.steps.is_empty() {
        return Ok(());
    }
    let steps = count(done.steps.len() as u64, "step");
    Err(Failure::new(
        Exit::Failed,
        format!("the log is damaged, and nothing was changed; a repair takes {steps}"),
    )
    .hint("end the hub, and add --apply to do it"))
}

/// A directory beside another one. A data directory holds nothing but the files of a store.
fn beside(dir: &Path) -> Result<PathBuf, Failure> {
    let full = dir.canonicalize().map_err(|error| {
        Failure::new(Exit::Data, format!("cannot look at {}: {error}", visible(&dir.to_string_lossy())))
    })?;
    let mut name = full.clone().into_os_string();
    name.push("-damaged");
    Ok(name.into())
}

/// What is kept in the data directory itself would have a hub refuse it.
fn outside(dir: &Path, keep: &Path) -> Result<PathBuf, Failure> {
    let above = keep.ancestors().find_map(|above| above.canonicalize().ok());
    let is_inside = dir.canonicalize().is_ok_and(|dir| above.is_some_and(|above| above.starts_with(dir)));
    match is_inside {
        true => {
            Err(Failure::usage("--keep names a directory in the data directory, which holds nothing else")
                .hint("name one beside it, or on another disk"))
        }
        false => Ok(keep.to_owned()),
    }
}

fn for_people(args: &RepairArgs, done: &Repair) -> String {
    let mut text = String::new();
    for step in &done.steps {
        let lost = step
            .lost
            .as_ref()
            .map_or(String::new(), |lost| format!("; {}: a gap for their readers", events(lost)));
        text += &format!(
            "{}  {}: {}{lost}\n",
            if args.apply { "done" } else { "to do" },
            step.file,
            visible(&step.what)
        );
    }
    if let Some((path, names)) = &done.kept {
        text += &format!(
            "kept  {}, as they were, in {}\n",
            count(names.len() as u64, "file"),
            visible(&path.to_string_lossy())
        );
    }
    if done.steps.is_empty() {
        text += "whole  there is nothing to repair\n";
    }
    text
}

fn for_programs(args: &RepairArgs, done: &Repair) -> String {
    let steps = done.steps.iter().map(|step| {
        let lost = step.lost.as_ref();
        json!({
            "file": step.file, "what": step.what,
            "first": lost.map(|lost| lost.start().0), "last": lost.map(|lost| lost.end().0),
        })
    });
    let kept =
        done.kept.as_ref().map(|(path, names)| json!({"directory": path.to_string_lossy(), "files": names}));
    let object = json!({"applied": args.apply, "steps": steps.collect::<Vec<_>>(), "kept": kept});
    format!("{object}\n")
}

fn refused(args: &RepairArgs, error: &RepairError) -> Failure {
    match error {
        RepairError::Open(error) => cannot_look(&args.dir, error),
        RepairError::NoKey => Failure::new(Exit::Data, error.to_string())
            .hint("put META back from a backup; each backup of this log has the same key"),
        RepairError::Incomplete => Failure::new(Exit::Data, error.to_string())
            .hint("load the dump again, or make the backup again: both begin anew"),
        _ => Failure::new(Exit::Data, visible(&error.to_string())),
    }
}
