//! `POST /tickets`, and that a ticket is used once.
//!
//! A use is an event in the log, under the ticket's id as its idempotency key: the log takes one of two that come at the same
//! instant, on every node and after a restart. The ids of this process's uses are kept beside it until their tickets expire, because
//! a store remembers only so many keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use tidings_access::signed_url::SigningKey;
use tidings_access::{Access, Grants, Refusal, Ticket, TicketKey};
use tidings_core::{DraftFields, KeyFields, Topic, UnixMillis};

use crate::answer::body::Body;
use crate::answer::json;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::problem::not_published;
use crate::front::Front;
use crate::limits::{TICKET_AGE_MAX, USED_TICKETS_MAX};

/// Where uses are written.
const TOPIC: &str = "tidings/tickets";

/// The name of the credential of their idempotency keys, which no publisher has.
const CREDENTIAL: &str = "tidings tickets";

/// Bytes of chance in the id of a ticket.
const ID_BYTES: usize = 16;

/// The tickets of a front.
pub(crate) struct Tickets {
    /// Of this process alone.
    own_key: TicketKey,
    /// Tickets that were used here and have not expired.
    used: Mutex<HashMap<Arc<str>, UnixMillis>>,
}

#[derive(Serialize)]
struct TicketAnswer {
    ticket: String,
    /// Seconds.
    expires_in: u64,
}

impl Tickets {
    pub(crate) fn new() -> Self {
        Self { own_key: own_key(), used: Mutex::default() }
    }

    /// What a ticket lets its bearer do, if it is one. It is not used by that.
    pub(crate) fn read(&self, access: &Access, text: &str, now: UnixMillis) -> Result<Ticket, Refusal> {
        self.key(access).read(text, now)
    }

    /// With the key that signs URLs, all nodes take each other's tickets. Without one, a key of this process alone.
    fn key<'k>(&'k self, access: &'k Access) -> &'k TicketKey {
        access.signing.as_ref().map_or(&self.own_key, SigningKey::ticket_key)
    }

    /// Notes a use in this process. False if there was one before.
    fn use_here(&self, ticket: &Ticket, now: UnixMillis) -> Result<(), Problem> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= USED_TICKETS_MAX {
            used.retain(|_, expires| *expires > now);
        }
        if used.contains_key(&ticket.id) {
            return Err(was_used());
        }
        if used.len() >= USED_TICKETS_MAX {
            let detail =
                "more tickets are being used than this hub takes in half a minute; try again in a moment";
            return Err(Problem::new(ProblemType::Busy, detail));
        }
        used.insert(ticket.id.clone(), ticket.expires);
        Ok(())
    }
}

impl Front {
    /// Answers with a ticket for these grants, which its bearer has shown another proof of.
    pub(crate) fn ticket(&self, grants: Grants) -> Result<Response<Body>, Problem> {
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id)
            .map_err(|_| Problem::new(ProblemType::Unavailable, "the system gives no random bytes"))?;
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let now = self.clock().now();
        let end = UnixMillis(now.0.saturating_add(TICKET_AGE_MAX.as_millis() as u64));
        // It lets nobody in for longer than what it was given for.
        let expires = grants.until.map_or(end, |until| until.min(end));
        let access = self.keys().access().unwrap_or_default();
        let ticket = self.tickets().key(&access).write(&Ticket { id: id.into(), grants, expires });
        let expires_in = (expires.0 - now.0).div_ceil(1_000);
        let mut response = json::response(StatusCode::CREATED, &TicketAnswer { ticket, expires_in });
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }

    /// Uses a ticket up. Of two requests that show the same one, one gets through.
    pub(crate) async fn use_up(&self, ticket: &Ticket) -> Result<(), Problem> {
        self.tickets().use_here(ticket, self.clock().now())?;
        let topic = Topic::parse(TOPIC).expect("it is a topic");
        let key = KeyFields { credential: CREDENTIAL, key: &ticket.id };
        let fields = DraftFields { key: Some(key), ..DraftFields::default() };
        let draft = self.hub().draft(topic, Bytes::from_static(b"{\"used\":true}"), fields);
        let published = self.hub().publish(draft.expect("an id is a key")).await.map_err(not_published)?;
        if published.repeated { Err(was_used()) } else { Ok(()) }
    }
}

