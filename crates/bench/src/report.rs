//! What a benchmark found, for people and for programs.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Instant;

use crate::limits::PROGRESS_INTERVAL;
use serde::Serialize;

/// Talks on standard error while a benchmark runs, if that is a terminal.
pub(super) struct Progress {
    shown: bool,
    last: Mutex<Instant>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal(), last: Mutex::new(Instant::now()) }
    }

    pub(super) fn say(&self, what: &str) {
        let Ok(mut last) = self.last.lock() else { return };
        if self.shown && last.elapsed() >= PROGRESS_INTERVAL {
            *last = Instant::now();
            tell(&format!("\r\x1b[K{what}"));
        }
    }

    pub(super) fn done(&self) {
        if self.shown {
            tell("\r\x1b[K");
        }
    }
}

/// Talks on standard error. Nothing depends on whether anybody hears it.
pub(super) fn tell(text: &str) {
    let mut stderr = std::io::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// A report as rows of a table.
pub(super) trait Report: Serialize {
    fn rows(&self) -> Vec<(&'static str, String)>;
}

/// The report as text.
pub(super) fn render(report: &impl Report, json: bool) -> String {
    if json {
        return serde_json::to_string(report).unwrap_or_default();
    }
    let rows = report.rows();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect::<Vec<_>>().join("\n")
}

/// What `bench fanout` found.
#[derive(Debug, Serialize)]
pub(super) struct FanoutReport {
    pub(super) subscribers: usize,
    /// Beside the measured ones: those that never read, and those of other topics.
    pub(super) stalled: usize,
    pub(super) others: usize,
    pub(super) events: u64,
    pub(super) delivered: u64,
    pub(super) lost: u64,
    pub(super) repeated: u64,
    pub(super) in_another_order: u64,
    pub(super) seconds: f64,
    /// p50, p99, p99.9, max.
    pub(super) latency_us: [f64; 4],
    pub(super) cpu_us_per_delivery: Option<f64>,
    pub(super) cpu_us_per_event: Option<f64>,
    pub(super) memory_bytes_per_connection: Option<f64>,
    /// Before the measured events and after them.
    pub(super) memory_bytes: Option<[u64; 2]>,
}

impl Report for FanoutReport {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let [p50, p99, p999, max] = self.latency_us.map(|us| format!("{us:.0} us"));
        let [before, after] = [0, 1].map(|at| self.memory_bytes.map(|memory| memory[at] as f64));
        vec![
            ("subscribers", self.subscribers.to_string()),
            ("beside them, never reading", self.stalled.to_string()),
            ("beside them, of other topics", self.others.to_string()),
            ("events", self.events.to_string()),
            ("delivered", self.delivered.to_string()),
            ("lost", self.lost.to_string()),
            ("repeated", self.repeated.to_string()),
            ("in another order", self.in_another_order.to_string()),
            ("time", format!("{:.3} s", self.seconds)),
            ("deliveries", format!("{:.0} per second", self.delivered as f64 / self.seconds)),
            ("latency p50", p50),
            ("latency p99", p99),
            ("latency p99.9", p999),
            ("latency max", max),
            ("server CPU per delivery", figure(self.cpu_us_per_delivery, "us", 3)),
            ("server CPU per event", figure(self.cpu_us_per_event, "us", 3)),
            ("server memory per connection", figure(self.memory_bytes_per_connection, "bytes", 0)),
            ("server memory before", figure(before, "bytes", 0)),
            ("server memory after", figure(after, "bytes", 0)),
        ]
    }
}

/// What `bench publish` found.
#[derive(Debug, Serialize)]
pub(super) struct PublishReport {
    pub(super) connections: usize,
    pub(super) events: u64,
    pub(super) seconds: f64,
    /// p50, p99, p99.9, max; none for a batch.
    pub(super) latency_us: Option<[f64; 4]>,
    pub(super) cpu_us_per_event: Option<f64>,
}

impl Report for PublishReport {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![
            ("connections", self.connections.to_string()),
            ("events", self.events.to_string()),
            ("time", format!("{:.3} s", self.seconds)),
            ("published", format!("{:.0} per second", self.events as f64 / self.seconds)),
            ("server CPU per event", figure(self.cpu_us_per_event, "us", 3)),
        ];
        if let Some(latency) = self.latency_us {
            let names = ["latency p50", "latency p99", "latency p99.9", "latency max"];
            rows.extend(names.into_iter().zip(latency.map(|us| format!("{us:.0} us"))));
        }
        rows
    }
}

