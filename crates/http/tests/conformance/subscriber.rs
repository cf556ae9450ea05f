//! A subscriber that goes on where it was, as often as its answers end.

use std::collections::VecDeque;
use std::time::Duration;

use tidings_testkit::deadline::within;
use tokio::time::sleep;

use crate::answer::Answer;
use crate::carrier::Door;
use crate::said::{Reader, Said};
use crate::transport::{Transport, Wanted};

/// After this time it comes back for more.
const PACE: Duration = Duration::from_millis(5);

pub(crate) struct Subscriber {
    pub(crate) door: Door,
    transport: Transport,
    /// Without a place.
    pub(crate) wanted: Wanted,
    /// Where it goes on.
    pub(crate) place: Option<String>,
    answer: Option<(Answer, Reader)>,
    said: VecDeque<Said>,
    /// The answer has ended, which is not yet told.
    has_ended: bool,
    /// It comes back after a stream has ended.
    pub(crate) comes_back: bool,
}

impl Subscriber {
    pub(crate) fn new(door: &Door, transport: Transport, topics: &[&'static str]) -> Self {
        Self {
            door: door.clone(),
            transport,
            wanted: Wanted { topics: topics.to_vec(), parameters: Vec::new(), token: None },
            place: None,
            answer: None,
            said: VecDeque::new(),
            has_ended: false,
            comes_back: transport.is_finite(),
        }
    }

    /// One that has heard everything up to here.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.place = Some(place.to_owned());
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.wanted.parameters.push((name, value.to_owned()));
        self
    }

    /// Asks, if it has no answer. Whatever is said is heard later.
    pub(crate) fn begin(&mut self) {
        if self.answer.is_some() {
            return;
        }
        let mut wanted = self.wanted.clone();
        if let Some(place) = &self.place {
            wanted.parameters.retain(|(name, _)| *name != "since");
            wanted.parameters.push(("last_event_id", place.clone()));
        }
        let answer = self.door.ask(self.transport.ask(&wanted));
        self.answer = Some((answer, Reader::new(self.transport)));
    }

    /// Leaves without a word, in the middle of whatever it hears.
    pub(crate) fn leave(&mut self) {
        self.answer = None;
        self.said.clear();
        self.has_ended = false;
    }

    /// What is said next by this answer. None when it has ended.
    pub(crate) async fn hear(&mut self) -> Option<Said> {
        loop {
            if let Some(said) = self.said.pop_front() {
                if let Said::Place(place) | Said::Event { id: place, .. } = &said {
                    self.place = Some(place.clone());
                }
                return Some(said);
            }
            if std::mem::take(&mut self.has_ended) {
                self.answer = None;
                return None;
            }
            self.begin();
            let (answer, reader) = self.answer.as_mut()?;
            match answer.status().await {
                200 | 101 => match answer.more().await {
                    Some(bytes) => self.said.extend(reader.read(&bytes)),
                    None => {
                        self.said.extend(reader.finish());
                        self.has_ended = true;
                    }
                },
                other => {
                    self.said.push_back(Said::Refused(other));
                    self.has_ended = true;
                }
            }
        }
    }

    /// The next event or gap. It comes back for it if it may.
    pub(crate) async fn next(&mut self) -> Said {
        let heard = async {
            loop {
                match self.hear().await {
                    Some(said @ (Said::Event { .. } | Said::Gap { .. })) => return said,
                    Some(said @ (Said::Refused(_) | Said::Expired)) => unreachable!("{said:?}"),
                    Some(Said::Place(_) | Said::Heartbeat | Said::Retry(_) | Said::Closed(_)) => {}
                    None => {
                        assert!(self.comes_back, "the stream ended");
                        // It is told another pace, which is too slow for tests.
                        sleep(PACE).await;
                    }
                }
            }
        };
        within("the next event", heard).await
    }

    /// All that this answer still says, but heartbeats.
    pub(crate) async fn rest(&mut self) -> Vec<Said> {
        let heard = async {
            let mut all = Vec::new();
            while let Some(said) = self.hear().await {
                all.push(said);
            }
            all.retain(|said| *said != Said::Heartbeat);
            all
        };
        within("the end of the answer", heard).await
    }

    /// The next event is this one.
    pub(crate) async fn expect(&mut self, number: u64, topic: &str, data: &str) {
        let said = self.next().await;
        let Said::Event { id, topic: told, data: heard } = &said else { unreachable!("{said:?}") };
        let told = match self.wanted.topics[..] {
            [one] => told.as_deref().unwrap_or(one),
            _ => told.as_deref().expect("a stream of several topics tells which one"),
        };
        assert_eq!((&**id, told, &**heard), (&*format!("1-{number}"), topic, data));
    }
}
