//! Which scene plays over which transport and carrier. What does not play is listed here, with the reason.

use crate::carrier::Carrier;
use crate::transport::Transport;
use crate::world::Cell;

/// Cells that do not play.
pub(crate) struct Exception {
    /// None: all of them.
    pub(crate) scene: Option<&'static str>,
    pub(crate) transport: Transport,
    /// None: all of them.
    pub(crate) carrier: Option<Carrier>,
    pub(crate) why: &'static str,
}

const fn over(transport: Transport, carrier: Carrier, why: &'static str) -> Exception {
    Exception { scene: None, transport, carrier: Some(carrier), why }
}

const fn scene(scene: &'static str, transport: Transport, why: &'static str) -> Exception {
    Exception { scene: Some(scene), transport, carrier: None, why }
}

const NO_HEARTBEAT: &str = "an answer that ends has no heartbeats";
const NOBODY_WAITS: &str = "no answer is open that could be told something";

pub(crate) const EXCEPTIONS: &[Exception] = &[
    over(Transport::WebSocket, Carrier::Http10, "an upgrade needs HTTP/1.1 (RFC 9110, 7.8)"),
    over(
        Transport::WebSocket,
        Carrier::Router,
        "the suite calls a router without a server, which has no connection to hand over",
    ),
    scene("heartbeat", Transport::Poll, NO_HEARTBEAT),
    scene("heartbeat", Transport::LongPoll, NO_HEARTBEAT),
    scene("heartbeat", Transport::Page, NO_HEARTBEAT),
    scene("farewell", Transport::Poll, NOBODY_WAITS),
    scene("dismissed", Transport::Poll, NOBODY_WAITS),
];

impl Exception {
    pub(crate) fn covers(&self, scene: &str, cell: Cell) -> bool {
        self.scene.is_none_or(|of| of == scene)
            && self.transport == cell.transport
            && self.carrier.is_none_or(|carrier| carrier == cell.carrier)
    }
}

/// Where a scene plays.
pub(crate) fn cells(scene: &str) -> Vec<Cell> {
    all().filter(|cell| !EXCEPTIONS.iter().any(|exception| exception.covers(scene, *cell))).collect()
}

/// Every transport over every carrier.
pub(crate) fn all() -> impl Iterator<Item = Cell> {
    Transport::ALL
        .into_iter()
        .flat_map(|transport| Carrier::ALL.into_iter().map(move |carrier| Cell { transport, carrier }))
}
