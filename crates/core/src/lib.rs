//! The hub without its surroundings: no HTTP, no socket, no file, no environment, no wall clock.
//!
//! In the order of the walk:
//!
//! | stop | module | does |
//! |---|---|---|
//! | 2 | [`draft`] | the only door: validates an event |
//! | 3 | [`hub`] | admission: bytes in flight are bounded |
//! | 4 | [`store`] | place and durability in one act |
//! | 5 | `feed` | the store's tail to frames, encoded once, in order |
//! | 6 | [`ring`], `window` | the newest frames, by selector; a push never waits for a reader |
//! | 7 | [`view`], [`subscription`] | a cursor over rings and store: backlog, live, lagged, backlog |
//!
//! Beside the walk: [`subscribe`] says how a subscription begins, [`gap`] what it is told when events are gone,
//! [`memory`] is a store without a disk, [`tail`] what stores of one process share, `contract` what every store
//! must do.

pub mod cursor;
pub mod draft;
pub mod event;
mod feed;
pub mod frame;
pub mod gap;
pub mod hub;
pub mod limits;
pub mod memory;
pub mod ring;
pub mod selector;
mod shared;
pub mod store;
pub mod subscribe;
pub mod subscription;
pub mod tail;
pub mod topic;
pub mod view;
mod window;

#[cfg(feature = "contract")]
pub mod contract;

pub use cursor::{Cursor, Epoch, Sequence};
pub use draft::{Draft, DraftError, DraftFields, DraftParts, IdempotencyKey};
pub use event::{Clock, Event, UnixMillis};
pub use frame::{Form, Frame};
pub use gap::{Gap, Lost, OnGap};
pub use hub::{Hub, PublishError, Published};
pub use limits::Limits;
pub use memory::MemoryStore;
pub use selector::{Pattern, Selector, Selectors};
pub use shared::Counted;
pub use store::{Bounds, Page, Placement, Query, Reading, Start, Store, StoreError, Tail, TailError};
pub use subscribe::{Opened, Position, Request};
pub use subscription::{Delivery, Subscription};
pub use topic::{Topic, TopicError};
pub use view::{Reach, View};
