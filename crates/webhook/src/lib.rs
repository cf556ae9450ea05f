//! Asks a program of yours what a request to the hub may do, and tells it which streams have begun and ended.
//!
//! The hub asks when what a request shows does not cover what it asks for: one question for each request or stream, as JSON over
//! HTTP. The answer is a list of grants, which the hub checks as it checks all others. Everything else refuses.
//!
//! | file | what |
//! |---|---|
//! | `settings` | which URL is asked, and what it is told |
//! | `webhook` | the decision: whether to ask, and what the answer adds |
//! | `question` | what is sent |
//! | `desk` | who asks: equal questions once, not too many at once |
//! | `kept` | answers that are kept for their time |
//! | `answer` | what an answer gives, or what is wrong with it |
//! | `notices` | which streams have begun and ended, told in batches |
//! | `call` | one request and its answer |
//! | `fault` | why there is no answer that counts, for the log |
//! | `limits` | every bound |
//!
//! ```
//! use std::sync::Arc;
//!
//! use tidings_http::SystemClock;
//! use tidings_webhook::{Webhook, WebhookSettings, WebhookUrl};
//!
//! let url = WebhookUrl::parse("http://127.0.0.1:3000/tidings")?;
//! let webhook = Arc::new(Webhook::new(WebhookSettings::new(url), Arc::new(SystemClock))?);
//! // `front.with_authorizer(webhook)`
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod answer;
mod call;
mod desk;
mod fault;
mod kept;
pub mod limits;
mod notices;
mod question;
mod settings;
mod webhook;

pub use notices::Notices;
pub use settings::{NoticeSettings, WebhookSettings, WebhookUrl, WebhookUrlError};
pub use webhook::{NoRandomness, Webhook};
