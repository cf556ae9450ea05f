//! `tidings store`: what is in a data directory, whether it is whole, and how it is copied and mended.
//!
//! | file | noun |
//! |---|---|
//! | `failure` | what is said when a directory cannot be used |
//! | `progress` | the bar on a terminal |
//! | `shown` | times, sizes and ranges as people read them |
//! | `info` | `tidings store info` |
//! | `verify` | `tidings store verify` |
//! | `backup` | `tidings store backup` |
//! | `repair` | `tidings store repair` |
//! | `dump`, `load` | `tidings store dump` and `load` |
//! | `dump_format` | a dump as text |

mod backup;
mod dump;
mod dump_format;
mod failure;
mod info;
mod load;
mod progress;
mod repair;
mod shown;
mod verify;

use clap::Subcommand;

use crate::cli::{STORE_BACKUP, STORE_DUMP, STORE_INFO, STORE_LOAD, STORE_REPAIR, STORE_VERIFY};
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
    /// Copy a log into another directory, from which a hub can start
    #[command(long_about = STORE_BACKUP.0, after_long_help = STORE_BACKUP.1)]
    Backup(backup::BackupArgs),
    /// Say how a damaged log can be mended, and do it
    #[command(long_about = STORE_REPAIR.0, after_long_help = STORE_REPAIR.1)]
    Repair(repair::RepairArgs),
    /// Write a log as text
    #[command(long_about = STORE_DUMP.0, after_long_help = STORE_DUMP.1)]
    Dump(dump::DumpArgs),
    /// Make a log of a dump, or add the events of a dump to a log
    #[command(long_about = STORE_LOAD.0, after_long_help = STORE_LOAD.1)]
    Load(load::LoadArgs),
}

/// Does what was asked for.
pub(crate) fn run(task: &StoreTask) -> Result<(), Failure> {
    match task {
        StoreTask::Info(args) => info::run(args),
        StoreTask::Verify(args) => verify::run(args),
        StoreTask::Backup(args) => backup::run(args),
        StoreTask::Repair(args) => repair::run(args),
        StoreTask::Dump(args) => dump::run(args),
        StoreTask::Load(args) => load::run(args),
    }
}
