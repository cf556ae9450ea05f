//! Servers and networks as they are met: TLS, HTTP/1.0, resets.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use support::soon;
use tidings_client::{Draft, Error, EventSource, EventSourceBuilder, Item, PublishError, Publisher};
use tidings_testkit::request::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("localhost:{port}/events"))
}

async fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().await.unwrap().0
}

fn builder(url: &str) -> EventSourceBuilder {
    EventSource::builder(url).unwrap().retry(Duration::from_millis(1))
}

/// A certificate for `localhost` that signs itself: what accepts it, and how to believe it.
fn certificate() -> (TlsAcceptor, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), cert.pem())
}

#[tokio::test]
async fn a_stream_over_tls_is_read_if_its_certificate_is_believed() {
    let (listener, place) = listen().await;
    let (acceptor, pem) = certificate();
    let mut source = builder(&format!("https://{place}")).root_certificates(pem.as_bytes()).unwrap().build();

    let server = async {
        let mut socket = acceptor.accept(accept(&listener).await).await.unwrap();
        let request = Request::read(&mut socket).await.unwrap();
        socket.write_all(STREAM).await.unwrap();
        (request, socket)
    };
    let (event, (request, _socket)) = soon(join(source.next_event(), server)).await;

    assert_eq!(event.unwrap().unwrap().data, "1");
    assert_eq!(request.path, "/events");
    assert_eq!(source.origin().unwrap(), format!("https://{}", place.trim_end_matches("/events")));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_no_connection() {
    let (listener, place) = listen().await;
    let (acceptor, _) = certificate();
    let mut source = builder(&format!("https://{place}")).reconnect(false).build();

    let (item, accepted) =
        soon(join(source.next(), async { acceptor.accept(accept(&listener).await).await })).await;

    assert!(accepted.is_err());
    let Some(Err(Error::Connect { source, .. })) = item else { panic!("not {item:?}") };
    let chain = format!("{source:?}");
    assert!(chain.contains("UnknownIssuer") || chain.contains("CaUsedAsEndEntity"), "{chain}");
}

/// The last cause of an error: the words that matter.
fn cause(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source()).last().unwrap().to_string()
}

#[tokio::test]
async fn the_wrong_protocol_at_a_port_is_told_with_what_to_write_and_not_tried_again() {
    let (plain, place) = listen().await;
    let port = plain.local_addr().unwrap().port();
    let speaks_plain = async {
        loop {
            let mut socket = accept(&plain).await;
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        }
    };
    let (tls, _) = listen().await;
    let tls_port = tls.local_addr().unwrap().port();
    let (acceptor, _) = certificate();
    let speaks_tls = async {
        loop {
            let _ = acceptor.accept(accept(&tls).await).await;
        }
    };
    let told = async {
        let hub = format!("https://localhost:{port}");
        let published = Publisher::builder(&hub).unwrap().build().publish("t", &Draft::new("x")).await;
        let PublishError::Unreachable { origin, .. } = published.as_ref().unwrap_err() else {
            panic!("not {published:?}")
        };
        assert_eq!(origin, &hub);
        let listened = builder(&format!("https://{place}")).reconnect(false).build().next_event().await;
        let no_tls = [cause(&published.unwrap_err()), cause(&listened.unwrap_err())];

        let hub = format!("http://localhost:{tls_port}");
        let published = Publisher::builder(&hub).unwrap().build().publish("t", &Draft::new("x")).await;
        let listened = builder(&format!("{hub}/x")).reconnect(false).build().next_event().await;
        let no_http = [cause(&published.unwrap_err()), cause(&listened.unwrap_err())];

        let hub = format!("https://localhost:{tls_port}");
        let published = Publisher::builder(&hub).unwrap().build().publish("t", &Draft::new("x")).await;
        (no_tls, no_http, cause(&published.unwrap_err()))
    };

    let (no_tls, no_http, untrusted) = soon(async {
        tokio::select! {
            () = speaks_plain => unreachable!(),
            () = speaks_tls => unreachable!(),
            told = told => told,
        }
    })
    .await;

    let words = "what answers there does not speak TLS; for plain HTTP write ";
    assert_eq!(no_tls, [0; 2].map(|_| format!("{words}http://localhost:{port}")));
    let words =
        "what answers there does not speak HTTP (invalid HTTP version parsed); if it wants TLS, write ";
    assert_eq!(no_http, [0; 2].map(|_| format!("{words}https://localhost:{tls_port}")));
    assert!(untrusted.starts_with("its certificate "), "{untrusted}");
}

#[tokio::test]
async fn what_looks_like_a_mistake_may_pass_at_a_hub_that_has_answered_before() {
    let (listener, place) = listen().await;
    let hub = format!("http://{}", place.trim_end_matches("/events"));
    let publisher = Publisher::builder(&hub).unwrap().build();
    let server = async {
        for answer in [
            &b"HTTP/1.1 201 X\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{\"id\":\"1\"}"[..],
            b"\x15\x03\x03\0\x02\x02\x46",
            b"HTTP/1.1 201 X\r\nContent-Length: 10\r\n\r\n{\"id\":\"2\"}",
        ] {
            let mut socket = accept(&listener).await;
            Request::read(&mut socket).await.unwrap();
            socket.write_all(answer).await.unwrap();
        }
    };

    let publish = async {
        let first = publisher.publish("t", &Draft::new("x")).await.unwrap().id;
        [first, publisher.publish("t", &Draft::new("y")).await.unwrap().id]
    };
    let (ids, ()) = soon(join(publish, server)).await;

    assert_eq!(ids, ["1", "2"]);
}

