//! Standard output, and whether a person sees colours there.

use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};

use super::failure::{Exit, Failure};
use super::guard;
use super::talk::tell;
use crate::environment::Environment;

/// Writes data to stdout. A reader that has gone away, as `head` does, is no failure.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    say_as(text, guard::words)
}

/// The same of lines of JSON.
pub(crate) fn say_json(text: &str) -> Result<(), Failure> {
    say_as(text, guard::json)
}

fn say_as(text: &str, guard: fn(&str) -> Cow<'_, str>) -> Result<(), Failure> {
    let mut stdout = stdout();
    let text = if stdout.is_terminal() { guard(text) } else { Cow::Borrowed(text) };
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// Says what was done. That nobody can be told does not undo it, so a full disk is told on stderr and is no failure: a script that
/// took it for one would do it again.
pub(crate) fn report(done: &str, text: &str) {
    if let Err(failure) = say(text) {
        tell(&format!("warning: {done}, but {}", failure.message()));
    }
}

/// What a write to stdout means for the command.
pub(crate) fn written(result: std::io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, format!("cannot write to stdout: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether a person sees colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Color {
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
}

impl Color {
    /// Colours are for people at a terminal who did not ask for none: <https://no-color.org>.
    pub(crate) fn wanted(environment: &Environment) -> Self {
        let wanted = environment.get("NO_COLOR").is_none_or(String::is_empty);
        Self { stdout: wanted && stdout().is_terminal(), stderr: wanted && stderr().is_terminal() }
    }
}
