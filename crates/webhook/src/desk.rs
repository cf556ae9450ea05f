//! Where questions are asked: equal ones once, and not too many at a time.
//!
//! Those who wait drive their question themselves: there is no task. When the last one has left, the question is dropped, and its
//! connection with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use ring::hmac;
use tidings_client::Caller;
use tidings_http::Denied;
use tidings_http::core::{Clock, UnixMillis};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::answer::{self, Given, NotGiven};
use crate::call;
use crate::fault::{Fault, FaultLog};
use crate::kept::Kept;
use crate::limits::{QUESTION_WAIT_MAX, QUESTIONS_AT_ONCE_MAX};
use crate::question::{Digest, digest};
use crate::settings::WebhookSettings;

/// What is told to clients, whatever is wrong: it shows nothing of the program that is asked.
const NO_DECISION: &str =
    "the hub asks another program who may do this, and it does not answer as it should; try again later";

/// An answer, and when it ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) given: Given,
    pub(crate) until: Option<UnixMillis>,
}

type Outcome = Result<Arc<Answer>, Denied>;
type Asking = BoxFuture<'static, Outcome>;

/// Asks one webhook. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Desk(Arc<DeskParts>);

struct DeskParts {
    settings: WebhookSettings,
    clock: Arc<dyn Clock>,
    key: hmac::Key,
    caller: Caller,
    turns: Semaphore,
    faults: FaultLog,
    questions: Mutex<Questions>,
}

#[derive(Default)]
struct Questions {
    kept: Kept,
    /// Those that are being asked, each with a number of its own.
    pending: HashMap<Digest, (u64, WeakShared<Asking>)>,
    asked: u64,
}

impl Desk {
    pub(crate) fn new(settings: WebhookSettings, clock: Arc<dyn Clock>, key: hmac::Key) -> Self {
        Self(Arc::new(DeskParts {
            settings,
            clock,
            key,
            caller: Caller::new(),
            turns: Semaphore::new(QUESTIONS_AT_ONCE_MAX),
            faults: FaultLog::default(),
            questions: Mutex::default(),
        }))
    }

    pub(crate) fn settings(&self) -> &WebhookSettings {
        &self.0.settings
    }

    pub(crate) fn key(&self) -> &hmac::Key {
        &self.0.key
    }

    /// The answer to a question. Cancel safe: who leaves takes nothing from others who wait for the same.
    pub(crate) async fn ask(&self, question: Bytes) -> Outcome {
        let digest = digest(&self.0.key, &question);
        let asking = {
            let mut questions = self.0.questions();
            if let Some(answer) = questions.kept.answer(&digest, self.0.clock.now()) {
                return Ok(answer);
            }
            let pending = questions.pending.get(&digest).and_then(|(_, asking)| asking.upgrade());
            pending.unwrap_or_else(|| self.begin(&mut questions, digest, question))
        };
        asking.await
    }

    fn begin(&self, questions: &mut Questions, digest: Digest, question: Bytes) -> Shared<Asking> {
        questions.asked += 1;
        let number = questions.asked;
        let pending = Pending { desk: self.0.clone(), digest, number };
        let asking = async move {
            let desk = &pending.desk;
            let outcome = desk.answer(question).await;
            outcome.map(|(answer, bytes)| desk.keep(digest, answer, bytes)).map_err(|why| match why {
                NotGiven::Denied(denied) => denied,
                NotGiven::Fault(fault) => {
                    desk.faults.tell(&fault, &desk.settings.url);
                    Denied::CannotTell(NO_DECISION.to_owned())
                }
            })
        };
        let asking = asking.boxed().shared();
        // Nobody has polled it, so it is not over and can be found by others.
        if let Some(weak) = asking.downgrade() {
            questions.pending.insert(digest, (number, weak));
        }
        asking
    }
}

impl DeskParts {
    fn questions(&self) -> MutexGuard<'_, Questions> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks when it is its turn. Returns the size of the answer, too.
    async fn answer(&self, question: Bytes) -> Result<(Given, usize), NotGiven> {
        let turn = timeout(QUESTION_WAIT_MAX, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(NotGiven::Fault(Fault::NoTurn)) };
        let WebhookSettings { url, timeout, .. } = &self.settings;
        let answer = call::post(&self.caller, url, question, *timeout).await.map_err(NotGiven::Fault)?;
        Ok((answer::read(&answer)?, answer.body().len()))
    }

    /// Keeps an answer for the time that it names.
    fn keep(&self, digest: Digest, given: Given, bytes: usize) -> Arc<Answer> {
        let now = self.clock.now();
        let ttl_ms = given.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        let until = ttl_ms.map(|ttl_ms| UnixMillis(now.0.saturating_add(ttl_ms)));
        let answer = Arc::new(Answer { given, until });
        if let Some(until) = until {
            let kept = &mut self.questions().kept;
            kept.keep(digest, answer.clone(), until, bytes);
            kept.tidy(now);
        }
        answer
    }
}

/// A question that is being asked. Dropped when it is answered, or when nobody waits for it.
struct Pending {
    desk: Arc<DeskParts>,
    digest: Digest,
    number: u64,
}

impl Drop for Pending {
    fn drop(&mut self) {
        let pending = &mut self.desk.questions().pending;
        // Somebody may ask the same again after the last one has left and before this is dropped.
        if pending.get(&self.digest).is_some_and(|(number, _)| *number == self.number) {
            pending.remove(&self.digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use tidings_core::contract::ManualClock;
    use tidings_testkit::deadline::within;

    use super::*;
    use crate::settings::WebhookUrl;

    /// Asks an address where nobody listens.
    fn desk() -> Desk {
        let url = WebhookUrl::parse("http://127.0.0.1:1/").unwrap();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).unwrap();
        Desk::new(WebhookSettings::new(url), ManualClock::at(0), key)
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_question_that_was_answered_or_that_nobody_waits_for() {
        let desk = desk();
        let pending = || desk.0.questions().pending.len();

        let outcome = within("an outcome", desk.ask(Bytes::from_static(b"1"))).await;
        assert_eq!((outcome, pending()), (Err(Denied::CannotTell(NO_DECISION.to_owned())), 0));

        let mut waiting = Box::pin(desk.ask(Bytes::from_static(b"2")));
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(pending(), 1);
        drop(waiting);
        assert_eq!(pending(), 0);
    }

    #[tokio::test]
    async fn a_question_that_is_dropped_late_takes_nothing_from_the_next_one() {
        let desk = desk();
        let digest = Digest::default();
        let begin = || desk.begin(&mut desk.0.questions(), digest, Bytes::new());

        let (first, second) = (begin(), begin());
        drop(first);

        let pending = desk.0.questions().pending.get(&digest).map(|(number, _)| *number);
        assert_eq!(pending, Some(2));
        drop(second);
        assert!(desk.0.questions().pending.is_empty());
    }
}
