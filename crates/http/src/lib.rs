//! The hub over HTTP.
//!
//! In the order of the walk:
//!
//! | stop | module | does |
//! |---|---|---|
//! | | `connection` | a listener, its sockets, TLS; hyper reads the requests |
//! | | `handle`, `route`, `granted` | from a URL to a handler, past the decision of `access` and that of `authorize` |
//! | 1 | `events::publish`, `events::producer` | read at most `event_bytes_max`, draft |
//! | | `events::subscribe` | a request for a place becomes a subscription; `request::accept` says for whom |
//! | 8 | [`lane`], `stream` | frames to sockets: parked, or as a stream of bytes |
//!
//! Beside the walk: `front` is what all requests share, `request` the parts of a request, parsed, and `answer` what answers
//! are made of. `budget` lends the bytes that requests hold in memory, `unread` counts the large events that subscribers
//! keep, and `budgets` has all of a front's. `events::history` is the log as JSON, `console` the files for people,
//! `scripts` the browser client, `inbox` the inbox of each user, `operations` what machines ask, `metrics` what is counted. `clock` and `epoch` are the date and randomness, `config` the
//! settings, `limits` every bound that is no setting.
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
//! use tidings_http::core::{DraftFields, Hub, Limits, MemoryStore, Topic};
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
//! let published = hub.publish(hub.draft(topic, "hello".into(), DraftFields::default())?).await?;
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

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod access;
mod access_log;
mod admin;
mod aliases;
mod answer;
mod authorize;
mod budget;
mod budgets;
mod clock;
mod config;
mod connection;
mod console;
mod decided;
mod denials;
mod epoch;
mod events;
mod front;
mod granted;
mod handle;
mod inbox;
mod kind_log;
pub mod lane;
mod let_in;
mod limits;
mod metrics;
mod operations;
mod presence;
mod request;
mod route;
mod scripts;
mod shares;
pub mod stream;
mod tickets;
mod tls;
mod trouble;
mod unread;
mod websocket;

pub use access::host::{Host, HostError};
pub use access::origin::{Origin, OriginError};
pub use access::range::{AddressRange, AddressRangeError};
pub use access::settings::{AccessSettings, KeyRenewal};
pub use access_log::{AccessEntry, AccessLog, AccessRecord, AccessRecords};
pub use aliases::{AliasError, Aliases};
pub use answer::body::Body;
pub use answer::problem_type::PROBLEM_TYPES;
pub use authorize::{Asked, AskedAction, Authorizer, Denied};
pub use clock::SystemClock;
pub use config::{Cors, Hosts, HttpConfig, Publishers};
pub use connection::serve::{Verdict, serve};
pub use console::{Asset, Pages};
pub use epoch::random_epoch;
pub use front::Front;
pub use kind_log::KindLog;
/// What metrics are made of, for programs that [add their own](Front::add_metrics) or tell the hub's by themselves.
#[doc(no_inline)]
pub use prometheus_client;
pub use shares::{FairShares, ShareLimits};
/// The hub itself, for programs that embed it.
#[doc(no_inline)]
pub use tidings_access as grants;
pub use tidings_core as core;
/// The inbox, for programs that give a front one.
#[doc(no_inline)]
pub use tidings_inbox;
pub use tls::{Tls, TlsError};
pub use trouble::Trouble;
