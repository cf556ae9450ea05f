//! The bounds of the phases of HTTP/1, in virtual time. A pipe stands for the network, and the clock is paused: it jumps to
//! whatever is due next.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::contract::ManualClock;
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

use super::http1::until_parked;
use crate::config::HttpConfig;
use crate::console::Pages;
use crate::front::Front;
use crate::limits::{BODY_AT_END_SILENCE_MAX, LINGER_AT_END_WAIT_MAX, LINGER_SILENCE_MAX};

const ASK: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// 5 MiB, which no event may be.
const REFUSED: &str = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5242880\r\n\r\n";

async fn front() -> Front {
    let clock = ManualClock::at(0);
    let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
    let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
    Front::new(hub, HttpConfig::default(), Pages::default(), clock)
}

/// A client of a connection that a hub serves.
async fn client() -> (DuplexStream, Front) {
    let front = front().await;
    let (near, far) = duplex(65_536);
    let served = front.clone();
    tokio::spawn(async move {
        let _ = until_parked(&served, &Arc::default(), near).await;
    });
    (far, front)
}

/// Reads an answer with a length; the status.
async fn answer(client: &mut DuplexStream) -> u16 {
    let mut said = Vec::new();
    loop {
        client.read_buf(&mut said).await.unwrap();
        let text = String::from_utf8_lossy(&said);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            return text[9..12].parse().unwrap();
        }
    }
}

/// Sends a number of bytes at once, again and again with a pause, until the hub takes no more. The bytes that it took.
async fn send_until_cut(client: &mut DuplexStream, bytes: usize, pause: Duration) -> usize {
    let mut sent = 0;
    while client.write_all(&vec![b'x'; bytes]).await.is_ok() {
        sent += bytes;
        sleep(pause).await;
    }
    sent
}

