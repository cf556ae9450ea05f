//! `tidings init`: a configuration with keys of its own, for a hub that others can reach.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::key::draw;
use crate::terminal::chain::visible;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::shell;

/// The settings, with keys of their own. The publish key is named by its name alone, so that the directory can be moved.
fn settings_text() -> Result<String, Failure> {
    let [admin, jwt, signing] = [draw()?, draw()?, draw()?];
    let [admin, jwt, signing] = [admin.trim_end(), jwt.trim_end(), signing.trim_end()];
    Ok(format!(
        "# Settings of a hub. `tidings config reference` explains all that there are.
# This file holds secrets: only you should be able to read it.

publish_key_file = \"publish.key\"

# The name by which browsers reach the hub, or a proxy in front of it:
# allowed_host = [\"hub.example.com\"]

# ---- Who may publish and read what. Nothing is allowed that these tables do not name, and settings stand before them. ----

# Everybody may read every topic, and no inbox. For private topics narrow it, for instance to [\"public/**\"].
[access.anonymous]
subscribe = [\"**\"]

# The publish key may publish everything and notify every user. This one may do everything, and see /metrics. `**` reaches no
# inbox, so \"inbox/**\" stands beside it. `tidings key` makes more keys.
[[access.keys]]
name = \"admin\"
key = \"{admin}\"
subscribe = [\"**\", \"inbox/**\"]
publish = [\"**\", \"inbox/**\"]
admin = true

# Your own programs sign tokens for users with this key, and each user may read the topics and the inbox of that user. To try it:
# tidings token --config tidings.toml --sub u1
[access.jwt]
key = \"{jwt}\"
audience = \"tidings\"
subscribe = [\"users/{{sub}}/**\", \"inbox/{{sub}}\"]

# Your own programs sign URLs with this key. To try it:
# tidings sign http://127.0.0.1:8080/events/a --config tidings.toml --expires 1h
[access.signing]
key = \"{signing}\"
"
    ))
}

/// Where to write.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Directory for the two files. It is made if it does not exist
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// Writes both files, and says what to do with them. Overwrites nothing.
pub(crate) fn init(args: &InitArgs) -> Result<String, Failure> {
    word(&args.dir)?;
    let dir = made(&args.dir)?;
    let (settings, key) = (dir.join("tidings.toml"), dir.join("publish.key"));
    let (settings_word, key_word) = (word(&settings)?, word(&key)?);
    for path in [&settings, &key] {
        // Also a link that leads nowhere.
        if path.symlink_metadata().is_ok() {
            let is_settings = path == &settings && path.is_file();
            return Err(is_there(path, is_settings.then_some(&settings_word)));
        }
    }
    let text = settings_text()?;
    create(&key, 0o600, &draw()?)?;
    // Without the settings the key is of no use, and would be in the way of the next attempt.
    create(&settings, 0o600, &text).inspect_err(|_| drop(fs::remove_file(&key)))?;
    Ok(format!(
        "settings  {}, which only you can read
key       {}, which only you can read

  start     tidings serve --config {settings_word}
  publish   tidings pub --publish-key-file {key_word} http://127.0.0.1:8080/events/hello 'good news'
",
        settings.display(),
        key.display(),
    ))
}

/// The directory, made if it is not there.
fn made(dir: &Path) -> Result<PathBuf, Failure> {
    let made = fs::create_dir_all(dir).and_then(|()| dir.canonicalize());
    made.map_err(|error| {
        let message = format!("cannot make the directory {}: {error}", visible(&dir.to_string_lossy()));
        Failure::new(Exit::Failed, message)
            .hint("name a directory that you can write to, as in: tidings init hub")
    })
}

/// A path as a word of a shell, and as the configuration takes it.
fn word(path: &Path) -> Result<String, Failure> {
    shell::word(path).ok_or_else(|| {
        let shown = visible(&path.to_string_lossy());
        Failure::usage(format!("the path {shown} has characters that no setting can have"))
            .hint("name a directory without control characters, and in UTF-8")
    })
}

/// Writes a new file that its mode protects from the first byte on. One that cannot be written to its end is removed.
fn create(path: &Path, mode: u32, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = file.map_err(|error| cannot_write(path, &error))?;
    // Some file systems tell only now that there is no space.
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // The first error is the one to tell.
        let _ = fs::remove_file(path);
        cannot_write(path, &error)
    })
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()));
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            failure.hint("name a directory that you can write to, as in: tidings init hub")
        }
        _ => failure,
    }
}

/// Somebody has made a configuration here before, or has put something else in its place.
fn is_there(path: &Path, settings: Option<&String>) -> Failure {
    let message = format!("{} is there already, and `tidings init` overwrites nothing", path.display());
    Failure::new(Exit::Failed, message).hint(match settings {
        Some(settings) => format!(
            "start a hub with it by `tidings serve --config {settings}`, or name another directory, as in: tidings init hub"
        ),
        None => "name another directory, as in: tidings init hub".to_owned(),
    })
}
