//! What the tests of several crates share. A dev-dependency only; nothing that users run contains it.
//!
//! | module | has |
//! |---|---|
//! | [`deadline`] | waits that end: with what was waited for, or with a sentence that names it |
//! | [`wire`] | a connection over HTTP/1.1 in a task, byte by byte |
//! | [`connection`] | the same on a thread that may block, event by event |
//! | [`http2`] | a connection over HTTP/2 |
//! | [`certificate`] | certificates of the test's own making, and a client that trusts them |
//! | [`request`] | a request as a server of the test's own reads it |
//! | [`hub`] | a hub in a process of its own |
//! | [`metrics`] | a strict reader of what `/metrics` answers |
//! | [`faulty`] | a store that fails or waits when it is told to |
//!
//! Answers have two readers, because tests ask two things. `wire` looks at bytes, and fails at the first that differs from
//! what was expected. `connection` takes framing and events apart and returns errors, because a test that kills the hub
//! expects its connections to fail; it blocks, because a hub that is killed is a process, and threads need no runtime.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets what cannot happen has failed")]

pub mod certificate;
pub mod connection;
pub mod deadline;
pub mod faulty;
pub mod http2;
pub mod hub;
pub mod metrics;
pub mod request;
pub mod wire;
