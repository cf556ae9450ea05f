//! Whether a subscriber finds a stream, and what one hears that finds none.

use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Response, Version};

use super::stream_head::head;
use super::subscribe_request::SubscribeRequest;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::shares::Limited;
use crate::stream::permits::StreamPermit;

/// What a stream holds of the room of the hub, for as long as it lasts. None where no limit is for it.
pub(crate) type Room = Option<StreamPermit>;

/// Why a subscriber finds no stream.
pub(crate) enum SentAway {
    /// The hub ends.
    Ending,
    /// Its user, key or address has as many as it may have.
    OverLimit(Limited),
    /// There are as many streams as there may be, or there is no place for its connection.
    NoPlace,
}

/// The room for a stream. Its share is looked at first: to find out that a crowd finds no stream, nobody is asked for a place.
pub(crate) async fn admit(front: &Front, request: &SubscribeRequest) -> Result<Room, SentAway> {
    if front.drain().is_ending() {
        return Err(SentAway::Ending);
    }
    let user = request.session.as_ref().and_then(|session| session.user.as_deref());
    let sender = front.shares().sender(user, request.credential.as_ref(), front.client());
    let share = front.shares().begin_stream(sender).map_err(SentAway::OverLimit)?;
    let Some(permits) = &request.permits else { return Ok(StreamPermit::with_share(None, share)) };
    let permit = permits.take().ok_or(SentAway::NoPlace)?;
    match &request.unplaced {
        Some(unplaced) if !unplaced.finds_place(front.drain()).await => Err(SentAway::NoPlace),
        _ => Ok(StreamPermit::with_share(Some(permit), share)),
    }
}

/// Answers a subscriber who is not let in: a refusal that may be over soon tells it when to come back, and any other one is its
/// answer. A request for the head alone comes from a program that wants to know the status.
pub(crate) fn refuse(
    front: &Front,
    request: &SubscribeRequest,
    problem: Problem,
) -> Result<Response<Body>, Problem> {
    match problem.problem_type() {
        why @ ProblemType::AccessUnavailable if !request.head_only => {
            later(front, request, why, problem.detail())
        }
        _ => Err(problem),
    }
}

/// Tells a subscriber for whom there is no stream when to come back. Any other status than 200 would make a browser's `EventSource`
/// give up for good.
pub(crate) fn send_away(
    front: &Front,
    request: &SubscribeRequest,
    why: SentAway,
) -> Result<Response<Body>, Problem> {
    match why {
        SentAway::Ending => later(front, request, ProblemType::Ending, "the hub is ending"),
        SentAway::NoPlace => {
            let detail = "there is no room for another stream";
            later(front, request, ProblemType::TooManyConnections, detail)
        }
        // It books no moment among those that find no place.
        SentAway::OverLimit(limited) => {
            tracing::debug!(detail = limited.detail(), "a stream is over a limit");
            let problem = Problem::new(ProblemType::TooManyStreams, limited.detail());
            farewell(front, request, problem, limited.wait + front.drain().delay(front.config().retry))
        }
    }
}

/// Sends away by a moment of its own among all that are sent away. `why` is the problem that everybody else is answered with.
pub(crate) fn later(
    front: &Front,
    request: &SubscribeRequest,
    why: ProblemType,
    detail: &str,
) -> Result<Response<Body>, Problem> {
    let (why, delay) = match front.drain().is_ending() {
        true => (ProblemType::Ending, front.drain().delay_beyond_notice(front.config().retry)),
        false => (why, front.next_return()),
    };
    farewell(front, request, Problem::new(why, detail), delay)
}

fn farewell(
    front: &Front,
    request: &SubscribeRequest,
    problem: Problem,
    delay: Duration,
) -> Result<Response<Body>, Problem> {
    let Some(farewell) = request.encoder.sent_away(&problem, delay) else {
        return Err(problem.with_retry_after(delay));
    };
    front.metrics().refused(problem.problem_type());
    let mut response = head(request);
    *response.body_mut() = Body::full([request.prelude(), farewell].concat());
    // It has no use for its connection until then, and others may have. HTTP/2 has no such header.
    if request.version <= Version::HTTP_11 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Request;
    use http_body_util::BodyExt;
    use tidings_core::contract::ManualClock;
    use tidings_core::memory::MemoryRetention;
    use tidings_core::{Epoch, Hub, Limits, MemoryStore};

    use super::*;
    use crate::config::HttpConfig;
    use crate::console::Pages;

    /// A hub whose only place is taken, for as long as the permit is held.
    async fn full_hub() -> (Front, StreamPermit) {
        let clock = ManualClock::at(0);
        let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
        let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
        let config = HttpConfig { connections_max: 1, ..HttpConfig::default() };
        let front = Front::new(hub, config, Pages::default(), clock);
        let permit = front.stream_permits().take().unwrap();
        (front, permit)
    }

    /// The `retry` with which a subscriber is sent away.
    async fn retry(front: &Front) -> u64 {
        let request = Request::get("/events/a").header("Host", "localhost");
        let request = request.extension(front.stream_permits().clone()).body(String::new()).unwrap();
        let text = front.handle(request).await.into_body().collect().await.unwrap().to_bytes();
        std::str::from_utf8(&text).unwrap().strip_prefix("retry: ").unwrap().trim_end().parse().unwrap()
    }

    /// All were told to come back within three to six seconds, however many they were.
    #[tokio::test(start_paused = true)]
    async fn the_more_subscribers_find_no_place_the_later_they_come_back() {
        let (front, _permit) = full_hub().await;

        let mut retries = Vec::new();
        for _ in 0..1_000 {
            retries.push(retry(&front).await);
        }

        assert!((3_000..=6_000).contains(&retries[0]), "{}", retries[0]);
        assert!(retries[999] >= 3_000 + 9_990, "{}", retries[999]);
    }

    /// It booked a moment each time, and the others were told the one after it.
    #[tokio::test(start_paused = true)]
    async fn a_subscriber_that_ignores_its_retry_does_not_move_that_of_others() {
        let (front, _permit) = full_hub().await;
        let peer = |address: &str| front.for_peer(address.parse().unwrap());
        let impatient = peer("127.0.0.1");
        for _ in 0..3_000 {
            retry(&impatient).await;
        }

        // One of them may share its cell with the impatient one.
        let others = [retry(&peer("127.0.0.2")).await, retry(&peer("127.0.0.3")).await];
        assert!(others.iter().any(|retry| *retry <= 6_300), "{others:?}");
        assert!(retry(&impatient).await > 30_000);
    }
}
