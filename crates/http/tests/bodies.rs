//! Bodies that come slowly, or are too many at once. The clock is paused: it jumps to the next wake.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot go wrong here need not be told well")]

mod support;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use support::scene::Scene;
use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Store};
use tidings_http::{Body, Front, HttpConfig, Pages};
use tidings_testkit::deadline::until;
use tidings_testkit::faulty::{Fault, FaultyStore};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const KIB: usize = 1_024;

const TOO_SLOW: &str =
    "the body came with less than 1024 bytes a second (body_bytes_per_second_min); send it again";
const ROOM_NEEDED: &str =
    "the room of this body was needed for others, and it came more slowly than they did; send it again";

/// A hub whose large bodies may have 100 KiB together.
async fn front() -> Front {
    front_with(|_| ()).await
}

async fn front_with(change: impl FnOnce(&mut HttpConfig)) -> Front {
    front_on(|store| store, change).await
}

/// The same, with a store that keeps publishers waiting until it is told not to.
async fn front_on_a_store_that_holds() -> (Front, Fault) {
    let mut held = None;
    let front = front_on(
        |store| {
            let (store, fault) = FaultyStore::new(store);
            fault.hold();
            held = Some(fault);
            Arc::new(store)
        },
        |_| (),
    );
    (front.await, held.unwrap())
}

async fn front_on(
    wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    change: impl FnOnce(&mut HttpConfig),
) -> Front {
    let clock = ManualClock::at(3_600_000);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(wrap(Arc::new(store)), Limits::default()).await.unwrap();
    let mut config = HttpConfig::default();
    config.bodies_bytes_max = 100 * KIB;
    change(&mut config);
    Front::new(hub, config, Pages::default(), clock)
}

/// A body that comes as a test sends it.
struct ComingBody {
    declared: Option<u64>,
    received: u64,
    pieces: mpsc::UnboundedReceiver<Bytes>,
    polled: Arc<AtomicUsize>,
}

