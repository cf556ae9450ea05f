//! What the window's lock guards: the frames, and where readers of topics and of patterns look.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::{Line, Sequence, Topic};
use crate::live::frame::Frame;
use crate::live::frames::Frames;
use crate::live::moved::Moved;
use crate::live::news::News;
use crate::live::patterns::Patterns;
use crate::live::ring::Ring;
use crate::live::watchers::Watchers;
use crate::select::{Pattern, Selector};

/// What the lock of a window guards.
pub(super) struct Rings {
    pub(super) line: Line,
    pub(super) frames: Frames,
    topics: HashMap<Topic, Arc<Ring>>,
    pub(super) patterns: Patterns,
    /// Slices of batches that the feed has pushed, ever.
    slices: u64,
    /// The newest frame may not be handed out yet, because there are patterns that do not know its place.
    is_pushing: bool,
    /// Patterns that came meanwhile. They know the frame, and their readers, who may have looked too early, are told of it.
    joined: Vec<Arc<News>>,
}

impl Rings {
    /// Rings of no frame, in the epoch of a line.
    pub(super) fn new(line: Line) -> Self {
        let (frames, patterns) = (Frames::default(), Patterns::default());
        Self {
            line,
            frames,
            topics: HashMap::new(),
            patterns,
            slices: 0,
            is_pushing: false,
            joined: Vec::new(),
        }
    }

    /// Begins the next slice of a batch.
    pub(super) fn begin_slice(&mut self) -> Moved {
        self.slices += 1;
        Moved::in_slice(self.slices)
    }

    /// Adds a frame. Of the patterns that match it, those that are too many for one hold of the lock are noted as
    /// late: they do not know its place yet.
    pub(super) fn push(&mut self, mut frame: Frame, moved: &mut Moved) {
        // Each publish brings its topic's text anew; all events of a topic share one.
        let ring = match self.topics.get_key_value(frame.event().draft.topic()) {
            Some((known, ring)) => {
                frame.share_topic(known);
                ring
            }
            None => self.topics.entry(frame.event().draft.topic().clone()).or_default(),
        };
        ring.push(frame.clone());
        moved.add_ring(ring, frame.sequence());
        self.patterns.each_of(frame.event().draft.topic(), |news| moved.add_news(news));
        self.frames.push(frame);
    }

    pub(super) fn drop_oldest(&mut self) {
        if let Some(frame) = self.frames.pop_oldest() {
            let topic = frame.event().draft.topic();
            self.topics.get(topic).inspect(|ring| ring.evict(frame.sequence()));
            self.forget_if_idle(topic);
        }
    }

    /// Drops the newest frames, back to a place.
    pub(super) fn cut(&mut self, after: Sequence) {
        while let Some(frame) = self.frames.pop_newest_after(after) {
            let topic = frame.event().draft.topic();
            self.topics.get(topic).inspect(|ring| ring.cut(after));
            self.forget_if_idle(topic);
        }
        self.patterns.all().for_each(|news| news.cut(after));
    }

    fn forget_if_idle(&mut self, topic: &Topic) {
        if self.topics.get(topic).is_some_and(|ring| ring.is_idle()) {
            self.topics.remove(topic);
        }
    }

    /// Begins a time in which the newest frame may not be handed out.
    pub(super) fn begin_pushing(&mut self) {
        self.is_pushing = true;
    }

    /// Ends it, and returns the patterns that came in it.
    pub(super) fn end_pushing(&mut self) -> Vec<Arc<News>> {
        self.is_pushing = false;
        std::mem::take(&mut self.joined)
    }

    /// Where a selector's readers look. A pattern that nobody watched is known from the newest frame on.
    pub(super) fn source(&mut self, selector: &Selector, newest: Sequence) -> Source {
        match selector {
            Selector::Topic(topic) => Source::Topic(self.topics.entry(topic.clone()).or_default().clone()),
            Selector::Pattern(pattern) => Source::Pattern(self.news(pattern, newest)),
        }
    }

    fn news(&mut self, pattern: &Pattern, newest: Sequence) -> Arc<News> {
        if let Some(news) = self.patterns.get(pattern) {
            return news.clone();
        }
        let news = Arc::new(News::after(newest));
        if self.is_pushing {
            self.joined.push(news.clone());
        }
        self.patterns.insert(pattern.clone(), news.clone());
        news
    }

    /// Forgets what nobody watches, unless it is a topic's and still holds frames.
    pub(super) fn release(&mut self, selector: &Selector, source: &Source) {
        match (selector, source) {
            (Selector::Topic(topic), Source::Topic(ring)) if ring.is_idle() => {
                self.topics.remove(topic);
            }
            (Selector::Pattern(pattern), Source::Pattern(news)) if news.watchers.is_empty() => {
                self.patterns.remove(pattern);
            }
            _ => {}
        }
    }

    pub(super) fn all(&self) -> Moved {
        Moved::all(self.topics.values(), self.patterns.all())
    }
}

/// A watcher's place among those of a selector, and where its readers look.
pub(crate) struct Attachment {
    pub(crate) source: Source,
    pub(super) registration: u32,
}

/// Where the readers of a selector look.
pub(crate) enum Source {
    Topic(Arc<Ring>),
    Pattern(Arc<News>),
}

impl Source {
    pub(super) fn watchers(&self) -> &Watchers {
        match self {
            Self::Topic(ring) => &ring.watchers,
            Self::Pattern(news) => &news.watchers,
        }
    }
}
