//! One notice, and a batch of them as JSON.

use std::net::IpAddr;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use tidings_http::core::{ConnectionId, Selectors, UnixMillis, User};

/// What is told of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    /// Its place among all notices of this hub.
    pub(super) number: u64,
    /// The id that the stream had when it was told of first.
    pub(super) connection: ConnectionId,
    pub(super) user: Option<User>,
    pub(super) address: Option<IpAddr>,
    pub(super) selectors: Selectors,
    pub(super) time: UnixMillis,
    pub(super) happened: Happened,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    Connect,
    /// It reads something else from now on, or has a user now.
    Change,
    /// With the reason.
    Disconnect(&'static str),
}

/// What is sent at once, and sent again as it is until it is taken.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) body: Bytes,
    pub(super) notices: u64,
    /// How many it says were left out before it.
    pub(super) dropped: u64,
}

#[derive(Serialize)]
struct BatchDocument<'a> {
    hub: &'a str,
    notices: Vec<NoticeDocument<'a>>,
    dropped: u64,
}

#[derive(Serialize)]
struct NoticeDocument<'a> {
    id: String,
    event: &'static str,
    connection: String,
    user: Option<&'a str>,
    address: Option<IpAddr>,
    selectors: Vec<&'a str>,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Notice {
    /// About as many bytes as it takes, in memory and on its way.
    pub(super) fn bytes(&self) -> usize {
        bytes(self.user.as_ref(), &self.selectors)
    }

    fn document<'a>(&'a self, hub: &str) -> NoticeDocument<'a> {
        let (event, reason) = match self.happened {
            Happened::Connect => ("connect", None),
            Happened::Change => ("change", None),
            Happened::Disconnect(reason) => ("disconnect", Some(reason)),
        };
        let ms = i64::try_from(self.time.0).unwrap_or(i64::MAX);
        NoticeDocument {
            id: format!("{hub}-{}", self.number),
            event,
            connection: self.connection.to_string(),
            user: self.user.as_deref(),
            address: self.address.map(|address| address.to_canonical()),
            selectors: self.selectors.iter().map(|selector| selector.as_str()).collect(),
            time: format!("{:.3}", Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)),
            reason,
        }
    }
}

/// About as many bytes as a notice with these takes. The fixed part is that of its JSON without them.
pub(super) fn bytes(user: Option<&User>, selectors: &Selectors) -> usize {
    let selectors: usize = selectors.iter().map(|selector| selector.as_str().len() + 24).sum();
    256 + user.map_or(0, |user| user.len()) + selectors
}

impl Batch {
    /// `dropped` were left out before the first of them, since the batch before.
    pub(super) fn new(hub: &str, notices: &[Notice], dropped: u64) -> Self {
        let documents = notices.iter().map(|notice| notice.document(hub)).collect();
        let document = BatchDocument { hub, notices: documents, dropped };
        // Texts, numbers and lists of them always have a form in JSON.
        let body = serde_json::to_vec(&document).unwrap_or_default().into();
        Self { body, notices: notices.len() as u64, dropped }
    }
}
