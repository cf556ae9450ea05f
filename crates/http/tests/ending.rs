//! The end of the hub, as clients see it that have just connected, or are in the middle of a request: nobody goes without an
//! answer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use support::scene::Scene;
use support::tls::scene_with;
use tidings_http::Verdict;

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
const POST: &str = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx";

/// The listener was closed over their heads, and the system reset their connections. The hub has no turn here before all of them
/// have sent their requests and it was asked to end.
#[tokio::test]
async fn requests_that_wait_in_the_systems_queue_when_the_hub_ends_are_answered() {
    let scene = Scene::start().await;
    let mut clients: Vec<_> = (0..40).map(|_| TcpStream::connect(scene.address).unwrap()).collect();
    for client in &mut clients {
        client.write_all(POST.as_bytes()).unwrap();
    }

    let ended = scene.begin_end();

    assert_eq!(ended.verdict().await, Verdict::Drained);
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("problem:ending"), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_has_just_connected_may_shake_hands_and_ask_when_the_hub_ends() {
    let (scene, certificate) = scene_with(|_| ()).await;
    let address = scene.address;

    // Connects first: the connection is in the system's queue when the hub is asked to end.
    let (mut wire, ended) = tokio::join!(certificate.wire(address), async { scene.begin_end() });
    wire.send(HEALTH).await;

    assert!(wire.rest().await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(ended.verdict().await, Verdict::Drained);
}

#[tokio::test]
async fn a_client_of_http_2_that_has_just_connected_may_shake_hands_and_ask_when_the_hub_ends() {
    let (scene, certificate) = scene_with(|_| ()).await;
    let address = scene.address;

    let (stream, ended) = tokio::join!(certificate.connect(address, &["h2"]), async { scene.begin_end() });
    let mut peer = tidings_testkit::http2::Peer::over(stream.unwrap()).await;
    let answer = peer.request("POST", "/events/a", &[], "x").await;

    assert_eq!(answer.head.status, 503);
    assert!(peer.ended().await.is_ok());
    assert_eq!(ended.verdict().await, Verdict::Drained);
}
