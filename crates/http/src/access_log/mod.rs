//! The access log: one line for each request, when its answer has ended. Off unless the program asks for it.
//!
//! What is counted belongs to an entry, which everything that carries the answer holds, whichever way it goes: hyper, a lane, a
//! task. The last one that lets go of it ends the entry, and hands its record to whoever writes the log. Nobody waits for that: a
//! record for which there is no room is left out and counted.
//!
//! | file | noun |
//! |---|---|
//! | `entry` | a request that is not over |
//! | `record` | a request that is over, as a line |
//! | `log` | where records go |

mod entry;
mod log;
mod record;

pub use entry::AccessEntry;
pub use log::{AccessLog, AccessRecords};
pub use record::AccessRecord;
