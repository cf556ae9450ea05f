//! What the tests of this crate share: a server that does as a script says.
#![allow(dead_code, reason = "each test file is a crate and uses its share")]

pub(crate) mod request;
pub(crate) mod server;
