//! `tidings init`: a configuration with a publish key of its own, for a hub that others can reach.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::token;
use crate::terminal::failure::{Exit, Failure};

/// Where to write.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Directory for the two files. It is made if it does not exist
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// Writes both files, and says what to do with them. Overwrites nothing.
pub(crate) fn init(args: &InitArgs) -> Result<String, Failure> {
    let dir = fs::create_dir_all(&args.dir).and_then(|()| args.dir.canonicalize());
    let dir = dir.map_err(|error| cannot("make", &args.dir, &error))?;
    let (settings, key) = (dir.join("tidings.toml"), dir.join("publish.key"));
    let text = settings_text(&key)?;
    if settings.exists() {
        return Err(cannot("write", &settings, &io::ErrorKind::AlreadyExists.into()));
    }
    create(&key, 0o600, &token::draw()?)?;
    // Without the settings the key is of no use, and would be in the way of the next attempt.
    create(&settings, 0o644, &text).inspect_err(|_| drop(fs::remove_file(&key)))?;
    let (settings, key) = (settings.display(), key.display());
    Ok(format!(
        "settings  {settings}
key       {key}, which only you can read

  start     tidings serve --config {settings}
  publish   tidings pub --publish-key-file {key} http://127.0.0.1:8080/events/hello 'good news'
"
    ))
}

fn settings_text(key: &Path) -> Result<String, Failure> {
    let Some(key) = key.to_str() else {
        return Err(Failure::usage(format!("the path {} is not UTF-8", key.display())));
    };
    let key = toml::Value::String(key.to_owned());
    Ok(format!(
        "# Settings of a hub. `tidings config reference` explains all that there are.

publish_key_file = {key}

# The name by which browsers reach the hub, or a proxy in front of it:
# allowed_host = [\"hub.example.com\"]
"
    ))
}

/// Writes a new file that its mode protects from the first byte on. One that cannot be written to its end is removed.
fn create(path: &Path, mode: u32, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(|error| cannot("write", path, &error))?;
    file.write_all(text.as_bytes()).map_err(|error| {
        // The first error is the one to tell.
        let _ = fs::remove_file(path);
        cannot("write", path, &error)
    })
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(Exit::Failed, format!("cannot {what} {}: {error}", path.display()));
    match error.kind() {
        io::ErrorKind::AlreadyExists => failure.hint("give another directory, or use what is there"),
        _ => failure,
    }
}
