//! The roster: which subscribers there are, to be counted, listed in pages, and ended with a reason.
//!
//! It keeps no list of what others know already: it asks the carriers. A carrier holds the subscribers that it writes
//! to: a lane its parked connections, the roster itself the subscriptions of tasks.
//!
//! | file | noun |
//! |---|---|
//! | `roster` | who is subscribed to a hub |
//! | `connection_id` | a subscriber's name, known when it is counted |
//! | `attendance` | one in the number of subscribers |
//! | `session` | what let a subscriber in, and until when |
//! | `key_life` | whether what a key has let in may stay |
//! | `visitor` | who a subscriber is and how it came |
//! | `subscriber` | a subscriber in a list, and which ones are meant to end |
//! | `audience` | the users that receive the events of a topic |
//! | `carrier` | what writes to subscribers |
//! | `listener` | what is told of each session that comes and goes |
//! | `first_ids` | the ids of one page |
//! | `tasks` | the subscriptions of tasks |
//! | `task_bell` | wakes the task of a subscription |

mod attendance;
mod audience;
mod carrier;
mod connection_id;
mod first_ids;
mod key_life;
mod listener;
#[allow(clippy::module_inception)]
mod roster;
mod session;
mod subscriber;
mod task_bell;
mod tasks;
mod visitor;

pub use attendance::{Attendance, Attendances, TooManySelectors};
pub use audience::{Audience, AudiencePage};
pub use carrier::Carrier;
pub use connection_id::{ConnectionId, NotAConnectionId};
pub use first_ids::FirstIds;
pub use key_life::KeyLife;
pub use listener::{Attendee, AttendeeCopy, RosterListener};
pub use roster::{Roster, RosterPage};
pub use session::{Session, TokenId, User};
pub use subscriber::{Dismissal, Subscriber, Whom};
pub(crate) use task_bell::TaskBell;
pub use visitor::{Transport, Visitor};
