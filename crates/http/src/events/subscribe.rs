//! A subscribe, from the request to the stream's first bytes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::poll_fn;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, Version};
use tidings_access::{Credential, Grants};
use tidings_core::{Follower, Located, Position, Request, Session, Visitor};

use super::gap::{GAP, gap_header};
use super::poll::{self, Poll};
use super::problem::{too_many_selectors, unreadable};
use crate::access::frame::FramingPage;
use crate::access_log::AccessEntry;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::answer::watch::AnswerWatch;
use crate::connection::refusal::Unplaced;
use crate::front::Front;
use crate::lane::Framing;
use crate::lane::parking::{Leave, Parking, ParkingSlot};
use crate::limits::LONG_POLL_RETRY;
use crate::presence::task_presence::TaskPresence;
use crate::request::mode::Mode;
use crate::request::path::stream_selectors;
use crate::request::position::{PositionBounds, on_gap, position};
use crate::request::query::Query;
use crate::shares::{Limited, Sender};
use crate::stream::drain::Drain;
use crate::stream::encode::iframe;
use crate::stream::permits::{StreamPermit, StreamPermits};
use crate::stream::task::{self, Carried};
use crate::stream::{Encoder, FirstBlock, FirstBytes, Opening, StreamFormat, Told, Whereabouts};
use crate::websocket::socket::Socket;
use crate::websocket::{self, Handshake, SocketAccess};

pub(crate) const KNOWN: &[&str] = &[
    "topic",
    "last_event_id",
    "lastEventId",
    "since",
    "last",
    "on_gap",
    "opening",
    "with",
    "envelope",
    "mode",
    "origin",
    "wait",
];

/// Tells that fewer of the newest events come than were asked for, though there may be more.
const PARTIAL: HeaderName = HeaderName::from_static("tidings-partial");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const INCREMENTAL: HeaderName = HeaderName::from_static("incremental");

/// `GET /events/{selector}` or `GET /events?topic=...`, for a stream.
pub(crate) struct SubscribeRequest {
    /// What to subscribe to, and from where on.
    pub(crate) events: Request,
    encoder: Encoder,
    mode: Mode,
    /// The page that frames it. Known of every request of this mode.
    page: Option<FramingPage>,
    /// Whether it is told where it begins also if an event or a gap is there to begin with.
    always_opens: bool,
    /// `HEAD`: the headers of the answer are all that is asked for.
    head_only: bool,
    version: Version,
    /// Put among the request's extensions by `connection/http1`, if its connection can be parked in a lane.
    parking_slot: Option<ParkingSlot>,
    /// Put among the request's extensions by the connections of our own server, whose streams need a permit each.
    permits: Option<StreamPermits>,
    /// What let the subscriber in, which the check of its access has put among the request's extensions.
    session: Option<Arc<Session>>,
    /// The name of what it has shown, if grants were asked for.
    credential: Option<Credential>,
    /// There is no place for its connection yet.
    unplaced: Option<Unplaced>,
    /// Put among the request's extensions by what carries the answer, if it wants to know how the answer is taken.
    watch: AnswerWatch,
    entry: Option<AccessEntry>,
    /// It opens a WebSocket.
    socket: Option<(Handshake, SocketAccess)>,
}

impl SubscribeRequest {
    /// `rest` is what stands after `/events/`.
    pub(crate) fn parse(
        parts: &Parts,
        query: &Query<'_>,
        rest: Option<&str>,
        format: StreamFormat,
        bounds: &PositionBounds<'_>,
    ) -> Result<Self, Problem> {
        let events = Request {
            selectors: stream_selectors(rest, query)?,
            from: position(bounds, &parts.headers, query)?.unwrap_or(Position::Now),
            on_gap: on_gap(query)?,
        };
        Self::new(parts, query, format, events)
    }

    /// A request for these events.
    pub(crate) fn new(
        parts: &Parts,
        query: &Query<'_>,
        format: StreamFormat,
        events: Request,
    ) -> Result<Self, Problem> {
        let (opening, always_opens) = opening(query)?;
        let mode = Mode::parse(query)?;
        if (mode == Mode::Iframe) != (format == StreamFormat::Iframe) {
            let detail = "a document that is framed is loaded by GET, with `mode=iframe` in its URL";
            return Err(Problem::new(ProblemType::BadMode, detail));
        }
        Front::check_presence_in(mode, &events.selectors)?;
        Ok(Self {
            encoder: format.encoder(&events.selectors, opening, told(query)?),
            mode,
            page: None,
            always_opens,
            events,
            head_only: parts.method == Method::HEAD,
            version: parts.version,
            parking_slot: parts.extensions.get().cloned(),
            permits: parts.extensions.get().cloned(),
            session: parts.extensions.get().cloned(),
            credential: None,
            unplaced: parts.extensions.get().cloned(),
            watch: parts.extensions.get().cloned().unwrap_or_default(),
            entry: parts.extensions.get().cloned(),
            socket: None,
        })
    }

