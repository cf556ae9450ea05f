//! One request, one connection, one answer.
//!
//! A stream has a connection to itself, and nobody but the stream drives it: no pool, no task. So dropping the
//! stream closes the socket, there and then, and nothing is read that nobody asked for. See ADR 0020.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use tokio::time::timeout;
use url::{Position, Url};

use crate::connector::{Connector, Socket};
use crate::error::{BoxError, Error, Missing};
use crate::redirect::Hop;

/// Makes connections, and asks on each of them once.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    pub(crate) connector: Connector,
    /// Name, TCP and TLS together.
    pub(crate) connect_timeout: Duration,
    /// From the request to the head of the answer.
    pub(crate) answer_timeout: Option<Duration>,
}

/// The head of an answer, and the body to come.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: AnswerBody,
}

/// A body, and the connection that it comes from.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    incoming: Incoming,
    connection: Connection,
    /// While it lives, the connection does not take itself for done.
    _sender: http1::SendRequest<Full<Bytes>>,
}

/// What moves bytes between socket and body, whenever it is polled.
#[derive(Debug)]
struct Connection {
    driver: Pin<Box<http1::Connection<Socket, Full<Bytes>>>>,
    is_over: bool,
}

impl Transport {
    /// Connects, asks, and waits for the head of the answer. Cancel-safe: dropping the future closes the socket.
    pub(crate) async fn ask(&self, hop: &Hop) -> Result<HttpAnswer, Error> {
        let uri: Uri = hop.url.as_str().parse().map_err(|error| Error::connect(&hop.url, error))?;
        let connect = async {
            self.connector.clone().connect(uri).await.map_err(|error| Error::connect(&hop.url, error))
        };
        let connected = timeout(self.connect_timeout, connect).await;
        let late = |what, after| Error::timed_out(&hop.url, what, after);
        let socket = connected.unwrap_or_else(|_| Err(late(Missing::Connection, self.connect_timeout)))?;
        let Some(limit) = self.answer_timeout else { return exchange(socket, hop).await };
        timeout(limit, exchange(socket, hop)).await.unwrap_or_else(|_| Err(late(Missing::Answer, limit)))
    }
}

async fn exchange(socket: Socket, hop: &Hop) -> Result<HttpAnswer, Error> {
    let broken = |error| Error::broken(&hop.url, error);
    let request = request(hop).map_err(|error| Error::broken(&hop.url, error))?;
    let (mut sender, driver) = http1::handshake(socket).await.map_err(broken)?;
    let mut connection = Connection { driver: Box::pin(driver), is_over: false };
    let response = connection.drive(sender.send_request(request)).await.map_err(broken)?;
    let (head, incoming) = response.into_parts();
    Ok(HttpAnswer {
        url: hop.url.clone(),
        status: head.status,
        headers: head.headers,
        body: AnswerBody { incoming, connection, _sender: sender },
    })
}

fn request(hop: &Hop) -> Result<Request<Full<Bytes>>, BoxError> {
    let mut request = Request::new(Full::new(hop.body.clone()));
    *request.method_mut() = hop.method.clone();
    *request.uri_mut() = hop.url[Position::BeforePath..Position::AfterQuery].parse()?;
    *request.headers_mut() = hop.headers.clone();
    let host = HeaderValue::from_str(&hop.url[Position::BeforeHost..Position::AfterPort])?;
    request.headers_mut().entry(header::HOST).or_insert(host);
    Ok(request)
}

impl Connection {
    /// Moves bytes until the response is there.
    async fn drive(
        &mut self,
        response: impl Future<Output = hyper::Result<Response<Incoming>>>,
    ) -> hyper::Result<Response<Incoming>> {
        let mut response = std::pin::pin!(response);
        std::future::poll_fn(|cx| {
            self.poll(cx);
            response.as_mut().poll(cx)
        })
        .await
    }

    /// Moves what can be moved. Errors reach the response, or the body.
    fn poll(&mut self, cx: &mut Context<'_>) {
        if !self.is_over {
            self.is_over = self.driver.as_mut().poll(cx).is_ready();
        }
    }
}

impl AnswerBody {
    /// The next bytes; `None` at the end of the body, if it was a clean one.
    pub(crate) fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
        loop {
            self.connection.poll(cx);
            match ready!(Pin::new(&mut self.incoming).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }

    /// The beginning of a body that nobody will read on: at most so many bytes, for at most so long.
    pub(crate) async fn excerpt(mut self, bytes_max: usize, wait: Duration) -> Vec<u8> {
        let mut excerpt = Vec::new();
        let read = async {
            while excerpt.len() < bytes_max {
                let Some(Ok(bytes)) = std::future::poll_fn(|cx| self.poll_bytes(cx)).await else { break };
                excerpt.extend_from_slice(&bytes[..bytes.len().min(bytes_max - excerpt.len())]);
            }
        };
        // A server that holds the rest back has said what it had to say.
        let _ = timeout(wait, read).await;
        excerpt
    }
}
