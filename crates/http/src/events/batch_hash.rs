//! The running hash of a batch: tells whether a batch that comes again begins with the events that are placed.
//!
//! It is kept in the log with each part of a batch, so it must not change: the first 16 bytes of SHA-256 over the topic
//! and then, event by event, type, id, retry and data. Each of them stands behind its length in eight bytes, so that
//! text cannot move from one to the next. A part that an event does not have is empty; no event has an empty one.
//!
//! A batch of many topics has nothing in place of the topic, which no topic is, and the topic of each event before its type.

use ring::digest::{Context, SHA256};
use tidings_core::{Draft, Topic};

/// The hash of the events of a batch so far.
#[derive(Clone)]
pub(super) struct BatchHash {
    context: Context,
    events: u64,
}

impl BatchHash {
    /// That of no events.
    pub(super) fn new(topic: &Topic) -> Self {
        let mut hash = Self { context: Context::new(&SHA256), events: 0 };
        hash.add_text(topic.as_str().as_bytes());
        hash
    }

    /// That of no events of many topics.
    pub(super) fn of_many_topics() -> Self {
        let mut hash = Self { context: Context::new(&SHA256), events: 0 };
        hash.add_text(&[]);
        hash
    }

    /// Adds the next event of many topics.
    pub(super) fn add_with_topic(&mut self, draft: &Draft) {
        self.add_text(draft.topic().as_str().as_bytes());
        self.add(draft);
    }

    /// Adds the next event.
    pub(super) fn add(&mut self, draft: &Draft) {
        self.add_text(draft.event_type().map_or("", |text| text.as_str()).as_bytes());
        self.add_text(draft.id().map_or("", |text| text.as_str()).as_bytes());
        match draft.retry_ms() {
            Some(ms) => self.add_text(&ms.to_le_bytes()),
            None => self.add_text(&[]),
        }
        self.add_text(draft.data());
        self.events += 1;
    }

    /// The number of events.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// The hash.
    pub(super) fn digest(&self) -> [u8; 16] {
        let whole = self.context.clone().finish();
        *whole.as_ref().first_chunk().expect("SHA-256 has 32 bytes")
    }

    fn add_text(&mut self, text: &[u8]) {
        self.context.update(&(text.len() as u64).to_le_bytes());
        self.context.update(text);
    }
}

#[cfg(test)]
mod tests {
    use tidings_core::DraftFields;
    use tidings_core::contract::fixture::draft_with;

    use super::*;

    fn hash(topic: &str, drafts: &[Draft]) -> [u8; 16] {
        let mut hash = BatchHash::new(&Topic::parse(topic).unwrap());
        drafts.iter().for_each(|draft| hash.add(draft));
        assert_eq!(hash.events(), drafts.len() as u64);
        hash.digest()
    }

    fn draft(event_type: Option<&str>, id: Option<&str>, retry_ms: Option<u64>, data: &str) -> Draft {
        draft_with("a", data, DraftFields { event_type, id, retry_ms, key: None })
    }

    #[test]
    fn the_function_is_for_ever() {
        let full = draft(Some("t"), Some("i"), Some(5), "one\ntwo");
        let plain = draft(None, None, None, "");

        // printf of the bytes that the head of this file describes, through sha256sum.
        assert_eq!(hash("a", &[]), 0xae61_21c8_8ba5_55f6_4c3d_8121_23eb_799d_u128.to_be_bytes());
        assert_eq!(hash("a", &[full, plain]), 0x3c67_d4ff_6a2f_344f_b98a_e279_66e2_04ef_u128.to_be_bytes());
    }

    #[test]
    fn the_function_of_many_topics_is_for_ever() {
        let mut hash = BatchHash::of_many_topics();
        hash.add_with_topic(&draft(Some("t"), Some("i"), None, "x"));
        hash.add_with_topic(&draft_with("b", "", DraftFields::default()));

        // By Python's hashlib.
        assert_eq!(hash.digest(), 0x7622_e323_75c0_d974_da20_405c_e0cd_a605_u128.to_be_bytes());
    }

    #[test]
    fn every_field_of_every_event_and_their_order_count() {
        let plain = draft(None, None, None, "x");
        let batches = [
            vec![],
            vec![plain.clone()],
            vec![plain.clone(), plain.clone()],
            vec![draft(Some("x"), None, None, "")],
            vec![draft(None, Some("x"), None, "")],
            vec![draft(Some("x"), None, None, "x")],
            vec![draft(None, Some("x"), None, "x")],
            vec![draft(None, None, Some(0), "x")],
            vec![draft(None, None, Some(1), "x")],
            vec![draft(None, None, None, "xy")],
            vec![draft(None, None, None, "xy"), plain.clone()],
            vec![plain.clone(), draft(None, None, None, "xy")],
        ];

        for (at, one) in batches.iter().enumerate() {
            assert_ne!(hash("a", one), hash("b", one), "the topic counts");
            for other in &batches[at + 1..] {
                assert_ne!(hash("a", one), hash("a", other), "{one:?} {other:?}");
            }
        }
    }
}
