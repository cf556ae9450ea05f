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

use tokio::sync::{Notify, Semaphore};

use crate::cursor::{Cursor, Sequence};
use crate::frame::Frame;
use crate::gap::{Gap, Lost, OnGap};
use crate::limits::Limits;
use crate::ring::Watcher;
use crate::selector::Selectors;
use crate::store::{Page, Query, Reading, Start, Store, StoreError};
use crate::subscribe::Counted;
use crate::window::{Attachment, Window};

/// What every subscription of a hub shares.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) window: Arc<Window>,
    pub(crate) limits: Limits,
    /// One permit for each page that is being read.
    pub(crate) pages: Semaphore,
}

impl Shared {
    /// Reads a page once there is a permit for it. The semaphore is never closed, and each permit is given back
    /// when the store has answered, so the wait ends if the store's reads do.
    pub(crate) async fn read(&self, query: Query) -> Result<Reading, StoreError> {
        let _permit = self.pages.acquire().await;
        self.store.read(query).await
    }
}

/// A place in the log that moves on as events are taken.
pub struct Subscription {
    shared: Arc<Shared>,
    selectors: Selectors,
    on_gap: OnGap,
    cursor: Sequence,
    mode: Mode,
    moved: Arc<Moved>,
    attachments: Vec<Attachment>,
    _counted: Counted,
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

/// What the rings hold for a cursor.
enum Reach {
    Frames(Vec<Frame>),
    Nothing,
    Lagged,
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
        let attach = |selector| shared.window.attach(selector, moved.clone(), 0);
        // Attached before the first look, so nothing between is missed.
        let attachments = selectors.iter().map(attach).collect();
        Self {
            shared,
            selectors,
            on_gap,
            cursor: after,
            mode: Mode::Live,
            moved,
            attachments,
            _counted: counted,
        }
    }

    /// Hands out a page that was read to find the start, before anything else.
    pub(crate) fn with_page(mut self, page: Page) -> Self {
        self.mode = Mode::Backlog(Some(page));
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
                Mode::Live => match self.reach() {
                    Reach::Frames(frames) => Some(Delivery::Frames(frames)),
                    Reach::Lagged => {
                        self.mode = Mode::Backlog(None);
                        None
                    }
                    Reach::Nothing if self.shared.window.is_closed() => return Ok(None),
                    Reach::Nothing => {
                        self.moved.0.notified().await;
                        None
                    }
                },
            };
            if delivery.is_some() {
                return Ok(delivery);
            }
        }
    }

    /// The place up to which this subscription has seen everything it asked for.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.shared.window.epoch(), sequence: self.cursor }
    }

    /// Whether it has caught up with the log, so that [`cursor`](Self::cursor) moves with the hub.
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
        let query = page_query(Start::After(self.cursor), &self.selectors, &self.shared.limits);
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

    /// Takes what the rings hold after the cursor, up to a page of it.
    fn reach(&mut self) -> Reach {
        let window = &self.shared.window;
        // In this order: see the window's documentation.
        let head = window.head();
        let (frames, through) = self.gather(head);
        if window.floor() > self.cursor {
            return Reach::Lagged;
        }
        self.cursor = self.cursor.max(through);
        if frames.is_empty() { Reach::Nothing } else { Reach::Frames(frames) }
    }

    /// Frames after the cursor in the order of the log, and the place up to which they are all there are.
    fn gather(&self, head: Sequence) -> (Vec<Frame>, Sequence) {
        let (mut frames, mut through) = (Vec::new(), head);
        for attachment in &self.attachments {
            let mut bytes_left = self.shared.limits.page_bytes_max;
            attachment.ring.between(self.cursor, through, |frame| {
                frames.push(frame.clone());
                bytes_left = bytes_left.saturating_sub(frame.len());
                if bytes_left == 0 {
                    through = frame.sequence;
                }
                bytes_left > 0
            });
        }
        if self.attachments.len() > 1 {
            frames.sort_unstable_by_key(|frame| frame.sequence);
            frames.dedup_by_key(|frame| frame.sequence);
            frames.truncate(frames.partition_point(|frame| frame.sequence <= through));
        }
        (frames, through)
    }
}

/// One page of backlog, as large as the limits allow.
pub(crate) fn page_query(start: Start, selectors: &Selectors, limits: &Limits) -> Query {
    Query {
        start,
        selectors: selectors.clone(),
        events_max: limits.page_events_max,
        bytes_max: limits.page_bytes_max,
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
