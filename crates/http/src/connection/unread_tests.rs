//! Clients that do not take their answers, over both protocols. A pipe stands for the network, and the clock is paused: it
//! jumps to whatever is due next.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::draft;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tidings_testkit::metrics::Exposition;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use super::http1::until_parked;
use super::http2;
use crate::config::HttpConfig;
use crate::console::Pages;
use crate::front::Front;
use crate::limits::{LINGER_SILENCE_MAX, PIECE_BYTES};
use crate::stream::Ending;

/// What the default of `write_wait_max` is.
const WAIT: Duration = Duration::from_secs(60);

/// The default window of a stream.
const WINDOW: u32 = 65_535;

/// A hub with one small event in `small`, and as many in `large` as a page holds.
async fn front(change: impl FnOnce(&mut HttpConfig)) -> Front {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    hub.publish(draft("small", "x")).await.unwrap();
    let large = "x".repeat(50_000);
    hub.publish_all((0..5).map(|_| draft("large", &large)).collect()).await.unwrap();
    let mut config = HttpConfig::default();
    change(&mut config);
    Front::new(hub, config, Pages::default(), clock)
}

/// A client of HTTP/2 whose streams have a window of so many bytes.
async fn http_2(front: &Front, window: u32) -> SendRequest<Bytes> {
    let (near, far) = duplex(1 << 20);
    let front = front.clone();
    tokio::spawn(async move { http2::serve(&front, &Arc::default(), TaskTracker::new(), near).await });
    let mut builder = Builder::new();
    builder.initial_window_size(window).initial_connection_window_size(1 << 30);
    let (requests, connection) = builder.handshake(far).await.unwrap();
    tokio::spawn(connection);
    requests
}

async fn get(requests: &SendRequest<Bytes>, target: &str, accept: &str) -> Response<RecvStream> {
    let uri = format!("https://localhost{target}");
    let request = Request::get(uri).header("accept", accept).body(()).unwrap();
    let mut requests = requests.clone().ready().await.unwrap();
    requests.send_request(request, true).unwrap().0.await.unwrap()
}

async fn page(requests: &SendRequest<Bytes>, target: &str) -> RecvStream {
    let answer = get(requests, target, "application/json").await;
    assert_eq!(answer.status(), 200);
    answer.into_body()
}

async fn events(requests: &SendRequest<Bytes>, target: &str) -> RecvStream {
    get(requests, target, "text/event-stream").await.into_body()
}

/// Receives without making room, until the stream is reset, or for ten times as long as a client may take nothing.
async fn until_reset(body: &mut RecvStream) -> Option<Reason> {
    let reset = async {
        while let Some(data) = body.data().await {
            if let Err(error) = data {
                return error.reason();
            }
        }
        None
    };
    tokio::time::timeout(10 * WAIT, reset).await.ok().flatten()
}

/// Receives to the end: so many bytes at a time, and then a pause. The bytes, or the reason of a reset.
async fn slowly(body: &mut RecvStream, step: usize, pause: Duration) -> Result<usize, Option<Reason>> {
    let (mut received, mut held) = (0, 0);
    while let Some(data) = body.data().await {
        let data = data.map_err(|error| error.reason())?;
        (received, held) = (received + data.len(), held + data.len());
        if held >= step {
            sleep(pause).await;
            body.flow_control().release_capacity(held).map_err(|error| error.reason())?;
            held = 0;
        }
    }
    Ok(received)
}

/// Streams that ended for a reason, as the metrics have it.
pub(super) fn ended(front: &Front, reason: Ending) -> f64 {
    let (mut registry, mut text) = (Registry::default(), String::new());
    front.register_metrics(&mut registry);
    encode(&mut text, &registry).unwrap();
    let series = format!("tidings_disconnected_total{{reason=\"{}\"}}", reason.code());
    Exposition::open_metrics(&text).value(&series)
}

