//! Attacks on HTTP/2 that were told of in advisories: each is ended, or what it may cost is bounded, and neighbours are
//! answered. [docs/hostile-load.md](../../../docs/hostile-load.md) lists them.
//!
//! The allocator of this test binary counts for the whole process, so its tests run one after another.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::alloc::System;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::frames::{
    CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FRAME_HEAD_BYTES, GOAWAY,
    HEADERS, PING, REFUSED_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, get, hello, literal, post,
    subscribe,
};
use support::scene::Scene;
use support::tls::{scene, scene_with};
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::within;
use tidings_testkit::http2::Peer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Held by each test, since all count.
static COUNTING: Mutex<()> = Mutex::new(());

/// Runs a test while no other one runs. Its runtime ends before the next one begins: a thousand requests that are let go
/// take a while.
fn alone(test: impl Future<Output = ()>) {
    let _alone = COUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    Runtime::new().unwrap().block_on(test);
}

/// Bytes that one connection may make the process hold, beyond what it held before. 8 MiB: it may have 1,000 requests open
/// and be owed 1,024 resets, which cost some 2 KiB each, and the test itself keeps something, too. A flood that piled
/// up would take a hundred times as much.
const HELD_BYTES_MAX: usize = 8 << 20;

/// Frames of a flood. The hub has ended it long before, or has stopped reading.
const FLOOD: u32 = 100_000;

/// What a client sends for a request on a stream.
type Request<'a> = &'a dyn Fn(u32) -> Vec<u8>;

/// CVE-2023-44487, "rapid reset"; for h2 also RUSTSEC-2023-0034.
#[test]
fn requests_that_are_taken_back_at_once_end_the_connection() {
    alone(async {
        let (scene, certificate) = scene().await;
        let attack = (0..FLOOD).map(|number| {
            let stream = 2 * number + 1;
            let request = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get());
            [request, frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())].concat()
        });

        let fate = attacked(&scene, &certificate, attack).await;

        assert_eq!(fate.goaway, Some(ENHANCE_YOUR_CALM));
        fate.check_neighbour_and_memory();
    });
}

/// CVE-2025-8671, "MadeYouReset": the hub resets the streams itself, for mistakes that the client makes on purpose.
#[test]
fn resets_that_the_hub_is_made_to_send_end_the_connection() {
    alone(async {
        let window_that_is_too_large = |stream| {
            let request = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get());
            [request, frame(WINDOW_UPDATE, 0, stream, &i32::MAX.to_be_bytes())].concat()
        };
        let body_that_is_longer_than_said = |stream| {
            let head = [post(), literal(0, "content-length", b"1")].concat();
            [frame(HEADERS, END_HEADERS, stream, &head), frame(DATA, 0, stream, b"xx")].concat()
        };
        // GET and https alone.
        let head_without_a_path = |stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\x82\x87");
        let mistakes: [(&str, Request<'_>); 3] = [
            ("a window that is too large", &window_that_is_too_large),
            ("a body that is longer than said", &body_that_is_longer_than_said),
            ("a head without a path", &head_without_a_path),
        ];
        for (mistake, request) in mistakes {
            let (scene, certificate) = scene().await;

            let fate = attacked(&scene, &certificate, (0..FLOOD).map(|number| request(2 * number + 1))).await;

            assert_eq!(fate.goaway, Some(ENHANCE_YOUR_CALM), "for {mistake}");
            fate.check_neighbour_and_memory();
        }
    });
}

/// RUSTSEC-2024-0003: the same by a peer that reads nothing, so that the resets have to wait.
#[test]
fn resets_that_nobody_reads_do_not_pile_up() {
    alone(async {
        let (scene, certificate) = impatient_scene().await;
        let attack = (0..FLOOD).map(|number| {
            let stream = 2 * number + 1;
            let request = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get());
            [request, frame(WINDOW_UPDATE, 0, stream, &i32::MAX.to_be_bytes())].concat()
        });

        let fate = attacked_without_reading(&scene, &certificate, attack).await;

        assert!(fate.ended, "the hub took all of {FLOOD}");
        fate.check_neighbour_and_memory();
    });
}