fn was_used() -> Problem {
    Problem::invalid_credentials(&Refusal::UsedTicket.to_string())
}

fn own_key() -> TicketKey {
    let mut secret = [0; 32];
    // Without random bytes there is no key that nobody knows; the process would not have come this far.
    getrandom::fill(&mut secret).expect("the system gives random bytes");
    TicketKey::of(&secret)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tidings_core::contract::ManualClock;
    use tidings_core::memory::MemoryRetention;
    use tidings_core::{Epoch, Hub, Limits, MemoryStore};

    use super::*;
    use crate::config::HttpConfig;
    use crate::console::Pages;

    fn ticket(id: &str, expires: u64) -> Ticket {
        Ticket { id: id.into(), grants: Grants::default(), expires: UnixMillis(expires) }
    }

    fn used(tickets: &Tickets, id: &str, now: u64) -> Result<(), ProblemType> {
        tickets.use_here(&ticket(id, 100), UnixMillis(now)).map_err(|problem| problem.problem_type())
    }

    async fn front() -> Front {
        let clock = ManualClock::at(0);
        let store = MemoryStore::new(Epoch(1), clock.clone(), MemoryRetention::default());
        let hub = Hub::start(Arc::new(store), Limits::default()).await.unwrap();
        Front::new(hub, HttpConfig::default(), Pages::default(), clock)
    }

    #[test]
    fn when_as_many_are_in_use_as_may_be_those_that_are_over_make_room_and_no_others() {
        let tickets = Tickets::new();
        tickets.use_here(&ticket("short", 50), UnixMillis(0)).map_err(|_| ()).unwrap();
        for number in 1..USED_TICKETS_MAX {
            assert_eq!(used(&tickets, &number.to_string(), 0), Ok(()));
        }

        assert_eq!(used(&tickets, "new", 49), Err(ProblemType::Busy));
        assert_eq!(used(&tickets, "short", 49), Err(ProblemType::InvalidCredentials), "used before");
        assert_eq!(used(&tickets, "new", 50), Ok(()));
        for id in ["1", "new"] {
            assert_eq!(used(&tickets, id, 50), Err(ProblemType::InvalidCredentials), "{id} was used");
        }
    }

    /// A log may forget the key of the first use.
    #[tokio::test(start_paused = true)]
    async fn a_use_is_remembered_beside_the_log() {
        let front = front().await;

        assert!(front.use_up(&ticket("a", 100)).await.is_ok());

        assert_eq!(used(front.tickets(), "a", 0), Err(ProblemType::InvalidCredentials));
    }

    #[tokio::test(start_paused = true)]
    async fn a_ticket_ends_with_what_it_was_given_for_and_says_when_in_whole_seconds() {
        for (until, expires, told) in [
            (Some(9_500), 9_500, 10),
            (Some(10_000), 10_000, 10),
            (Some(31_000), 30_000, 30),
            (None, 30_000, 30),
        ] {
            let front = front().await;
            let grants = Grants { until: until.map(UnixMillis), ..Grants::default() };

            let answer = front.ticket(grants).map_err(|_| ()).unwrap().into_body();

            let answer = answer.collect().await.unwrap().to_bytes();
            let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!(answer["expires_in"], told, "{until:?}");
            let text = answer["ticket"].as_str().unwrap();
            let read = |now| front.tickets().read(&Access::default(), text, UnixMillis(now));
            assert!(read(expires - 1).is_ok() && read(expires).is_err(), "{until:?}");
        }
    }
}
