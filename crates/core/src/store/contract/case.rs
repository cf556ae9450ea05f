//! One case of the contract, and how it is run: on a runtime and a thread of its own, under a deadline.

use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::Builder;
use std::time::Duration;

use crate::contract::fixture::Fixture;
use crate::contract::watched::{Calls, Watched};

/// How long a case may take when it is run by [`Case::test`]. Real time, because a store may have threads and a disk.
/// The slowest case makes a thousand appends, which takes a slow disk some ten seconds.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Threads of the runtime of a case. More than one, so that appends really happen at once.
const THREADS: usize = 4;

type Run = for<'a> fn(&'a dyn Fixture) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// One thing that every store must do.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    run: Run,
}

/// How a store failed a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The case panicked, with this message.
    Panicked(String),
    /// The case did not end within the deadline.
    Hung {
        /// The calls to the store that had not returned then, oldest first.
        calls: Vec<&'static str>,
    },
}

/// All cases of the contract.
pub fn cases() -> Vec<Case> {
    crate::contract_tests! { @each list () }
}

impl Case {
    #[doc(hidden)]
    pub fn new(name: &'static str, run: Run) -> Self {
        Self { name, run }
    }

    /// The case of this name.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn named(name: &str) -> Self {
        let case = cases().into_iter().find(|case| case.name == name);
        case.unwrap_or_else(|| panic!("the contract has no case `{name}`"))
    }

    /// What the store must do, as a sentence in snake case.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case on the store of a fixture.
    ///
    /// # Errors
    ///
    /// When the store fails the case. A store that hung keeps its thread, until the process ends.
    pub fn check(&self, fixture: Arc<dyn Fixture>, deadline: Duration) -> Result<(), Failure> {
        let calls = Arc::new(Calls::default());
        let (run, watched) = (self.run, Watched::new(fixture, calls.clone()));
        let (ended, end) = channel::<()>();
        let body = move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_time().build();
            runtime.expect("the system has threads for a runtime").block_on(run(&watched));
            // Dropped at the end of the thread, whether the case panicked or not.
            drop(ended);
        };
        // A thread of its own, because a store may also hang without ever giving its thread back to the runtime.
        let thread = Builder::new().name(self.name.to_owned()).spawn(body).expect("the system has a thread");
        match end.recv_timeout(deadline) {
            Err(RecvTimeoutError::Timeout) => Err(Failure::Hung { calls: calls.pending() }),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                thread.join().map_err(|panic| match panic.downcast::<String>() {
                    Ok(message) => Failure::Panicked(*message),
                    Err(panic) => match panic.downcast::<&str>() {
                        Ok(message) => Failure::Panicked((*message).to_owned()),
                        Err(panic) => resume_unwind(panic),
                    },
                })
            }
        }
    }

    /// Runs the case as a test.
    ///
    /// # Panics
    ///
    /// When the store fails the case, or does not end it within [`DEADLINE`].
    pub fn test(&self, fixture: Arc<dyn Fixture>) {
        if let Err(failure) = self.check(fixture, DEADLINE) {
            panic!("the store fails the case `{}`: {failure}", self.name);
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(message) => f.write_str(message),
            Self::Hung { calls } if calls.is_empty() => {
                f.write_str("it did not end in time, and waits for no call to the store")
            }
            Self::Hung { calls } => {
                write!(f, "it did not end in time, and waits for the store's {}", calls.join(", "))
            }
        }
    }
}
