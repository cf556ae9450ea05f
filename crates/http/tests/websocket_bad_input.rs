//! What no good client of a WebSocket sends, and what it is answered: a status before the handshake, an error or a close code behind it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::scene::Scene;
use support::websocket::{Came, HANDSHAKE, WebSocket, header, masked};
use tidings_core::Limits;
use tidings_http::{FairShares, ShareLimits};
use tidings_testkit::deadline::within;

fn text(payload: impl AsRef<[u8]>) -> Vec<u8> {
    masked(0x81, payload.as_ref())
}

fn word(word: &Value) -> Vec<u8> {
    text(word.to_string())
}

/// A hub that is asked for nothing but what it refuses stays as it was.
async fn still_serves(scene: &Scene) {
    let mut socket = WebSocket::opened(scene, "/events/still").await;
    let answer = socket.ask(&json!({ "publish": { "topic": "elsewhere", "data": "x" } })).await;
    assert!(answer["published"]["id"].is_string(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_is_none_has_its_status() {
    let scene = Scene::start().await;
    let with = |more: &str| format!("{HANDSHAKE}{more}");
    let without = |line: &str| -> String {
        HANDSHAKE.split_inclusive("\r\n").filter(|one| !one.starts_with(line)).collect()
    };
    for (first_line, headers, expected) in [
        ("GET /events/a HTTP/1.1", without("sec-websocket-version"), "426 websocket-version"),
        ("GET /events/a HTTP/1.1", HANDSHAKE.replace("13", "13, 8"), "426 websocket-version"),
        ("GET /events/a HTTP/1.1", HANDSHAKE.replace("13", "0"), "426 websocket-version"),
        ("GET /events/a HTTP/1.1", with("sec-websocket-version: 13\r\n"), "426 websocket-version"),
        ("GET /events/a HTTP/1.1", without("sec-websocket-key"), "400 bad-handshake"),
        ("GET /events/a HTTP/1.1", HANDSHAKE.replace("dGhl", "dGhlIHNh"), "400 bad-handshake"),
        ("GET /events/a HTTP/1.1", HANDSHAKE.replace("dGhl", "dG l"), "400 bad-handshake"),
        ("GET /events/a HTTP/1.1", with("origin: https://evil.example\r\n"), "403 origin-not-allowed"),
        ("GET /events/a HTTP/1.1", with("origin: null\r\n"), "403 origin-not-allowed"),
        ("GET /events/a HTTP/1.1", with("content-length: 3\r\n"), "400 bad-handshake"),
        ("GET /events/a HTTP/1.1", with("transfer-encoding: chunked\r\n"), "400 bad-handshake"),
        ("GET /events/a?mode=long-poll HTTP/1.1", with(""), "400 bad-handshake"),
        ("GET /events/a?since=yesterday HTTP/1.1", with(""), "400 bad-since"),
        ("GET /events/a%FF HTTP/1.1", with(""), "400 topic-not-utf8"),
        ("GET /nowhere HTTP/1.1", with(""), "404 not-found"),
        ("PUT /events/a HTTP/1.1", with(""), "405 method-not-allowed"),
        ("GET /events/a HTTP/1.0", with(""), "400 bad-handshake"),
    ] {
        let mut wire = scene.connect().await;
        wire.send(format!("{first_line}\r\nhost: localhost\r\n{headers}\r\n")).await;
        let answer = wire.answer().await;
        let status = answer.split(' ').nth(1).unwrap();
        let kind = answer.split("urn:tidings:problem:").nth(1);
        let kind = kind.map_or(answer.as_str(), |rest| rest.split('"').next().unwrap());
        assert_eq!(format!("{status} {kind}"), expected, "{first_line}\n{headers}");
    }
    // One that asks for no socket is none: its method or its headers say so.
    for (first_line, headers, status) in [
        ("POST /events/a HTTP/1.1", with("content-length: 0\r\n"), "201"),
        ("GET /events/a HTTP/1.1", without("upgrade"), "200"),
        ("GET /events/a HTTP/1.1", without("connection"), "200"),
    ] {
        let mut wire = scene.connect().await;
        wire.send(format!("{first_line}\r\nhost: localhost\r\n{headers}\r\n")).await;
        assert_eq!(wire.head().await.split(' ').nth(1).unwrap(), status, "{first_line}\n{headers}");
    }
    still_serves(&scene).await;
}

/// Each is answered with an error, and the socket goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_no_message_is_answered_with_an_error() {
    let scene = Scene::start().await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;
    let deep = |member: &str, open: &str, close: &str| {
        format!(r#"{{"{member}":{}1{}}}"#, open.repeat(10_000), close.repeat(10_000))
    };
    for (name, message) in [
        ("nothing", String::new()),
        ("a list", "[]".to_owned()),
        ("a number", "1".to_owned()),
        ("a mark of the order of bytes", "\u{feff}{}".to_owned()),
        ("two objects", "{}{}".to_owned()),
        ("an open object", r#"{"subscribe":["b"]"#.to_owned()),
        ("lists in lists", deep("ref", "[", "]")),
        ("objects in objects", deep("ref", r#"{"a":"#, "}")),
        ("lists without an end", format!(r#"{{"x":{}"#, "[".repeat(1_000_000))),
        ("a number that is too large", r#"{"ref":1e999}"#.to_owned()),
        ("a number of many digits", format!(r#"{{"ref":1{}}}"#, "0".repeat(400))),
        ("a member twice", r#"{"subscribe":["b"],"subscribe":["c"]}"#.to_owned()),
        ("a member of a publish twice", r#"{"publish":{"topic":"a","topic":"b"}}"#.to_owned()),
        ("a `ref` twice", r#"{"ref":1,"ref":2,"subscribe":["b"]}"#.to_owned()),
        ("a `ref` that is long", format!(r#"{{"ref":"{}","subscribe":["b"]}}"#, "x".repeat(200))),
        ("half a character", r#"{"publish":{"topic":"a","data":"\ud800"}}"#.to_owned()),
        ("a line end in a text", "{\"publish\":{\"topic\":\"a\",\"data\":\"\n\"}}".to_owned()),
        ("two words", r#"{"subscribe":["b"],"token":"x"}"#.to_owned()),
    ] {
        socket.wire.send(text(message)).await;

        let answer = socket.json().await;

        assert_eq!(answer["error"]["type"], "urn:tidings:problem:bad-message", "{name}: {answer}");
        assert!(answer.to_string().len() < 1_000, "{name}");
    }
    // What is unknown is not answered, whatever it is.
    for message in
        [r#"{}"#, r#"{"a":1,"a":2}"#, r#"{"dance":{"with":[{}]},"ref":"x"}"#, r#"{"subscribe":null}"#]
    {
        socket.wire.send(text(message)).await;
    }
    scene.publish("a", &["1"]).await;
    assert_eq!(socket.json().await["data"], "1");
}

/// A hundred selectors are as many as a socket may have; those that it has already are none more.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_subscriptions_are_refused() {
    let scene = Scene::start().await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;
    let names = |count: usize| (0..count).map(|number| format!("t/{number}/*")).collect::<Vec<_>>();
    let kind = |answer: &Value| answer["error"]["type"].as_str().unwrap_or_default().to_owned();

    for word in ["subscribe", "unsubscribe"] {
        let answer = socket.ask(&json!({ word: names(10_000) })).await;
        assert_eq!(kind(&answer), "urn:tidings:problem:bad-topics", "{answer}");
    }
    assert_eq!(socket.ask(&json!({ "subscribe": names(99) })).await["ok"].as_array().unwrap().len(), 100);
    assert_eq!(socket.ask(&json!({ "subscribe": names(99) })).await["ok"].as_array().unwrap().len(), 100);
    let answer = socket.ask(&json!({ "subscribe": ["one/more"] })).await;
    assert_eq!(kind(&answer), "urn:tidings:problem:bad-topics", "{answer}");
    assert_eq!(scene.hub.roster().selectors(), 100);
}

/// Whatever is refused counts against the pace, and so does what costs much.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_closed_with_its_code() {
    let mut shares = FairShares::default();
    let mut limits = ShareLimits::default();
    limits.publishes_per_second = Some(1);
    (shares.address, shares.private_address) = (limits, limits);
    let scene = Scene::start().await;
    let shared = Scene::with(|config| config.shares = shares).await;
    let hundred: Vec<_> = (0..100).map(|number| format!("p/{number}/**")).collect();
    let other: Vec<_> = (100..200).map(|number| format!("p/{number}/**")).collect();
    let half = |names: &[String]| names[..90].to_vec();
    let swap = [
        word(&json!({ "subscribe": half(&hundred) })),
        word(&json!({ "unsubscribe": half(&hundred) })),
        word(&json!({ "subscribe": half(&other) })),
        word(&json!({ "unsubscribe": half(&other) })),
    ];
    let too_large = "x".repeat(scene.hub.limits().event_bytes_max + 1);
    for (name, scene, frames) in [
        ("pings", &scene, masked(0x89, b"x").repeat(3_000)),
        ("pongs", &scene, masked(0x8a, b"").repeat(3_000)),
        ("texts that are no messages", &scene, text("x").repeat(3_000)),
        ("large texts that are no messages", &scene, text("x".repeat(1_000_000)).repeat(40)),
        ("messages that say nothing", &scene, text("{}").repeat(3_000)),
        ("empty fragments", &scene, [masked(0x01, b""), masked(0x00, b"").repeat(3_000)].concat()),
        ("fragments of one byte", &scene, [masked(0x01, b"x"), masked(0x00, b"x").repeat(3_000)].concat()),
        ("subscribes that are refused", &scene, text(r#"{"subscribe":["inbox/a"]}"#).repeat(3_000)),
        ("publishes to a reserved topic", &scene, text(r#"{"publish":{"topic":"inbox/a"}}"#).repeat(3_000)),
        (
            "publishes that are too large",
            &scene,
            word(&json!({ "publish": { "topic": "a", "data": too_large } })).repeat(40),
        ),
        ("publishes over a share", &shared, text(r#"{"publish":{"topic":"a"}}"#).repeat(3_000)),
        ("patterns that come and go", &scene, swap.concat().repeat(100)),
    ] {
        let mut socket = WebSocket::opened(scene, "/events/a").await;

        // It does not wait for the answers, of which some megabytes may come.
        let WebSocket { wire, .. } = &mut socket;
        wire.send(frames).await;

        assert_eq!(socket.close_code().await, Some(4_101), "{name}");
    }
    still_serves(&scene).await;
}

/// Publishes that are taken are not counted: fair shares are what bounds them.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_publishes_is_taken_and_answered() {
    let scene = Scene::start().await;
    let mut socket = WebSocket::opened(&scene, "/events/a").await;

    socket.wire.send(text(r#"{"publish":{"topic":"b","data":"x"}}"#).repeat(3_000)).await;

    for number in 1..=3_000 {
        assert_eq!(socket.json().await["published"]["id"], format!("1-{number}"));
    }
}

/// A client may close right behind its last publish, by the protocol or without a word.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_published_before_the_end_is_in_the_log() {
    let scene = Scene::start().await;
    let publish = |data: &str| word(&json!({ "publish": { "topic": "b", "data": data }, "ref": data }));
    for (name, end, code) in [
        ("a close", masked(0x88, b"\x03\xe8"), Some(1_000)),
        ("a fault", masked(0x83, b""), Some(1_002)),
        ("a fault inside a text", masked(0x81, b"\xff"), Some(1_007)),
    ] {
        let mut socket = WebSocket::opened(&scene, "/events/a").await;

        socket.wire.send([publish(name), publish(name), end].concat()).await;

        for _ in 0..2 {
            assert_eq!(socket.json().await["ref"], name);
        }
        assert_eq!(socket.close_code().await, code, "{name}");
    }
    let mut socket = WebSocket::opened(&scene, "/events/a").await;
    socket.wire.send(publish("no close")).await;
    socket.wire.finish().await;
    let all_published = async {
        while scene.log().await.len() < 7 {
            tokio::task::yield_now().await;
        }
    };
    within("the last publish", all_published).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_does_not_come_to_its_end_is_too_slow() {
    let scene = Scene::with(|config| config.body_wait_max = Duration::from_millis(100)).await;
    let message = word(&json!({ "subscribe": ["b"] }));
    for (name, part) in [
        ("half a header", &message[..1]),
        ("a header", &message[..6]),
        ("half a frame", &message[..12]),
        ("a fragment", &masked(0x01, b"{")[..]),
    ] {
        let mut socket = WebSocket::opened(&scene, "/events/a").await;

        socket.wire.send(part).await;

        let close = Came::Close(Some(4_006), "a message came too slowly".to_owned());
        assert_eq!(socket.next().await, close, "{name}");
    }
    // Each byte comes, and the message does not.
    let mut socket = WebSocket::opened(&scene, "/events/a").await;
    let endless = [header(0x81, 100_000), vec![0; 4]].concat();
    for byte in endless.iter().chain(&[b' '; 40]) {
        socket.wire.send([*byte]).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(socket.close_code().await, Some(4_006));
}

/// Others have the room, and do not give it back in time.
#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_a_message_the_socket_is_told_to_come_back() {
    let room = |config: &mut tidings_http::HttpConfig| config.bodies_bytes_max = 100_000;
    let (scene, fault) = Scene::with_faulty_store_and(Limits::default(), room).await;
    let mut first = WebSocket::opened(&scene, "/events/a").await;
    let mut second = WebSocket::opened(&scene, "/events/a").await;
    let publish = json!({ "publish": { "topic": "b", "data": "x".repeat(90_000) } });
    fault.hold();
    first.say(&publish).await;
    while scene.front.bodies_bytes() < 90_000 {
        tokio::task::yield_now().await;
    }

    second.say(&publish).await;

    assert_eq!(second.close_code().await, Some(4_005));
    fault.let_through(10);
    let mut answer = first.json().await;
    while answer.get("heartbeat_ms").is_some() {
        answer = first.json().await;
    }
    assert_eq!(answer, json!({ "published": { "id": "1-1" } }));
    still_serves(&scene).await;
}
