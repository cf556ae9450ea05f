//! `tidings store`: what is in a data directory, whether it is whole, and how it is copied and mended.
//!
//! | file | noun |
//! |---|---|
//! | `failure` | what is said when a directory cannot be used |
//! | `progress` | the bar on a terminal |
//! | `shown` | times, sizes and ranges as people read them |
//! | `info` | `tidings store info` |
//! | `verify` | `tidings store verify` |

mod failure;
mod info;
mod progress;
mod shown;
mod verify;

use clap::Subcommand;

use crate::cli::{STORE_INFO, STORE_VERIFY};
use crate::terminal::failure::Failure;

/// What to do with a data directory.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreTask {
    /// Say what is in a data directory
    #[command(long_about = STORE_INFO.0, after_long_help = STORE_INFO.1)]
    Info(info::InfoArgs),
    /// Read all of a data directory and say what is not as it was written
    #[command(long_about = STORE_VERIFY.0, after_long_help = STORE_VERIFY.1)]
    Verify(verify::VerifyArgs),
}

/// Does what was asked for.
pub(crate) fn run(task: &StoreTask) -> Result<(), Failure> {
    match task {
        StoreTask::Info(args) => info::run(args),
        StoreTask::Verify(args) => verify::run(args),
    }
}
