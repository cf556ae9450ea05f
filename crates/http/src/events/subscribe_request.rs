//! What a request for a stream asks for, as it is read from its head.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Version};
use tidings_access::{Credential, Grants};
use tidings_core::{Position, Request, Session};

use crate::access::frame::FramingPage;
use crate::access_log::AccessEntry;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::answer::watch::AnswerWatch;
use crate::connection::interruption::Interruption;
use crate::connection::refusal::Unplaced;
use crate::front::Front;
use crate::lane::parking::ParkingSlot;
use crate::request::accept_encoding::accepts_gzip;
use crate::request::mode::Mode;
use crate::request::path::stream_selectors;
use crate::request::position::{PositionBounds, on_gap, position};
use crate::request::query::Query;
use crate::stream::encode::iframe;
use crate::stream::gzip::Coding;
use crate::stream::permits::StreamPermits;
use crate::stream::{Encoder, Opening, StreamFormat, Told};
use crate::websocket::{Handshake, SocketAccess};

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

/// `GET /events/{selector}` or `GET /events?topic=...`, for a stream.
pub(crate) struct SubscribeRequest {
    /// What to subscribe to, and from where on.
    pub(crate) events: Request,
    pub(crate) encoder: Encoder,
    pub(crate) mode: Mode,
    /// The page that frames it. Known of every request of this mode.
    pub(super) page: Option<FramingPage>,
    /// Whether it is told where it begins also if an event or a gap is there to begin with.
    pub(crate) always_opens: bool,
    /// `HEAD`: the headers of the answer are all that is asked for.
    pub(crate) head_only: bool,
    pub(crate) version: Version,
    pub(super) accepts_gzip: bool,
    /// How the stream travels, once that is known; none where the hub compresses no streams, or none of this kind.
    pub(crate) coding: Option<Coding>,
    /// Put among the request's extensions by `connection/http1`, if its connection can be parked in a lane.
    pub(crate) parking_slot: Option<ParkingSlot>,
    /// Put among the request's extensions by the connections of our own server, whose streams need a permit each.
    pub(super) permits: Option<StreamPermits>,
    /// What let the subscriber in, which the check of its access has put among the request's extensions.
    pub(crate) session: Option<Arc<Session>>,
    /// The name of what it has shown, if grants were asked for.
    pub(super) credential: Option<Credential>,
    /// There is no place for its connection yet.
    pub(super) unplaced: Option<Unplaced>,
    /// Put among the request's extensions by what carries the answer, if it wants to know how the answer is taken.
    pub(crate) watch: AnswerWatch,
    pub(crate) entry: Option<AccessEntry>,
    /// Put among the request's extensions by `connection/http1`.
    pub(crate) interruption: Interruption,
    /// It opens a WebSocket.
    pub(super) socket: Option<(Handshake, SocketAccess)>,
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
            accepts_gzip: accepts_gzip(&parts.headers),
            coding: None,
            parking_slot: parts.extensions.get().cloned(),
            permits: parts.extensions.get().cloned(),
            session: parts.extensions.get().cloned(),
            credential: None,
            unplaced: parts.extensions.get().cloned(),
            watch: parts.extensions.get().cloned().unwrap_or_default(),
            entry: parts.extensions.get().cloned(),
            interruption: parts.extensions.get().cloned().unwrap_or_default(),
            socket: None,
        })
    }

    /// Chooses how the stream travels. What is framed by a page is for browsers that something on the way keeps from streaming: there
    /// is no need to make it harder to read.
    pub(crate) fn choose_coding(&mut self, front: &Front) {
        let is_chosen = front.config().compression && self.mode != Mode::Iframe && self.socket.is_none();
        let coding = if self.accepts_gzip { Coding::Gzip } else { Coding::Identity };
        self.coding = is_chosen.then_some(coding);
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
    pub(super) fn prelude(&self) -> Bytes {
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
    pub(crate) fn comes_from(&mut self, address: IpAddr) {
        let mut session = self.session.take().unwrap_or_default();
        Arc::make_mut(&mut session).address = Some(address);
        self.session = Some(session);
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
