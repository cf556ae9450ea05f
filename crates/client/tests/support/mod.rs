//! What the tests of this crate share: a server that does as a script says.
#![allow(dead_code, reason = "each test file is a crate and uses its share")]

pub(crate) mod request;
pub(crate) mod server;

use std::time::Duration;

/// What a test waits for comes soon, or the test fails: it does not hang. Long enough for a busy machine.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("it did not happen")
}
