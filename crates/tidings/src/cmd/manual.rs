//! `tidings man`: the pages of the manual, made from the command line itself.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use crate::terminal::failure::{Exit, Failure};

/// Where to write the manual.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Directory to write a page for each command to; without it, the page of `tidings` goes to stdout
    dir: Option<PathBuf>,
}

/// The page of the whole, for stdout; or all pages, written to a directory.
pub(crate) fn manual(args: &ManArgs, command: Command) -> Result<String, Failure> {
    let failed = |path: &Path, error: io::Error| {
        Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()))
    };
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page).map_err(|error| failed(Path::new("stdout"), error))?;
        return Ok(String::from_utf8_lossy(&page).into_owned());
    };
    std::fs::create_dir_all(dir).map_err(|error| failed(dir, error))?;
    clap_mangen::generate_to(command, dir).map_err(|error| failed(dir, error))?;
    Ok(String::new())
}
