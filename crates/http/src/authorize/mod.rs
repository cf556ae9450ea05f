//! The decision about a request that has been read: who sends it, and whether that covers what it asks for.
//!
//! | file | noun |
//! |---|---|
//! | `identity` | who sends a request, by what it shows |
//! | `asked` | what a program that decides in the place of the settings is asked, and what it answers |
//! | `decide` | the decision: identify, ask, check, let in |
//!
//! The gate in [`access`](crate::access) has looked at host and page before. What is decided here is decided by what the hub has
//! read of the request, which is what its handler gets: nobody reads a parameter twice.

mod asked;
mod decide;
mod identity;

pub use asked::{Asked, AskedAction, Authorizer, Denied};
pub(crate) use decide::all_inboxes;
pub(crate) use identity::ParsedRequest;
