//! The handshake: the request that opens a socket, and its answer. RFC 6455, 4.2, and over HTTP/2 RFC 8441.

use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;
use tungstenite::handshake::derive_accept_key;

use super::deflate::Deflate;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::lane::parking::ParkingSlot;

/// The subprotocol, if the client offers it.
const PROTOCOL: &str = "tidings.v1";

/// A request that opens a socket.
#[derive(Clone)]
pub(crate) struct Handshake {
    /// The answer to its key. None over HTTP/2, where there is no key.
    accept: Option<HeaderValue>,
    offers_protocol: bool,
    deflate: Option<Deflate>,
    pub(super) exit: Exit,
}

/// How the socket gets the connection.
#[derive(Clone)]
pub(super) enum Exit {
    /// In our own server it leaves hyper as a stream does.
    Slot(ParkingSlot),
    /// In another program's server hyper hands it over.
    Upgrade(OnUpgrade),
}

/// Says of a GET that it is the CONNECT of a WebSocket over HTTP/2.
#[derive(Clone, Copy)]
struct Connect;

/// Makes a GET of a CONNECT that asks for a WebSocket. RFC 8441, 4: `:protocol` says what it asks for, and all else that it has is what
/// a GET has. Whatever looks at a request from here on sees the same one over every protocol.
pub(crate) fn take_connect(parts: &mut Parts) {
    let is_asked = |protocol: &Protocol| protocol.as_str().eq_ignore_ascii_case("websocket");
    if parts.method == Method::CONNECT && parts.extensions.get().is_some_and(is_asked) {
        parts.method = Method::GET;
        parts.extensions.insert(Connect);
    }
}

/// Whether a request is a CONNECT that was [taken](take_connect).
pub(crate) fn is_connect(parts: &Parts) -> bool {
    parts.extensions.get::<Connect>().is_some()
}

/// Whether a request asks for a WebSocket instead of an answer.
pub(crate) fn is_asked_for(parts: &Parts) -> bool {
    let Parts { method, headers, .. } = parts;
    is_connect(parts)
        || method == Method::GET
            && has_token(headers, &UPGRADE, "websocket")
            && has_token(headers, &CONNECTION, "upgrade")
}

impl Handshake {
    /// `compresses`: the hub takes an offer to compress messages.
    pub(crate) fn read(parts: &Parts, compresses: bool) -> Result<Self, Problem> {
        let refuse = |detail: &str| Problem::new(ProblemType::BadHandshake, detail);
        if parts.version != Version::HTTP_11 && !is_connect(parts) {
            return Err(refuse("a WebSocket is opened by a GET of HTTP/1.1, or by a CONNECT of HTTP/2"));
        }
        // RFC 6455, 4.1: it is a GET. Content would be taken for frames by one side and not by the other.
        let length = parts.headers.get_all(CONTENT_LENGTH).iter().any(|length| length != "0");
        if length || parts.headers.contains_key(TRANSFER_ENCODING) {
            return Err(refuse("the request that opens a WebSocket has no content"));
        }
        if one(&parts.headers, &SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            let problem =
                Problem::new(ProblemType::WebSocketVersion, "this hub speaks version 13 of WebSocket");
            return Err(problem.with_header(SEC_WEBSOCKET_VERSION, "13"));
        }
        let accept = if is_connect(parts) {
            None
        } else {
            let key = one(&parts.headers, &SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes()));
            let key = key
                .ok_or_else(|| refuse("`Sec-WebSocket-Key` is 16 bytes in Base64, and stands there once"))?;
            let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
            Some(accept.map_err(|_| refuse("`Sec-WebSocket-Key` is not text"))?)
        };
        let slot = parts.extensions.get::<ParkingSlot>().cloned().map(Exit::Slot);
        let exit = slot.or_else(|| parts.extensions.get::<OnUpgrade>().cloned().map(Exit::Upgrade));
        let exit = exit.ok_or_else(|| {
            let detail = "the server in which this hub runs does not hand over connections; use a stream";
            Problem::new(ProblemType::NoUpgrade, detail)
        })?;
        let offers_protocol = has_token(&parts.headers, &SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
        let deflate = if compresses { Deflate::agreed(&parts.headers) } else { None };
        Ok(Self { accept, offers_protocol, deflate, exit })
    }

    /// Whether it is agreed on that messages may be compressed.
    pub(crate) fn deflates(&self) -> bool {
        self.deflate.is_some()
    }

    /// The answer with which the socket begins.
    pub(super) fn answer(&self) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        if let Some(accept) = &self.accept {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept.clone());
        }
        let headers = response.headers_mut();
        if self.offers_protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
        }
        if let Some(deflate) = self.deflate {
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, deflate.answer());
        }
        response
    }
}

/// The value of a header that stands once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())
}

/// Whether a list of tokens has one, in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let tokens = headers.get_all(name).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    tokens.into_iter().any(|one| one.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// 16 bytes in Base64: 22 characters, of which the last has two bits, and two equals signs.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix(b"==").is_some_and(|digits| digits.len() == 22 && digits.iter().all(is_digit))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn a_request_asks_for_a_socket_by_both_headers() {
        let asks = |upgrade: &'static str, connection: &'static str| {
            let headers = [(UPGRADE, upgrade), (CONNECTION, connection)];
            let request = Request::get("/events/a").body(()).unwrap();
            let mut parts = request.into_parts().0;
            parts.headers.extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
            is_asked_for(&parts)
        };

        assert!(asks("websocket", "Upgrade"));
        assert!(asks("h2c, WebSocket", "keep-alive, upgrade"));
        assert!(!asks("websocket", "keep-alive"));
        assert!(!asks("h2c", "upgrade"));
        assert!(!asks("websocket2", "upgrade"));
    }

    #[test]
    fn the_key_of_the_standard_has_its_answer() {
        let request = Request::get("/events/a").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let request = request.header("sec-websocket-version", "13").extension(ParkingSlot::default());
        let (parts, ()) = request.body(()).unwrap().into_parts();

        let answer = Handshake::read(&parts, false).unwrap().answer();

        assert_eq!(answer.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!answer.headers().contains_key(SEC_WEBSOCKET_PROTOCOL));
    }
}
