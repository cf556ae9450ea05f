//! Stop 8 of the walk: lanes, the threads that own parked connections and write to them.
//!
//! A plain HTTP/1 subscriber leaves hyper once its head is answered, and is parked here. What remains of it is a
//! socket, a place, and a seat in a group of members that asked for the same. A publish wakes each lane once, and the
//! lane writes the same bytes to every member of a group. A socket that would block keeps its place only, and is
//! written when it drains. A client that has a way back, which is that of a WebSocket, is silent while it is parked: when it says
//! something, its connection goes to a task, and comes back. What is due when is decided by the [machine](crate::stream::machine) of each member.
//!
//! | file | noun |
//! |---|---|
//! | `lanes` | all lanes of a hub: where connections are parked |
//! | `parked` | a connection that is handed to a lane |
//! | `unparked` | a connection that leaves a lane for a task |
//! | `parking` | how a connection leaves hyper |
//! | `post` | what reaches a lane from other threads, and its bell |
//! | `lane` | one thread: its loop |
//! | `ticker` | its clock, and which members are looked at when |
//! | `members` | all members of a lane |
//! | `members/delivery` | what a follower was given, on its way to their sockets |
//! | `members/catch_up` | members with a place of their own, on their way back to their group |
//! | `members/pages` | pages of the store, for those that the rings have left behind |
//! | `members/opening` | members that have heard nothing, and are told their place |
//! | `members/endings` | how members leave |
//! | `members/way_back` | members whose clients have said something, on their way to a task |
//! | `members/presence` | who reads a topic, told to those who ask |
//! | `members/roll_call` | what the roster asks about them |
//! | `group` | members that asked for the same |
//! | `member` | one parked connection |
//! | `owed` | what a blocked member is owed |
//! | `batch` | frames as bytes on the wire, with the places where they may be cut |
//! | `text` | the bytes of an event in a batch, plain or compressed |
//! | `spared` | the connections that get no echo of an event |
//! | `sums` | the checksums of members whose streams are compressed |
//! | `logged` | what the access log is told of members |
//! | `tally` | what a lane has counted and not told yet |
//! | `ids` | the numbers of members and groups |
//! | `page` | a page of the store on its way to a lane |
//! | `page_reader` | reads the store for members that the rings have left behind |

mod batch;
mod group;
mod ids;
#[allow(clippy::module_inception)]
mod lane;
mod lanes;
mod logged;
mod member;
mod members;
mod owed;
mod page;
mod page_reader;
mod parked;
pub(crate) mod parking;
mod post;
mod spared;
mod sums;
mod tally;
mod text;
mod ticker;
mod unparked;

pub use batch::Framing;
pub(crate) use batch::{CHUNK_END, LAST_CHUNK, chunk_head};
pub(crate) use lanes::LanesShare;
pub use lanes::{LaneConfig, Lanes};
pub(crate) use owed::Unwritten;
pub(crate) use page_reader::PagePermits;
pub use parked::{Held, HeldFor, Parked};
pub(crate) use unparked::Left;
pub use unparked::Unparked;
