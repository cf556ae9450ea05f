//! Records of the log, written down before retention takes them: the model reads what the log does not hold any more.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use tidings_core::{Event, Hub, Query, Reading, RetentionHold, Selector, Selectors, Sequence, Start};
use tokio::time::sleep;

use crate::load::{PAUSE, recorded};

/// Stands between the hold of the store and that of the inbox.
pub(crate) struct Recorder {
    hub: Hub,
    file: File,
    of_store: Arc<RetentionHold>,
    of_inbox: Arc<RetentionHold>,
}

/// What it writes down of a record.
pub(crate) struct Line {
    pub(crate) sequence: u64,
    pub(crate) epoch: u64,
    pub(crate) time: u64,
    pub(crate) data: String,
}

impl Line {
    pub(crate) fn of(event: &Event) -> Self {
        Self {
            sequence: event.cursor.sequence.0,
            epoch: event.cursor.epoch.0,
            time: event.time.0,
            data: std::str::from_utf8(event.draft.data()).unwrap().to_owned(),
        }
    }

    /// None of one that a kill has cut off.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_suffix(" .")?.splitn(4, ' ');
        let mut number = || parts.next()?.parse().ok();
        let (sequence, epoch, time) = (number()?, number()?, number()?);
        Some(Self { sequence, epoch, time, data: parts.next()?.to_owned() })
    }
}

impl Recorder {
    pub(crate) fn begin(
        hub: &Hub,
        directory: &Path,
        of_store: Arc<RetentionHold>,
        of_inbox: Arc<RetentionHold>,
    ) -> Self {
        let file = File::options().create(true).append(true).open(recorded(directory)).unwrap();
        Self { hub: hub.clone(), file, of_store, of_inbox }
    }

    /// Runs for ever: hands on what the store wants and what the inbox releases, and writes down what leaves.
    pub(crate) async fn run(mut self) {
        let mut released = Sequence::ZERO;
        loop {
            if let Some(wanted) = self.of_store.wanted_now() {
                self.of_inbox.want_through(wanted);
            }
            let next = self.of_inbox.released();
            if next > released {
                for event in read(&self.hub, released).await {
                    if event.cursor.sequence <= next {
                        let Line { sequence, epoch, time, data } = Line::of(&event);
                        // A cut line is ended, so that the next one stands alone.
                        writeln!(self.file, "\n{sequence} {epoch} {time} {data} .").unwrap();
                    }
                }
                self.of_store.release_through(next);
                released = next;
            }
            sleep(PAUSE).await;
        }
    }
}

/// All records that the log holds after a sequence.
pub(crate) async fn read(hub: &Hub, after: Sequence) -> Vec<Event> {
    let selectors = ["inbox/**", "tidings/inbox"].map(|text| Selector::parse(text).unwrap());
    let selectors = Selectors::new(selectors).unwrap();
    let mut events = Vec::new();
    let mut place = hub.bounds().floor;
    loop {
        let query = Query {
            start: Start::After(place),
            selectors: selectors.clone(),
            events_max: 1_000,
            bytes_max: 4 << 20,
        };
        match hub.read(query).await.unwrap() {
            Reading::Page(page) => {
                place = page.next;
                events.extend(page.events.into_iter().filter(|event| event.cursor.sequence > after));
                if page.next.sequence >= page.head.sequence {
                    return events;
                }
            }
            Reading::Lost { resumes_after, .. } => place = resumes_after,
        }
    }
}
