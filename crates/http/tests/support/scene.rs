//! A hub over HTTP in memory: the first event is `1-1`, and the clock stands at one hour.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use tidings_core::contract::ManualClock;
use tidings_core::contract::fixture::{draft, query_everything, read_all};
use tidings_core::memory::MemoryRetention;
use tidings_core::{Epoch, Hub, Limits, MemoryStore, Start, Store};
use tidings_http::{Asset, Front, HttpConfig, Pages, Verdict, serve};
use tidings_testkit::deadline::within;
use tidings_testkit::faulty::{Fault, FaultyStore};
use tidings_testkit::wire::Wire;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{stream_head, unspread, without_id};

pub(crate) struct Scene {
    pub(crate) hub: Hub,
    pub(crate) front: Front,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<ManualClock>,
    store: Arc<dyn Store>,
    end: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<Verdict>>,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// With other settings than the defaults.
    pub(crate) async fn with(change: impl FnOnce(&mut HttpConfig)) -> Self {
        Self::with_limits(Limits::default(), change).await
    }

    /// With other limits of the hub, too.
    pub(crate) async fn with_limits(limits: Limits, change: impl FnOnce(&mut HttpConfig)) -> Self {
        let clock = ManualClock::at(3_600_000);
        let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
        Self::on(Arc::new(store), clock, limits, change).await
    }

    /// With a log that keeps so much, and events that were there before the hub began. So it is certain that the
    /// hub has nothing in memory that the log has not.
    pub(crate) async fn with_past(retention: MemoryRetention, topic: &str, texts: &[&str]) -> Self {
        let clock = ManualClock::at(3_600_000);
        let store = Arc::new(MemoryStore::new(Epoch(1), clock.clone(), retention));
        store.append(texts.iter().map(|text| draft(topic, text)).collect()).await.unwrap();
        Self::on(store, clock, Limits::default(), |_| ()).await
    }

    /// With a log that keeps so much.
    pub(crate) async fn keeping(retention: MemoryRetention, limits: Limits) -> Self {
        Self::keeping_with(retention, limits, |_| ()).await
    }

    /// The same, and with other settings than the defaults.
    pub(crate) async fn keeping_with(
        retention: MemoryRetention,
        limits: Limits,
        change: impl FnOnce(&mut HttpConfig),
    ) -> Self {
        let clock = ManualClock::at(3_600_000);
        let store = MemoryStore::new(Epoch(1), clock.clone(), retention);
        Self::on(Arc::new(store), clock, limits, change).await
    }

    /// On a store that can be told to refuse.
    pub(crate) async fn with_faulty_store() -> (Self, Fault) {
        Self::with_faulty_store_and(Limits::default(), |_| ()).await
    }

    pub(crate) async fn with_faulty_store_and(
        limits: Limits,
        change: impl FnOnce(&mut HttpConfig),
    ) -> (Self, Fault) {
        let clock = ManualClock::at(3_600_000);
        let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
        let (store, fault) = FaultyStore::new(Arc::new(store));
        (Self::on(Arc::new(store), clock, limits, change).await, fault)
    }

    async fn on(
        store: Arc<dyn Store>,
        clock: Arc<ManualClock>,
        limits: Limits,
        change: impl FnOnce(&mut HttpConfig),
    ) -> Self {
        let mut config = HttpConfig::default();
        config.lanes = 1;
        change(&mut config);
        let hub = Hub::start(store.clone(), limits).await.unwrap();
        let front = Front::new(hub.clone(), config, pages(), clock.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ending) = oneshot::channel();
        let served = tokio::spawn(serve(listener, front.clone(), async {
            // A scene that is dropped ends, too.
            let _ = ending.await;
        }));
        Self { hub, front, address, clock, store, end, served }
    }

    /// Ends it, and starts another hub on its log.
    pub(crate) async fn again(self, change: impl FnOnce(&mut HttpConfig)) -> Self {
        let (store, clock, limits) = (self.store.clone(), self.clock.clone(), self.hub.limits().clone());
        self.begin_end().verdict().await;
        Self::on(store, clock, limits, change).await
    }

    pub(crate) async fn connect(&self) -> Wire {
        Wire::open(self.address).await
    }

    /// Publishes beside HTTP.
    pub(crate) async fn publish(&self, topic: &str, texts: &[&str]) {
        let drafts = texts.iter().map(|text| draft(topic, text)).collect();
        within("the answer to a publish", self.hub.publish_all(drafts)).await.unwrap();
    }

    /// Sends a GET, and returns the connection.
    pub(crate) async fn get(&self, target: &str, headers: &str) -> Wire {
        let mut wire = self.connect().await;
        wire.send(format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n")).await;
        wire
    }

    /// Subscribes, and reads head and opening.
    pub(crate) async fn stream(&self, target: &str) -> Stream {
        let mut wire = self.get(target, "").await;
        assert_eq!(wire.head().await, stream_head(""));
        Stream::of(wire).await
    }

    /// Topic and data of everything that was published.
    pub(crate) async fn log(&self) -> Vec<String> {
        let events = read_all(&*self.store, query_everything(Start::Earliest)).await;
        let text = |event: &tidings_core::Event| {
            format!("{}: {}", event.draft.topic(), String::from_utf8_lossy(event.draft.data()))
        };
        events.iter().map(text).collect()
    }

    /// Asks the hub to end, and does not wait.
    pub(crate) fn begin_end(self) -> Ending {
        let _ = self.end.send(());
        Ending(self.served)
    }
}

/// A hub that ends.
pub(crate) struct Ending(JoinHandle<std::io::Result<Verdict>>);

impl Ending {
    /// Waits for the end.
    pub(crate) async fn verdict(self) -> Verdict {
        within("the end of the hub", self.0).await.unwrap().unwrap()
    }
}

/// A subscriber over HTTP/1.1.
pub(crate) struct Stream {
    pub(crate) wire: Wire,
    pub(crate) opening: String,
    text: String,
}

impl Stream {
    /// A connection whose head has been read.
    pub(crate) async fn of(mut wire: Wire) -> Self {
        let opening = unspread(&wire.chunk().await);
        Self { wire, opening, text: String::new() }
    }

    /// Reads exactly these blocks, however they are cut into chunks.
    pub(crate) async fn expect_events(&mut self, expected: &str) {
        while self.text.len() < expected.len() {
            let chunk = self.wire.chunk().await;
            assert_ne!(chunk, "", "the stream ended after {:?}", self.text);
            self.text.push_str(&without_id(&chunk));
        }
        let rest = self.text.split_off(expected.len());
        assert_eq!(std::mem::replace(&mut self.text, rest), expected);
    }
}

fn pages() -> Pages {
    let asset = |content_type, etag, bytes| Asset {
        content_type,
        etag: HeaderValue::from_static(etag),
        bytes: Bytes::from_static(bytes),
    };
    Pages::new([
        ("index.html".to_owned(), asset("text/html; charset=utf-8", "\"i1\"", b"<!doctype html>")),
        ("app.js".to_owned(), asset("text/javascript; charset=utf-8", "\"a1\"", b"//")),
    ])
}
