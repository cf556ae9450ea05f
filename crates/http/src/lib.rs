//! The hub over HTTP.
//!
//! In the order of the walk:
//!
//! | stop | module | does |
//! |---|---|---|
//! | | `serve`, `socket`, `connection` | a listener, what a socket is told, a connection behind `tls` or in the clear |
//! | | `http1`, `http2` | hyper reads the requests |
//! | | `front` | one request: `guard`, route, `cors` |
//! | 1 | `publish`, `publish_stream` | authorise, read at most `event_bytes_max`, draft |
//! | | `subscribe` | a request for a place becomes a subscription; `negotiate` says for whom |
//! | 8 | [`lane`], `stream` | frames to sockets: parked, or as a stream of bytes |
//! | | `carry`, `sealed` | such a stream over TLS |
//!
//! Beside the walk: `history` is the log as JSON, `pages` the files for people, `block` the blocks of a stream that
//! are no event, `problem` every refusal, `drain` the end in good order, `health` what machines ask, `machine` the
//! date and randomness.
//!
//! # In a server of your own
//!
//! A program that embeds the hub needs this crate alone; the core comes along as [`core`]. A [`Front`] answers the
//! requests of hyper, is a [router](Front::router) for axum, and what it answers is an [`http_body::Body`] for any
//! other server.
//!
//! ```
//! use std::sync::Arc;
//!
//! use tidings_http::core::memory::MemoryRetention;
//! use tidings_http::core::{Draft, DraftFields, Hub, Limits, MemoryStore, Topic};
//! use tidings_http::{Front, HttpConfig, Pages, SystemClock, random_epoch};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Arc::new(SystemClock);
//! let store = MemoryStore::new(random_epoch()?, clock.clone(), MemoryRetention::default());
//! let hub = Hub::start(Arc::new(store), Limits::default()).await?;
//! let front = Front::new(hub.clone(), HttpConfig::default(), Pages::default(), clock);
//! let app = axum::Router::new().nest("/hub", front.router());
//!
//! let topic = Topic::parse("news")?;
//! let published = hub.publish(Draft::new(topic, "hello".into(), DraftFields::default(), hub.limits())?).await?;
//! # let response = tower::ServiceExt::oneshot(
//! #     app,
//! #     http::Request::get("/hub/events/news?last=1").body(axum::body::Body::empty())?,
//! # );
//! # assert_eq!(response.await?.status(), 200);
//! assert!(published.id.ends_with("-1"));
//!
//! // When the program is asked to end: send subscribers away, stop the server, close the store.
//! front.begin_drain();
//! hub.close().await?;
//! # Ok(())
//! # }
//! ```

mod authorise;
mod block;
mod body;
mod carry;
mod config;
mod connection;
mod cors;
mod drain;
mod front;
mod guard;
mod health;
mod history;
mod http1;
mod http2;
mod impatient;
mod json;
pub mod lane;
mod linger;
mod machine;
mod negotiate;
mod pages;
mod path;
mod problem;
mod publish;
mod publish_stream;
mod query;
mod refusal;
mod sealed;
mod serve;
mod socket;
mod stream;
mod subscribe;
mod text;
mod tls;

pub use body::Body;
pub use config::{Cors, Hosts, HttpConfig};
pub use front::Front;
pub use machine::{SystemClock, random_epoch};
pub use pages::{Asset, Pages};
pub use serve::{Verdict, serve};
/// The hub itself, for those who embed it.
#[doc(no_inline)]
pub use tidings_core as core;
pub use tls::{Tls, TlsError};
