//! Stop 4 of the walk: the store, which keeps the log.

#[cfg(feature = "contract")]
pub mod contract;
mod hold;
pub mod memory;
pub mod read_desk;
#[allow(clippy::module_inception)]
mod store;
pub mod tail;

pub use hold::RetentionHold;
pub use memory::MemoryStore;
pub use store::{
    Bounds, Page, Placement, Query, Reading, Start, Store, StoreError, Tail, TailError, Tailed, Turn,
};
