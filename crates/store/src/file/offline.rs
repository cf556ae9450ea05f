//! Tools for a data directory: what is in it, whether it is whole, and how to copy and mend it.
//!
//! None of them needs a hub. Those that only read take no lock, change nothing, and may look at the directory of a hub that runs: the log
//! grows at its end and leaves at its beginning meanwhile, and nothing else of it changes.
//!
//! | module | noun |
//! |---|---|
//! | `directory` | a directory that is only read |
//! | `key` | the key of the log, from `META` or from a segment |
//! | `examine` | a segment, read record by record |
//! | `finding` | what is wrong, and where |
//! | `info` | what is there |
//! | `verify` | whether all of it is as it was written |
//! | `dump`, `load` | all that a log says, and a log of what is said |
//! | `backup` | a copy of a log, from which a hub can start |
//! | `repair`, `aside` | what can be mended, and where the damaged files go |
//! | `check_index` | an index, compared with its segment |
//! | `lost_epoch` | an epoch whose record is damaged |
//! | `segment_writer` | a segment that is written from its beginning to its end |

mod aside;
mod backup;
mod check_index;
mod directory;
mod dump;
mod examine;
mod finding;
mod info;
mod key;
mod load;
mod lost_epoch;
mod repair;
mod segment_writer;
mod verify;

pub use self::backup::{Backup, BackupError, backup};
pub use self::dump::{DumpError, DumpItem, dump};
pub use self::finding::{Damage, Progress};
pub use self::info::{Info, Left, SegmentInfo, info};
pub use self::load::{LoadError, Loader, has_log};
pub use self::repair::{Repair, RepairError, RepairStep, repair};
pub use self::verify::{Verdict, verify};
