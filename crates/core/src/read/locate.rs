//! How a subscription begins: from a request for a place in the log to a cursor.

use std::sync::Arc;

use tidings_sse::EventId;

use crate::event::cursor::{Cursor, Sequence};
use crate::event::{Event, UnixMillis};
use crate::hub::Hub;
use crate::limits::EVENT_ID_BYTES_MAX;
use crate::live::ring::Watcher;
use crate::live::view::View;
use crate::read::follower::Subscription;
use crate::read::gap::{Gap, Lost, OnGap};
use crate::select::selector::Selectors;
use crate::shared::{Counted, page_query};
use crate::store::{Page, Query, Reading, Start, StoreError};

/// What a subscriber asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which events.
    pub selectors: Selectors,
    /// Where to begin.
    pub from: Position,
    /// What to do when the place cannot be had.
    pub on_gap: OnGap,
}

/// Where a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// With what is published from now on.
    Now,
    /// After the event with this id: a cursor of this hub, or an id that a publisher chose.
    Id(String),
    /// With the first event of this time or later.
    Since(UnixMillis),
    /// With the first event held.
    Earliest,
    /// With the newest so many.
    Last(usize),
}

/// A subscription that begins, and what is missing before it.
pub struct Opened {
    /// Goes on from [`Subscription::cursor`].
    pub subscription: Subscription,
    /// What was asked for and is gone.
    pub gap: Option<Gap>,
}

/// A page of the log for one who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The events, in order.
    pub events: Vec<Event>,
    /// Where to go on.
    pub cursor: Cursor,
    /// Whether there is more after it now.
    pub more: bool,
    /// What was asked for and is gone.
    pub gap: Option<Gap>,
}

/// Where a subscription turned out to begin.
enum Place {
    At(Sequence),
    Page(Page),
    Gap { lost: Lost, earliest: Sequence },
}

impl Hub {
    /// Begins a subscription. Cancel safe.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn subscribe(&self, request: Request) -> Result<Opened, StoreError> {
        let place = self.locate(&request.selectors, &request.from).await?;
        let subscription = |after| {
            let counted = Counted::new(self.shared.clone());
            Subscription::new(self.shared.clone(), request.selectors.clone(), request.on_gap, after, counted)
        };
        Ok(match place {
            Place::At(sequence) => Opened { subscription: subscription(sequence), gap: None },
            Place::Page(page) => Opened { subscription: subscription(page.after).with_page(page), gap: None },
            Place::Gap { lost, earliest } => {
                let after = match request.on_gap {
                    OnGap::Earliest => earliest.previous(),
                    OnGap::Latest => self.bounds().head,
                };
                let subscription = subscription(after);
                let requested = described(&request.from);
                let gap = Gap { requested, lost, resumes_after: subscription.cursor() };
                Opened { subscription, gap: Some(gap) }
            }
        })
    }

    /// Reads one page of at most `events_max` events from a place, as far as the hub's limits allow. Cancel safe.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn history(&self, request: Request, events_max: usize) -> Result<History, StoreError> {
        let opened = self.subscribe(request).await?;
        let (selectors, on_gap) = (opened.subscription.selectors().clone(), opened.subscription.on_gap());
        let (mut gap, mut cursor) = (opened.gap, opened.subscription.cursor());
        loop {
            let query =
                Query { events_max, ..page_query(Start::After(cursor.sequence), &selectors, self.limits()) };
            match self.read(query).await? {
                Reading::Page(page) => {
                    cursor.sequence = page.next;
                    let more = page.next < page.head;
                    // A page may have passed over many events and found none: then it is not worth an answer.
                    if page.events.is_empty() && more {
                        continue;
                    }
                    return Ok(History { events: page.events, cursor, more, gap });
                }
                Reading::Expired { earliest } | Reading::Unknown { earliest } => {
                    let requested = cursor.to_string();
                    cursor.sequence = match on_gap {
                        OnGap::Earliest => earliest.previous(),
                        OnGap::Latest => self.bounds().head,
                    };
                    gap = Some(Gap { requested, lost: Lost::Expired, resumes_after: cursor });
                }
            }
        }
    }

    /// A subscription that goes on after a place where another left off. It is not counted.
    pub fn resume(&self, selectors: &Selectors, on_gap: OnGap, after: Sequence) -> Subscription {
        Subscription::new(self.shared.clone(), selectors.clone(), on_gap, after, Counted::default())
    }

    /// The rings of a set of selectors, for those who share them among many cursors. `watcher` is told under
    /// `key` when they hold more.
    pub fn view(&self, selectors: &Selectors, watcher: Arc<dyn Watcher>, key: usize) -> View {
        View::new(self.shared.window.clone(), selectors, watcher, key)
    }

    async fn locate(&self, selectors: &Selectors, from: &Position) -> Result<Place, StoreError> {
        match from {
            Position::Now => Ok(Place::At(self.bounds().head)),
            Position::Id(text) => self.locate_id(selectors, text).await,
            Position::Since(time) => self.locate_start(selectors, Start::Since(*time)).await,
            Position::Earliest => self.locate_start(selectors, Start::Earliest).await,
            Position::Last(count) => self.locate_start(selectors, Start::Last(*count)).await,
        }
    }

    async fn locate_id(&self, selectors: &Selectors, text: &str) -> Result<Place, StoreError> {
        let bounds = self.bounds();
        let cursor = text.parse::<Cursor>().ok();
        if let Some(Cursor { sequence, .. }) = cursor.filter(|cursor| cursor.epoch == bounds.epoch) {
            let in_window = sequence >= self.shared.window.floor() && sequence <= bounds.head;
            return match in_window {
                true => Ok(Place::At(sequence)),
                false => self.locate_start(selectors, Start::After(sequence)).await,
            };
        }
        let lost = if cursor.is_some() { Lost::OtherEpoch } else { Lost::Unknown };
        match EventId::new(text) {
            Ok(id) if text.len() <= EVENT_ID_BYTES_MAX => {
                let place = self.locate_start(selectors, Start::AfterId(id)).await?;
                Ok(match place {
                    Place::Gap { lost: Lost::Unknown, earliest } => Place::Gap { lost, earliest },
                    place => place,
                })
            }
            _ => Ok(Place::Gap { lost, earliest: bounds.earliest }),
        }
    }

    async fn locate_start(&self, selectors: &Selectors, start: Start) -> Result<Place, StoreError> {
        Ok(match self.read(page_query(start, selectors, self.limits())).await? {
            Reading::Page(page) => Place::Page(page),
            Reading::Expired { earliest } => Place::Gap { lost: Lost::Expired, earliest },
            Reading::Unknown { earliest } => Place::Gap { lost: Lost::Unknown, earliest },
        })
    }
}

/// The place that was asked for, in words that may go back to whoever asked.
fn described(from: &Position) -> String {
    match from {
        Position::Now => "now".to_owned(),
        Position::Id(text) => {
            text.chars().filter(|letter| !letter.is_control()).take(EVENT_ID_BYTES_MAX).collect()
        }
        Position::Since(time) => format!("since {} ms", time.0),
        Position::Earliest => "earliest".to_owned(),
        Position::Last(count) => format!("last {count}"),
    }
}
