//! Stops 5 and 6 of the walk: the newest events, in memory, for readers that follow the log live.

pub mod encoding;
pub(crate) mod feed;
pub mod frame;
pub(crate) mod frames;
pub(crate) mod moved;
pub(crate) mod news;
#[cfg(test)]
mod pattern_tests;
pub(crate) mod patterns;
mod push;
#[cfg(test)]
mod push_tests;
pub mod ring;
pub(crate) mod rings;
pub(crate) mod scan;
#[cfg(test)]
mod tests;
pub mod view;
pub(crate) mod watchers;
pub(crate) mod window;

pub use encoding::{Encoding, InUse};
pub use frame::Frame;
pub use view::{Reach, View};

/// Runs a future that waits for nothing but other tasks, of which a test has none.
#[cfg(test)]
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
    }
}
