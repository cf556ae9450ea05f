//! The hub over HTTP.
//!
//! In the order of the walk:
//!
//! | stop | module | does |
//! |---|---|---|
//! | | `serve`, `connection` | a listener, a connection; hyper reads the requests |
//! | | `front` | one request: `guard`, route, `cors` |
//! | 1 | `publish`, `publish_stream` | authorise, read at most `event_bytes_max`, draft |
//! | | `subscribe` | a request for a place becomes a subscription; `negotiate` says for whom |
//! | 8 | [`lane`], `stream` | frames to sockets: parked, or carried by a server |
//!
//! Beside the walk: `history` is the log as JSON, `pages` the files for people, `block` the blocks of a stream that
//! are no event, `problem` every refusal, `drain` the end in good order, `health` what machines ask.

mod authorise;
mod block;
mod body;
mod config;
mod connection;
mod cors;
mod drain;
mod front;
mod guard;
mod health;
mod history;
mod json;
pub mod lane;
mod negotiate;
mod pages;
mod path;
mod problem;
mod publish;
mod publish_stream;
mod query;
mod refusal;
mod serve;
mod stream;
mod subscribe;
mod text;

pub use body::Body;
pub use config::{Cors, Hosts, HttpConfig};
pub use front::Front;
pub use pages::{Asset, Pages};
pub use serve::{Verdict, serve};
