//! Hub over HTTP.
mod block;
pub mod lane;
