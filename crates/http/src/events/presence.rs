//! Whether a request may ask for presence.

use http::header::RETRY_AFTER;
use tidings_core::Selectors;
use tidings_core::presence::watched_topics;

use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::front::Front;
use crate::request::mode::Mode;

impl Front {
    /// Refuses to tell presence where nobody has grants: there are no users, and nobody could be kept from asking.
    pub(crate) fn check_presence(&self, selectors: &Selectors) -> Result<(), Problem> {
        if self.asks_for_grants() || watched_topics(selectors).next().is_none() {
            return Ok(());
        }
        let detail = "presence is told by a hub that knows users, which needs the table [access] in its \
                      configuration, and a grant that names tidings/presence/";
        Err(Problem::new(ProblemType::ReservedTopic, detail))
    }

    /// Refuses to tell presence in answers that end: it is told by who comes and goes while a stream is open.
    pub(crate) fn check_presence_in(mode: Mode, selectors: &Selectors) -> Result<(), Problem> {
        if !mode.ends() || watched_topics(selectors).next().is_none() {
            return Ok(());
        }
        let detail =
            "presence is told by a stream, and not by polls; GET /subscriptions says who reads a topic now";
        Err(Problem::new(ProblemType::ReservedTopic, detail))
    }

    /// Refuses to watch more topics than are watched at once.
    pub(crate) fn check_room_for_presence(&self, selectors: &Selectors) -> Result<(), Problem> {
        let room = self.hub().presences().check_room(selectors);
        room.map_err(|error| {
            Problem::new(ProblemType::TooManySelectors, error.to_string()).with_header(RETRY_AFTER, "5")
        })
    }
}
