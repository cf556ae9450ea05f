//! A subscription: a [`Follower`] driven by one task, with rings of its own and a seat on the roster.
//!
//! For programs that embed the hub, and for streams that no lane can carry. It owns no queue: what it has not been asked
//! for stays where it is, in the window or in the store.

use std::sync::Arc;

use crate::event::Cursor;
use crate::hub::Hub;
use crate::live::{Reach, View};
use crate::read::follower::{Delivery, Follower, Needs, Step};
use crate::read::gap::{Gap, OnGap};
use crate::read::locate::{Located, Partial, Request};
use crate::roster::{Attendance, ConnectionId, Dismissal, TaskBell, TooManySelectors, Visitor};
use crate::select::Selectors;
use crate::store::{Bounds, StoreError};

/// A place in the log that moves on as events are taken.
pub struct Subscription {
    hub: Hub,
    follower: Follower,
    view: View,
    bell: Arc<TaskBell>,
    /// About how much is handed out at once.
    bytes_max: usize,
    attendance: Attendance,
}

/// A subscription that begins, and what is missing before it.
pub struct Opened {
    /// Goes on from [`Subscription::cursor`].
    pub subscription: Subscription,
    /// What was asked for and is gone.
    pub gap: Option<Gap>,
    /// The newest events were asked for, and the search for them ended too early.
    pub partial: Option<Partial>,
}

/// What comes next, if that is known now.
#[derive(Debug, Clone)]
pub enum Upcoming {
    /// This.
    Delivery(Delivery),
    /// Nothing is there: it has caught up with the log.
    Nothing,
    /// Nothing any more.
    End,
}

impl Hub {
    /// Begins a subscription. Cancel safe.
    ///
    /// # Errors
    ///
    /// When the store cannot be read, or when there are too many selectors.
    pub async fn subscribe(&self, request: Request) -> Result<Opened, SubscribeError> {
        let attendance = self.roster().attend(&request.selectors)?;
        let Located { place, gap, partial } = self.locate(&request).await?;
        let follower = Follower::new(request.selectors, request.on_gap, place);
        Ok(Opened { subscription: self.follow(follower, Visitor::default(), attendance), gap, partial })
    }

    /// Drives a follower whose place was [located](Self::locate), for a visitor. `attendance` is that of the follower's
    /// selectors. If a carrier has [let it go](crate::roster::Attendances::let_go), the roster knows the visitor already.
    pub fn follow(&self, follower: Follower, visitor: Visitor, attendance: Attendance) -> Subscription {
        let new_bell = || Arc::new(TaskBell::new(follower.cursor().sequence));
        let bell = attendance.bell().unwrap_or_else(new_bell);
        // Attached before the first look, so nothing between is missed.
        let view = self.view(follower.selectors(), bell.clone(), 0);
        let attendance = self.roster().enrol(follower.selectors().clone(), visitor, bell.clone(), attendance);
        let bytes_max = self.limits().page_bytes_max;
        Subscription { hub: self.clone(), follower, view, bell, bytes_max, attendance }
    }
}