/// What `bench idle` found.
#[derive(Debug, Serialize)]
pub(super) struct IdleReport {
    pub(super) subscribers: usize,
    pub(super) seconds: f64,
    pub(super) memory_bytes_per_connection: Option<f64>,
    pub(super) cpu_us_per_connection: Option<f64>,
}

impl Report for IdleReport {
    fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            ("subscribers", self.subscribers.to_string()),
            ("connected in", format!("{:.3} s", self.seconds)),
            ("server memory per connection", figure(self.memory_bytes_per_connection, "bytes", 0)),
            ("server CPU to connect one", figure(self.cpu_us_per_connection, "us", 1)),
        ]
    }
}

/// What `bench resume` found.
#[derive(Debug, Serialize)]
pub(super) struct ResumeReport {
    pub(super) subscribers: usize,
    pub(super) behind: usize,
    pub(super) complete: usize,
    pub(super) wrong: u64,
    /// All that came, heads included.
    pub(super) bytes: u64,
    pub(super) seconds: f64,
    /// From a subscriber's connect to its last event: p50, p99, p99.9, max.
    pub(super) latency_us: [f64; 4],
    pub(super) cpu_us_per_subscriber: Option<f64>,
}

impl Report for ResumeReport {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let [p50, p99, p999, max] = self.latency_us.map(|us| format!("{us:.0} us"));
        vec![
            ("subscribers", self.subscribers.to_string()),
            ("events behind", self.behind.to_string()),
            ("caught up", self.complete.to_string()),
            ("wrong events", self.wrong.to_string()),
            ("received", format!("{} bytes", self.bytes)),
            ("time", format!("{:.3} s", self.seconds)),
            ("caught up after, p50", p50),
            ("caught up after, p99", p99),
            ("caught up after, p99.9", p999),
            ("caught up after, max", max),
            ("server CPU per subscriber", figure(self.cpu_us_per_subscriber, "us", 1)),
        ]
    }
}

/// What `bench inbox` found.
#[derive(Debug, Default, Serialize)]
pub(super) struct InboxReport {
    pub(super) users: usize,
    pub(super) connections: usize,
    pub(super) notifications: u64,
    pub(super) seconds: f64,
    /// From a call to its answer: p50, p99, p99.9, max.
    pub(super) latency_us: Option<[f64; 4]>,
    pub(super) cpu_us_per_notification: Option<f64>,
    pub(super) count_us: Option<[f64; 4]>,
    pub(super) list_us: Option<[f64; 4]>,
    pub(super) streams: usize,
    /// From one call to the notification in each stream.
    pub(super) reached_us: Option<[f64; 4]>,
}

impl Report for InboxReport {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let times = |us: Option<[f64; 4]>| {
            us.map_or_else(
                || "not measured".to_owned(),
                |[p50, p99, _, max]| format!("p50 {p50:.0} us, p99 {p99:.0} us, max {max:.0} us"),
            )
        };
        vec![
            ("users", self.users.to_string()),
            ("connections", self.connections.to_string()),
            ("notifications", self.notifications.to_string()),
            ("notified", format!("{:.0} per second", self.notifications as f64 / self.seconds.max(1e-9))),
            ("a call", times(self.latency_us)),
            ("server CPU per notification", figure(self.cpu_us_per_notification, "us", 1)),
            ("a count", times(self.count_us)),
            ("a list of 50", times(self.list_us)),
            ("streams", self.streams.to_string()),
            ("from one call to each stream", times(self.reached_us)),
        ]
    }
}

fn figure(value: Option<f64>, unit: &str, digits: usize) -> String {
    value.map_or_else(
        || "not measured: name the server with --pid".to_owned(),
        |value| format!("{value:.digits$} {unit}"),
    )
}
