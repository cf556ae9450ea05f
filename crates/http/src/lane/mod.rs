//! Stop 8 of the walk: lanes, the threads that own parked connections and write frames to them.
//!
//! A plain HTTP/1 subscriber leaves hyper once its head is answered, and is parked here. What remains of it is a
//! socket, a place, and a seat in a group of those who asked for the same. A publish wakes each lane once, and the
//! lane writes the same bytes to every member of a group. A socket that would block keeps its place only, and is
//! written when it drains.
//!
//! | file | noun |
//! |---|---|
//! | `lanes` | all lanes of a hub: where connections are parked |
//! | `post` | what reaches a lane from other threads, and its bell |
//! | `lane` | one thread: its loop, its members, its clock |
//! | `group` | members that asked for the same, and the batch they get |
//! | `parking` | how a connection leaves hyper |
//! | `member` | one parked connection |
//! | `batch` | frames as bytes on the wire, with the places where they may be cut |
//! | `deliver` | from the rings, or a page of the store, to members |
//! | `sweep` | heartbeats, write deadlines and the drain |
//! | `catch_up` | reads the store for those whom the rings have left behind |

mod batch;
mod catch_up;
mod deliver;
mod group;
#[allow(clippy::module_inception)]
mod lane;
mod lanes;
mod member;
pub(crate) mod parking;
mod post;
mod sweep;

pub(crate) use batch::chunk_head;
pub use lanes::{LaneConfig, Lanes, Parked};
pub use member::Framing;
