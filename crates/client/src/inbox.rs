//! Questions about the inbox of a user at a hub, and what is told to users.
//!
//! A question can be asked again: reading and marking twice come to the same, and a notification has a key by which the hub knows it.

use bytes::Bytes;
use http::Method;

/// A question about inboxes, for [`Publisher::ask_inbox`](crate::Publisher::ask_inbox). The documentation of the hub has all of them, and their
/// answers.
///
/// ```no_run
/// use tidings_client::{InboxQuestion, Publisher};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let publisher = Publisher::builder("http://127.0.0.1:8080")?.build();
/// let notify = InboxQuestion::post(["alice"], r#"{"title": "Your order has left"}"#);
///
/// println!("{}", publisher.ask_inbox(&notify).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct InboxQuestion {
    pub(crate) method: Method,
    /// What stands below `/inbox`, as it is.
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    /// JSON.
    pub(crate) body: Bytes,
    pub(crate) key: Option<String>,
}

impl InboxQuestion {
    /// Asks for what stands at a path below `/inbox`, such as `["alice", "count"]`. Segments are encoded by this.
    pub fn get<S: Into<String>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::GET, segments, Bytes::new())
    }

    /// Sends a document of JSON there, with a key of its own.
    pub fn post<S: Into<String>>(segments: impl IntoIterator<Item = S>, body: impl Into<String>) -> Self {
        Self::new(Method::POST, segments, body.into().into())
    }

    /// Adds a parameter.
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// By this key the hub knows the notification if it comes again, also from another program.
    pub fn idempotency_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    fn new<S: Into<String>>(method: Method, segments: impl IntoIterator<Item = S>, body: Bytes) -> Self {
        let segments = segments.into_iter().map(Into::into).collect();
        Self { method, segments, query: Vec::new(), body, key: None }
    }
}
