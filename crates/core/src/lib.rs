//! The hub without its surroundings: no HTTP, no socket, no file, no environment, no wall clock.
//!
//! In the order of the walk:
//!
//! | stop | module | does |
//! |---|---|---|
//! | 2 | [`event`] | the only door: validates an event |
//! | 3 | [`hub`] | admission: bytes in flight are bounded |
//! | 4 | [`store`] | place and durability in one act |
//! | 5 | [`live`] | the store's tail to frames, encoded once, in order |
//! | 6 | [`live`] | the newest frames, by selector; a push never waits for a reader |
//! | 7 | [`read`] | a cursor over rings and store: backlog, live, lagged, backlog |
//!
//! Beside the walk: [`select`] says which events are asked for, [`metrics`] are what is counted, [`presence`] tells which users read a topic, [`memory`] is a store without a disk, [`tail`] and [`read_desk`] what
//! stores of one process share, `contract` what every store must do.

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

pub mod as_is;
pub mod event;
pub mod hub;
pub mod limits;
pub mod live;
pub mod metrics;
pub mod presence;
pub mod read;
pub mod roster;
pub mod select;
pub mod store;

pub use as_is::AsIs;
pub use live::ring;
#[cfg(feature = "contract")]
pub use store::contract;
pub use store::{memory, read_desk, tail};

pub use event::{
    BATCH_DIGEST_BYTES, BatchPart, BatchProgress, Clock, Cursor, Draft, DraftError, DraftFields, DraftParts,
    Epoch, EpochStatus, Event, IdempotencyKey, KeyFields, Line, Sequence, Topic, TopicError, UnixMillis,
    check_id,
};
pub use hub::{Hub, PublishError, Published};
pub use limits::Limits;
pub use live::{Encoding, Frame, InUse, Reach, View};
pub use metrics::HubMetrics;
pub use read::{
    Delivery, Follower, Gap, History, Located, Lost, Needs, OnGap, Opened, Partial, Position, Request, Step,
    SubscribeError, Subscription, Upcoming,
};
pub use roster::{
    Attendee, AttendeeCopy, Carrier, ConnectionId, Dismissal, KeyLife, Roster, RosterListener, Session,
    Subscriber, TokenId, Transport, User, Visitor, Whom,
};
pub use select::{Literals, Pattern, Selector, Selectors};
pub use store::{
    Bounds, MemoryStore, Page, Placement, Query, Reading, RetentionHold, Start, Store, StoreError, Tail,
    TailError, Tailed,
};
