//! What the process says when it cannot do what it was asked: one line, a hint, and an exit code that scripts can
//! tell apart.

use std::fmt;
use std::process::ExitCode;

/// Why the process ended. Documented in `tidings --help`; a number never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something failed while it ran: the log of the process says what.
    Failed = 1,
    /// The command line, the environment or the configuration file is wrong.
    Usage = 2,
    /// It could not listen on the address.
    Address = 3,
    /// Another process uses the data directory.
    InUse = 4,
    /// The data directory cannot be used, or does not hold what was written.
    Data = 5,
    /// The drain deadline passed: what was acknowledged is kept, but some connections were cut.
    Deadline = 6,
    /// The system refused something of the data directory at the start. It may not do so the next time.
    System = 7,
}

/// A failure in the words of the person who reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
    /// Somebody has been told already, in another form.
    is_told: bool,
}

impl Failure {
    /// A failure; `message` is a lowercase fragment without a full stop.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, is_told: false }
    }

    /// The command line, the environment or the configuration file is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure, of which the reader has been told already.
    pub(crate) fn told(mut self) -> Self {
        self.is_told = true;
        self
    }

    /// Whether there is anything left to say.
    pub(crate) fn is_told(&self) -> bool {
        self.is_told
    }

    /// What failed, without a hint.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether the command line or its surroundings are to blame, and nothing was begun.
    pub(crate) fn is_usage(&self) -> bool {
        self.exit == Exit::Usage
    }

    /// The exit code of the process.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}
