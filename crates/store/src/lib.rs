//! Durable stores, one module and one additive feature each.
//!
//! | feature | module | keeps the log in |
//! |---|---|---|
//! | `file` (default) | [`mod@file`] | a directory of its own |

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

#[cfg(feature = "file")]
pub mod file;
#[cfg(feature = "file")]
mod limits;

#[cfg(feature = "file")]
pub use file::offline;
#[cfg(feature = "file")]
pub use file::{
    Condition, Durability, FileStore, FileStoreConfig, FreeMin, FreeSpace, OpenError, Retention, StoreMetrics,
};