async fn hears(body: &mut RecvStream, text: &str) {
    let mut said = String::new();
    while !said.contains(text) {
        let data = body.data().await.unwrap().unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        said.push_str(std::str::from_utf8(&data).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_takes_nothing_is_reset_after_the_wait_and_its_neighbours_live() {
    for window in [0, WINDOW] {
        let front = front(|_| ()).await;
        let requests = http_2(&front, window).await;
        let began = Instant::now();
        let mut neighbour = if window == 0 { None } else { Some(events(&requests, "/events/a").await) };

        let reason = until_reset(&mut page(&requests, "/events/large").await).await;

        assert_eq!((reason, began.elapsed().as_secs()), (Some(Reason::CANCEL), WAIT.as_secs()));
        assert_eq!(front.answers().used(), 0);
        if let Some(neighbour) = &mut neighbour {
            front.hub().publish(draft("a", "for the neighbour")).await.unwrap();
            hears(neighbour, "for the neighbour").await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_that_takes_nothing_is_reset_after_the_wait_and_a_quiet_one_is_not() {
    let front = front(|_| ()).await;
    let requests = http_2(&front, WINDOW).await;
    let mut quiet = events(&requests, "/events/quiet").await;
    let mut stalled = events(&requests, "/events/a").await;
    sleep(10 * WAIT).await;
    front.hub().publish(draft("a", &"x".repeat(1_000_000))).await.unwrap();
    let began = Instant::now();
    sleep(Duration::from_secs(1)).await;
    assert!(front.budgets().unread.bytes() > 1_000_000, "the event that it keeps is counted");

    let reason = until_reset(&mut stalled).await;

    assert_eq!((reason, began.elapsed().as_secs()), (Some(Reason::CANCEL), WAIT.as_secs()));
    assert_eq!([ended(&front, Ending::WriteStalled), ended(&front, Ending::ClientGone)], [1.0, 0.0]);
    assert_eq!((front.budgets().unread.bytes(), front.hub().roster().count()), (0, 1));
    front.hub().publish(draft("quiet", "still here")).await.unwrap();
    hears(&mut quiet, "still here").await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_a_large_event_slowly_outlives_one_that_takes_nothing_of_another() {
    let front = front(|config| config.unread_bytes_max = 2_500_000).await;
    let requests = http_2(&front, WINDOW).await;
    let mut slow = events(&requests, "/events/slow").await;
    let mut still = events(&requests, "/events/still").await;
    let _newest = events(&requests, "/events/newest").await;
    let large = "x".repeat(1_000_000);
    let taken = tokio::spawn(async move { slowly(&mut slow, WINDOW as usize, Duration::from_secs(1)).await });
    for (topic, pause) in [("slow", 5), ("still", 3)] {
        front.hub().publish(draft(topic, &large)).await.unwrap();
        sleep(Duration::from_secs(pause)).await;
    }

    front.hub().publish(draft("newest", &large)).await.unwrap();
    let began = Instant::now();

    assert_eq!((until_reset(&mut still).await, began.elapsed().as_secs()), (Some(Reason::CANCEL), 0));
    assert_eq!(ended(&front, Ending::WriteStalled), 1.0);
    sleep(Duration::from_secs(20)).await;
    front.drain().begin(Duration::ZERO);
    assert!(taken.await.unwrap().unwrap() > large.len());
}

#[tokio::test(start_paused = true)]
async fn a_slow_but_steady_reader_of_http_2_is_not_ended() {
    let front = front(|_| ()).await;
    let requests = http_2(&front, PIECE_BYTES as u32).await;
    let mut body = page(&requests, "/events/large").await;
    let began = Instant::now();

    let received = slowly(&mut body, PIECE_BYTES, WAIT - Duration::from_secs(5)).await.unwrap();

    assert!(received > 250_000, "{received} bytes");
    assert!(began.elapsed() > 10 * WAIT);
    drop(body);
    assert_eq!(front.answers().used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_is_no_progress() {
    let front = front(|_| ()).await;
    let requests = http_2(&front, 1).await;
    let began = Instant::now();

    let ended = slowly(&mut page(&requests, "/events/large").await, 1, Duration::from_secs(10)).await;

    assert_eq!(ended, Err(Some(Reason::CANCEL)));
    assert!(began.elapsed() <= 2 * WAIT, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_last_piece_of_an_answer_is_not_left_behind_in_the_connection() {
    let front = front(|_| ()).await;
    // Room for the beginning of a small page, which h2 takes whole.
    let requests = http_2(&front, 10).await;
    let mut body = page(&requests, "/events/small").await;

    assert_eq!(until_reset(&mut body).await, Some(Reason::CANCEL));
    assert_eq!(front.answers().used(), 0);
}

/// Such answers take nothing of a budget. They once were left behind in the connection, where nobody watched them: h2
/// takes a whole piece for a window of one byte.
#[tokio::test(start_paused = true)]
async fn small_answers_and_openings_that_are_not_taken_are_reset_after_the_wait() {
    for target in ["/metrics", "/nowhere", "/healthz", "/events/quiet"] {
        // A heartbeat would be the next piece, for which the wait begins anew.
        let front = front(|config| config.heartbeat = 10 * WAIT).await;
        let requests = http_2(&front, 1).await;
        let mut body = get(&requests, target, "text/event-stream").await.into_body();
        let began = Instant::now();

        let reason = until_reset(&mut body).await;

        let fate = (target, reason, began.elapsed().as_secs());
        assert_eq!(fate, (target, Some(Reason::CANCEL), WAIT.as_secs()));
    }
}

/// A client of HTTP/1.1 that has asked for a page, on a pipe of a kilobyte.
fn http_1(front: &Front, target: &str) -> (DuplexStream, JoinHandle<()>) {
    let (near, mut far) = duplex(1_024);
    let (front, target) = (front.clone(), target.to_owned());
    let served = tokio::spawn(async move {
        let _ = until_parked(&front, &Arc::default(), near).await;
    });
    let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\r\n");
    let written = futures_util::FutureExt::now_or_never(far.write_all(request.as_bytes()));
    written.unwrap().unwrap();
    (far, served)
}

#[tokio::test(start_paused = true)]
async fn a_page_of_http_1_that_is_not_read_is_ended_after_the_wait() {
    let front = front(|_| ()).await;
    let began = Instant::now();
    let (_unread, served) = http_1(&front, "/events/large");

    served.await.unwrap();

    // The connection lingers until its peer has been silent for long enough.
    assert!((WAIT..=WAIT + LINGER_SILENCE_MAX + Duration::from_secs(1)).contains(&began.elapsed()));
    assert_eq!(front.answers().used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_but_steady_reader_of_http_1_is_not_ended() {
    let front = front(|_| ()).await;
    let (mut client, _served) = http_1(&front, "/events/large");
    let (mut said, mut piece) = (Vec::new(), [0; 1_024]);

    while !said.ends_with(b"\r\n0\r\n\r\n") {
        sleep(WAIT - Duration::from_secs(5)).await;
        for _ in 0..PIECE_BYTES / 1_024 {
            let read = client.read(&mut piece).await.unwrap();
            said.extend_from_slice(&piece[..read]);
        }
    }

    assert!(said.len() > 240_000, "{} bytes", said.len());
}

#[tokio::test(start_paused = true)]
async fn small_pages_pass_while_the_budget_is_full_and_the_stalled_end_for_the_next_large_one() {
    let front = front(|config| config.answers_bytes_max = 1_048_576).await;
    let requests = http_2(&front, WINDOW).await;
    let mut stalled = Vec::new();
    for _ in 0..3 {
        stalled.push(page(&requests, "/events/large").await);
    }
    let full = front.answers().used();
    let began = Instant::now();

    drop(page(&requests, "/events/small").await);
    assert_eq!(began.elapsed(), Duration::ZERO);
    let next = page(&requests, "/events/large").await;

    // The grace of the stalled ones is five seconds, and only one had to go.
    assert!((4..=6).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(front.answers().used(), full);
    drop((next, stalled));
}

#[tokio::test(start_paused = true)]
async fn a_page_without_room_is_refused_with_a_word_on_when_to_come_back() {
    let front = front(|config| config.answers_bytes_max = 1_048_576).await;
    let requests = http_2(&front, WINDOW).await;
    // Those who hold it wait for nobody.
    let _all = front.answers().try_take(1_048_576);

    let refused = get(&requests, "/events/large", "application/json").await;

    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    let body = refused.into_body().data().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&body).contains("urn:tidings:problem:answers-full"));
}
