//! Who may ask for what of an inbox, and what answers.
//!
//! To read an inbox, to mark and to mute in it, one must be allowed to subscribe to `inbox/{user}`; to notify, to publish to it.

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use tidings_access::Grants;
use tidings_core::Selector;
use tidings_inbox::{Inbox, Mark};

use super::notify::{Call, many, read, take_share};
use super::problem::{none, user};
use super::route::InboxAction;
use super::{list, marks, stream};
use crate::access::head::RequestHead;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::authorize::{AskedAction, ParsedRequest, all_inboxes};
use crate::events::admission;
use crate::events::problem::ending;
use crate::events::publish::Publisher;
use crate::front::Front;
use crate::granted::Keyed;
use crate::limits::{
    INBOX_MANY_BODY_BYTES_MAX, INBOX_MARK_BODY_BYTES_MAX, INBOX_NOTIFY_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX,
};
use crate::request::body::WholeBody;
use crate::request::idempotency_key::idempotency_key;
use crate::request::path::one_topic;
use crate::request::query::{Query, has_parameter};
use crate::stream::StreamFormat;

/// How often the names of a call stand in memory beside its body: as users, as topics, as a record, and as its JSON.
const MANY_BODY_COPIES: usize = 4;

/// A request to the inbox, as its head says it.
pub(super) struct Asked<'a> {
    pub(super) front: &'a Front,
    head: &'a RequestHead<'a>,
    pub(super) parts: &'a Parts,
    keyed: Keyed<'a>,
}

/// Answers a request to the inbox.
pub(crate) async fn answer<B>(
    front: &Front,
    action: InboxAction<'_>,
    head: &RequestHead<'_>,
    parts: &Parts,
    keyed: Keyed<'_>,
    body: B,
) -> Result<Response<Body>, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let Some(inbox) = front.inbox() else {
        return Err(none());
    };
    let asked = Asked { front, head, parts, keyed };
    match action {
        InboxAction::RefuseAccept(problem) => Err(problem),
        InboxAction::NotifyMany => asked.notify_many(inbox, body).await,
        InboxAction::Notify(user) => asked.notify(inbox, user, body).await,
        InboxAction::Mark(user, mark) => asked.mark(inbox, user, mark, body).await,
        InboxAction::Subscribe(user, format) => asked.subscribe(inbox, user, format).await,
        InboxAction::Plain(user, action) => action.answer(&asked, inbox, user).await,
    }
}

/// Who may ask for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Who may subscribe.
    Reads,
    /// The same, for a change. It counts toward what its sender may publish.
    Changes,
    /// Who may subscribe, and who may publish. It counts, too.
    Owns,
}

impl<'a> Asked<'a> {
    pub(super) fn query(&self, known: &[&'static str]) -> Result<Query<'a>, Problem> {
        Query::parse(self.text_of_query(), &[known, self.front.proof_parameters()])
    }

    /// The same where one URL answers in two ways, by what the request accepts: a parameter of the other way tells that this one was not
    /// meant, and `why` says so.
    pub(super) fn query_beside(
        &self,
        known: &[&'static str],
        others: &[&'static str],
        why: &str,
    ) -> Result<Query<'a>, Problem> {
        for name in others.iter().filter(|name| !known.contains(*name)) {
            if has_parameter(self.text_of_query(), name)? {
                return Err(Problem::new(
                    ProblemType::UnknownParameter,
                    format!("`{name}` is a parameter {why}"),
                ));
            }
        }
        self.query(known)
    }

    fn text_of_query(&self) -> &'a str {
        self.parts.uri.query().unwrap_or("")
    }

    fn parsed<'q>(&'q self, query: &'q Query<'q>) -> ParsedRequest<'q> {
        ParsedRequest { head: self.head, parts: self.parts, query }
    }

    fn told<T>(&self, decided: Result<T, Problem>) -> Result<T, Problem> {
        self.front.told(self.parts, decided)
    }

    /// Lets in what has no body.
    pub(super) async fn let_in(
        &self,
        gate: Gate,
        query: &Query<'_>,
        needed: Vec<Selector>,
    ) -> Result<(), Problem> {
        let grants = self.grants(gate, query, &needed).await?;
        match gate {
            Gate::Reads => Ok(()),
            Gate::Changes | Gate::Owns => self.takes_place(grants.as_ref()),
        }
    }

    /// The grants that let it in; none where nobody is asked for any.
    async fn grants(
        &self,
        gate: Gate,
        query: &Query<'_>,
        needed: &[Selector],
    ) -> Result<Option<Grants>, Problem> {
        if !self.front.asks_for_grants() {
            return Ok(None);
        }
        let parsed = self.parsed(query);
        // Boxed: the future of every request would be as large as these.
        let grants = match gate {
            Gate::Reads => Box::pin(self.front.authorize_inbox(parsed, AskedAction::History, needed)).await,
            Gate::Changes => {
                Box::pin(self.front.authorize_inbox(parsed, AskedAction::Subscribe, needed)).await
            }
            Gate::Owns => Box::pin(self.front.authorize_inbox_owner(parsed, needed)).await,
        };
        self.told(grants).map(Some)
    }

