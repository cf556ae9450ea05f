//! Stop 7 of the walk: a subscription, a cursor over rings and store.
//!
//! ```text
//!            caught up                     the ring no longer holds it
//! backlog ---------------> live ----------------------------------------> backlog
//!    |
//!    '--> gap: the store no longer holds it either; declared, then on from the earliest event held
//! ```
//!
//! It owns no queue. What it has not been asked for stays where it is, in the window or in the store.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::event::cursor::{Cursor, Sequence};
use crate::live::frame::Frame;
use crate::live::ring::Watcher;
use crate::live::view::{Reach, View};
use crate::read::gap::{Gap, Lost, OnGap};
use crate::select::selector::Selectors;
use crate::shared::{Counted, Shared, page_query};
use crate::store::{Page, Reading, Start, StoreError};

/// A place in the log that moves on as events are taken.
pub struct Subscription {
    shared: Arc<Shared>,
    selectors: Selectors,
    on_gap: OnGap,
    cursor: Sequence,
    mode: Mode,
    moved: Arc<Moved>,
    view: View,
    /// About how much is handed out at once.
    bytes_max: usize,
    counted: Counted,
}

enum Mode {
    /// Reading the store; the page, if there is one, is the next to hand out.
    Backlog(Option<Page>),
    /// Reading the rings.
    Live,
}

/// What a subscriber gets next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Events in order, at least one.
    Frames(Vec<Frame>),
    /// Events that can no longer be had. What follows begins after [`Gap::resumes_after`].
    Gap(Gap),
}

impl Subscription {
    pub(crate) fn new(
        shared: Arc<Shared>,
        selectors: Selectors,
        on_gap: OnGap,
        after: Sequence,
        counted: Counted,
    ) -> Self {
        let moved = Arc::new(Moved::default());
        // Attached before the first look, so nothing between is missed.
        let view = View::new(shared.window.clone(), &selectors, moved.clone(), 0);
        let bytes_max = shared.limits.page_bytes_max;
        Self { shared, selectors, on_gap, cursor: after, mode: Mode::Live, moved, view, bytes_max, counted }
    }

    /// Hands out a page that was read to find the start, before anything else.
    pub(crate) fn with_page(mut self, page: Page) -> Self {
        self.mode = Mode::Backlog(Some(page));
        self
    }

    /// Hands out about so much at once, and at the most the limits' [`page_bytes_max`](crate::Limits::page_bytes_max).
    ///
    /// Whoever takes events and cannot pass them on holds them in memory: where there are thousands of those, less at
    /// once is better.
    #[must_use]
    pub fn in_pieces_of(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max.min(self.shared.limits.page_bytes_max);
        if let Mode::Backlog(page @ Some(_)) = &mut self.mode {
            // It may be larger, and is read again.
            *page = None;
        }
        self
    }

    /// Waits for the next frames, or a gap; `None` when the hub is closing and all was handed out.
    ///
    /// Cancel safe: nothing is taken until the call returns.
    ///
    /// # Errors
    ///
    /// When the store cannot be read. After [`Turn::TryAgain`](crate::store::Turn) the call may be repeated.
    pub async fn next(&mut self) -> Result<Option<Delivery>, StoreError> {
        loop {
            let delivery = match &mut self.mode {
                Mode::Backlog(page) => match page.take() {
                    Some(page) => self.hand_out(page),
                    None => self.read_backlog().await?,
                },
                Mode::Live => match self.view.after(self.cursor, self.bytes_max) {
                    Reach::Frames { frames, through } => {
                        self.cursor = through;
                        Some(Delivery::Frames(frames))
                    }
                    Reach::Nothing { through } => {
                        self.cursor = through;
                        self.moved.0.notified().await;
                        None
                    }
                    Reach::Lagged => {
                        self.mode = Mode::Backlog(None);
                        None
                    }
                    Reach::Closed => return Ok(None),
                },
            };
            if delivery.is_some() {
                return Ok(delivery);
            }
        }
    }

    /// Like [`next`](Self::next), but `None` as soon as the rings hold all that comes next. Never waits for an
    /// event to be published. Cancel safe.
    ///
    /// # Errors
    ///
    /// As for [`next`](Self::next).
    pub async fn next_backlog(&mut self) -> Result<Option<Delivery>, StoreError> {
        if matches!(self.view.after(self.cursor, 1), Reach::Lagged) && self.is_live() {
            self.mode = Mode::Backlog(None);
        }
        while let Mode::Backlog(page) = &mut self.mode {
            let delivery = match page.take() {
                Some(page) => self.hand_out(page),
                None => self.read_backlog().await?,
            };
            if delivery.is_some() {
                return Ok(delivery);
            }
        }
        Ok(None)
    }

    /// Takes over its being counted among the hub's subscriptions, for a subscriber that outlives it.
    pub fn take_counted(&mut self) -> Counted {
        std::mem::take(&mut self.counted)
    }

    /// What happens to it at a gap.
    pub fn on_gap(&self) -> OnGap {
        self.on_gap
    }

    /// The place up to which this subscription has seen everything it asked for.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.shared.window.epoch(), sequence: self.cursor }
    }

    /// Moves the cursor over events that were not asked for, and returns it. Takes nothing that was asked for.
    ///
    /// A client that is told this place from time to time does not fall out of the log on a quiet topic.
    pub fn advance(&mut self) -> Cursor {
        if let (Mode::Live, Reach::Nothing { through }) = (&self.mode, self.view.after(self.cursor, 1)) {
            self.cursor = through;
        }
        self.cursor()
    }

    /// Whether it reads the rings, not the store.
    pub fn is_live(&self) -> bool {
        matches!(self.mode, Mode::Live)
    }

    /// What was asked for.
    pub fn selectors(&self) -> &Selectors {
        &self.selectors
    }

    fn hand_out(&mut self, page: Page) -> Option<Delivery> {
        self.cursor = page.next;
        if self.cursor >= self.shared.window.floor() {
            self.mode = Mode::Live;
        }
        let epoch = self.shared.window.epoch();
        let frames: Vec<_> = page.events.iter().map(|event| Frame::encode(event, epoch)).collect();
        (!frames.is_empty()).then_some(Delivery::Frames(frames))
    }

    async fn read_backlog(&mut self) -> Result<Option<Delivery>, StoreError> {
        let mut query = page_query(Start::After(self.cursor), &self.selectors, &self.shared.limits);
        query.bytes_max = self.bytes_max;
        Ok(match self.shared.read(query).await? {
            Reading::Page(page) => self.hand_out(page),
            Reading::Expired { earliest } => Some(self.fall_into(Lost::Expired, earliest)),
            Reading::Unknown { earliest } => Some(self.fall_into(Lost::Unknown, earliest)),
        })
    }

    fn fall_into(&mut self, lost: Lost, earliest: Sequence) -> Delivery {
        let requested = self.cursor().to_string();
        self.cursor = match self.on_gap {
            OnGap::Earliest => earliest.previous(),
            OnGap::Latest => self.shared.store.bounds().head,
        };
        Delivery::Gap(Gap { requested, lost, resumes_after: self.cursor() })
    }
}

/// Wakes the one task that awaits [`Subscription::next`]. A wake that comes before the wait is kept.
#[derive(Default)]
struct Moved(Notify);

impl Watcher for Moved {
    fn ring_moved(&self, _key: usize) {
        self.0.notify_one();
    }
}
