//! A hub that is away: said when it begins, when the reason has changed, and when it is over.
//!
//! A stream is tried again for hours, and a line for each attempt would fill a log.

use std::sync::{Mutex, PoisonError};

use tidings_client::PublishError;
use tokio::time::Instant;

use super::wait::seconds;
use crate::limits::OUTAGE_TOLD_INTERVAL;
use crate::terminal::chain::chain;

/// What is said of a hub that does not take what is published.
pub(crate) struct Outage {
    tell: Box<dyn Fn(&str) + Send + Sync>,
    told: Mutex<Option<Told>>,
}

/// What was said last.
struct Told {
    words: String,
    at: Instant,
    /// When the outage began.
    since: Instant,
}

impl Outage {
    /// An outage that is told by this.
    pub(crate) fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { tell: Box::new(tell), told: Mutex::default() }
    }

    /// An attempt has failed, and another will be made.
    pub(crate) fn failed(&self, error: &PublishError) {
        self.goes_on(chain(error), Instant::now());
    }

    /// The hub has answered.
    pub(crate) fn is_over(&self) {
        self.ends(Instant::now());
    }

    fn goes_on(&self, words: String, now: Instant) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match &*told {
            Some(told) if told.words == words || now - told.at < OUTAGE_TOLD_INTERVAL => return,
            Some(told) => told.since,
            None => now,
        };
        (self.tell)(&format!("{words}; trying again"));
        *told = Some(Told { words, at: now, since });
    }

    fn ends(&self, now: Instant) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Told { since, .. }) = told {
            (self.tell)(&format!("the hub takes events again, after {}", seconds(now - since)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_outage_is_told_once_for_each_reason_and_when_it_is_over() {
        let (tell, told) = channel();
        let outage = Outage::new(move |words: &str| tell.send(words.to_owned()).unwrap());
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);

        outage.ends(at(0));
        (1..30).for_each(|second| outage.goes_on("refused".to_owned(), at(second)));
        (30..35).for_each(|second| outage.goes_on(format!("busy {second}"), at(second)));
        outage.ends(at(90));
        outage.ends(at(91));
        outage.goes_on("refused".to_owned(), at(92));

        let told: Vec<_> = told.try_iter().collect();
        let again = "the hub takes events again, after 89.0 s";
        assert_eq!(told, ["refused; trying again", "busy 30; trying again", again, "refused; trying again"]);
    }
}
