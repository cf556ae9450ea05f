//! Reads the metrics of a scene again and again, and makes sure that no counter ever goes down.

use tidings_http::Front;
use tidings_http::prometheus_client::encoding::text::encode;
use tidings_http::prometheus_client::registry::Registry;
use tidings_testkit::deadline::Deadline;
use tidings_testkit::metrics::Exposition;
use tokio::task::yield_now;

use super::scene::Scene;

pub(crate) struct Meter<'a> {
    source: Source<'a>,
    last: Option<Exposition>,
}

/// Where the numbers are read.
enum Source<'a> {
    Http(&'a Scene),
    /// Without a connection, which the hub may not take.
    Registry(Front),
}

impl<'a> Meter<'a> {
    /// Asks for `/metrics`.
    pub(crate) fn over_http(scene: &'a Scene) -> Self {
        Self { source: Source::Http(scene), last: None }
    }

    /// Asks a registry of the test's own.
    pub(crate) fn of(front: &Front) -> Self {
        Self { source: Source::Registry(front.clone()), last: None }
    }

    pub(crate) async fn read(&mut self) -> Exposition {
        let now = match &self.source {
            Source::Http(scene) => Exposition::open_metrics(&over_http(scene).await),
            Source::Registry(front) => {
                let (mut registry, mut text) = (Registry::default(), String::new());
                front.register_metrics(&mut registry);
                encode(&mut text, &registry).unwrap();
                Exposition::open_metrics(&text)
            }
        };
        for before in self.last.iter().flat_map(|last| &last.families).filter(|family| family.kind != "gauge")
        {
            for sample in &before.samples {
                let value = now.value(&sample.series);
                assert!(value >= sample.value, "{} went from {} to {value}", sample.series, sample.value);
            }
        }
        self.last = Some(now.clone());
        now
    }

    /// Waits until series have at least these values, and makes sure that they have exactly these: what has happened is
    /// told a moment later.
    pub(crate) async fn expect(&mut self, expected: &[(&str, f64)]) {
        let deadline = Deadline::new();
        loop {
            let now = self.read().await;
            let found: Vec<_> = expected.iter().map(|(series, _)| (*series, now.value(series))).collect();
            if found.iter().zip(expected).all(|((_, found), (_, expected))| found >= expected) {
                return assert_eq!(found, expected);
            }
            deadline.check(format!("{expected:?}, there is {found:?}"));
            yield_now().await;
        }
    }

    /// Waits until a gauge has this value.
    pub(crate) async fn settle(&mut self, gauge: &str, value: f64) {
        let deadline = Deadline::new();
        while self.read().await.value(gauge) != value {
            deadline.check(gauge);
            yield_now().await;
        }
    }
}

async fn over_http(scene: &Scene) -> String {
    let accept = "accept: application/openmetrics-text;version=1.0.0\r\n";
    let answer = scene.get("/metrics", accept).await.answer().await;
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
