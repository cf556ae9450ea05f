//! `tidings bench`: prints what a benchmark found. The benchmarks are a crate of their own, `tidings-bench`.

use tidings_bench::{Bench, BenchError};

use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::say;

/// Runs a benchmark and prints its report.
pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot tell where this program is: {error}")))?;
    match tidings_bench::run(bench, &program) {
        Ok(report) => say(&report),
        Err(error) => {
            // The exit code tells whether every event came once and in order; the report tells which did not.
            if let BenchError::WrongDelivery { report } = &error {
                say(&format!("{report}\n"))?;
            }
            Err(failure(&error))
        }
    }
}

fn failure(error: &BenchError) -> Failure {
    let message = error.to_string();
    match error {
        BenchError::Options { hint: Some(hint), .. } => Failure::usage(message).hint(*hint),
        BenchError::Options { hint: None, .. } => Failure::usage(message),
        BenchError::EndedEarly(_) => Failure::new(Exit::Failed, message)
            .hint("is the server running, and may both processes open enough files? see `ulimit -n`"),
        _ => Failure::new(Exit::Failed, message),
    }
}
