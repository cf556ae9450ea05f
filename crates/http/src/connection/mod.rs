//! Connections of our own server, from a listener to the last byte.
//!
//! | file | noun |
//! |---|---|
//! | `serve` | a listener: accepts, counts, drains |
//! | `accept_trouble` | what is said when none can be accepted |
//! | `places`, `visit` | how many connections there may be, and what each is doing |
//! | `standing` | where each is: in the lobby until its first request, then at a place |
//! | `lookout` | which of them give their places up for those that wait |
//! | `socket` | what the socket of an accepted connection is told |
//! | `connection` | one connection: TLS if there is any, then `http1` or `http2`, then a lane |
//! | `parked_hold` | what a parked connection holds |
//! | `sockets` | WebSockets between a lane and a task |
//! | `carry`, `sealed` | a stream over TLS and HTTP/1, and the writing half of TLS that it needs |
//! | `impatient` | a connection that ends when its peer takes no bytes |
//! | `refusal` | the one answer that a connection gets for which there is no place |
//! | `phase` | the phases of a connection with their bounds, and the clock of those that wait for a request |
//! | `plain_http` | what a client is told that speaks plain HTTP to a port that speaks HTTPS |
//! | `seen` | a socket under hyper, and what is seen of it |
//! | `left_out`, `plain_head` | what hyper leaves out of a head that it takes, and how much of a head has come |
//! | `head_share` | what a large head holds of the room that all have together |
//! | `bad_head`, `head_fault` | what a client is told whose request cannot be read, and what is wrong with it |
//! | `written` | an answer that is written without hyper |
//! | `request_body` | a request's body, which knows whether it was read |
//! | `linger` | the phase after the last answer, in which its peer may read it |

mod accept_trouble;
pub(crate) mod bad_head;
pub(crate) mod carry;
#[allow(clippy::module_inception)]
pub(crate) mod connection;
pub(crate) mod head_fault;
pub(crate) mod head_share;
pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod impatient;
pub(crate) mod interruption;
pub(crate) mod left_out;
pub(crate) mod linger;
pub(crate) mod lookout;
pub(crate) mod parked_hold;
pub(crate) mod phase;
pub(crate) mod places;
mod plain_head;
pub(crate) mod plain_http;
pub(crate) mod refusal;
pub(crate) mod request_body;
pub(crate) mod sealed;
pub(crate) mod seen;
pub(crate) mod serve;
pub(crate) mod socket;
pub(crate) mod sockets;
pub(crate) mod standing;
pub(crate) mod visit;
pub(crate) mod written;

#[cfg(test)]
mod head_tests;
#[cfg(test)]
mod idle_tests;
#[cfg(test)]
mod lobby_tests;
#[cfg(test)]
mod phase_tests;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod slow_tests;
#[cfg(test)]
mod unread_tests;
#[cfg(test)]
mod waiting_tests;
