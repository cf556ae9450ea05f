//! Events of the source that are not UTF-8: told one by one, as long as there are few, and counted.

use tidings_client::Event;
use tokio::time::Instant;

use crate::limits::{FLAWS_TOLD_INTERVAL, SAID_CHARS_MAX};
use crate::link::Talk;
use crate::terminal::chain::visible;

/// How many there were.
#[derive(Debug)]
pub(super) struct Mended {
    talk: Talk,
    count: u64,
    /// Replacements that the source has counted up to the last event.
    replaced: u64,
    told_at: Option<Instant>,
}

impl Mended {
    pub(super) fn new(talk: Talk) -> Self {
        Self { talk, count: 0, replaced: 0, told_at: None }
    }

    /// Looks at an event; `replaced` is what its source has counted with it. What was replaced in a comment is nothing to tell.
    pub(super) fn look(&mut self, event: &Event, replaced: u64) {
        let is_more = std::mem::replace(&mut self.replaced, replaced) != replaced;
        let id = event.id().unwrap_or_default();
        let texts = [event.data.as_str(), event.type_or_message(), id];
        if !is_more || !texts.iter().any(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
            return;
        }
        self.count += 1;
        if self.told_at.is_none_or(|told| told.elapsed() >= FLAWS_TOLD_INTERVAL) {
            self.told_at = Some(Instant::now());
            let which: String = match id {
                "" => "an event".to_owned(),
                id => format!("the event {}", visible(&id.chars().take(SAID_CHARS_MAX).collect::<String>())),
            };
            let words = "of the source is not UTF-8: U+FFFD stands for what is no character";
            self.talk.warn(&format!("{which} {words}"));
        }
    }

    /// Tells how many there were, if there were some.
    pub(super) fn tell(&self) {
        match self.count {
            0 => {}
            1 => self.talk.warn("1 event of the source was not UTF-8 and mended"),
            count => self.talk.warn(&format!("{count} events of the source were not UTF-8 and mended")),
        }
    }
}
