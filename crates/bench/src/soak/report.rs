//! What a soak found.

use std::ops::RangeInclusive;
use std::sync::atomic::Ordering::SeqCst;

use serde::Serialize;

use super::expected::Tally;
use super::world::World;
use crate::report::Report;

/// One restart of the hub.
#[derive(Debug, Serialize)]
pub(super) struct Restart {
    pub(super) killed: bool,
    /// None after a kill.
    pub(super) exit_code: Option<i32>,
    /// Subscribers with a stream at that moment.
    pub(super) cut_off: usize,
    /// From the signal to the end of the process.
    pub(super) ended_s: f64,
    /// From there until the next one took connections.
    pub(super) started_s: f64,
    /// From there until the last of those subscribers had a stream again. They wait as long as the hub told them.
    pub(super) back_s: f64,
}

/// The hub's memory, one sample a second.
#[derive(Debug, Default, Serialize)]
pub(super) struct Memory {
    samples: usize,
    /// Means over the quarters of the time; the second that a hub is away for has no sample.
    quarters_bytes: [u64; 4],
    most_bytes: u64,
}

impl Memory {
    /// Of seconds since the beginning, and bytes.
    pub(super) fn of(samples: &[(f64, u64)]) -> Self {
        let end = samples.last().map_or(0.0, |(at, _)| *at);
        Self {
            samples: samples.len(),
            quarters_bytes: [0.0, 0.25, 0.5, 0.75]
                .map(|from| mean(samples, end * from..=end * (from + 0.25))),
            most_bytes: samples.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0),
        }
    }
}

fn mean(samples: &[(f64, u64)], time: RangeInclusive<f64>) -> u64 {
    let bytes: Vec<u64> =
        samples.iter().filter(|(at, _)| time.contains(at)).map(|(_, bytes)| *bytes).collect();
    bytes.iter().sum::<u64>() / bytes.len().max(1) as u64
}

/// What `bench soak` found.
#[derive(Debug, Serialize)]
pub(crate) struct SoakReport {
    subscribers: usize,
    topics: usize,
    seconds: f64,
    published: u64,
    answered_as_replayed: u64,
    delivered: u64,
    lost: u64,
    repeated: u64,
    in_another_order: u64,
    never_published: u64,
    gaps_declared: u64,
    unfinished_subscribers: u64,
    streams: u64,
    streams_resumed: u64,
    stalls: u64,
    memory: Memory,
    restarts: Vec<Restart>,
}

impl SoakReport {
    pub(super) fn new(
        world: &World<'_>,
        tally: &Tally,
        seconds: f64,
        memory: Memory,
        restarts: Vec<Restart>,
    ) -> Self {
        Self {
            subscribers: world.plan.subscribers,
            topics: world.plan.topics,
            seconds,
            published: world.published(),
            answered_as_replayed: world.replayed.load(SeqCst),
            delivered: tally.delivered,
            lost: tally.lost,
            repeated: tally.repeated,
            in_another_order: tally.in_another_order,
            never_published: tally.strangers,
            gaps_declared: tally.gaps,
            unfinished_subscribers: tally.unfinished,
            streams: tally.streams,
            streams_resumed: tally.resumed,
            stalls: tally.stalls,
            memory,
            restarts,
        }
    }

    /// Whether every event came once and in order.
    pub(crate) fn is_right(&self) -> bool {
        self.lost + self.repeated + self.in_another_order + self.never_published + self.unfinished_subscribers
            == 0
    }
}

impl Report for SoakReport {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![
            ("subscribers", self.subscribers.to_string()),
            ("topics", self.topics.to_string()),
            ("time", format!("{:.1} s", self.seconds)),
            ("published and acknowledged", self.published.to_string()),
            ("acknowledged as a repetition", self.answered_as_replayed.to_string()),
            ("delivered", self.delivered.to_string()),
            ("lost", self.lost.to_string()),
            ("repeated", self.repeated.to_string()),
            ("in another order", self.in_another_order.to_string()),
            ("never published", self.never_published.to_string()),
            ("gaps declared", self.gaps_declared.to_string()),
            ("subscribers without the end", self.unfinished_subscribers.to_string()),
            ("streams", format!("{}, {} resumed", self.streams, self.streams_resumed)),
            ("stalls", self.stalls.to_string()),
        ];
        rows.extend(self.memory.rows());
        rows.extend(self.restarts.iter().map(|restart| ("restart", restart.text())));
        rows
    }
}

impl Memory {
    fn rows(&self) -> [(&'static str, String); 2] {
        let quarters = self.quarters_bytes.map(mib).join(", ");
        [("server memory, by quarters", quarters), ("server memory, most", mib(self.most_bytes))]
    }
}

impl Restart {
    fn text(&self) -> String {
        let code =
            self.exit_code.map_or_else(|| "killed".to_owned(), |code| format!("drained, exit code {code}"));
        format!(
            "{code}: ended in {:.3} s, listening again {:.3} s later, all of {} subscribers back after another {:.3} s",
            self.ended_s, self.started_s, self.cut_off, self.back_s
        )
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}
