//! Documents from servers that send too much, too little, nothing, or somewhere else.

#![allow(clippy::unwrap_used, reason = "what cannot go wrong in a test need not be told well")]

use std::time::Duration;

use tidings_client::{DocumentError, DocumentReader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

const LONG: Duration = Duration::from_secs(60);

/// What comes of a server that answers so, and then closes or holds the connection.
async fn read(answer: &str, holds: bool, wait: Duration) -> Result<Vec<u8>, DocumentError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/keys?a=b", listener.local_addr().unwrap())).unwrap();
    let answer = answer.to_owned();
    let server = async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4_096];
        let length = stream.read(&mut request).await.unwrap();
        assert!(request[..length].starts_with(b"GET /keys?a=b HTTP/1.1\r\n"));
        // Fails once the client has had enough.
        let _ = stream.write_all(answer.as_bytes()).await;
        if holds {
            std::future::pending::<()>().await;
        }
    };
    let server = tokio::spawn(server);
    let document = DocumentReader::new(100, wait).read(&url).await;
    server.abort();
    document
}

#[tokio::test]
async fn a_document_comes_whole() {
    let document = read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", true, LONG).await;

    assert_eq!(document.unwrap(), b"abc");
}

#[tokio::test]
async fn what_is_no_whole_document_is_told() {
    let much = "x".repeat(100_000);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{much}");
    let moment = Duration::from_millis(1);
    for (answer, holds, wait, why) in [
        (
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
            false,
            LONG,
            "the server answered 302 Found",
        ),
        ("HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nabc", false, LONG, "the server answered 500"),
        (endless.as_str(), true, LONG, "the document has more than 100 bytes"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false, LONG, "the document ended in the middle"),
        ("", true, moment, "the document did not come within 1ms"),
        ("HTTP/1.1 200 OK\r\nContent-Le", true, moment, "the document did not come within 1ms"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            true,
            moment,
            "the document did not come within 1ms",
        ),
    ] {
        let error = read(answer, holds, wait).await.unwrap_err().to_string();
        assert!(error.starts_with(why), "{answer:.40}: {error}");
    }
}