impl http_body::Body for ComingBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.polled.fetch_add(1, Ordering::Relaxed);
        let piece = std::task::ready!(self.pieces.poll_recv(context));
        self.received += piece.as_ref().map_or(0, Bytes::len) as u64;
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.declared == Some(self.received)
    }

    fn size_hint(&self) -> SizeHint {
        self.declared.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A publish under way.
struct Publish {
    pieces: Option<mpsc::UnboundedSender<Bytes>>,
    polled: Arc<AtomicUsize>,
    answer: JoinHandle<Response<Body>>,
    began: Instant,
}

impl Publish {
    fn begin(front: &Front, declared: Option<usize>) -> Self {
        Self::with(front, declared, Request::post("/events/a"))
    }

    fn producer(front: &Front) -> Self {
        Self::with(front, None, Request::post("/events/a").header("content-type", "text/event-stream"))
    }

    fn with(front: &Front, declared: Option<usize>, request: http::request::Builder) -> Self {
        let (pieces, receiver) = mpsc::unbounded_channel();
        let polled = Arc::new(AtomicUsize::new(0));
        let declared = declared.map(|bytes| bytes as u64);
        let body = ComingBody { declared, received: 0, pieces: receiver, polled: polled.clone() };
        let (front, request) = (front.clone(), request.body(body).unwrap());
        let answer = tokio::spawn(async move { front.handle(request).await });
        Self { pieces: Some(pieces), polled, answer, began: Instant::now() }
    }

    /// A publish that sends all but its last byte and stops.
    async fn stopped(front: &Front, declared: usize) -> Self {
        let publish = Self::begin(front, Some(declared));
        publish.send(declared - 1).await;
        publish
    }

    /// A publish that comes whole, in one piece.
    async fn whole(front: &Front, bytes: usize) -> Self {
        Self::in_pieces(front, Some(bytes), &[bytes]).await
    }

    /// A publish that sends pieces of so many bytes, and ends.
    async fn in_pieces(front: &Front, declared: Option<usize>, pieces: &[usize]) -> Self {
        Self::counted(front, declared, pieces).await.0
    }

    /// The same, and the bytes that all bodies held after each of them.
    async fn counted(front: &Front, declared: Option<usize>, pieces: &[usize]) -> (Self, Vec<usize>) {
        let mut publish = Self::begin(front, declared);
        let mut held = Vec::new();
        for bytes in pieces {
            publish.send(*bytes).await;
            held.push(front.bodies_bytes());
        }
        publish.finish();
        (publish, held)
    }

    async fn send(&self, bytes: usize) {
        self.say(&"x".repeat(bytes)).await;
    }

    /// Sends a piece, and lets the hub take it.
    async fn say(&self, text: &str) {
        // Nobody hears it once the hub has answered.
        let _ = self.pieces.as_ref().unwrap().send(Bytes::copy_from_slice(text.as_bytes()));
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    fn finish(&mut self) {
        self.pieces = None;
    }

    /// Status, text, and the seconds until they came.
    async fn answer(self) -> (StatusCode, String, u64) {
        let (head, body) = self.answer.await.unwrap().into_parts();
        let seconds = self.began.elapsed().as_secs();
        let text = body.collect().await.unwrap().to_bytes();
        (head.status, String::from_utf8(text.to_vec()).unwrap(), seconds)
    }

    async fn refused(self, status: u16, detail: &str) -> u64 {
        let (answered, text, seconds) = self.answer().await;
        assert_eq!((answered.as_u16(), text.contains(detail)), (status, true), "{text}");
        seconds
    }

    async fn published(self) -> u64 {
        let (status, text, seconds) = self.answer().await;
        assert_eq!(status, StatusCode::CREATED, "{text}");
        seconds
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_before_its_last_byte_is_ended_soon() {
    let front = front().await;
    // At the end of the first window of five seconds before which too little came for thirty.
    for (declared, seconds) in [(5, 30), (16 * KIB, 30), (16 * KIB + 1, 30), (100 * KIB, 35)] {
        let stopped = Publish::stopped(&front, declared).await;
        assert_eq!(front.bodies_bytes(), declared);

        assert_eq!(stopped.refused(408, TOO_SLOW).await, seconds, "{declared} bytes");
        assert_eq!(front.bodies_bytes(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_of_which_nothing_comes_is_ended_after_thirty_seconds() {
    let front = front().await;
    for declared in [None, Some(5), Some(16 * KIB), Some(16 * KIB + 1)] {
        let silent = Publish::begin(&front, declared);
        sleep(Duration::from_secs(1)).await;
        let is_large = declared.is_some_and(|bytes| bytes > 16 * KIB);
        assert_eq!(front.bodies_bytes() > 0, is_large, "{declared:?}");

        assert_eq!(silent.refused(408, "send it again").await, 30, "{declared:?}");
        assert_eq!(front.bodies_bytes(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_is_not_progress() {
    let front = front().await;
    let publish = Publish::begin(&front, Some(100 * KIB));

    for _ in 0..34 {
        publish.send(1).await;
        sleep(Duration::from_millis(900)).await;
    }

    assert_eq!(publish.refused(408, TOO_SLOW).await, 30);
    assert_eq!(front.bodies_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_in_bursts_at_the_least_rate_is_published_however_long_it_takes() {
    let front = front().await;
    let mut publish = Publish::begin(&front, Some(100 * KIB));

    for _ in 0..10 {
        publish.send(10 * KIB).await;
        sleep(Duration::from_millis(9_900)).await;
    }
    publish.finish();

    assert_eq!(publish.published().await, 99);
    assert_eq!(front.bodies_bytes(), 0);
}

/// The rate was looked at over ten seconds, so a silence of ten seconds ended a body that was fast enough on the whole.
#[tokio::test(start_paused = true)]
async fn a_body_that_pauses_between_fast_bursts_is_published() {
    let front = front().await;
    let mut publish = Publish::begin(&front, Some(100_000));

    for _ in 0..5 {
        publish.send(20_000).await;
        sleep(Duration::from_secs(14)).await;
    }
    publish.finish();

    assert_eq!(publish.published().await, 70);
}

#[tokio::test(start_paused = true)]
async fn a_small_body_may_pause_at_its_beginning_and_before_its_end() {
    let front = front().await;
    for (before, declared) in [(12, None), (12, Some(5)), (0, Some(5)), (12, Some(16 * KIB)), (29, Some(5))] {
        let mut publish = Publish::begin(&front, declared);
        let bytes = declared.unwrap_or(5);

        sleep(Duration::from_secs(before)).await;
        publish.send(bytes - 1).await;
        sleep(Duration::from_secs(11)).await;
        publish.send(1).await;
        publish.finish();

        assert_eq!(publish.published().await, before + 11, "{declared:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_time_of_a_body_holds_whatever_its_rate() {
    let front = front_with(|config| config.body_wait_max = Duration::from_secs(60)).await;
    let publish = Publish::begin(&front, Some(100 * KIB));

    for _ in 0..61 {
        publish.send(KIB).await;
        sleep(Duration::from_secs(1)).await;
    }

    assert_eq!(publish.refused(408, "the body did not come in time; send it again").await, 61);
    assert_eq!(front.bodies_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn large_bodies_that_stop_do_not_keep_small_ones_waiting() {
    let front = front().await;
    let stopped = Publish::stopped(&front, 100 * KIB).await;

    let whole = Publish::whole(&front, 5).await;
    assert_eq!(whole.published().await, 0);
    let in_two_pieces = Publish::in_pieces(&front, Some(16 * KIB), &[1, 16 * KIB - 1]).await;
    assert_eq!(in_two_pieces.published().await, 0);

    assert_eq!(front.bodies_bytes(), 100 * KIB);
    assert_eq!(stopped.refused(408, TOO_SLOW).await, 35);
}

#[tokio::test(start_paused = true)]
async fn small_bodies_that_stop_do_not_keep_those_waiting_that_come_whole() {
    let front = front().await;
    let mut stopped = Vec::new();
    for _ in 0..1_024 {
        stopped.push(Publish::stopped(&front, 16 * KIB).await);
    }
    let newcomer = Publish::stopped(&front, 16 * KIB).await;
    assert_eq!(front.bodies_bytes(), 1_024 * 16 * KIB, "the newcomer waits");

    let whole = Publish::whole(&front, 16 * KIB).await;
    assert_eq!(whole.published().await, 0);
    let mut behind_its_head = Publish::begin(&front, Some(16 * KIB));
    sleep(Duration::from_secs(3)).await;
    behind_its_head.send(16 * KIB).await;
    behind_its_head.finish();
    assert_eq!(behind_its_head.published().await, 3);

    sleep(Duration::from_secs(3)).await;
    let ended = stopped.iter().filter(|stopped| stopped.answer.is_finished()).count();
    assert_eq!((ended, front.bodies_bytes()), (1, 1_024 * 16 * KIB));
    drop(newcomer);
}

/// A small body counted as declared, so 1,024 of them that stopped after 100 bytes filled the reserve.
#[tokio::test(start_paused = true)]
async fn small_bodies_that_stop_near_their_beginning_stop_nobody() {
    let front = front().await;
    let mut stopped = Vec::new();
    for declared in [Some(16 * KIB), None].repeat(5_000) {
        let publish = Publish::begin(&front, declared);
        publish.send(100).await;
        stopped.push(publish);
    }
    assert_eq!(front.bodies_bytes(), 10_000 * KIB);

    for declared in [Some(16 * KIB), None] {
        let in_two_pieces = Publish::in_pieces(&front, declared, &[8 * KIB, 8 * KIB]).await;
        assert_eq!(in_two_pieces.published().await, 0);
    }
    assert!(!stopped.iter().any(|stopped| stopped.answer.is_finished()));
}

#[tokio::test(start_paused = true)]
async fn small_bodies_that_wait_to_be_asked_and_never_come_stop_nobody() {
    let front = front().await;
    let mut silent = Vec::new();
    for _ in 0..10_000 {
        let request = Request::post("/events/a").header("expect", "100-continue");
        let publish = Publish::with(&front, Some(16 * KIB), request);
        publish.send(0).await;
        silent.push(publish);
    }

    let in_two_pieces = Publish::in_pieces(&front, Some(16 * KIB), &[KIB, 15 * KIB]).await;

    assert_eq!(in_two_pieces.published().await, 0);
    assert!(!silent.iter().any(|silent| silent.answer.is_finished()));
}

#[tokio::test(start_paused = true)]
async fn a_small_body_counts_as_it_comes() {
    let front = front().await;

    let (publish, held) = Publish::counted(&front, Some(10_000), &[1, 1_023, 1, 6_000, 2_900, 75]).await;

    assert_eq!(held, [1_024, 1_024, 2_048, 7_168, 10_000, 10_000]);
    publish.published().await;
}

#[tokio::test(start_paused = true)]
async fn the_slowest_body_is_ended_for_one_that_finds_no_room() {
    let front = front().await;
    // It is the faster one on the whole, but not lately.
    let stopped = Publish::stopped(&front, 50 * KIB).await;
    let slow = Publish::begin(&front, Some(50 * KIB));
    for _ in 0..11 {
        slow.send(KIB).await;
        sleep(Duration::from_secs(1)).await;
    }

    let newcomer = Publish::whole(&front, 50 * KIB).await;

    assert_eq!(newcomer.published().await, 0);
    assert_eq!(stopped.refused(408, ROOM_NEEDED).await, 11);
    assert!(!slow.answer.is_finished());
    slow.answer.abort();
    assert!(slow.answer.await.is_err());
    assert_eq!(front.bodies_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_whole_keeps_its_share_until_it_is_published_and_is_not_ended_for_others() {
    let (front, fault) = front_on_a_store_that_holds().await;
    let waiting = Publish::in_pieces(&front, Some(20 * KIB), &[0, 20 * KIB]).await;
    sleep(Duration::from_secs(11)).await;
    let slow = Publish::begin(&front, Some(80 * KIB));
    for _ in 0..6 {
        slow.send(5 * KIB).await;
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(front.bodies_bytes(), 100 * KIB);

    let newcomer = Publish::begin(&front, Some(20 * KIB));
    newcomer.send(0).await;

    assert_eq!(slow.refused(408, ROOM_NEEDED).await, 6);
    fault.let_through(1);
    assert_eq!(waiting.published().await, 17);
    newcomer.answer.abort();
    assert!(newcomer.answer.await.is_err());
    assert_eq!(front.bodies_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_finds_no_room_is_told_to_come_back_and_was_not_read() {
    let front = front().await;
    let first = Publish::stopped(&front, 100 * KIB).await;
    let second = Publish::begin(&front, Some(100 * KIB));
    let third = Publish::begin(&front, Some(100 * KIB));
    sleep(Duration::from_millis(5_100)).await;
    assert!(first.answer.is_finished(), "it was ended for the second");

    let polled = third.polled.clone();
    let (head, body) = third.answer.await.unwrap().into_parts();

    assert_eq!((head.status.as_u16(), third.began.elapsed().as_secs()), (503, 6));
    assert_eq!(head.headers["retry-after"], "5");
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(text.contains("urn:tidings:problem:bodies-full") && text.contains("bodies_bytes_max"), "{text}");
    assert_eq!(polled.load(Ordering::Relaxed), 0);
    assert_eq!(second.refused(408, TOO_SLOW).await, 35);
    assert_eq!(front.bodies_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_waits_to_be_asked_for_is_not_asked_for_before_there_is_room() {
    let front = front().await;
    let mut filling = Vec::new();
    for _ in 0..1_024 {
        filling.push(Publish::stopped(&front, 16 * KIB).await);
    }
    let request = Request::post("/events/a").header("expect", "100-continue");

    let waiting = Publish::with(&front, Some(16), request);
    waiting.send(0).await;

    assert_eq!(waiting.polled.load(Ordering::Relaxed), 0);
    filling.pop().unwrap().answer.abort();
    waiting.send(16).await;
    assert_ne!(waiting.polled.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_without_a_length_counts_as_it_comes() {
    let front = front().await;

    let (publish, held) = Publish::counted(&front, None, &[KIB, 7 * KIB, 16 * KIB, 20 * KIB]).await;

    // Twice what has come once it is large, so that a body is moved seldom as it grows.
    assert_eq!(held, [KIB, 8 * KIB, 48 * KIB, 48 * KIB]);
    publish.published().await;
    assert_eq!(front.bodies_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_without_a_length_ends_at_the_largest_event() {
    let front = front_with(|config| config.bodies_bytes_max = 64 << 20).await;
    let publish = Publish::begin(&front, None);

    for _ in 0..16 {
        publish.send(64 * KIB).await;
    }
    assert_eq!(front.bodies_bytes(), 1_024 * KIB);
    publish.send(1).await;

    publish.refused(413, "an event's data has at most 1048576 bytes").await;
    assert_eq!(front.bodies_bytes(), 0);
}

/// Memory grows in larger steps than the event, so the producer came to hold more than the whole budget, was made to wait
/// for itself, and answered 503.
#[tokio::test(start_paused = true)]
async fn an_event_as_large_as_the_budget_is_published_when_it_is_alone() {
    let front = front_with(|config| config.bodies_bytes_max = 1 << 20).await;
    let mut producer = Publish::producer(&front);

    producer.say("data: ").await;
    for bytes in [10_000, 300_000, 400_000, 1_024 * KIB - 710_000] {
        producer.send(bytes).await;
    }
    producer.say("\n\n").await;
    producer.finish();

    assert_eq!(producer.published().await, 0);
    assert_eq!(front.bodies_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_without_a_length_that_outgrows_the_budget_is_told_to_come_back() {
    let (front, _fault) = front_on_a_store_that_holds().await;
    let waiting = Publish::whole(&front, 60 * KIB).await;
    let publish = Publish::begin(&front, None);

    for _ in 0..5 {
        publish.send(10 * KIB).await;
    }

    assert_eq!(publish.refused(503, "bodies_bytes_max").await, 6);
    assert_eq!(front.bodies_bytes(), 60 * KIB);
    waiting.answer.abort();
}

/// It was measured anew when it became large, so it had its time twice.
#[tokio::test(start_paused = true)]
async fn a_body_without_a_length_is_measured_from_its_beginning_though_it_becomes_large() {
    let front = front().await;
    let publish = Publish::begin(&front, None);

    publish.send(8 * KIB).await;
    sleep(Duration::from_secs(20)).await;
    publish.send(12 * KIB).await;

    assert_eq!(publish.refused(408, TOO_SLOW).await, 30);
}

/// It was answered that there was no room, as if it might come back and stop again.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_ended_for_others_while_it_waits_to_grow_is_told_so() {
    let (front, _fault) = front_on_a_store_that_holds().await;
    let whole = Publish::whole(&front, 40 * KIB).await;
    let growing = Publish::begin(&front, None);
    growing.send(24 * KIB).await;
    growing.send(30 * KIB).await;
    let newcomer = Publish::begin(&front, Some(50 * KIB));
    newcomer.send(0).await;

    assert_eq!(growing.refused(408, ROOM_NEEDED).await, 5);
    newcomer.send(0).await;
    assert_eq!(front.bodies_bytes(), 90 * KIB, "the newcomer has the room");
    newcomer.answer.abort();
    whole.answer.abort();
}

/// The time for which it waited for room counted as silence of its publisher.
#[tokio::test(start_paused = true)]
async fn the_time_for_which_a_body_waits_to_grow_does_not_count_against_its_publisher() {
    let (front, fault) = front_on_a_store_that_holds().await;
    let whole = Publish::whole(&front, 60 * KIB).await;
    let mut growing = Publish::begin(&front, None);
    for (bytes, seconds) in [(1, 6), (17 * KIB, 1), (14 * KIB, 31)] {
        growing.send(bytes).await;
        sleep(Duration::from_secs(seconds)).await;
    }
    // There is room for twice what came, and this is more. Its publisher has two seconds left to keep the least rate.
    growing.send(4 * KIB).await;
    sleep(Duration::from_secs(5)).await;

    fault.let_through(1);
    sleep(Duration::from_secs(1)).await;
    growing.send(27 * KIB).await;
    sleep(Duration::from_secs(3)).await;
    growing.finish();
    fault.let_through(1);

    whole.published().await;
    assert_eq!(growing.published().await, 47);
}

#[tokio::test(start_paused = true)]
async fn a_small_body_that_finds_no_room_is_told_which_room_is_full() {
    let (front, _fault) = front_on_a_store_that_holds().await;
    let mut whole = Vec::new();
    for _ in 0..1_024 {
        let mut publish = Publish::stopped(&front, 16 * KIB).await;
        publish.send(1).await;
        publish.finish();
        whole.push(publish);
    }

    let newcomer = Publish::stopped(&front, 16 * KIB).await;

    assert_eq!(newcomer.refused(503, "take up all of the reserve for small bodies;").await, 6);
    whole.iter().for_each(|publish| publish.answer.abort());
}

#[tokio::test(start_paused = true)]
async fn a_length_that_is_wrong_does_no_harm() {
    let front = front().await;
    for (declared, sent) in [(10, 5), (7, 10), (20 * KIB, KIB), (30 * KIB, 40 * KIB)] {
        let publish = Publish::in_pieces(&front, Some(declared), &[sent / 2, sent - sent / 2]).await;

        publish.published().await;
        assert_eq!(front.bodies_bytes(), 0, "{declared} declared, {sent} sent");
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_body_that_is_longer_than_declared_counts_with_all_that_has_come() {
    let front = front().await;

    let (publish, held) = Publish::counted(&front, Some(10), &[5, 2_000, 2_000]).await;

    assert_eq!(held, [10, 2_048, 4_096]);
    publish.published().await;
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_goes_away_gives_everything_back() {
    let front = front().await;
    let stopped = [
        Publish::stopped(&front, 5).await,
        Publish::stopped(&front, 90 * KIB).await,
        Publish::begin(&front, None),
    ];
    let waiting = Publish::begin(&front, Some(90 * KIB));
    waiting.send(0).await;
    assert_ne!(front.bodies_bytes(), 0);

    for publish in stopped.into_iter().chain([waiting]) {
        publish.answer.abort();
        assert!(publish.answer.await.is_err());
    }

    assert_eq!(front.bodies_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_producer_may_be_silent_between_two_events_and_holds_nothing_then() {
    let front = front().await;
    let mut producer = Publish::producer(&front);
    let large = format!("data: {}\n\n", "x".repeat(60 * KIB));

    for event in ["data: 1\n\n", &large, ": only a comm", "ent\n", "data: 2\n\n"] {
        for piece in event.as_bytes().chunks(20 * KIB) {
            producer.say(std::str::from_utf8(piece).unwrap()).await;
        }
        sleep(Duration::from_secs(600)).await;
        assert_eq!(front.bodies_bytes(), 0, "after {} bytes", event.len());
    }
    producer.finish();

    assert_eq!(producer.published().await, 3_000);
}

/// The last id stays in memory until the next one comes. A producer that set one of 1 MB and then said nothing kept it for
/// an hour, and nobody watched it.
#[tokio::test(start_paused = true)]
async fn a_producer_that_sets_a_long_id_is_refused_though_its_block_has_no_data() {
    let front = front_with(|config| config.bodies_bytes_max = 64 << 20).await;
    for bytes in [257, 1 << 20] {
        let producer = Publish::producer(&front);
        producer.say("data: 1\n\nid: ").await;
        for _ in 0..bytes / KIB {
            producer.send(KIB).await;
        }
        producer.send(bytes % KIB).await;
        producer.say("\n\n").await;

        let detail = format!("event 2 of the body: an id has at most 256 bytes, this one has {bytes}");
        assert_eq!(producer.refused(400, &detail).await, 0);
        assert_eq!(front.bodies_bytes(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_producer_at_rest_holds_no_share_for_what_its_last_event_took() {
    let front = front().await;
    let mut producer = Publish::producer(&front);
    for kib in [5, 12, 40] {
        producer.say("id: 1\ndata: ").await;
        producer.send(kib * KIB).await;
        assert_ne!(front.bodies_bytes(), 0, "{kib} KiB");

        producer.say("\n\n").await;
        sleep(Duration::from_secs(1)).await;

        assert_eq!(front.bodies_bytes(), 0, "{kib} KiB");
    }
    producer.say(&format!("id: {}\n\n", "x".repeat(256))).await;
    producer.finish();

    assert_eq!(producer.published().await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_stops_inside_an_event_that_takes_a_share_is_ended_soon() {
    let front = front().await;
    let large = "x".repeat(8 * KIB);
    for begun in ["data: L", "data: L\n", "event: L", "data: 2\nid: L\n", "data: L\n: a comm"] {
        let begun = begun.replace('L', &large);
        let producer = Publish::producer(&front);
        producer.say("data: 1\n\n").await;
        sleep(Duration::from_secs(600)).await;

        producer.say(&begun).await;

        let (status, text, seconds) = producer.answer().await;
        assert_eq!((status.as_u16(), seconds), (408, 630), "{:?}", &begun[..10]);
        assert!(text.contains(TOO_SLOW) && text.ends_with("\"published\":1}\n"), "{text}");
        assert_eq!(front.bodies_bytes(), 0);
    }
}

/// Inside an event every producer had to keep the least rate, so a person that typed two lines was answered 408.
#[tokio::test(start_paused = true)]
async fn a_producer_may_be_silent_inside_an_event_that_takes_no_share() {
    let front = front().await;
    let mut producer = Publish::producer(&front);
    let large = format!("data: {}\n\ndata: one\n", "x".repeat(60 * KIB));

    // Texts grow in doubling steps, so that an event is sure to take no share up to half of the step of a share.
    let half = format!("data: {}\n", "x".repeat(900));

    for piece in ["data: one\n", "data: two\n", "\n", &large, "d", "ata: 2\n", &half, &half] {
        producer.say(piece).await;
        sleep(Duration::from_secs(600)).await;
        assert_eq!(front.bodies_bytes(), 0, "after {} bytes", piece.len());
    }
    producer.say("\n").await;
    producer.finish();

    assert_eq!(producer.published().await, 4_800);
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_is_silent_for_an_hour_is_ended_also_inside_an_event() {
    let front = front().await;
    let producer = Publish::producer(&front);

    producer.say("data: one\n").await;

    assert_eq!(producer.refused(408, "the body did not come in time").await, 3_600);
}

#[tokio::test(start_paused = true)]
async fn each_event_of_a_producer_has_its_own_time() {
    let front = front().await;
    let mut producer = Publish::producer(&front);
    let begun = format!("1\n\ndata: {}", "x".repeat(8 * KIB));

    producer.say("data: ").await;
    for _ in 0..20 {
        sleep(Duration::from_secs(29)).await;
        producer.say(&begun).await;
    }
    producer.say("1\n\n").await;
    producer.finish();

    assert_eq!(producer.published().await, 580);
}

#[tokio::test(start_paused = true)]
async fn a_producer_counts_with_what_it_holds_of_an_event() {
    let front = front().await;
    let producer = Publish::producer(&front);

    producer.say("data: ").await;
    for _ in 0..4 {
        producer.send(10 * KIB).await;
    }

    let held = front.bodies_bytes();
    assert!((36 * KIB..=80 * KIB).contains(&held), "{held}");
    assert_eq!(producer.refused(408, TOO_SLOW).await, 35);
    assert_eq!(front.bodies_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_stops_inside_an_event_is_ended_for_one_that_finds_no_room() {
    let front = front().await;
    let producer = Publish::producer(&front);
    producer.say("data: 1\n\ndata: ").await;
    producer.send(60 * KIB).await;
    let mut newcomer = Publish::begin(&front, Some(90 * KIB));

    newcomer.send(90 * KIB).await;
    newcomer.finish();

    assert_eq!(newcomer.published().await, 5);
    let (status, text, seconds) = producer.answer().await;
    assert_eq!((status.as_u16(), seconds), (408, 5), "{text}");
    assert!(text.contains(ROOM_NEEDED) && text.ends_with("\"published\":1}\n"), "{text}");
    assert_eq!(front.bodies_bytes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_waits_to_be_asked_is_asked_only_for_a_body_that_is_taken() {
    let scene = Scene::start().await;
    let head = |length: usize| {
        format!(
            "POST /events/a HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };

    let mut refused = scene.connect().await;
    refused.send(head(1_048_577)).await;
    let answer = refused.rest().await;
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    for length in [5, 100_000] {
        let mut asked = scene.connect().await;
        asked.send(head(length)).await;
        asked.expect("HTTP/1.1 100 Continue\r\n\r\n").await;
        assert_eq!(scene.front.bodies_bytes(), length);
        asked.send("x".repeat(length)).await;
        assert!(asked.answer().await.starts_with("HTTP/1.1 201 Created\r\n"));
    }
    until("the shares to be given back", || scene.front.bodies_bytes() == 0).await;
}
