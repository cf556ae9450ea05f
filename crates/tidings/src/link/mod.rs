//! How the client commands `pub`, `sub`, `relay`, `inbox` and `doctor` reach a server, and what they say about the connection.
//!
//! | file | noun |
//! |---|---|
//! | `hub` | a hub to publish to, the certificates to trust, and what to try when publishing fails |
//! | `source` | an event source: the options that make one |
//! | `token` | the token that is sent: given, in a file, or by a command |
//! | `batch`, `together` | items that leave in one request; fewer of them, if it is too long |
//! | `talk`, `reason` | what is said about a connection; why there is none |
//! | `outage` | what is said of a hub that is away |
//! | `grace` | work that a signal ends, but not at once |
//! | `wait` | a wait before the next attempt |

mod batch;
mod grace;
mod hub;
mod outage;
mod reason;
mod source;
mod talk;
mod together;
mod token;
mod wait;

pub(crate) use batch::Batches;
pub(crate) use grace::{Finished, finish};
pub(crate) use hub::{Header, HubArgs, Trust, is_of_hub, unpublished, unusable, unusable_draft};
pub(crate) use outage::Outage;
pub(crate) use source::{SourceArgs, milliseconds};
pub(crate) use talk::Talk;
pub(crate) use together::{Together, is_of_whole_request};
pub(crate) use token::{SourceTokenArgs, Token, TokenArgs};
