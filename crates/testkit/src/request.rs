//! A request as a server of the test's own reads it, to see what a client under test has sent.

use tokio::io::{AsyncRead, AsyncReadExt};

/// A request that was read.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method, as it was sent.
    pub method: String,
    /// The target, with its query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// As long as `Content-Length` says; empty without one.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads a request. `None` if the client went away first.
    pub async fn read(socket: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.ok()?);
        }
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let first = String::from_utf8(lines.next()?.to_vec()).unwrap();
        let headers = lines.filter(|line| !line.is_empty()).map(header).collect();
        let mut words = first.split(' ').map(str::to_owned);
        let mut request = Self { method: words.next()?, path: words.next()?, headers, body: Vec::new() };
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        request.body.resize(length, 0);
        socket.read_exact(&mut request.body).await.ok()?;
        Some(request)
    }

    /// The bytes of a header.
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_slice())
    }

    /// The text of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_bytes(name).map(|value| std::str::from_utf8(value).unwrap())
    }
}

fn header(line: &[u8]) -> (String, Vec<u8>) {
    let colon = line.iter().position(|byte| *byte == b':').unwrap();
    let name = String::from_utf8(line[..colon].to_vec()).unwrap();
    (name.to_ascii_lowercase(), line[colon + 1..].trim_ascii().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_read_with_its_body_and_no_further() {
        let mut bytes = &b"PUT /a?b=c HTTP/1.1\r\nX-One:  1\r\nContent-Length: 2\r\n\r\n{}rest"[..];

        let request = Request::read(&mut bytes).await.unwrap();

        assert_eq!((request.method.as_str(), request.path.as_str()), ("PUT", "/a?b=c"));
        assert_eq!((request.header("x-one"), request.header("x-two")), (Some("1"), None));
        assert_eq!(request.body, b"{}");
        assert_eq!(bytes, b"rest");
    }

    #[tokio::test]
    async fn a_request_that_is_cut_off_is_none() {
        for cut in ["GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{"] {
            assert!(Request::read(&mut cut.as_bytes()).await.is_none(), "{cut:?}");
        }
    }
}
