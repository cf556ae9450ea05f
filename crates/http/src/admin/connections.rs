//! The connections of the hub, in pages.

use http::{Response, StatusCode};
use serde::Serialize;
use tidings_core::{ConnectionId, Subscriber, UnixMillis};

use crate::answer::body::Body;
use crate::answer::document::time;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::front::Front;
use crate::limits::ROSTER_PAGE_BYTES_MAX;

/// A page of connections as operators read it.
#[derive(Serialize)]
struct ConnectionsDocument {
    connections: Vec<ConnectionDocument>,
    more: bool,
}

#[derive(Serialize)]
struct ConnectionDocument {
    id: String,
    user: Option<String>,
    address: Option<String>,
    transport: &'static str,
    selectors: Vec<String>,
    since: String,
    lag: u64,
}

/// Answers with the connections after one of them.
pub(super) async fn connections(
    front: &Front,
    after: Option<ConnectionId>,
    limit: usize,
) -> Result<Response<Body>, Problem> {
    let page = front.hub().roster().list(after, limit).await;
    let (mut connections, mut bytes) = (Vec::new(), 0);
    for subscriber in &page.subscribers {
        let connection = ConnectionDocument::new(front, subscriber);
        bytes += connection.bytes();
        connections.push(connection);
        if bytes >= ROSTER_PAGE_BYTES_MAX {
            break;
        }
    }
    let more = page.more || connections.len() < page.subscribers.len();
    Ok(json::response(StatusCode::OK, &ConnectionsDocument { connections, more }))
}

impl ConnectionDocument {
    fn new(front: &Front, subscriber: &Subscriber) -> Self {
        let age = u64::try_from(subscriber.age.as_millis()).unwrap_or(u64::MAX);
        Self {
            id: subscriber.id.to_string(),
            user: subscriber.visitor.user().map(str::to_owned),
            address: subscriber.visitor.client_address().map(|address| address.to_canonical().to_string()),
            transport: subscriber.visitor.transport.as_str(),
            selectors: subscriber.selectors.iter().map(|selector| selector.as_str().to_owned()).collect(),
            since: time(UnixMillis(front.clock().now().0.saturating_sub(age))),
            lag: subscriber.lag(front.hub().bounds().head.sequence),
        }
    }

    /// About as many as it has in the answer.
    fn bytes(&self) -> usize {
        let selectors: usize = self.selectors.iter().map(|selector| selector.len() + 3).sum();
        size_of::<Self>() + selectors + self.user.as_ref().map_or(0, String::len)
    }
}
