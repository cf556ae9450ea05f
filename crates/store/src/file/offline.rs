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

mod directory;
mod examine;
mod finding;
mod info;
mod key;
mod verify;

pub use self::finding::{Damage, Progress};
pub use self::info::{Info, Left, SegmentInfo, info};
pub use self::verify::{Verdict, verify};
