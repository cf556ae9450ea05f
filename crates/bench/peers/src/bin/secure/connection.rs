//! A connection to the server: TLS, then the protocol that was agreed on, driven by hyper.

use std::io;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, Uri, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::trust;

#[derive(Clone, Copy)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// Where the server is, and how it is spoken to.
pub(crate) struct Door {
    url: Uri,
    connector: TlsConnector,
    protocol: Protocol,
}

/// An open connection. It is driven by a task that ends when the connection does, at the latest with the program.
pub(crate) enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Door {
    pub(crate) fn new(url: Uri, fingerprint: [u8; 32], protocol: Protocol) -> io::Result<Self> {
        let alpn: &[u8] = match protocol {
            Protocol::Http1 => b"http/1.1",
            Protocol::Http2 => b"h2",
        };
        let config = trust::config(fingerprint, alpn).map_err(io::Error::other)?;
        Ok(Self { url, connector: TlsConnector::from(Arc::new(config)), protocol })
    }

    pub(crate) async fn connect(&self) -> io::Result<Connection> {
        let stream = TokioIo::new(self.shake_hands().await?);
        match self.protocol {
            Protocol::Http1 => {
                let (requests, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
                tokio::spawn(connection);
                Ok(Connection::Http1(requests))
            }
            Protocol::Http2 => {
                let handshake = http2::handshake(TokioExecutor::new(), stream);
                let (requests, connection) = handshake.await.map_err(io::Error::other)?;
                tokio::spawn(connection);
                Ok(Connection::Http2(requests))
            }
        }
    }

    pub(crate) fn subscribe(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::default());
        request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static("text/event-stream"));
        self.address(request)
    }

    pub(crate) fn publish(&self, event: String) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::from(event));
        *request.method_mut() = hyper::Method::POST;
        self.address(request)
    }

    async fn shake_hands(&self) -> io::Result<TlsStream<TcpStream>> {
        let host = self.url.host().unwrap_or_default();
        let socket = TcpStream::connect((host, self.url.port_u16().unwrap_or(443))).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = self.connector.connect(name, socket).await?;
        let agreed = stream.get_ref().1.alpn_protocol();
        // Who speaks HTTP/1.1 need not say so.
        match (self.protocol, agreed) {
            (Protocol::Http1, _) | (Protocol::Http2, Some(b"h2")) => Ok(stream),
            (Protocol::Http2, _) => Err(io::Error::other("the server does not speak HTTP/2")),
        }
    }

    /// HTTP/1.1 has a path and a host, HTTP/2 the whole URL.
    fn address(&self, mut request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
        *request.uri_mut() = match (self.protocol, self.url.path_and_query()) {
            (Protocol::Http1, Some(path)) => Uri::from(path.clone()),
            (Protocol::Http1, None) | (Protocol::Http2, _) => self.url.clone(),
        };
        let host = self.url.authority().and_then(|host| host.as_str().parse().ok());
        if let (Protocol::Http1, Some(host)) = (self.protocol, host) {
            request.headers_mut().insert(header::HOST, host);
        }
        request
    }
}

impl Connection {
    /// For another request at the same time, which only HTTP/2 can have.
    pub(crate) fn another(&self) -> io::Result<Self> {
        match self {
            Self::Http1(_) => Err(io::Error::other("HTTP/1.1 has one stream on a connection")),
            Self::Http2(requests) => Ok(Self::Http2(requests.clone())),
        }
    }

    /// Sends a request, and waits for the head of an answer that says yes.
    pub(crate) async fn ask(&mut self, request: Request<Full<Bytes>>) -> io::Result<Response<Incoming>> {
        let answer = match self {
            Self::Http1(requests) => {
                requests.ready().await.map_err(io::Error::other)?;
                requests.send_request(request).await
            }
            Self::Http2(requests) => {
                requests.ready().await.map_err(io::Error::other)?;
                requests.send_request(request).await
            }
        };
        let answer = answer.map_err(io::Error::other)?;
        if !answer.status().is_success() {
            return Err(io::Error::other(format!("the server answered {}", answer.status())));
        }
        Ok(answer)
    }

    /// Sends a request, and waits until its answer has been read.
    pub(crate) async fn ask_and_read(&mut self, request: Request<Full<Bytes>>) -> io::Result<()> {
        let answer = self.ask(request).await?;
        answer.into_body().collect().await.map(|_| ()).map_err(io::Error::other)
    }
}
