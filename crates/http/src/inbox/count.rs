//! The count as an event stream that ends at once: a plain `EventSource` polls by coming back, and needs no script for that.

use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};
use tidings_inbox::{Inbox, User};
use tidings_sse::Retry;
use tidings_sse::encode::Event as Block;

use super::problem::not_done;
use crate::answer::body::Body;
use crate::answer::document::milliseconds;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::limits::{COUNT_RETRY_DEFAULT, COUNT_RETRY_MAX, COUNT_RETRY_MIN};
use crate::request::position::age;
use crate::request::query::Query;

/// The parameters of a count that is polled.
pub(super) const KNOWN: &[&str] = &["retry"];

/// The delay after which the client is to come back: `retry`, in milliseconds, or in a unit of time.
pub(super) fn pace(query: &Query<'_>) -> Result<Duration, Problem> {
    let Some(text) = query.one("retry")? else { return Ok(COUNT_RETRY_DEFAULT) };
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let pace = match is_number {
        true => text.parse().ok().map(Duration::from_millis),
        false => age(text),
    };
    pace.filter(|pace| (COUNT_RETRY_MIN..=COUNT_RETRY_MAX).contains(pace)).ok_or_else(|| {
        let detail = "`retry` is the time between two polls, from 1s to 1d: a number of milliseconds, or a time such as 10s or 5m";
        Problem::new(ProblemType::BadRetry, detail)
    })
}

/// Answers with the count. A hub that cannot read it tells the client to come back: any other status than 200 would make a browser's
/// `EventSource` give up for good.
pub(super) async fn poll(front: &Front, inbox: &Inbox, user: &User, pace: Duration) -> Response<Body> {
    let retry = Retry::from_ms(milliseconds(pace));
    let bytes = match inbox.unread(user).await {
        Ok(unread) => {
            // A number: nothing in it is a text of somebody's.
            let data = format!("{{\"count\": {}}}", unread.count);
            Block::new().retry(retry).data(&data).to_vec()
        }
        Err(error) => {
            front.metrics().refused(not_done(error).problem_type());
            Block::new().retry(retry).to_vec()
        }
    };
    let mut response = Response::new(Body::full(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, no-transform"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paced(query: &str) -> Option<u64> {
        let query = Query::parse(query, &[KNOWN]).unwrap();
        pace(&query).ok().map(milliseconds)
    }

    #[test]
    fn the_pace_is_a_number_of_milliseconds_or_a_time_within_bounds() {
        for (query, ms) in [
            ("", Some(10_000)),
            ("retry=1000", Some(1_000)),
            ("retry=2500", Some(2_500)),
            ("retry=30s", Some(30_000)),
            ("retry=5m", Some(300_000)),
            ("retry=1d", Some(86_400_000)),
            ("retry=86400000", Some(86_400_000)),
            ("retry=86400001", None),
            ("retry=25h", None),
            ("retry=999", None),
            ("retry=0", None),
            ("retry=0s", None),
            ("retry=", None),
            ("retry=-1", None),
            ("retry=1.5s", None),
            ("retry=99999999999999999999", None),
            ("retry=10000%0Adata:x", None),
        ] {
            assert_eq!(paced(query), ms, "{query}");
        }
    }
}
