//! Compressed streams: in lanes, over TLS and HTTP/2, and polls. Each event is read at once, and each stream that ends has a true checksum.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::io::{Read, Write};

use flate2::read::GzDecoder as WholeDecoder;
use flate2::write::GzDecoder;
use support::scene::Scene;
use support::tls::scene_with as secure_scene_with;
use tidings_core::{Dismissal, Topic, Whom};
use tidings_http::HttpConfig;
use tidings_testkit::http2::{Peer, Stream as PeerStream};
use tidings_testkit::wire::Wire;

const GZIP: &str = "accept-encoding: gzip\r\n";

/// Larger than what a lane or a task compresses by itself.
const LARGE: usize = 300_000;

fn compressing(config: &mut HttpConfig) {
    config.compression = true;
}

/// Ends the streams of `a`.
async fn end_all(scene: &Scene, why: Dismissal) {
    scene.hub.roster().dismiss(&Whom::Topic(Topic::parse("a").unwrap()), why).await;
}

/// Text that gets smaller.
fn text(number: usize, len: usize) -> String {
    let words = (number..).map(|word| format!("word {word}, "));
    let mut text = String::new();
    words
        .take_while(|word| {
            text.push_str(word);
            text.len() < len
        })
        .for_each(drop);
    text.truncate(len);
    text
}

enum Source {
    Chunks(Wire),
    Raw(Wire),
    Frames(PeerStream),
}

/// A client that decompresses what has come, and does not wait for more.
struct Client {
    source: Source,
    decoder: GzDecoder<Vec<u8>>,
    head: String,
    read: String,
    received: usize,
}

impl Client {
    async fn of(scene: &Scene, target: &str, headers: &str) -> Self {
        Self::over(scene.get(target, headers).await).await
    }

    async fn over(mut wire: Wire) -> Self {
        let head = wire.head().await;
        assert!(head.contains("\r\ncontent-encoding: gzip\r\n"), "{head}");
        let source = if head.contains("transfer-encoding: chunked") {
            Source::Chunks(wire)
        } else {
            Source::Raw(wire)
        };
        Self::from(source, head)
    }

    async fn over_http2(peer: &mut Peer, target: &str) -> Self {
        let stream = peer.get(target, &[("accept-encoding", "gzip")]).await;
        assert_eq!(stream.head.headers["content-encoding"], "gzip");
        Self::from(Source::Frames(stream), String::new())
    }

    fn from(source: Source, head: String) -> Self {
        Self { source, decoder: GzDecoder::new(Vec::new()), head, read: String::new(), received: 0 }
    }

    /// Whether there was more.
    async fn receive(&mut self) -> bool {
        let bytes = match &mut self.source {
            Source::Chunks(wire) => wire.chunk_bytes().await,
            Source::Raw(wire) => wire.take_bytes(1).await,
            Source::Frames(stream) => stream.piece().await.unwrap_or_default().into(),
        };
        self.received += bytes.len();
        self.decoder.write_all(&bytes).unwrap();
        self.decoder.flush().unwrap();
        !bytes.is_empty()
    }

    /// Everything up to a text, which is there as soon as its bytes are.
    async fn through(&mut self, end: &str) -> String {
        loop {
            let decoded = String::from_utf8(std::mem::take(self.decoder.get_mut())).unwrap();
            self.read.push_str(&decoded);
            if let Some(at) = self.read.find(end) {
                let rest = self.read.split_off(at + end.len());
                return std::mem::replace(&mut self.read, rest);
            }
            assert!(self.receive().await, "the stream ended after {:?}", self.read);
        }
    }

    async fn expect_event(&mut self, number: u64, data: &str) {
        let block = format!("id: 1-{number}\ndata: {data}\n\n");
        let read = self.through("\n\n").await;
        assert!(read.ends_with(&block), "{} bytes: {:?}", read.len(), &read[..read.len().min(200)]);
    }

