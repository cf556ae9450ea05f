//! What brings a subscriber the bytes of its transport.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use http::Request;
use tidings_http::Front;
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::within;
use tidings_testkit::http2::Peer;
use tidings_testkit::wire::Wire;
use tower::ServiceExt;

use crate::answer::{Answer, Arrived};
use crate::transport::Ask;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Http10,
    Http11,
    Tls,
    Http2,
    /// A server of another program.
    Router,
}

impl Carrier {
    pub(crate) const ALL: [Self; 5] = [Self::Http10, Self::Http11, Self::Tls, Self::Http2, Self::Router];

    /// As the documentation calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Tls => "HTTP/1.1 over TLS",
            Self::Http2 => "HTTP/2 over TLS",
            Self::Router => "another program's server",
        }
    }

    pub(crate) fn is_over_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Http2)
    }
}

/// A way to a hub.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) carrier: Carrier,
    pub(crate) address: SocketAddr,
    pub(crate) front: Front,
    pub(crate) certificate: Option<Arc<Certificate>>,
}

impl Door {
    /// Asks. The answer comes when the hub gives it.
    pub(crate) fn ask(&self, ask: Ask) -> Answer {
        let door = self.clone();
        Answer::coming(async move { door.answered(ask).await })
    }

    async fn answered(self, ask: Ask) -> Arrived {
        match self.carrier {
            Carrier::Http10 => self.over(Wire::open(self.address).await, "1.0", &ask).await,
            Carrier::Http11 => self.over(Wire::open(self.address).await, "1.1", &ask).await,
            Carrier::Tls => {
                let certificate = self.certificate.as_ref().unwrap();
                self.over(certificate.wire(self.address).await, "1.1", &ask).await
            }
            Carrier::Http2 => {
                let certificate = self.certificate.as_ref().unwrap();
                let socket = certificate.connect(self.address, &["h2"]).await.unwrap();
                let mut peer = Peer::over(socket).await;
                let headers: Vec<_> = ask.headers.iter().map(|(name, value)| (*name, &**value)).collect();
                if let Some(headers) = of_connect(&headers) {
                    return match peer.tunnel("websocket", &ask.target, &headers).await {
                        Ok((socket, head)) => Arrived::over_tunnel(head.status, Wire::over(socket), peer),
                        Err(refused) => Arrived::over_http2(refused, peer),
                    };
                }
                let body: &'static str = Box::leak(ask.body.into_boxed_str());
                let stream = peer.request(ask.method, &ask.target, &headers, body).await;
                Arrived::over_http2(stream, peer)
            }
            Carrier::Router => {
                let mut request =
                    Request::builder().method(ask.method).uri(&ask.target).header("host", "localhost");
                for (name, value) in &ask.headers {
                    request = request.header(*name, value);
                }
                let sent = self.front.router().oneshot(request.body(Body::from(ask.body)).unwrap());
                Arrived::from_router(within("an answer", sent).await.unwrap())
            }
        }
    }

    async fn over(&self, mut wire: Wire, version: &str, ask: &Ask) -> Arrived {
        let Ask { method, target, headers, body } = ask;
        let mut text = format!("{method} {target} HTTP/{version}\r\nhost: localhost\r\n");
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            text += &format!("content-length: {}\r\n", body.len());
        }
        wire.send(format!("{text}\r\n{body}")).await;
        Arrived::over_wire(wire).await
    }
}

/// The headers of the same request as a CONNECT, if it asks for a WebSocket. RFC 8441, 5: there is no upgrade and no key.
fn of_connect<'a>(headers: &[(&'static str, &'a str)]) -> Option<Vec<(&'static str, &'a str)>> {
    let is_of_upgrade = |name: &str| ["connection", "upgrade", "sec-websocket-key"].contains(&name);
    let others = headers.iter().copied().filter(|(name, _)| !is_of_upgrade(name));
    headers.iter().any(|(name, _)| *name == "upgrade").then(|| others.collect())
}