#[tokio::test]
async fn a_publisher_speaks_tls_too() {
    let (listener, place) = listen().await;
    let (acceptor, pem) = certificate();
    let hub = format!("https://{}", place.trim_end_matches("/events"));
    let publisher = Publisher::builder(&hub).unwrap().root_certificates(pem.as_bytes()).unwrap().build();

    let server = async {
        let mut socket = acceptor.accept(accept(&listener).await).await.unwrap();
        Request::read(&mut socket).await.unwrap();
        socket.write_all(b"HTTP/1.1 201 X\r\nContent-Length: 10\r\n\r\n{\"id\":\"1\"}").await.unwrap();
        socket
    };
    let draft = Draft::new("x");
    let (receipt, _socket) = soon(join(publisher.publish("t", &draft), server)).await;

    assert_eq!(receipt.unwrap().id, "1");
}

#[tokio::test]
async fn an_http_1_0_stream_ends_cleanly_with_its_connection() {
    let (listener, place) = listen().await;
    let mut source = builder(&format!("http://{place}")).reconnect(false).build();

    let server = async {
        let mut socket = accept(&listener).await;
        Request::read(&mut socket).await.unwrap();
        let head = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
        socket.write_all(head).await.unwrap();
        socket.write_all(b"data: 1\n\ndata: never complete\n").await.unwrap();
    };
    let (event, ()) = soon(join(source.next_event(), server)).await;

    assert_eq!(event.unwrap().unwrap().data, "1");
    assert!(soon(source.next()).await.is_none());
}

#[tokio::test]
async fn a_reset_is_a_broken_connection_and_the_next_goes_on_after_the_last_id() {
    let (listener, place) = listen().await;
    let mut source = builder(&format!("http://{place}")).build();
    let open = async |listener: &TcpListener, stream: &[u8]| {
        let mut socket = accept(listener).await;
        let request = Request::read(&mut socket).await.unwrap();
        socket.write_all(STREAM).await.unwrap();
        socket.write_all(stream).await.unwrap();
        (socket, request)
    };

    let (event, (socket, _)) = soon(join(source.next_event(), open(&listener, b"id: 7\n\n: "))).await;
    assert_eq!(event.unwrap().unwrap().data, "1");
    // The id is in a block without data, so no item tells of it; it is there once it has been read.
    let read = async {
        while source.last_event_id() != "7" {
            let _ = tokio::time::timeout(Duration::from_millis(1), source.next()).await;
        }
    };
    soon(read).await;
    socket.set_zero_linger().unwrap();
    drop(socket);
    let Some(Ok(Item::Reconnecting(reconnecting))) = soon(source.next()).await else { panic!("no reset") };
    let (event, (_socket, request)) = soon(join(source.next_event(), open(&listener, b""))).await;

    assert!(matches!(reconnecting.error, Error::Broken { .. }), "{:?}", reconnecting.error);
    assert_eq!(event.unwrap().unwrap().last_event_id, "7");
    assert_eq!(request.header("last-event-id"), Some("7"));
}

#[tokio::test]
async fn what_is_no_http_is_a_broken_connection() {
    let (listener, place) = listen().await;
    let mut source = builder(&format!("http://{place}")).reconnect(false).build();

    let (item, _socket) = soon(join(source.next(), async {
        let mut socket = accept(&listener).await;
        Request::read(&mut socket).await.unwrap();
        socket.write_all(b"SSH-2.0-OpenSSH\r\n\r\n").await.unwrap();
        socket
    }))
    .await;

    assert!(matches!(item, Some(Err(Error::Broken { .. }))), "{item:?}");
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_the_server_up_and_not_its_own_memory() {
    let (listener, place) = listen().await;
    let mut source = builder(&format!("http://{place}")).build();
    let block = [b"data: ".as_slice(), &vec![b'x'; 60_000], b"\n\n"].concat();

    let (item, mut socket) = soon(join(source.next(), async {
        let mut socket = accept(&listener).await;
        Request::read(&mut socket).await.unwrap();
        socket.write_all(STREAM).await.unwrap();
        socket
    }))
    .await;
    assert!(matches!(item, Some(Ok(Item::Open(_)))));
    let mut written = 0;
    while tokio::time::timeout(Duration::from_millis(200), socket.write_all(&block)).await.is_ok() {
        written += block.len();
        assert!(written < 64 << 20, "nobody holds the server up");
    }

    assert_eq!(soon(source.next_event()).await.unwrap().unwrap().data, "1");
    assert_eq!(soon(source.next_event()).await.unwrap().unwrap().data.len(), 60_000);
    drop(source);
    let mut rest = Vec::new();
    assert!(matches!(socket.read_to_end(&mut rest).await, Ok(0) | Err(_)));
}
