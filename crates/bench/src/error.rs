//! Why a benchmark has no report, or one that says that something went wrong.

use std::io;

/// Why a benchmark did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The options contradict each other, or a number is out of its range. Nothing was begun.
    #[error("{message}")]
    Options {
        /// What is wrong with them.
        message: String,
        /// What to write instead.
        hint: Option<&'static str>,
    },
    /// The server or the system failed while the benchmark ran.
    #[error("the benchmark ended early: {0}")]
    EndedEarly(#[source] io::Error),
    /// Events were lost, repeated or out of order. The report says how many.
    #[error("not every event came once and in order")]
    WrongDelivery {
        /// The report, for standard output.
        report: String,
    },
}

impl BenchError {
    pub(crate) fn options(message: impl Into<String>) -> Self {
        Self::Options { message: message.into(), hint: None }
    }
}