/// Why a subscription does not begin.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// All subscriptions together have as many selectors as they may have.
    #[error(transparent)]
    TooManySelectors(#[from] TooManySelectors),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Subscription {
    /// Hands out about this much at once, and at the most the limits' [`page_bytes_max`](crate::Limits::page_bytes_max).
    ///
    /// A reader that takes events and cannot pass them on holds them in memory: where there are thousands of those, less
    /// at once is better.
    #[must_use]
    pub fn in_pieces_of(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max.min(self.hub.limits().page_bytes_max);
        self
    }

    /// Waits for the next frames, or a gap; `None` when the hub is closing and all was handed out, or when the roster
    /// has [dismissed](Self::dismissed) the subscription.
    ///
    /// Cancel safe: nothing is taken until the call returns.
    ///
    /// # Errors
    ///
    /// When the store cannot be read. After [`Turn::TryAgain`](crate::store::Turn) the call may be repeated.
    pub async fn next(&mut self) -> Result<Option<Delivery>, StoreError> {
        loop {
            match self.upcoming().await? {
                Upcoming::Delivery(delivery) => return Ok(Some(delivery)),
                Upcoming::Nothing => self.bell.rung().await,
                Upcoming::End => return Ok(None),
            }
        }
    }

    /// The same, but it does not wait for what is not published yet. Cancel safe.
    ///
    /// # Errors
    ///
    /// As for [`next`](Self::next).
    pub async fn upcoming(&mut self) -> Result<Upcoming, StoreError> {
        loop {
            if self.dismissed().is_some() {
                return Ok(Upcoming::End);
            }
            match self.step().await? {
                Step::Deliver(delivery) => {
                    self.hub.metrics().handed_out(&delivery);
                    return Ok(Upcoming::Delivery(delivery));
                }
                Step::Again => {}
                Step::Wait => return Ok(Upcoming::Nothing),
                Step::End => return Ok(Upcoming::End),
            }
        }
    }

    /// Waits until there may be something that [`upcoming`](Self::upcoming) has not shown. It may wake for nothing. Cancel safe.
    pub async fn rung(&mut self) {
        self.bell.rung().await;
    }

    async fn step(&mut self) -> Result<Step, StoreError> {
        let step = match self.follower.needs() {
            Needs::Rings => {
                self.bell.looks();
                let reach = self.reach();
                match self.follower.take_reach(reach) {
                    Step::Wait => return Ok(Step::Wait),
                    step => step,
                }
            }
            Needs::Log => self.hub.next_page(&mut self.follower, self.bytes_max).await?,
        };
        self.bell.went_on(self.follower.cursor().sequence);
        Ok(step)
    }

    /// Moves the cursor over events that were not asked for, and returns it. Takes nothing that was asked for.
    ///
    /// A client that is told this place from time to time does not fall out of the log on a quiet topic.
    pub fn advance(&mut self) -> Cursor {
        if self.is_live() {
            let reach = self.reach();
            self.follower.pass_over(&reach);
        }
        self.cursor()
    }

    /// The place up to which this subscription has seen everything it asked for.
    pub fn cursor(&self) -> Cursor {
        self.follower.cursor()
    }

    /// What it asks for.
    pub fn selectors(&self) -> &Selectors {
        self.follower.selectors()
    }

    /// What it is told when events are gone.
    pub fn on_gap(&self) -> OnGap {
        self.follower.on_gap()
    }

    /// Notes why it ends, in a word for programs, for those who are told when it is dropped. The first that is noted is the reason.
    pub fn note_ending(&mut self, ending: &'static str) {
        self.attendance.note_ending(ending);
    }

    /// Goes on with other selectors, or as another visitor, from the place where it stands. It keeps its id, and an end that the roster has told it.
    ///
    /// # Errors
    ///
    /// If there are too many selectors. Nothing is changed then.
    pub fn change(&mut self, selectors: Selectors, visitor: Visitor) -> Result<(), TooManySelectors> {
        // The place is looked up by the rings that it had.
        let place = self.advance();
        self.attendance.change(&selectors, &visitor)?;
        let follower = Follower::new(selectors, self.on_gap(), place);
        // Attached before the next look, so nothing between is missed.
        self.view = self.hub.view(follower.selectors(), self.bell.clone(), 0);
        self.follower = follower;
        self.bell.went_on(place.sequence);
        Ok(())
    }

    /// Hands over what another carrier goes on with. Until that has [taken](crate::roster::Attendances::take) the attendance, the roster knows
    /// the subscriber as that of a task. What is left here reads, but is nobody's: drop it.
    pub fn hand_over(&mut self) -> (Follower, Attendance) {
        (self.follower.clone(), self.attendance.hand_over())
    }

    /// The ends of the log that it follows.
    pub fn bounds(&self) -> Bounds {
        self.hub.bounds()
    }

    /// Whether it reads the rings, not the store.
    pub fn is_live(&self) -> bool {
        self.follower.needs() == Needs::Rings
    }

    /// Its id on the [roster](Hub::roster).
    pub fn id(&self) -> ConnectionId {
        self.attendance.id()
    }

    /// Why the roster has ended it, if it has.
    pub fn dismissed(&self) -> Option<Dismissal> {
        self.bell.dismissed()
    }

    fn reach(&self) -> Reach {
        self.view.after(self.follower.cursor(), self.bytes_max)
    }
}

impl From<Option<Delivery>> for Upcoming {
    fn from(next: Option<Delivery>) -> Self {
        next.map_or(Self::End, Self::Delivery)
    }
}
