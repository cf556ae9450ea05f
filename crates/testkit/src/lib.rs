//! What the tests of several crates share. A dev-dependency only; nothing that users run contains it.
//!
//! | module | has |
//! |---|---|
//! | [`deadline`] | waits that end: with what was waited for, or with a sentence that names it |

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets what cannot happen has failed")]

pub mod deadline;
