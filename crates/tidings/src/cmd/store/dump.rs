//! `tidings store dump`: writes a log as text.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use tidings_store::offline::{DumpError, DumpItem, dump};

use super::dump_format::DumpFormat;
use super::failure::cannot_look;
use super::progress::Bar;
use super::shown::count;
use crate::limits::DUMP_WRITE_BYTES;
use crate::terminal::chain::visible;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::talk::tell;

/// Which directory, and where to.
#[derive(Debug, Args)]
pub(crate) struct DumpArgs {
    /// The data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The file, which must not be there; standard output if none is named
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The form
    #[arg(long, value_enum, default_value_t)]
    format: DumpFormat,
}

/// Writes it. A file gets its name when it is whole.
pub(super) fn run(args: &DumpArgs) -> Result<(), Failure> {
    let Some(path) = &args.file else {
        return write(args, &mut io::stdout().lock(), Path::new("standard output"));
    };
    if path.symlink_metadata().is_ok() {
        let message = format!("{} is there already", visible(&path.to_string_lossy()));
        return Err(Failure::new(Exit::Failed, message).hint("name another file, or remove this one"));
    }
    let mut unfinished = path.clone().into_os_string();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    let failed = |error: io::Error| cannot_write(path, &error);
    let mut file = File::create(&unfinished).map_err(failed)?;
    let done = write(args, &mut file, path)
        .and_then(|()| file.sync_all().and_then(|()| fs::rename(&unfinished, path)).map_err(failed));
    if done.is_err() {
        // The error is the one to tell.
        let _ = fs::remove_file(&unfinished);
    }
    done
}

fn write(args: &DumpArgs, output: &mut dyn Write, path: &Path) -> Result<(), Failure> {
    let mut output = BufWriter::with_capacity(DUMP_WRITE_BYTES, output);
    let (mut text, mut events, mut lost) = (String::new(), 0, 0);
    let mut bar = Bar::new("dumping");
    let dumped = dump(&args.dir, &mut |progress| bar.show(progress), &mut |item| {
        match &item {
            DumpItem::Event(_) => events += 1,
            DumpItem::Lost { first, last } => lost += last.0 - first.0 + 1,
            DumpItem::Begin { .. } | DumpItem::Epoch { .. } | DumpItem::End { .. } => {}
        }
        text.clear();
        args.format.write(&item, &mut text);
        output.write_all(text.as_bytes())
    });
    bar.clear();
    match dumped {
        Ok(()) => output.flush().map_err(|error| cannot_write(path, &error))?,
        // A reader that has gone away, as `head` does, is no failure.
        Err(DumpError::Taken(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        Err(DumpError::Taken(error)) => return Err(cannot_write(path, &error)),
        Err(DumpError::Open(error)) => return Err(cannot_look(&args.dir, &error)),
        Err(error) => return Err(Failure::new(Exit::Failed, error.to_string())),
    }
    let events = count(events, "event");
    tell(&match lost {
        0 => format!("{events} dumped"),
        lost => format!(
            "{events} dumped; {} of the log cannot be read, which the dump says",
            count(lost, "event")
        ),
    });
    Ok(())
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("cannot write {}: {error}; the dump is not whole", visible(&path.to_string_lossy())),
    )
}
