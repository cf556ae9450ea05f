//! What the driver does about what a client says: other selectors, publishes, another token.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tidings_access::Grants;
use tidings_core::limits::SELECTORS_MAX;
use tidings_core::{DraftFields, KeyFields, Selector, Selectors, Session, Visitor};

use super::driver::Driver;
use super::words::{self, ClientWord, PublishWord};
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::events::problem::{bad_draft, ending, not_published, too_many_publishes, too_many_selectors};
use crate::front::Front;
use crate::limits::{SOCKET_MESSAGE_STEP_BYTES, SOCKET_SELECTORS_PER_FRAME};
use crate::request::mode::Mode;
use crate::request::path;
use crate::stream::Encoder;

impl Driver<'_> {
    /// What to answer at once. A publish is answered when it is durable.
    pub(super) async fn hear_text(&mut self, text: &str) -> Option<Bytes> {
        let share = self.share.take();
        let word = match ClientWord::parse(text) {
            Ok(word) => word,
            Err(problem) => {
                self.reader.counts_more(text.len() / SOCKET_MESSAGE_STEP_BYTES);
                return Some(self.refuse(problem, None));
            }
        };
        let ClientWord { reference, subscribe, unsubscribe, publish, token } = word;
        if let Some(publish) = publish {
            match self.draft(&publish).await {
                Ok(draft) => {
                    self.reader.does_not_count();
                    let front = self.front;
                    self.publishes.push_back(Box::pin(async move {
                        // Its room is given back when the event is in the log, which has its bytes.
                        let _share = share;
                        match front.hub().publish(draft).await {
                            Ok(done) => {
                                words::published(&done.id, publish.key.as_deref(), done.repeated, reference)
                                    .into()
                            }
                            Err(error) => refuse(front, not_published(error), reference),
                        }
                    }));
                }
                // Behind the answers to those before it.
                Err(problem) => {
                    self.reader.counts_more(text.len() / SOCKET_MESSAGE_STEP_BYTES);
                    let answer = self.refuse(problem, reference);
                    self.publishes.push_back(Box::pin(std::future::ready(answer)));
                }
            }
            return None;
        }
        self.reader.counts_more(text.len() / SOCKET_MESSAGE_STEP_BYTES);
        let changed = if let Some(names) = subscribe {
            self.subscribe(&names).await
        } else if let Some(names) = unsubscribe {
            self.unsubscribe(&names)
        } else if let Some(token) = token {
            self.renew(&token).await
        } else {
            return None;
        };
        match changed {
            Ok(()) => {
                let selectors = self.selectors.iter().map(Selector::as_str).collect();
                Some(words::ok(selectors, self.task.id().to_string(), reference).into())
            }
            Err(problem) => Some(self.refuse(problem, reference)),
        }
    }

    fn refuse(&self, problem: Problem, reference: Option<Value>) -> Bytes {
        refuse(self.front, problem, reference)
    }

    /// Adds selectors, which begin at the socket's present place.
    async fn subscribe(&mut self, names: &[String]) -> Result<(), Problem> {
        let mut added = stream_selectors(names)?;
        added.retain(|selector| !self.selectors.as_slice().contains(selector));
        let all = self.selectors.iter().cloned().chain(added.iter().cloned());
        let selectors = Selectors::new(all).map_err(bad_topics)?;
        self.front.check_presence(&selectors)?;
        Front::check_presence_in(Mode::Stream, &selectors)?;
        let session = match self.access.check_subscribe(self.front, &added).await? {
            None => self.task.session().cloned(),
            Some(grants) => sooner(self.front, self.task.session(), &grants),
        };
        self.front.check_room_for_presence(&selectors)?;
        self.regroup(selectors, session)
    }

    /// Takes selectors away. Those that are not there are not missed.
    fn unsubscribe(&mut self, names: &[String]) -> Result<(), Problem> {
        let taken = stream_selectors(names)?;
        let left = self.selectors.iter().filter(|selector| !taken.contains(selector)).cloned();
        let selectors = Selectors::new(left).map_err(|_| {
            let detail = "a socket has one selector at least; close it to hear nothing more";
            Problem::new(ProblemType::BadTopics, detail)
        })?;
        self.regroup(selectors, self.task.session().cloned())
    }

    async fn renew(&mut self, token: &str) -> Result<(), Problem> {
        let session = self.task.session().cloned();
        let renewed =
            self.access.renew(self.front, token, self.selectors.as_slice(), session.as_ref()).await?;
        let address = session.and_then(|session| session.address);
        let renewed = renewed.map(|session| Arc::new(Session { address, ..(*session).clone() }));
        self.regroup(self.selectors.clone(), renewed)
    }

    /// The same stream with other selectors or another session, at the place where it stands: one id resumes all of it.
    fn regroup(&mut self, selectors: Selectors, session: Option<Arc<Session>>) -> Result<(), Problem> {
        self.reader.counts_more(selectors.as_slice().len() / SOCKET_SELECTORS_PER_FRAME);
        let transport = Encoder::WebSocket.transport();
        let visitor = Visitor { session, address: self.front.peer(), transport };
        self.task.change(self.front.hub(), selectors.clone(), visitor).map_err(too_many_selectors)?;
        self.selectors = selectors;
        Ok(())
    }

    async fn draft(&mut self, word: &PublishWord) -> Result<tidings_core::Draft, Problem> {
        let front = self.front;
        if front.drain().has_begun() {
            return Err(ending());
        }
        let topic = path::named_topic(&word.topic)?;
        self.access.check_publish(front, &topic).await?;
        let sender = self.access.sender(front);
        let bytes = word.data.len() as u64;
        front.shares().publish(sender, 1, bytes).map_err(|limited| too_many_publishes(&limited))?;
        let credential = self.access.credential();
        let key = word.key.as_deref().map(|key| KeyFields { credential: &credential, key });
        let fields = DraftFields {
            event_type: word.event_type.as_deref(),
            id: word.id.as_deref(),
            retry_ms: None,
            key,
        };
        front.hub().draft(topic, word.data.clone().into(), fields).map_err(|error| bad_draft(&error))
    }
}

fn refuse(front: &Front, problem: Problem, reference: Option<Value>) -> Bytes {
    front.metrics().refused(problem.problem_type());
    words::error(problem, reference).into()
}

/// No more than a socket may have, so that nobody has thousands of names looked at.
fn stream_selectors(names: &[String]) -> Result<Vec<Selector>, Problem> {
    if names.len() > SELECTORS_MAX {
        let detail =
            format!("a message names at most {SELECTORS_MAX} topics, and this one has {}", names.len());
        return Err(Problem::new(ProblemType::BadTopics, detail));
    }
    names.iter().map(|name| path::stream_selector(name)).collect()
}

fn bad_topics(error: impl ToString) -> Problem {
    Problem::new(ProblemType::BadTopics, error.to_string())
}

/// The session of a socket that was given more by these grants: it ends with the first of them that ends.
fn sooner(front: &Front, session: Option<&Arc<Session>>, grants: &Grants) -> Option<Arc<Session>> {
    let Some(session) = session else { return front.session_of(grants) };
    let until = [session.until, grants.until].into_iter().flatten().min();
    Some(Arc::new(Session { until, ..(**session).clone() }))
}
