//! Locating: from what a subscriber asks for to a place in the log, and to the gap before it.
//!
//! It reads the store and touches no ring. What follows the place is the business of a
//! [`Follower`](crate::Follower).

use tidings_sse::EventId;

use crate::event::{Cursor, EpochStatus, UnixMillis};
use crate::hub::Hub;
use crate::limits::EVENT_ID_BYTES_MAX;
use crate::read::gap::{Gap, Lost, OnGap};
use crate::select::Selectors;
use crate::store::{Query, Reading, Start, StoreError};

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

/// Where a reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// With what is published from now on.
    Now,
    /// After the event with this id: a cursor of this hub, or an id that a publisher chose.
    Id(String),
    /// With the first event of this time or later.
    Since(UnixMillis),
    /// With the earliest event held.
    Earliest,
    /// With this number of the newest events that match.
    Last(usize),
}

/// A request's place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The reading goes on after this place.
    pub place: Cursor,
    /// What was asked for and is gone.
    pub gap: Option<Gap>,
    /// The newest events were asked for, and the search for the first of them ran out of its budget: fewer of them follow
    /// the place than match.
    pub partial: Option<Partial>,
}

/// A search that ran out of its budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    /// What was asked for.
    pub requested: String,
    /// What was found begins after this place.
    pub begins_after: Cursor,
}

/// What the store says of a start.
enum Found {
    At { place: Cursor, partial: bool },
    Lost { lost: Lost, resumes_after: Cursor },
}

impl Found {
    fn at(place: Cursor) -> Self {
        Self::At { place, partial: false }
    }
}

impl Hub {
    /// Finds the place at which a request begins. Cancel safe.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn locate(&self, request: &Request) -> Result<Located, StoreError> {
        Ok(match self.find(&request.selectors, &request.from).await? {
            Found::At { place, partial } => {
                let begun = || Partial { requested: described(&request.from), begins_after: place };
                Located { place, gap: None, partial: partial.then(begun) }
            }
            Found::Lost { lost, resumes_after } => {
                self.metrics().gaps(lost, 1);
                let (requested, head) = (described(&request.from), self.bounds().head);
                let gap = request.on_gap.declare(requested, lost, resumes_after, head);
                Located { place: gap.resumes_after, gap: Some(gap), partial: None }
            }
        })
    }

    async fn find(&self, selectors: &Selectors, from: &Position) -> Result<Found, StoreError> {
        let start = match from {
            Position::Now => return Ok(Found::at(self.bounds().head)),
            Position::Id(text) => return self.find_id(selectors, text).await,
            Position::Since(time) => Start::Since(*time),
            Position::Earliest => Start::Earliest,
            Position::Last(count) => Start::Last(*count),
        };
        self.find_start(selectors, start).await
    }

    /// A text that reads as a place of this log is one. Every other text may be an id that a publisher chose.
    async fn find_id(&self, selectors: &Selectors, text: &str) -> Result<Found, StoreError> {
        let lost = match text.parse::<Cursor>() {
            Ok(cursor) if self.holds_all_after(cursor) => return Ok(Found::at(cursor)),
            Ok(cursor) => {
                let found = self.find_start(selectors, Start::After(cursor)).await?;
                match (&found, self.status_of(cursor.epoch)) {
                    (Found::Lost { lost: Lost::OtherEpoch, .. }, _)
                    | (Found::Lost { .. }, EpochStatus::Unknown) => found,
                    _ => return Ok(found),
                }
            }
            Err(_) => Found::Lost { lost: Lost::Unknown, resumes_after: self.bounds().floor },
        };
        let Ok(id) = EventId::new(text) else { return Ok(lost) };
        if text.len() > EVENT_ID_BYTES_MAX {
            return Ok(lost);
        }
        match self.find_start(selectors, Start::AfterId(id)).await? {
            found @ Found::At { .. } => Ok(found),
            Found::Lost { .. } => Ok(lost),
        }
    }

    async fn find_start(&self, selectors: &Selectors, start: Start) -> Result<Found, StoreError> {
        // The place is all that is wanted. The events behind it are read by the follower, in pages of its size.
        let query = Query { start, selectors: selectors.clone(), events_max: 0, bytes_max: 0 };
        Ok(match self.read(query).await? {
            Reading::Page(page) => Found::At { place: page.after, partial: page.partial },
            Reading::Lost { lost, resumes_after } => Found::Lost { lost, resumes_after },
        })
    }
}

/// The place that was asked for, in words that may go back to the client that asked.
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
