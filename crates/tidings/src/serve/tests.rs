//! What only a store that fails can show.

use std::net::Ipv4Addr;
use std::time::Duration;

use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, MemoryStore};
use tidings_http::SystemClock;
use tidings_testkit::faulty::{Fault, FaultyStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

/// What a hub is run with that has the default configuration and nothing else.
struct Bare {
    config: Config,
    manager: ServiceManager,
    signals: Signals,
    listener: TcpListener,
}

impl Bare {
    async fn new() -> Self {
        Self {
            // Its store is of the test, and there is no directory for a database.
            config: Config { inbox: false, ..Config::default() },
            manager: ServiceManager::new(None),
            signals: Signals::new().unwrap(),
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(),
        }
    }

    async fn run(self, store: FaultyStore) -> Result<(), Failure> {
        let Self { config, manager, mut signals, listener } = self;
        let hangups = Hangups::new().unwrap();
        let serve = Serve {
            config: &config,
            files: FileShares::of(u64::MAX, (config.connections_max, config.connections_reserve), 1),
            shares: FairShares::default(),
            key: None,
            access: None,
            certificate: None,
            hangups,
            key_files: None,
            manager: &manager,
        };
        let store = OpenStore { store: Arc::new(store), metrics: None, hold: None };
        serve.run(store, listener, &mut signals).await
    }
}

fn faulty() -> (FaultyStore, Fault) {
    let store = MemoryStore::new(Epoch(1), Arc::new(SystemClock), MemoryRetention::default());
    FaultyStore::new(Arc::new(store))
}

fn failure(message: &str) -> Failure {
    Failure::new(Exit::Failed, message).hint("look at the disk, then start the hub again")
}

#[tokio::test]
async fn a_store_that_stops_for_good_ends_the_hub_with_a_failure() {
    let (store, fault) = faulty();
    fault.refuse(StoreError::Stopped("fsync of segment 1 failed".into()));
    let hub = Bare::new().await;
    let address = hub.listener.local_addr().unwrap();

    let publish = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            "POST /events/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let (ended, answer) = tokio::join!(hub.run(store), publish);

    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(ended, Err(failure("the store has stopped: fsync of segment 1 failed")));
}

/// A sync that fails in the background fails no publish: only the tail tells.
#[tokio::test]
async fn a_store_whose_tail_fails_ends_the_hub_without_a_request() {
    let (store, fault) = faulty();
    let hub = Bare::new().await;

    let fail = async { fault.fail_tails(StoreError::Stopped("events after 4 up to 7 may be gone".into())) };
    let ended = timeout(Duration::from_secs(60), async { tokio::join!(hub.run(store), fail).0 }).await;

    let expected = failure("the store has stopped: events after 4 up to 7 may be gone");
    assert_eq!(ended.expect("the hub ends by itself"), Err(expected));
}

#[tokio::test]
async fn a_tail_that_may_be_asked_again_does_not_end_the_hub() {
    let (store, fault) = faulty();
    fault.fail_tails(StoreError::Unavailable("for a moment".into()));
    let hub = Bare::new().await;
    let address = hub.listener.local_addr().unwrap();

    let stop = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        stream.read_to_string(&mut String::new()).await.unwrap();
        fault.fail_tails(StoreError::Stopped("at last".into()));
    };
    let (ended, ()) = tokio::join!(hub.run(store), stop);

    assert_eq!(ended, Err(failure("the store has stopped: at last")));
}