    fn publisher<'g>(&self, grants: Option<&'g Grants>) -> Publisher<'g>
    where
        'a: 'g,
    {
        self.front.publisher(grants, self.keyed.clone())
    }

    /// Lets in a change that has no body: the hub takes it, and its sender has a share left.
    fn takes_place(&self, grants: Option<&Grants>) -> Result<(), Problem> {
        if self.front.drain().has_begun() {
            return Err(ending());
        }
        take_share(self.front, &self.publisher(grants), 1, 0)
    }

    /// The body of a change, of a sender that has a share left.
    async fn body<B>(
        &self,
        publisher: &Publisher<'_>,
        body: B,
        bytes_max: usize,
    ) -> Result<WholeBody<'a>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let announced = body.size_hint().exact().unwrap_or(0).min(bytes_max as u64);
        if self.front.drain().has_begun() {
            return Err(ending());
        }
        // Before the body is read.
        take_share(self.front, publisher, 1, announced)?;
        let body = read(self.front, self.parts, body, bytes_max).await?;
        let more = (body.data.len() as u64).saturating_sub(announced);
        self.front.shares().add_bytes(publisher.sender, more);
        // It may have been long on its way.
        publisher.let_in.check(self.front).await?;
        Ok(body)
    }

    async fn subscribe(
        &self,
        inbox: &Inbox,
        text: &str,
        format: StreamFormat,
    ) -> Result<Response<Body>, Problem> {
        let why = "of the list, and without `Accept: application/json` this URL answers with the stream";
        let query = self.query_beside(stream::KNOWN, list::KNOWN, why)?;
        let user = user(text)?;
        let mut request = stream::read(self.front, self.parts, &query, &user, format)?;
        match self.grants(Gate::Changes, &query, &[Selector::Topic(user.topic())]).await {
            Ok(grants) => grants.into_iter().for_each(|grants| request.let_in_by(self.front, grants)),
            Err(problem) => return admission::refuse(self.front, &request, problem),
        }
        stream::subscribe(self.front, inbox, user, request).await
    }

    async fn mark<B>(&self, inbox: &Inbox, text: &str, mark: Mark, body: B) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let query = self.query(&[])?;
        let user = user(text)?;
        let grants = self.grants(Gate::Changes, &query, &[Selector::Topic(user.topic())]).await?;
        let publisher = self.publisher(grants.as_ref());
        let body = self.body(&publisher, body, INBOX_MARK_BODY_BYTES_MAX).await?;
        marks::mark(inbox, &user, mark, marks::which(&body.data)?).await
    }

    async fn notify<B>(&self, inbox: &Inbox, text: &str, body: B) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let query = self.query(&[])?;
        let user = user(text)?;
        let key = idempotency_key(&self.parts.headers)?;
        let grants = self.publish(&query, &[Selector::Topic(user.topic())]).await?;
        let publisher = self.publisher(grants.as_ref());
        let body = self.body(&publisher, body, INBOX_NOTIFY_BODY_BYTES_MAX).await?;
        let call = Call { front: self.front, inbox, publisher: &publisher, key };
        call.notify(&user, &body.data).await
    }

    async fn notify_many<B>(&self, inbox: &Inbox, body: B) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let query = self.query(&["topic"])?;
        let key = idempotency_key(&self.parts.headers)?;
        if query.one("topic")?.is_some() {
            let topic = one_topic(&query)?;
            // Anybody's inbox may be reached.
            let grants = self.publish(&query, &[all_inboxes()]).await?;
            let publisher = self.publisher(grants.as_ref());
            let body = self.body(&publisher, body, INBOX_NOTIFY_BODY_BYTES_MAX).await?;
            let call = Call { front: self.front, inbox, publisher: &publisher, key };
            return call.notify_topic(&topic, &body.data).await;
        }
        if self.front.asks_for_grants() {
            self.told(self.front.refuse_stranger(self.parsed(&query)).await)?;
        }
        let mut body = read(self.front, self.parts, body, INBOX_MANY_BODY_BYTES_MAX).await?;
        // The names stand in memory several times while their record is made. Small bodies have room for that beside their share.
        if body.data.len() > SMALL_BODY_BYTES_MAX {
            body.share.resize(MANY_BODY_COPIES * body.data.len()).await?;
        }
        let many = many(self.front, &body.data)?;
        let topics: Vec<_> = many.users.iter().map(|user| Selector::Topic(user.topic())).collect();
        let grants = self.publish(&query, &topics).await?;
        drop(topics);
        let publisher = self.publisher(grants.as_ref());
        publisher.let_in.check(self.front).await?;
        let call = Call { front: self.front, inbox, publisher: &publisher, key };
        call.notify_many(many, body.data.len()).await
    }

    async fn publish(&self, query: &Query<'_>, topics: &[Selector]) -> Result<Option<Grants>, Problem> {
        if !self.front.asks_for_grants() {
            return Ok(None);
        }
        let grants = Box::pin(self.front.authorize_notify(self.parsed(query), topics)).await;
        self.told(grants).map(Some)
    }
}
