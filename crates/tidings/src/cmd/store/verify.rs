//! `tidings store verify`: reads all of a data directory and says what is not as it was written.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use tidings_store::offline::{Damage, Verdict, verify};

use super::failure::cannot_look;
use super::progress::Bar;
use super::shown::{bytes, count, events};
use crate::terminal::chain::visible;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::say;

/// Which directory, and in which form.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Print one object of JSON
    #[arg(long)]
    json: bool,
}

/// Reads it and says what it has found.
pub(super) fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let mut bar = Bar::new("reading");
    let verdict = verify(&args.dir, &mut |progress| bar.show(progress));
    bar.clear();
    let verdict = verdict.map_err(|error| cannot_look(&args.dir, &error))?;
    say(&if args.json { for_programs(&verdict) } else { for_people(&verdict) })?;
    if verdict.is_whole() {
        return Ok(());
    }
    let places = count(verdict.damage.len() as u64, "place");
    let failure = Failure::new(Exit::Failed, format!("the log is damaged in {places}"));
    Err(failure.hint(
        "`tidings store repair DIR` says what can be done about it, and changes nothing without --apply",
    ))
}

fn for_people(verdict: &Verdict) -> String {
    let mut text = String::new();
    for damage in &verdict.damage {
        text += &format!("damaged  {}\n", visible(&damage.to_string()));
    }
    for lost in &verdict.declared {
        text += &format!("lost     {}; their readers hear of a gap\n", events(lost));
    }
    for (file, what) in &verdict.notes {
        text += &format!("note     {}: {what}\n", visible(file));
    }
    let what = if verdict.is_whole() { "whole  " } else { "read   " };
    let range = verdict.range.map_or(String::new(), |(first, last)| format!(" ({first} to {last})"));
    let (segments, indexes) = (count(verdict.segments, "segment"), count(verdict.indexes, "index"));
    text + &format!(
        "{what}  {}{range} in {segments} of {}, {indexes}\n",
        count(verdict.events, "event"),
        bytes(verdict.bytes)
    )
}

fn for_programs(verdict: &Verdict) -> String {
    let object = json!({
        "whole": verdict.is_whole(),
        "events": verdict.events,
        "first": verdict.range.map(|(first, _)| first.0),
        "last": verdict.range.map(|(_, last)| last.0),
        "segments": verdict.segments,
        "indexes": verdict.indexes,
        "bytes": verdict.bytes,
        "damage": verdict.damage.iter().map(damage).collect::<Vec<_>>(),
        "lost": verdict.declared.iter().map(|lost| json!({"first": lost.start().0, "last": lost.end().0})).collect::<Vec<_>>(),
        "notes": verdict.notes.iter().map(|(file, what)| json!({"file": file, "what": what})).collect::<Vec<_>>(),
    });
    format!("{object}\n")
}

/// A place as an object.
pub(super) fn damage(damage: &Damage) -> Value {
    let lost = damage.events.as_ref();
    json!({
        "file": damage.file,
        "offset": damage.offset,
        "what": damage.what,
        "first": lost.map(|lost| lost.start().0),
        "last": lost.map(|lost| lost.end().0),
    })
}
