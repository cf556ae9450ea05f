//! What a person or a script at the terminal is told: data on standard output, talk on standard error, paths to paste, why a command failed,
//! and an error's causes on one line.

pub(crate) mod chain;
pub(crate) mod failure;
pub(crate) mod guard;
pub(crate) mod output;
pub(crate) mod shell;
pub(crate) mod talk;
