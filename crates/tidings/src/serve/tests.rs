//! What only a store that fails can show.

use std::net::Ipv4Addr;

use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, MemoryStore};
use tidings_http::SystemClock;
use tidings_testkit::faulty::FaultyStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

#[tokio::test]
async fn a_store_that_stops_for_good_ends_the_hub_with_a_failure() {
    let store = MemoryStore::new(Epoch(1), Arc::new(SystemClock), MemoryRetention::default());
    let (store, fault) = FaultyStore::new(Arc::new(store));
    fault.refuse(StoreError::Stopped("fsync of segment 1 failed".into()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = Config::default();
    let manager = ServiceManager::new(None);
    let mut signals = Signals::new().unwrap();
    let serve = Serve {
        config: &config,
        key: None,
        certificate: None,
        hangups: Hangups::new().unwrap(),
        manager: &manager,
    };

    let publish = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            "POST /events/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let (ended, answer) = tokio::join!(serve.run(Arc::new(store), listener, &mut signals), publish);

    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let expected = Failure::new(Exit::Failed, "the store has stopped: fsync of segment 1 failed")
        .hint("look at the disk, then start the hub again: what was acknowledged is kept");
    assert_eq!(ended, Err(expected));
}
