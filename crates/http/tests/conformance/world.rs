//! A hub, one way to it, and a transport: where a scene plays.

use std::sync::Arc;
use std::time::Duration;

use tidings_core::Limits;
use tidings_core::memory::MemoryRetention;
use tidings_http::{Cors, HttpConfig};
use tidings_testkit::certificate::Certificate;
use tidings_testkit::deadline::until;

use crate::carrier::{Carrier, Door};
use crate::subscriber::Subscriber;
use crate::support::scene::Scene;
use crate::support::tls::tls;
use crate::transport::{APP, Transport};

/// A transport over a carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) transport: Transport,
    pub(crate) carrier: Carrier,
}

pub(crate) struct World {
    pub(crate) scene: Scene,
    pub(crate) door: Door,
    pub(crate) transport: Transport,
    change: fn(&mut HttpConfig),
}

/// The topics that most scenes are about.
pub(crate) const BOTH: &[&str] = &["a", "b"];

impl World {
    pub(crate) async fn start(cell: Cell) -> Self {
        Self::with(cell, |_| ()).await
    }

    /// With other settings than the defaults.
    pub(crate) async fn with(cell: Cell, change: fn(&mut HttpConfig)) -> Self {
        Self::keeping(cell, MemoryRetention::default(), Limits::default(), change).await
    }

    /// With a log and a memory that keep so much.
    pub(crate) async fn keeping(
        Cell { transport, carrier }: Cell,
        retention: MemoryRetention,
        limits: Limits,
        change: fn(&mut HttpConfig),
    ) -> Self {
        let certificate = carrier.is_over_tls().then(|| Arc::new(Certificate::new()));
        let set = settings(certificate.as_deref(), change);
        let scene = Scene::keeping_with(retention, limits, set).await;
        Self::of(scene, transport, carrier, certificate, change)
    }

    /// Another hub on the same log, in place of one that has ended.
    pub(crate) async fn again(self) -> Self {
        let Self { scene, door, transport, change } = self;
        let Door { carrier, certificate, .. } = door;
        let scene = scene.again(settings(certificate.as_deref(), change)).await;
        Self::of(scene, transport, carrier, certificate, change)
    }

    fn of(
        scene: Scene,
        transport: Transport,
        carrier: Carrier,
        certificate: Option<Arc<Certificate>>,
        change: fn(&mut HttpConfig),
    ) -> Self {
        let door = Door { carrier, address: scene.address, front: scene.front.clone(), certificate };
        Self { scene, door, transport, change }
    }

    pub(crate) fn subscriber(&self, topics: &[&'static str]) -> Subscriber {
        Subscriber::new(&self.door, self.transport, topics)
    }

    pub(crate) async fn publish(&self, topic: &str, texts: &[&str]) {
        self.scene.publish(topic, texts).await;
    }

    /// Waits until the hub's memory is where its log is.
    pub(crate) async fn until_shown(&self) {
        let hub = &self.scene.hub;
        until("the newest event", || hub.shown() == hub.bounds().head.sequence).await;
    }

    /// Waits until so many subscribers are at the hub.
    pub(crate) async fn until_there_are(&self, subscribers: usize) {
        let roster = self.scene.hub.roster();
        until(format!("{subscribers} subscribers"), || roster.count() == subscribers).await;
    }
}

fn settings(certificate: Option<&Certificate>, change: fn(&mut HttpConfig)) -> impl FnOnce(&mut HttpConfig) {
    let tls = certificate.map(tls);
    move |config| {
        config.tls = tls;
        config.cors = Cors::Only(vec![APP.parse().unwrap()]);
        config.drain_window = Duration::from_millis(50);
        change(config);
    }
}