/// Seconds until the hub ends the connection.
async fn seconds_until_closed(client: &mut DuplexStream) -> u64 {
    let began = Instant::now();
    assert_eq!(client.read(&mut [0; 16]).await.unwrap(), 0);
    began.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_has_ten_seconds_and_an_idle_one_seventy_five() {
    let (mut new, _front) = client().await;
    assert_eq!(seconds_until_closed(&mut new).await, 10);

    let (mut idle, _front) = client().await;
    for _ in 0..3 {
        idle.write_all(ASK.as_bytes()).await.unwrap();
        assert_eq!(answer(&mut idle).await, 200);
        sleep(Duration::from_secs(74)).await;
    }
    idle.write_all(ASK.as_bytes()).await.unwrap();
    assert_eq!(answer(&mut idle).await, 200);
    assert_eq!(seconds_until_closed(&mut idle).await, 75);
}

#[tokio::test(start_paused = true)]
async fn a_head_after_a_long_silence_has_its_whole_time() {
    let (mut client, _front) = client().await;
    client.write_all(ASK.as_bytes()).await.unwrap();
    answer(&mut client).await;
    sleep(Duration::from_secs(74)).await;

    client.write_all(&ASK.as_bytes()[..5]).await.unwrap();
    sleep(Duration::from_secs(9)).await;
    client.write_all(&ASK.as_bytes()[5..]).await.unwrap();

    assert_eq!(answer(&mut client).await, 200);
    client.write_all(&ASK.as_bytes()[..5]).await.unwrap();
    assert_eq!(seconds_until_closed(&mut client).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_body_does_not_count_as_the_beginning_of_the_next_head() {
    let (mut client, _front) = client().await;
    client
        .write_all(b"POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3000\r\n\r\n")
        .await
        .unwrap();
    for _ in 0..3 {
        sleep(Duration::from_secs(1)).await;
        client.write_all(&[b'x'; 1_000]).await.unwrap();
    }

    assert_eq!(answer(&mut client).await, 201);
    assert_eq!(seconds_until_closed(&mut client).await, 75);
}

#[tokio::test(start_paused = true)]
async fn a_large_head_that_comes_steadily_is_read_and_a_byte_now_and_then_is_no_progress() {
    let (mut steady, _front) = client().await;
    steady.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
    for number in 0..50 {
        sleep(Duration::from_millis(900)).await;
        let line = format!("x-{number}: {}\r\n", "x".repeat(1_024));
        steady.write_all(line.as_bytes()).await.unwrap();
    }
    steady.write_all(b"\r\n").await.unwrap();
    assert_eq!(answer(&mut steady).await, 200);

    let (mut slow, _front) = client().await;
    let began = Instant::now();
    slow.write_all(b"GET /").await.unwrap();
    send_until_cut(&mut slow, 1, Duration::from_millis(500)).await;
    // The connection lingers, and is given no more than its time there.
    assert!(began.elapsed() <= Duration::from_secs(10 + 31), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_phone_that_sends_twelve_kilobytes_a_second_publishes_a_mebibyte() {
    let (mut client, _front) = client().await;
    let head = "POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1048576\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();

    let mut left = 1_048_576;
    while left > 0 {
        sleep(Duration::from_secs(1)).await;
        let piece = left.min(12_000);
        client.write_all(&vec![b'x'; piece]).await.unwrap();
        left -= piece;
    }

    assert_eq!(answer(&mut client).await, 201);
}

#[tokio::test(start_paused = true)]
async fn a_phone_that_sends_all_of_a_refused_body_reads_the_answer() {
    let (mut client, _front) = client().await;
    client.write_all(REFUSED.as_bytes()).await.unwrap();

    for _ in 0..5 * 1_048_576 / 16_384 {
        sleep(Duration::from_secs(1)).await;
        client.write_all(&[b'x'; 16_384]).await.unwrap();
    }

    assert_eq!(answer(&mut client).await, 413);
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_is_cut_after_silence_and_when_what_it_sends_is_no_progress() {
    let silence = LINGER_SILENCE_MAX;
    let wait = HttpConfig::default().linger_wait_max;
    for (bytes, pause, expected) in [
        (1, silence + Duration::from_secs(1), silence..=silence + Duration::from_secs(1)),
        (1, silence - Duration::from_secs(1), wait..=wait + silence),
        // Less than 1 KiB a second earns less than a second for each second.
        (512, Duration::from_secs(1), wait..=3 * wait),
    ] {
        let (mut client, _front) = client().await;
        client.write_all(REFUSED.as_bytes()).await.unwrap();
        assert_eq!(answer(&mut client).await, 413);
        let began = Instant::now();

        send_until_cut(&mut client, bytes, pause).await;

        assert!(expected.contains(&began.elapsed()), "{bytes} bytes, {pause:?}: {:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_that_sends_on_for_ever_is_cut_after_the_longest_time_of_a_body() {
    let (mut client, _front) = client().await;
    client.write_all(REFUSED.as_bytes()).await.unwrap();
    answer(&mut client).await;
    let began = Instant::now();

    send_until_cut(&mut client, 65_536, Duration::from_secs(1)).await;

    let longest = HttpConfig::default().body_wait_max;
    assert!((longest..=longest + Duration::from_secs(1)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_that_sends_on_does_not_hold_up_the_end_of_the_hub() {
    let (mut client, front) = client().await;
    client.write_all(REFUSED.as_bytes()).await.unwrap();
    answer(&mut client).await;
    let began = Instant::now();
    front.drain().begin(Duration::ZERO);

    send_until_cut(&mut client, 1_024, Duration::from_millis(100)).await;

    assert!(began.elapsed() <= LINGER_AT_END_WAIT_MAX + Duration::from_millis(200), "{:?}", began.elapsed());
}

/// It held the end up until the deadline, and its publisher was cut off without an answer.
#[tokio::test(start_paused = true)]
async fn a_publisher_that_stops_in_its_body_when_the_hub_ends_is_answered_after_a_second() {
    for (length, sent) in [(10, "ab"), (10, ""), (100_000, "ab")] {
        let (mut publisher, front) = client().await;
        let head =
            format!("POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{sent}");
        publisher.write_all(head.as_bytes()).await.unwrap();
        sleep(Duration::from_secs(3)).await;
        let before = Instant::now();

        front.drain().begin(Duration::ZERO);

        assert_eq!(answer(&mut publisher).await, 503, "{length} {sent}");
        assert_eq!(before.elapsed().as_secs(), BODY_AT_END_SILENCE_MAX.as_secs(), "{length} {sent}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_goes_on_with_its_body_when_the_hub_ends_is_published_until_near_the_deadline() {
    let end = (HttpConfig::default().drain_wait_max - BODY_AT_END_SILENCE_MAX).as_secs();
    // Half of the silence between two bytes: 4 take 2 s, and 100 would take 50.
    for (bytes, status, seconds) in [(4, 201, 2), (100, 503, end)] {
        let (publisher, front) = client().await;
        let (mut read, mut write) = tokio::io::split(publisher);
        let head = format!("POST /events/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: {bytes}\r\n\r\n");
        write.write_all(head.as_bytes()).await.unwrap();
        sleep(Duration::from_secs(3)).await;
        let before = Instant::now();
        front.drain().begin(Duration::ZERO);

        let sends = tokio::spawn(async move {
            for _ in 0..bytes {
                sleep(BODY_AT_END_SILENCE_MAX / 2).await;
                let _ = write.write_all(b"x").await;
            }
        });
        let mut said = [0; 1_024];
        let count = read.read(&mut said).await.unwrap();
        sends.abort();

        let status = format!("HTTP/1.1 {status} ");
        assert!(said[..count].starts_with(status.as_bytes()), "{}", String::from_utf8_lossy(&said[..count]));
        assert_eq!(before.elapsed().as_secs(), seconds);
    }
}
