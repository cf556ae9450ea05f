//! One question after the other to a server that is examined: whole heads, bytes as they come, and nothing followed or repeated.
//!
//! For programs that say what stands between this machine and a server, such as `tidings doctor`. It speaks the version of HTTP that a
//! browser would, knows no events and no time-outs of its own but the one to connect: its caller sets deadlines, and drops the future.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::{Position, Url};

use crate::config::ConfigError;
use crate::connector::{Connector, Socket};
use crate::error::{BoxError, Error, Missing};
use crate::limits::CONNECT_TIMEOUT_DEFAULT;
use crate::tls::Tls;

/// Makes connections to examine a server by.
#[derive(Debug, Clone, Default)]
pub struct Prober {
    tls: Tls,
}

/// Which versions of HTTP a connection offers.
///
/// Not `non_exhaustive`: a browser and an old program are the two that are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// HTTP/2 and HTTP/1.1 over TLS, as a browser does, and HTTP/1.1 in the clear.
    Browser,
    /// HTTP/1.1 alone.
    Http1,
}

/// A connection. Dropping it closes it, with all of its answers.
#[derive(Debug)]
pub struct ProbeConnection {
    url: Url,
    sender: Sender,
    /// Moves the bytes. It ends with the connection.
    _driver: JoinSet<()>,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// An answer: its head, and the bytes to come.
#[derive(Debug)]
pub struct ProbeAnswer {
    /// The status.
    pub status: StatusCode,
    /// The version of HTTP that the server answers in.
    pub version: Version,
    /// The head.
    pub headers: HeaderMap,
    url: Url,
    body: Incoming,
}

impl Prober {
    /// Trusts the certificates that the machine trusts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts these certificates, too, in PEM.
    ///
    /// # Errors
    ///
    /// If that is not PEM, or has no certificate in it.
    pub fn root_certificates(mut self, pem: &[u8]) -> Result<Self, ConfigError> {
        self.tls = self.tls.with_roots(pem).map_err(ConfigError::RootCertificates)?;
        Ok(self)
    }

    /// Connects to the server of the URL. Cancel-safe: dropping the future closes the socket.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] and [`Error::TimedOut`].
    pub async fn connect(&self, url: &Url, offer: Offer) -> Result<ProbeConnection, Error> {
        let uri = url.as_str().parse().map_err(|error| Error::connect(url, error))?;
        let tls = match offer {
            Offer::Browser => self.tls.clone().offering(&[b"h2", b"http/1.1"]),
            Offer::Http1 => self.tls.clone().offering(&[b"http/1.1"]),
        };
        let connected = timeout(CONNECT_TIMEOUT_DEFAULT, Connector::new(tls).connect(uri)).await;
        let socket = connected
            .map_err(|_| Error::timed_out(url, Missing::Connection, CONNECT_TIMEOUT_DEFAULT))?
            .map_err(|error| Error::connect(url, error))?;
        begin(url, socket).await.map_err(|error| Error::broken(url, error))
    }
}

async fn begin(url: &Url, socket: Socket) -> hyper::Result<ProbeConnection> {
    let mut driver = JoinSet::new();
    // The error that ends a connection reaches the answer, or its body.
    let sender = if speaks_http2(&socket) {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), socket).await?;
        driver.spawn(async move { _ = connection.await });
        Sender::Http2(sender)
    } else {
        let (sender, connection) = http1::handshake(socket).await?;
        driver.spawn(async move { _ = connection.with_upgrades().await });
        Sender::Http1(sender)
    };
    Ok(ProbeConnection { url: url.clone(), sender, _driver: driver })
}

fn speaks_http2(socket: &Socket) -> bool {
    match socket {
        Socket::Http(_) => false,
        Socket::Https(stream) => stream.inner().get_ref().1.alpn_protocol() == Some(b"h2"),
    }
}

impl ProbeConnection {
    /// The version of HTTP that is spoken.
    pub fn version(&self) -> Version {
        match self.sender {
            Sender::Http1(_) => Version::HTTP_11,
            Sender::Http2(_) => Version::HTTP_2,
        }
    }

    /// Asks, and waits for the head of the answer. Over HTTP/1.1 the answer before must have been read to its end.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`]: also if the head of the answer is none, or larger than any that a browser would take.
    pub async fn ask(
        &mut self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<ProbeAnswer, Error> {
        let broken = |error: BoxError| Error::broken(url, error);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        let response = match &mut self.sender {
            Sender::Http1(sender) => {
                let target = &url[Position::BeforePath..Position::AfterQuery];
                *request.uri_mut() = target.parse().map_err(|error| broken(Box::new(error)))?;
                let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
                let host = host.map_err(|error| broken(Box::new(error)))?;
                request.headers_mut().entry(header::HOST).or_insert(host);
                sender.ready().await.map_err(|error| broken(error.into()))?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                // `:authority` takes the place of `Host`.
                let target = &url[..Position::AfterQuery];
                *request.uri_mut() = target.parse().map_err(|error| broken(Box::new(error)))?;
                *request.version_mut() = Version::HTTP_2;
                sender.ready().await.map_err(|error| broken(error.into()))?;
                sender.send_request(request).await
            }
        };
        let (head, body) = response.map_err(|error| broken(error.into()))?.into_parts();
        Ok(ProbeAnswer {
            status: head.status,
            version: head.version,
            headers: head.headers,
            url: self.url.clone(),
            body,
        })
    }
}

impl ProbeAnswer {
    /// The next bytes of the body; `None` at its end, if it was a clean one. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`].
    pub async fn bytes(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| Error::broken(&self.url, error))?;
            // A frame of HTTP/2 may be empty, such as the one that ends a stream.
            if let Ok(bytes) = frame.into_data()
                && !bytes.is_empty()
            {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}
