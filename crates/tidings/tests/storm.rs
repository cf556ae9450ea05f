//! The client against the hub through a bad network: a relay that cuts, stalls, delays and splits at random. Every
//! event arrives once and in order.
//!
//! `TIDINGS_TEST_STORM_SECONDS=60 cargo test -p tidings --test storm` lets it blow for a minute; `STORM_SEED` repeats
//! a run.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tidings_client::{Draft, EventSource, Publisher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// How long the last event may take after the last one was published.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the network did, so that a calm one does not pass for a storm.
#[derive(Default)]
struct Damage {
    cuts: AtomicU64,
    stalls: AtomicU64,
}

/// Carries connections to the hub, badly.
async fn relay(listener: TcpListener, hub: SocketAddr, mut rng: Rng, damage: Arc<Damage>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        while connections.try_join_next().is_some() {}
        connections.spawn(carry(client, hub, rng.fork(), damage.clone()));
    }
}

async fn carry(client: TcpStream, hub: SocketAddr, mut rng: Rng, damage: Arc<Damage>) {
    let Ok(server) = TcpStream::connect(hub).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (up, down) = (rng.fork(), rng.fork());
    let calm = Duration::from_millis(rng.u64(1..2_000));
    // Whatever ends first takes the rest with it. Nothing is preferred.
    tokio::select! {
        () = pump(from_client, to_server, up, &damage) => {}
        () = pump(from_server, to_client, down, &damage) => {}
        () = sleep(calm) => drop(damage.cuts.fetch_add(1, Ordering::Relaxed)),
    }
}

/// Copies bytes in pieces of random size, sometimes late, sometimes not at all for a while.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut rng: Rng, damage: &Damage) {
    let mut buffer = [0; 512];
    loop {
        let size = rng.usize(1..=buffer.len());
        let Ok(count @ 1..) = from.read(&mut buffer[..size]).await else { return };
        match rng.u8(0..40) {
            0 => {
                damage.stalls.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(rng.u64(50..4_000))).await;
            }
            1..=6 => sleep(Duration::from_millis(rng.u64(1..10))).await,
            _ => {}
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// Publishes for a while, straight to the hub; the answer is how many events there were.
async fn publish(url: String, seconds: u64, mut rng: Rng) -> usize {
    let publisher = Publisher::builder(&url).unwrap().build();
    let (end, mut count) = (Instant::now() + Duration::from_secs(seconds), 0);
    while Instant::now() < end {
        for _ in 0..rng.usize(1..20) {
            publisher.publish("storm", &Draft::new(count.to_string())).await.unwrap();
            count += 1;
        }
        sleep(Duration::from_millis(rng.u64(0..60))).await;
    }
    publisher.publish("storm", &Draft::new("end")).await.unwrap();
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_comes_through_once_and_in_order() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number("STORM_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("STORM_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let hub = support::hub(&["--memory", "--heartbeat", "1s", "--retry", "100ms"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events/storm?since=earliest", listener.local_addr().unwrap());
    let damage = Arc::new(Damage::default());
    let network = tokio::spawn(relay(listener, hub.address, rng.fork(), damage.clone()));
    let seconds = number("TIDINGS_TEST_STORM_SECONDS").unwrap_or(5);
    let published = tokio::spawn(publish(format!("http://{}", hub.address), seconds, rng.fork()));
    let mut source = EventSource::builder(&url)
        .unwrap()
        .backoff(Duration::from_millis(5), Duration::from_millis(50))
        .answer_timeout(Duration::from_secs(1))
        .unwrap()
        .build();

    let heard = timeout(Duration::from_secs(seconds) + PATIENCE, async {
        for number in 0.. {
            let event = source.next_event().await.unwrap().unwrap();
            if event.data == "end" {
                return number;
            }
            assert_eq!(event.data, number.to_string());
        }
        unreachable!("the numbers do not end")
    });
    let heard: usize = heard.await.expect("the last event comes through");

    assert_eq!(heard, published.await.unwrap());
    let (cuts, stalls) = (damage.cuts.load(Ordering::Relaxed), damage.stalls.load(Ordering::Relaxed));
    println!("{heard} events through {cuts} cuts and {stalls} stalls");
    assert!(cuts > 0 && stalls > 0, "that was no storm");
    network.abort();
    let _ = network.await;
}