/// CVE-2024-27316, VU#421644, and for h2 RUSTSEC-2024-0332: "CONTINUATION flood".
#[test]
fn a_head_that_does_not_end_ends_the_connection() {
    alone(async {
        let full = literal(0, "x", &[b'v'; 16_000]);
        for filling in [full, Vec::new()] {
            let (scene, certificate) = scene().await;
            let begun = frame(HEADERS, END_STREAM, 1, &get());
            let attack =
                std::iter::once(begun).chain((0..FLOOD).map(|_| frame(CONTINUATION, 0, 1, &filling)));

            let fate = attacked(&scene, &certificate, attack).await;

            assert_eq!(fate.goaway, Some(ENHANCE_YOUR_CALM), "for frames of {} bytes", filling.len());
            fate.check_neighbour_and_memory();
        }
    });
}

/// CVE-2019-9512, "ping flood", and CVE-2019-9515, "settings flood": each asks for an answer that nobody reads.
#[test]
fn pings_and_settings_of_a_peer_that_reads_nothing_do_not_pile_up() {
    alone(async {
        for asks in [frame(PING, 0, 0, b"12345678"), frame(SETTINGS, 0, 0, b"")] {
            let (scene, certificate) = impatient_scene().await;
            // Many in one piece, or the test would write for minutes until all buffers of the system are full.
            let piece = asks.repeat(1_000);
            let subscribed = frame(HEADERS, END_HEADERS | END_STREAM, 1, &subscribe());
            let attack = std::iter::once(subscribed).chain((0..FLOOD).map(|_| piece.clone()));

            let fate = attacked_without_reading(&scene, &certificate, attack).await;

            assert!(fate.ended, "the hub took {FLOOD} times 1,000 frames");
            fate.check_neighbour_and_memory();
        }
    });
}

/// CVE-2019-9518, "empty frames flood".
#[test]
fn frames_without_a_byte_end_the_connection() {
    alone(async {
        let (scene, certificate) = scene().await;
        let begun = frame(HEADERS, END_HEADERS, 1, &post());
        let attack = std::iter::once(begun).chain((0..FLOOD).map(|_| frame(DATA, 0, 1, b"")));

        let fate = attacked(&scene, &certificate, attack).await;

        assert_eq!(fate.goaway, Some(ENHANCE_YOUR_CALM));
        fate.check_neighbour_and_memory();
    });
}

/// CVE-2016-6581, "HPACK bomb": a long header is remembered, and then named again and again by one byte.
#[test]
fn a_head_that_is_small_only_while_it_is_compressed_is_not_unpacked() {
    alone(async {
        let (scene, certificate) = scene().await;
        let remembered = literal(0x40, "x", &[b'v'; 4_000]);
        let attack = (0..FLOOD).map(|number| {
            let named = vec![0xbe; 12_000];
            let block = if number == 0 {
                [get(), remembered.clone(), named].concat()
            } else {
                [get(), named].concat()
            };
            frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, &block)
        });

        let fate = attacked(&scene, &certificate, attack).await;

        assert_eq!(fate.goaway, Some(ENHANCE_YOUR_CALM));
        fate.check_neighbour_and_memory();
    });
}

/// A thousand requests whose bodies never begin: each is answered when its time is over, and the connection has room again.
#[test]
fn a_thousand_requests_that_are_left_are_answered_and_one_more_is_refused() {
    alone(async {
        let (scene, certificate) = scene_with(|config| config.body_wait_max = Duration::from_secs(2)).await;
        let before = held_bytes();
        let (mut reader, mut writer) = open(&scene, &certificate).await;

        for number in 0..=1_000 {
            writer.write_all(&frame(HEADERS, END_HEADERS, 2 * number + 1, &post())).await.unwrap();
        }
        writer.flush().await.unwrap();

        let mut refused = Vec::new();
        let mut answered = 0;
        let mut held_most = 0;
        within("a thousand answers", async {
            while answered < 1_000 {
                let (kind, stream, payload) = next_frame(&mut reader).await.unwrap();
                held_most = held_most.max(held_bytes().saturating_sub(before));
                match kind {
                    // Each stream that is answered has one head.
                    HEADERS => answered += 1,
                    RST_STREAM if payload == REFUSED_STREAM.to_be_bytes() => refused.push(stream),
                    _ => {}
                }
            }
        })
        .await;
        assert_eq!(refused, [2_001]);
        let each = held_most / 1_000;
        assert!(each <= 16_384, "each request that was left held {each} bytes");
        assert_eq!(neighbour(&scene, &certificate).await, 200);
    });
}

