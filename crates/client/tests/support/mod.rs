//! What the tests of this crate share: a server that does as a script says.
#![allow(dead_code, reason = "each test file is a crate and uses its share")]

pub(crate) mod server;

use tidings_testkit::deadline::within;

/// What a test waits for comes soon, or the test fails and names the line: it does not hang.
#[track_caller]
pub(crate) fn soon<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    within("what is to happen next", work)
}
