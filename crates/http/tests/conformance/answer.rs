//! An answer, as bytes that come until it ends, in good order or not.

use axum::body::Body;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use tidings_testkit::deadline::within;
use tidings_testkit::http2::{Peer, Stream};
use tidings_testkit::wire::Wire;
use tokio::task::JoinSet;

/// An answer that is asked for. It is not wanted any more when it is dropped.
pub(crate) struct Answer {
    coming: JoinSet<Arrived>,
    arrived: Option<Arrived>,
}

/// One whose head has come.
pub(crate) struct Arrived {
    pub(crate) status: u16,
    bytes: Bytes,
}

enum Bytes {
    /// With so many bytes to come; without a number, until the end of the connection.
    Plain {
        wire: Wire,
        left: Option<usize>,
    },
    Chunked {
        wire: Wire,
        raw: Vec<u8>,
    },
    Http2 {
        stream: Stream,
        _peer: Peer,
    },
    /// A WebSocket on a stream of HTTP/2.
    Tunnel {
        wire: Wire,
        _peer: Peer,
    },
    Router(Body),
}

impl Answer {
    pub(crate) fn coming(answer: impl Future<Output = Arrived> + Send + 'static) -> Self {
        let mut coming = JoinSet::new();
        coming.spawn(answer);
        Self { coming, arrived: None }
    }

    /// The status of it, once its head has come.
    pub(crate) async fn status(&mut self) -> u16 {
        self.arrived().await.status
    }

    /// More of its bytes. None at its end.
    pub(crate) async fn more(&mut self) -> Option<Vec<u8>> {
        self.arrived().await.bytes.more().await
    }

    async fn arrived(&mut self) -> &mut Arrived {
        if self.arrived.is_none() {
            let arrived = within("the head of an answer", self.coming.join_next()).await;
            self.arrived = Some(arrived.unwrap().unwrap());
        }
        self.arrived.as_mut().unwrap()
    }
}

impl Arrived {
    pub(crate) async fn over_wire(mut wire: Wire) -> Self {
        let head = wire.head().await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let line = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let left = line("content-length").map(|length| length.parse().unwrap());
        let is_chunked = line("transfer-encoding") == Some("chunked");
        let bytes = match is_chunked {
            true => Bytes::Chunked { wire, raw: Vec::new() },
            false => Bytes::Plain { wire, left },
        };
        Self { status, bytes }
    }

    pub(crate) fn over_http2(stream: Stream, peer: Peer) -> Self {
        Self { status: stream.head.status.as_u16(), bytes: Bytes::Http2 { stream, _peer: peer } }
    }

    pub(crate) fn over_tunnel(status: StatusCode, wire: Wire, peer: Peer) -> Self {
        Self { status: status.as_u16(), bytes: Bytes::Tunnel { wire, _peer: peer } }
    }

    pub(crate) fn from_router(response: Response<Body>) -> Self {
        Self { status: response.status().as_u16(), bytes: Bytes::Router(response.into_body()) }
    }
}

impl Bytes {
    async fn more(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Plain { left: Some(0), .. } => None,
            Self::Tunnel { wire, .. } => wire.more().await,
            Self::Plain { wire, left } => {
                let bytes = wire.more().await?;
                if let Some(left) = left {
                    *left -= bytes.len();
                }
                Some(bytes)
            }
            Self::Chunked { wire, raw } => loop {
                match chunk(raw) {
                    Some(chunk) if chunk.is_empty() => return None,
                    Some(chunk) => return Some(chunk),
                    None => raw.extend(wire.more().await?),
                }
            },
            // A reset is an end, too.
            Self::Http2 { stream, .. } => stream.try_piece().await.ok()?.map(|piece| piece.to_vec()),
            Self::Router(body) => {
                let frame = within("more of the answer", body.frame()).await?;
                Some(frame.unwrap().into_data().unwrap().to_vec())
            }
        }
    }
}

/// Takes the payload of a chunk that has come whole.
fn chunk(raw: &mut Vec<u8>) -> Option<Vec<u8>> {
    let line = raw.windows(2).position(|end| end == b"\r\n")?;
    let size = usize::from_str_radix(std::str::from_utf8(&raw[..line]).unwrap(), 16).unwrap();
    let begins = line + 2;
    if raw.len() < begins + size + 2 {
        return None;
    }
    let payload = raw[begins..begins + size].to_vec();
    raw.drain(..begins + size + 2);
    Some(payload)
}
