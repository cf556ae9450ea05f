//! The patterns that somebody watches, and which of them match a topic.
//!
//! The answer for a topic is remembered: events of one topic come again and again, and patterns seldom. What is remembered
//! is brought up to date when it is used, by the patterns that came in the meantime.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::event::Topic;
use crate::limits::{
    MATCHES_OF_A_TOPIC_MAX, MATCHES_OVERHEAD_BYTES, MATCHES_REMEMBERED_BYTES_MAX, PATTERNS_COMPARED_MAX,
    PATTERNS_RETIRED_MAX,
};
use crate::live::news::News;
use crate::select::Pattern;
use crate::select::index::PatternIndex;

/// All patterns that somebody watches.
#[derive(Default)]
pub(crate) struct Patterns {
    index: PatternIndex<Arc<News>>,
    /// Patterns that have come, ever.
    came: u64,
    /// The newest of them, each with its number.
    newest: VecDeque<(u64, Pattern, Arc<News>)>,
    remembered: HashMap<Topic, Matches>,
    remembered_bytes: usize,
    /// Patterns that have left since nothing was remembered.
    retired: usize,
}

/// The patterns that match a topic.
struct Matches {
    /// How many patterns had come by then.
    as_of: u64,
    news: Vec<Arc<News>>,
}

impl Patterns {
    pub(crate) fn get(&self, pattern: &Pattern) -> Option<&Arc<News>> {
        self.index.get(pattern)
    }

    pub(crate) fn insert(&mut self, pattern: Pattern, news: Arc<News>) {
        self.came += 1;
        if self.newest.len() == PATTERNS_COMPARED_MAX {
            self.newest.pop_front();
        }
        if !self.remembered.is_empty() {
            self.newest.push_back((self.came, pattern.clone(), news.clone()));
        }
        self.index.insert(pattern, news);
    }

    pub(crate) fn remove(&mut self, pattern: &Pattern) {
        if let Some(news) = self.index.remove(pattern) {
            news.retire();
            self.retired += 1;
        }
        if self.retired > PATTERNS_RETIRED_MAX {
            self.forget_all();
        }
        if self.index.is_empty() {
            *self = Self { came: self.came, ..Self::default() };
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<News>> {
        self.index.iter().map(|(_, news)| news)
    }

    /// Calls `visit` for each pattern that matches a topic.
    pub(crate) fn each_of(&mut self, topic: &Topic, visit: impl FnMut(&Arc<News>)) {
        if self.index.is_empty() {
            return;
        }
        if let Some(matches) = self.recall(topic) {
            return matches.news.iter().for_each(visit);
        }
        let mut news = Vec::new();
        self.index.matching(topic, |matching| news.push(matching.clone()));
        news.iter().for_each(visit);
        self.remember(topic, Matches { as_of: self.came, news });
    }

    /// What is remembered of a topic, brought up to date. None if nothing is, or if too many patterns have come since.
    fn recall(&mut self, topic: &Topic) -> Option<&Matches> {
        let matches = self.remembered.get_mut(topic)?;
        let before = matches.bytes(topic);
        let missing = self.newest.partition_point(|(number, ..)| *number <= matches.as_of);
        let came = self.newest.range(missing..);
        // While anything is remembered, every pattern that comes is noted, and only the oldest are dropped.
        let all_known = came.len() as u64 == self.came - matches.as_of;
        if all_known {
            matches.news.retain(|news| !news.is_retired());
            let came = came.filter(|(_, pattern, news)| !news.is_retired() && pattern.matches(topic));
            matches.news.extend(came.map(|(.., news)| news.clone()));
            matches.as_of = self.came;
        }
        let (is_short, after) = (matches.news.len() <= MATCHES_OF_A_TOPIC_MAX, matches.bytes(topic));
        if !(all_known && is_short) {
            self.remembered.remove(topic);
            self.remembered_bytes -= before;
            return None;
        }
        self.remembered_bytes = self.remembered_bytes + after - before;
        if self.remembered_bytes > MATCHES_REMEMBERED_BYTES_MAX {
            self.forget_all();
        }
        self.remembered.get(topic)
    }

    fn remember(&mut self, topic: &Topic, matches: Matches) {
        if matches.news.len() > MATCHES_OF_A_TOPIC_MAX {
            return;
        }
        if self.remembered_bytes + matches.bytes(topic) > MATCHES_REMEMBERED_BYTES_MAX {
            self.forget_all();
        }
        self.remembered_bytes += matches.bytes(topic);
        self.remembered.insert(topic.clone(), matches);
    }

    #[cfg(test)]
    pub(crate) fn remembered_bytes(&self) -> usize {
        let bytes = self.remembered.iter().map(|(topic, matches)| matches.bytes(topic)).sum();
        assert_eq!(self.remembered_bytes, bytes, "what is counted is what is there");
        bytes
    }

    fn forget_all(&mut self) {
        self.remembered = HashMap::new();
        self.newest = VecDeque::new();
        (self.remembered_bytes, self.retired) = (0, 0);
    }
}

impl Matches {
    fn bytes(&self, topic: &Topic) -> usize {
        MATCHES_OVERHEAD_BYTES + topic.as_str().len() + self.news.len() * size_of::<Arc<News>>()
    }
}
