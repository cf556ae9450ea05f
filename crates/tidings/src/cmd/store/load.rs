//! `tidings store load`: makes a log of a dump, or adds the events of a dump to one.

mod append;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use clap::Args;
use tidings_store::FileStoreConfig;
use tidings_store::offline::{DumpItem, LoadError, Loader, has_log};

use super::dump_format::{DumpReader, ReadError};
use super::failure::cannot_look;
use super::shown::count;
use crate::limits::DUMP_WRITE_BYTES;
use crate::terminal::chain::{excerpt, visible};
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::talk::tell;

/// Where to, and what.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// The data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The dump, in either form; standard input if none is named
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Loads it.
pub(super) fn run(args: &LoadArgs) -> Result<(), Failure> {
    let input: Box<dyn BufRead> = match &args.file {
        None => Box::new(io::stdin().lock()),
        Some(path) => {
            let file = File::open(path).map_err(|error| {
                Failure::new(
                    Exit::Failed,
                    format!("cannot open {}: {error}", visible(&path.to_string_lossy())),
                )
            })?;
            Box::new(BufReader::with_capacity(DUMP_WRITE_BYTES, file))
        }
    };
    let mut reader = DumpReader::new(input);
    let is_taken = has_log(&args.dir).map_err(|error| cannot_look(&args.dir, &error))?;
    if is_taken { append::run(args, &mut reader) } else { fresh(args, &mut reader) }
}

/// Makes the same log.
fn fresh<R: BufRead>(args: &LoadArgs, reader: &mut DumpReader<R>) -> Result<(), Failure> {
    let again = "nothing of it can be served: mend the dump and load it again, which begins anew";
    // Before the directory is taken: a file that is no dump changes nothing.
    let mut item = reader.next().map_err(|error| broken(&error).hint("nothing was changed"))?;
    if item.is_none() {
        return Err(
            Failure::new(Exit::Failed, "there is no dump: the input is empty").hint("nothing was changed")
        );
    }
    let mut loader = Loader::begin(&args.dir, FileStoreConfig::default().segment_bytes)
        .map_err(|error| refused(args, &error, 0))?;
    let mut events = 0;
    while let Some(next) = item {
        loader.add(&next).map_err(|error| refused(args, &error, reader.line).hint(again))?;
        events += u64::from(matches!(next, DumpItem::Event(_)));
        item = reader.next().map_err(|error| broken(&error).hint(again))?;
    }
    let last = loader.finish().map_err(|error| refused(args, &error, reader.line).hint(again))?;
    tell(&format!(
        "{} loaded; the log ends after event {last}, and all ids and cursors of the dump are good in it",
        count(events, "event")
    ));
    Ok(())
}

/// A line of the dump cannot be read.
fn broken(error: &ReadError) -> Failure {
    Failure::new(Exit::Failed, format!("line {} of the dump: {}", error.line, excerpt(&error.what)))
}

fn refused(args: &LoadArgs, error: &LoadError, line: u64) -> Failure {
    match error {
        LoadError::Open(error) => cannot_look(&args.dir, error),
        LoadError::Order(what) => Failure::new(Exit::Failed, format!("line {line} of the dump: {what}")),
        _ => Failure::new(Exit::Failed, visible(&error.to_string())),
    }
}