    /// The same, as one that opens a WebSocket.
    pub(crate) fn over(self, handshake: Handshake, access: SocketAccess) -> Result<Self, Problem> {
        if self.mode != Mode::Stream {
            let detail = "a WebSocket is a stream; leave `mode` out";
            return Err(Problem::new(ProblemType::BadHandshake, detail));
        }
        Ok(Self { socket: Some((handshake, access)), ..self })
    }

    /// Takes note of the page that frames the answer.
    pub(crate) fn framed_by(mut self, page: Option<FramingPage>) -> Self {
        self.page = page;
        self
    }

    /// What stands before all that is said.
    fn prelude(&self) -> Bytes {
        self.page.as_ref().map(|page| iframe::prelude(&page.origin()).into()).unwrap_or_default()
    }

    /// Takes note of the grants that have let the subscriber in: its stream ends with them.
    pub(crate) fn let_in_by(&mut self, front: &Front, grants: Grants) {
        if let Some(session) = front.session_of(&grants) {
            self.session = Some(session);
        }
        if let Some((_, access)) = &mut self.socket {
            access.let_in_by(front, &grants);
        }
        self.credential = grants.credential;
    }

    /// Takes note of the address that a proxy told. The connection knows the proxy's alone.
    fn comes_from(&mut self, address: IpAddr) {
        let mut session = self.session.take().unwrap_or_default();
        Arc::make_mut(&mut session).address = Some(address);
        self.session = Some(session);
    }

    /// Whose share of streams it takes.
    fn sender(&self, front: &Front) -> Sender {
        let user = self.session.as_ref().and_then(|session| session.user.as_deref());
        front.shares().sender(user, self.credential.as_ref(), front.client())
    }

    /// A permit, where streams need one. An error if none is left, or no place for the connection. To find that out for a
    /// crowd that finds no stream, nobody is asked for a place.
    async fn permit(&self, drain: &Drain) -> Result<Option<StreamPermit>, NoPlace> {
        let Some(permits) = &self.permits else { return Ok(None) };
        let permit = permits.take().ok_or(NoPlace)?;
        match &self.unplaced {
            Some(unplaced) if !unplaced.finds_place(drain).await => Err(NoPlace),
            _ => Ok(Some(permit)),
        }
    }
}

/// What the events tell of themselves. An envelope has the time, too.
pub(super) fn told(query: &Query) -> Result<Told, Problem> {
    let told = match query.one("with")? {
        None => Told::Nothing,
        Some("time") => Told::Time,
        Some(_) => return Err(Problem::new(ProblemType::BadWith, "`with` is `time`")),
    };
    match query.one("envelope")? {
        None => Ok(told),
        Some("json") => Ok(Told::Envelope),
        Some(_) => Err(Problem::new(ProblemType::BadEnvelope, "`envelope` is `json`")),
    }
}

/// There are as many streams as there may be.
struct NoPlace;

