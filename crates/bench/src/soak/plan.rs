//! What a soak is asked to do.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::error::BenchError;
use crate::limits::{SOAK_MINUTES_MAX, SOAK_PUBLISHERS_MAX, SOAK_SUBSCRIBERS_MAX, SOAK_TOPICS_MAX};

/// Topics of one group, which some subscribers follow with a pattern.
const GROUP: usize = 10;

/// Run a hub under load, restart and kill it, and account for every event
///
/// Starts this program's `serve` with a log in a folder of its own. Publishers repeat what was not acknowledged, under an
/// idempotency key; subscribers leave, stall, and resume. Exits with 1 if an event was lost, repeated, or out of order.
#[derive(Debug, Args)]
pub struct SoakArgs {
    /// How long
    #[arg(long, default_value_t = 1.0, value_name = "MINUTES")]
    minutes: f64,
    /// How many subscribers
    #[arg(long, default_value_t = 500, value_name = "N")]
    subscribers: usize,
    /// How many of a hundred subscribers leave, stall and come back; the others stay as long as the hub does
    #[arg(long, default_value_t = 50, value_name = "PERCENT")]
    churn: usize,
    /// How many topics
    #[arg(long, default_value_t = 50, value_name = "N")]
    topics: usize,
    /// How many connections publish
    #[arg(long, default_value_t = 4, value_name = "N")]
    publishers: usize,
    /// How many events per second they publish together
    #[arg(long, default_value_t = 200.0, value_name = "PER_SECOND")]
    rate: f64,
    /// Bytes of an event's data
    #[arg(long, default_value_t = 512, value_name = "N")]
    bytes: usize,
    /// How often the hub is restarted
    #[arg(long, default_value_t = 3, value_name = "N")]
    restarts: usize,
    /// Every so-many-th restart is by SIGKILL; 0 is never
    #[arg(long, default_value_t = 3, value_name = "N")]
    kill_every: usize,
    /// Where to make the folder for the log; it is removed unless something went wrong
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print the result as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Options of `serve` for the hub, such as `-- --retry 1s`
    #[arg(last = true, value_name = "SERVE-OPTION")]
    hub: Vec<String>,
}

/// A checked [`SoakArgs`].
#[derive(Debug)]
pub(crate) struct Soak {
    pub(super) time: Duration,
    pub(super) subscribers: usize,
    pub(super) churn: usize,
    pub(super) topics: usize,
    pub(super) publishers: usize,
    pub(super) rate: f64,
    pub(super) bytes: usize,
    pub(super) restarts: usize,
    pub(super) kill_every: usize,
    pub(super) dir: PathBuf,
    pub(super) hub_options: Vec<String>,
}

impl SoakArgs {
    pub(crate) fn plan(&self) -> Result<Soak, BenchError> {
        if !(self.minutes > 0.0 && self.minutes <= SOAK_MINUTES_MAX) {
            return Err(BenchError::options(format!(
                "--minutes is more than 0 and at most {SOAK_MINUTES_MAX}"
            )));
        }
        if !(1..=SOAK_SUBSCRIBERS_MAX).contains(&self.subscribers) {
            return Err(BenchError::options(format!("--subscribers is 1 to {SOAK_SUBSCRIBERS_MAX}")));
        }
        if !(1..=SOAK_PUBLISHERS_MAX).contains(&self.publishers)
            || !(1..=SOAK_TOPICS_MAX).contains(&self.topics)
        {
            return Err(BenchError::options("--publishers is 1 to 1,000, and --topics 1 to 10,000"));
        }
        if !(self.rate > 0.0 && self.rate.is_finite()) {
            return Err(BenchError::options("--rate is a positive number"));
        }
        Ok(Soak {
            time: Duration::from_secs_f64(self.minutes * 60.0),
            subscribers: self.subscribers,
            churn: self.churn,
            topics: self.topics,
            publishers: self.publishers.min(self.topics),
            rate: self.rate,
            bytes: self.bytes,
            restarts: self.restarts,
            kill_every: self.kill_every,
            dir: self.dir.clone().unwrap_or_else(std::env::temp_dir),
            hub_options: self.hub.clone(),
        })
    }
}

impl Soak {
    /// About how long a subscriber is quiet between two whims.
    pub(super) fn calm(&self) -> Duration {
        (self.time / 20).clamp(Duration::from_millis(100), Duration::from_secs(10))
    }

    /// Whether the hub keeps all events, so that a stream can begin with the first.
    pub(super) fn keeps_all(&self) -> bool {
        !self.hub_options.iter().any(|option| option.starts_with("--retention"))
    }

    pub(super) fn topic(&self, topic: usize) -> String {
        format!("soak/{}/{topic}", topic / GROUP)
    }

    /// What a subscriber asks for, and which topics that are. Few ask for much: they would be most of the load.
    pub(super) fn selector(&self, subscriber: usize) -> (String, Range<usize>) {
        let topic = subscriber % self.topics;
        let group = topic / GROUP;
        if subscriber.is_multiple_of(50) {
            ("soak/**".to_owned(), 0..self.topics)
        } else if subscriber % 10 == 5 {
            (format!("soak/{group}/*"), group * GROUP..self.topics.min((group + 1) * GROUP))
        } else {
            (self.topic(topic), topic..topic + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        soak: SoakArgs,
    }

    fn plan(arguments: &[&str]) -> Result<Soak, String> {
        let line = Line::try_parse_from([&["soak"], arguments].concat()).unwrap();
        line.soak.plan().map_err(|error| error.to_string())
    }

    #[test]
    fn a_soak_that_is_larger_than_its_limits_is_refused() {
        let refusals = [
            (&["--minutes", "10081"], "--minutes is more than 0 and at most 10080"),
            (&["--subscribers", "18001"], "--subscribers is 1 to 18000"),
            (&["--publishers", "1001"], "--publishers is 1 to 1,000, and --topics 1 to 10,000"),
            (&["--topics", "10001"], "--publishers is 1 to 1,000, and --topics 1 to 10,000"),
            (&["--rate", "0"], "--rate is a positive number"),
        ];
        for (arguments, message) in refusals {
            assert_eq!(plan(arguments).unwrap_err(), message);
        }
    }

    #[test]
    fn a_soak_at_its_limits_is_taken() {
        let most =
            ["--minutes", "10080", "--subscribers", "18000", "--publishers", "1000", "--topics", "10000"];

        assert_eq!(plan(&most).unwrap().subscribers, 18_000);
    }
}