/// A hub that waits for a peer that takes no bytes no longer than a test can wait, and that sends no pings, so that nothing
/// else ends the connection.
async fn impatient_scene() -> (Scene, Certificate) {
    scene_with(|config| {
        config.write_wait_max = Duration::from_millis(200);
        config.ping_interval = Duration::from_secs(3_600);
    })
    .await
}

/// What became of an attack.
struct Fate {
    /// The error with which the hub has ended the connection.
    goaway: Option<u32>,
    /// The connection has ended.
    ended: bool,
    /// Bytes that the process held at most, over what it held before.
    held_most: usize,
    /// The status with which a neighbour was answered.
    neighbour: u16,
}

impl Fate {
    #[track_caller]
    fn check_neighbour_and_memory(&self) {
        assert_eq!(self.neighbour, 200);
        assert!(self.held_most <= HELD_BYTES_MAX, "{} bytes were held", self.held_most);
    }
}

/// Sends all of it, or as much as the hub takes, and reads what the hub says meanwhile.
async fn attacked(scene: &Scene, certificate: &Certificate, attack: impl Iterator<Item = Vec<u8>>) -> Fate {
    let (mut reader, writer) = open(scene, certificate).await;
    let mut said = JoinSet::new();
    said.spawn(async move {
        let mut goaway = None;
        while let Some((kind, _, payload)) = next_frame(&mut reader).await {
            if kind == GOAWAY {
                goaway = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            }
        }
        goaway
    });
    let mut fate = send(scene, certificate, writer, attack).await;
    fate.goaway = within("the end of the connection", said.join_next()).await.unwrap().unwrap();
    fate
}

async fn attacked_without_reading(
    scene: &Scene,
    certificate: &Certificate,
    attack: impl Iterator<Item = Vec<u8>>,
) -> Fate {
    let (mut unread, writer) = open(scene, certificate).await;
    let mut fate = send(scene, certificate, writer, attack).await;
    // A hub that has ended the connection throws away what still comes for a moment, so that all may have been sent.
    fate.ended |= within("the end of the connection", async {
        while next_frame(&mut unread).await.is_some() {}
        true
    })
    .await;
    fate
}

async fn send(
    scene: &Scene,
    certificate: &Certificate,
    mut writer: WriteHalf<TlsStream<TcpStream>>,
    attack: impl Iterator<Item = Vec<u8>>,
) -> Fate {
    let before = held_bytes();
    let (mut ended, mut held_most) = (false, 0);
    for piece in attack {
        ended = within("the hub to take a piece, or to end", writer.write_all(&piece)).await.is_err();
        held_most = held_most.max(held_bytes().saturating_sub(before));
        if ended {
            break;
        }
    }
    let neighbour = neighbour(scene, certificate).await;
    Fate { goaway: None, ended, held_most, neighbour }
}

async fn neighbour(scene: &Scene, certificate: &Certificate) -> u16 {
    let stream = certificate.connect(scene.address, &["h2"]).await.unwrap();
    Peer::over(stream).await.get("/healthz", &[]).await.head.status.as_u16()
}

async fn open(
    scene: &Scene,
    certificate: &Certificate,
) -> (ReadHalf<TlsStream<TcpStream>>, WriteHalf<TlsStream<TcpStream>>) {
    let mut stream = certificate.connect(scene.address, &["h2"]).await.unwrap();
    stream.write_all(&hello()).await.unwrap();
    split(stream)
}

/// Kind, stream and payload of the next frame; none if the connection has ended.
async fn next_frame(reader: &mut (impl AsyncRead + Unpin)) -> Option<(u8, u32, Vec<u8>)> {
    let mut head = [0; FRAME_HEAD_BYTES];
    reader.read_exact(&mut head).await.ok()?;
    let [high, middle, low, kind, _flags, stream @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
    reader.read_exact(&mut payload).await.ok()?;
    Some((kind, u32::from_be_bytes(stream), payload))
}

/// Bytes that the process has allocated and not given back.
fn held_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}