/// Answers with the head of a stream, and a body that begins with the stream's opening.
pub(crate) async fn subscribe(
    front: &Front,
    mut request: SubscribeRequest,
) -> Result<Response<Body>, Problem> {
    if let Some(address) = front.address_beyond_proxies() {
        request.comes_from(address);
    }
    let mut response = head(&request);
    if request.head_only {
        return Ok(response);
    }
    if front.drain().is_ending() {
        return send_away(front, &request, ProblemType::Ending, "the hub is ending");
    }
    let share = match front.shares().begin_stream(request.sender(front)) {
        Ok(share) => share,
        Err(limited) => return send_over_limit_away(front, &request, &limited),
    };
    let Ok(permit) = request.permit(front.drain()).await else {
        return send_away(
            front,
            &request,
            ProblemType::TooManyConnections,
            "there is no room for another stream",
        );
    };
    let permit = StreamPermit::with_share(permit, share);
    let prelude = request.prelude();
    let SubscribeRequest {
        events,
        encoder,
        mode,
        always_opens,
        version,
        parking_slot,
        session,
        watch,
        entry,
        socket,
        ..
    } = request;
    front.check_room_for_presence(&events.selectors)?;
    let attendance = front.hub().roster().attend(&events.selectors).map_err(too_many_selectors)?;
    let Located { place, gap, partial } =
        front.hub().locate(&events).await.map_err(|error| unreadable(&error))?;
    if let Some(gap) = &gap {
        response.headers_mut().insert(GAP, gap_header(gap));
    }
    if partial.is_some() {
        response.headers_mut().insert(PARTIAL, HeaderValue::from_static("true"));
    }
    let config = front.config();
    let (connection, heartbeat) = (attendance.id(), config.heartbeat);
    // What a client comes back with to a poll is what it was told by the one before.
    let always_opens = always_opens || mode.ends() && !matches!(events.from, Position::Id(_));
    let whereabouts = Whereabouts { place, connection, heartbeat, time: front.clock().now() };
    let block = match (&gap, &partial) {
        (Some(gap), _) => FirstBlock::Gap(gap),
        (None, Some(partial)) => FirstBlock::Partial(partial),
        (None, None) if always_opens => FirstBlock::Place,
        (None, None) if !mode.ends() && place == front.hub().bounds().head => FirstBlock::Place,
        (None, None) => FirstBlock::Later,
    };
    // After a crash all clients come back, and each of them after the delay that it was told here.
    let retry = match mode {
        Mode::Stream | Mode::Iframe | Mode::Poll => front.drain().delay(config.retry),
        Mode::LongPoll(_) => LONG_POLL_RETRY,
    };
    let mut opening = encoder.opening(&FirstBytes { whereabouts, retry, block });
    if always_opens && !encoder.opens_at_once() && block != FirstBlock::Place {
        // Behind the gap: its place is that after the gap, and a client that is cut off between the two must hear of the gap.
        let place = encoder.open(whereabouts).unwrap_or_default();
        opening = [opening, place].concat().into();
    }
    if !prelude.is_empty() {
        opening = [prelude, opening].concat().into();
    }
    let is_opened = block.is_known() || encoder.opens_at_once();
    let on_gap = events.on_gap;
    let follower = Follower::new(events.selectors, on_gap, place);
    if let Some((handshake, access)) = socket {
        let front = front.clone();
        let socket = Socket { front, follower, on_gap, opening, attendance, session, permit, entry, access };
        return Ok(websocket::socket::begin(handshake, socket));
    }
    if let Some(transport) = mode.transport() {
        let is_told = block.is_known() && !encoder.is_told_events_alone();
        // A client that must be told something is told it now.
        let wait = if gap.is_some() || partial.is_some() { Duration::ZERO } else { mode.wait() };
        let poll = Poll { follower, attendance, session, encoder, transport, opening, is_told, wait };
        *response.body_mut() = poll::poll(front, poll).await?;
        return Ok(response);
    }
    *response.body_mut() = match parking_slot {
        Some(slot) => {
            let framing = if version == Version::HTTP_11 { Framing::Chunked } else { Framing::Raw };
            let leave = Leave { follower, is_opened, encoder, framing, attendance, session, permit, entry };
            let mut parking = Parking::new(opening, leave, slot);
            Body::stream(poll_fn(move |_| parking.poll_opening()))
        }
        None => {
            let visitor =
                Visitor { session: session.clone(), address: front.peer(), transport: encoder.transport() };
            let presence = TaskPresence::watch(front.hub(), follower.selectors());
            let subscription = front.hub().follow(follower, visitor, attendance);
            let opening = Some(opening);
            let encoding = encoder.in_use(front.hub());
            let carried = Carried {
                opening,
                is_opened,
                subscription,
                presence,
                encoder,
                encoding,
                session,
                permit,
                watch,
            };
            Body::stream(task::stream(front.task_rules(), carried))
        }
    };
    Ok(response)
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
            send_away(front, request, why, problem.detail())
        }
        _ => Err(problem),
    }
}

/// Tells a subscriber for whom there is no stream when to come back. Any other status than 200 would make a browser's `EventSource`
/// give up for good. `why` is the problem that everybody else is answered with.
fn send_away(
    front: &Front,
    request: &SubscribeRequest,
    why: ProblemType,
    detail: &str,
) -> Result<Response<Body>, Problem> {
    let is_ending = front.drain().is_ending();
    let (why, delay) = match is_ending {
        true => (ProblemType::Ending, front.drain().delay_beyond_notice(front.config().retry)),
        false => (why, front.next_return()),
    };
    farewell(front, request, Problem::new(why, detail), delay)
}

/// The same for one whose user, key or address is over a limit. It books no moment among those that find no place.
fn send_over_limit_away(
    front: &Front,
    request: &SubscribeRequest,
    limited: &Limited,
) -> Result<Response<Body>, Problem> {
    tracing::debug!(detail = limited.detail(), "a stream is over a limit");
    let problem = Problem::new(ProblemType::TooManyStreams, limited.detail());
    farewell(front, request, problem, limited.wait + front.drain().delay(front.config().retry))
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

/// The head of a stream, before it is known what else stands in it.
fn head(request: &SubscribeRequest) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    // An HTTP/1.0 stream ends where its connection does. In any other version hyper would promise a client that asks
    // for it to keep the connection.
    *response.version_mut() = request.version;
    put_headers(response.headers_mut(), request.encoder, request.mode);
    if let Some(page) = &request.page {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, page.policy());
    }
    response
}

/// How the client is told a place that no event carries; and whether it is told where it begins in any case.
pub(super) fn opening(query: &Query) -> Result<(Opening, bool), Problem> {
    match query.one("opening")? {
        None | Some("event") => Ok((Opening::Event, false)),
        Some("always") => Ok((Opening::Event, true)),
        Some("id") => Ok((Opening::Id, false)),
        Some("none") => Ok((Opening::Nothing, false)),
        Some(_) => {
            let detail = "`opening` is `event`, `always`, `id` or `none`";
            Err(Problem::new(ProblemType::BadOpening, detail))
        }
    }
}

/// No cache and no compression between the hub and the client, and no buffer for what does not end.
fn put_headers(headers: &mut HeaderMap, encoder: Encoder, mode: Mode) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(encoder.content_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, no-transform"));
    if mode.ends() {
        return;
    }
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    headers.insert(INCREMENTAL, HeaderValue::from_static("?1"));
}

#[cfg(test)]
mod tests {
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