    /// The rest, if the stream ends as gzip streams do, with the checksum of all that was read.
    async fn end(mut self) -> String {
        while self.receive().await {}
        let rest = self.read + &String::from_utf8(std::mem::take(self.decoder.get_mut())).unwrap();
        self.decoder.try_finish().unwrap();
        // It fails if there was no checksum.
        self.decoder.finish().unwrap();
        rest
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_stream_is_compressed_and_each_event_is_there_at_once() {
    let scene = Scene::with(compressing).await;
    scene.publish("a", &[&text(1, 2_000)]).await;
    let mut late = Client::of(&scene, "/events/a?since=earliest", GZIP).await;
    let mut other = Client::of(&scene, "/events/a", GZIP).await;
    assert!(late.head.contains("\r\nvary: Accept-Encoding\r\n"), "{}", late.head);
    late.expect_event(1, &text(1, 2_000)).await;
    other.through("tidings.open").await;
    other.through("\n\n").await;

    let small = "x".to_owned();
    let texts = [text(2, 2_000), small, text(3, LARGE), text(4, 500), text(5, 20_000)];
    for (number, text) in (2..).zip(&texts) {
        scene.publish("a", &[text]).await;
        for client in [&mut late, &mut other] {
            client.expect_event(number, text).await;
        }
    }

    let plain: usize = texts.iter().map(String::len).sum();
    assert!(late.received < plain / 2, "{} bytes of {plain}", late.received);
    let ending = scene.begin_end();
    for client in [late, other] {
        let last = client.end().await;
        assert!(last.starts_with("retry: "), "{last}");
    }
    ending.verdict().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_came_at_different_times_each_end_with_a_checksum_of_their_own() {
    let scene = Scene::with(|config| {
        compressing(config);
        config.lanes = 1;
    })
    .await;
    let mut clients: Vec<Client> = Vec::new();
    for number in 1..=8 {
        let target = if number % 2 == 0 { "/events/a" } else { "/events/a?since=earliest" };
        clients.push(Client::of(&scene, target, GZIP).await);
        clients.last_mut().unwrap().through(if number == 1 { "tidings.open" } else { "\n\n" }).await;
        let data = text(number, 60 * number * number);
        scene.publish("a", &[&data]).await;
        for client in &mut clients {
            client.through(&format!("id: 1-{number}\ndata: {data}\n\n")).await;
        }
    }

    end_all(&scene, Dismissal::AccessEnded).await;

    for client in clients {
        let last = client.end().await;
        assert!(last.starts_with("event: tidings.expired\n") && last.contains("\nretry: "), "{last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_another_format_is_compressed_in_the_same_way() {
    let scene = Scene::with(compressing).await;
    scene.publish("a/b", &[&text(1, 1_000)]).await;
    for (target, headers, end) in [
        ("/events/a/*?since=earliest", "", "\n\n"),
        ("/events/a/b?since=earliest&with=time", "", "\n\n"),
        ("/events/a/b?since=earliest&envelope=json&opening=none", "", "\n\n"),
        ("/events/a/b?since=earliest", "accept: application/x-ndjson\r\n", "\n"),
    ] {
        let mut plain = scene.get(target, headers).await;
        let head = plain.head().await;
        assert!(
            !head.contains("content-encoding") && head.contains("\r\nvary: Accept-Encoding\r\n"),
            "{head}"
        );
        let mut expected = String::new();
        while !expected.contains(&text(1, 1_000)) {
            expected += &plain.chunk().await;
        }
        let event = expected.split_inclusive(end).find(|block| block.contains("word 1,")).unwrap().to_owned();

        let mut client = Client::of(&scene, target, &format!("{headers}{GZIP}")).await;

        let mut read = client.through(end).await;
        while !read.contains("word 1,") {
            read = client.through(end).await;
        }
        let at = |block: &str| {
            block.rfind("time: ").or(block.rfind("topic: ")).or(block.rfind("id: ")).unwrap_or(0)
        };
        assert_eq!(read[at(&read)..], event[at(&event)..], "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_1_0_the_stream_ends_with_the_connection() {
    let scene = Scene::with(compressing).await;
    scene.publish("a", &[&text(1, 2_000)]).await;
    let mut wire = scene.connect().await;
    wire.send(format!("GET /events/a?since=earliest HTTP/1.0\r\nhost: localhost\r\n{GZIP}\r\n")).await;

    let mut client = Client::over(wire).await;

    client.expect_event(1, &text(1, 2_000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_and_http2_the_same_is_read() {
    let (scene, certificate) = secure_scene_with(compressing).await;
    scene.publish("a", &[&text(1, 2_000)]).await;
    let mut wire = certificate.wire(scene.address).await;
    wire.send(format!("GET /events/a?since=earliest HTTP/1.1\r\nhost: localhost\r\n{GZIP}\r\n")).await;
    let socket = certificate.connect(scene.address, &["h2"]).await.unwrap();
    let mut peer = Peer::over(socket).await;
    let mut clients =
        [Client::over(wire).await, Client::over_http2(&mut peer, "/events/a?since=earliest").await];

    for client in &mut clients {
        client.expect_event(1, &text(1, 2_000)).await;
    }
    for (number, text) in (2..).zip([text(2, LARGE), "x".to_owned(), text(3, 30_000)]) {
        scene.publish("a", &[&text]).await;
        for client in &mut clients {
            client.expect_event(number, &text).await;
        }
    }
    let ending = scene.begin_end();
    for client in clients {
        assert!(client.end().await.starts_with("retry: "));
    }
    ending.verdict().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_is_a_whole_gzip_file() {
    let scene = Scene::with(compressing).await;
    scene.publish("a", &[&text(1, 2_000), "x", &text(2, LARGE)]).await;
    for (target, expected) in [
        ("/events/a?mode=poll&since=earliest", text(2, LARGE)),
        ("/events/quiet?mode=poll", "tidings.open".to_owned()),
        ("/events/a?mode=long-poll&last_event_id=1-2", text(2, LARGE)),
        ("/events/a?mode=long-poll&wait=0s&last_event_id=1-3", "id: 1-3".to_owned()),
    ] {
        let mut wire = scene.get(target, GZIP).await;
        let head = wire.head().await;
        assert!(head.contains("\r\ncontent-encoding: gzip\r\n"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();

        let body = wire.take_bytes(length.parse().unwrap()).await;

        let mut read = String::new();
        WholeDecoder::new(&body[..]).read_to_string(&mut read).unwrap();
        assert!(read.contains(&expected), "{target}: {} bytes", read.len());
        assert!(body.len() < read.len() / 2 || read.len() < 500, "{} of {}", body.len(), read.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_take_gzip_or_asks_a_hub_that_has_it_not_gets_plain_bytes() {
    let (on, off) = (Scene::with(compressing).await, Scene::start().await);
    for (scene, accepted, coding, vary) in [
        (&on, "", false, true),
        (&on, "accept-encoding: br, gzip;q=0\r\n", false, true),
        (&on, "accept-encoding: identity, gzip;q=0.5\r\n", false, true),
        (&on, "accept-encoding: deflate\r\naccept-encoding: *;q=0.3\r\n", true, true),
        (&off, GZIP, false, false),
    ] {
        let mut wire = scene.get("/events/a", accepted).await;
        let head = wire.head().await;
        assert_eq!(head.contains("\r\ncontent-encoding: gzip\r\n"), coding, "{head}");
        assert_eq!(head.contains("\r\nvary: Accept-Encoding\r\n"), vary, "{head}");
        let begin = wire.chunk_bytes().await;
        assert_eq!(begin.starts_with(&[0x1f, 0x8b]), coding);

        let mut wire = scene.connect().await;
        wire.send(format!("HEAD /events/a HTTP/1.1\r\nhost: localhost\r\n{accepted}\r\n")).await;
        let of_head = wire.head().await;
        assert_eq!(of_head.contains("\r\ncontent-encoding: gzip\r\n"), coding, "{of_head}");
        assert_eq!(of_head.contains("\r\nvary: Accept-Encoding\r\n"), vary, "{of_head}");
    }
    let mut page = on.get("/events/a?since=latest", &format!("accept: application/json\r\n{GZIP}")).await;
    assert!(!page.head().await.contains("content-encoding"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_no_more_is_probed_without_a_word() {
    let (secure, certificate) = secure_scene_with(compressing).await;
    let plain = Scene::with(compressing).await;
    let request = format!("GET /events/a HTTP/1.1\r\nhost: localhost\r\n{GZIP}\r\n");
    let wires = [(certificate.wire(secure.address).await, &secure), (plain.connect().await, &plain)];
    for (mut wire, scene) in wires {
        wire.send(&request).await;
        wire.finish().await;
        let mut client = Client::over(wire).await;
        client.through("tidings.open").await;
        client.through("\n\n").await;
        scene.publish("a", &[&text(1, 1_000)]).await;
        client.expect_event(1, &text(1, 1_000)).await;
        end_all(scene, Dismissal::ByOperator).await;
        assert!(client.end().await.starts_with("retry: "));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_member_reads_all_and_ends_with_a_true_checksum() {
    let scene = Scene::with(compressing).await;
    let mut slow = Client::of(&scene, "/events/a", GZIP).await;
    let mut quick = Client::of(&scene, "/events/a", GZIP).await;
    slow.through("\n\n").await;
    quick.through("\n\n").await;
    // Noise, which stays as long as it is, until the socket of the slow one is full many times over.
    let noise = |number: usize| {
        let mut state = number as u64 + 1;
        let next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'0' + (state >> 58) as u8)
        };
        std::iter::repeat_with(next)
            .take(if number.is_multiple_of(5) { LARGE } else { 40_000 })
            .collect::<String>()
    };
    for number in 1..=100 {
        scene.publish("a", &[&noise(number)]).await;
        quick.expect_event(number as u64, &noise(number)).await;
    }

    for number in 1..=100 {
        slow.expect_event(number as u64, &noise(number)).await;
    }

    scene.publish("a", &["last"]).await;
    slow.expect_event(101, "last").await;
    end_all(&scene, Dismissal::ByOperator).await;
    assert!(slow.end().await.starts_with("retry: "));
    assert!(quick.end().await.ends_with('\n'));
}
