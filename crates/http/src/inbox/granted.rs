//! Who may ask for what of an inbox, and what answers.
//!
//! To read an inbox, to mark and to mute in it, one must be allowed to subscribe to `inbox/{user}`; to notify, to publish to it.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use tidings_access::Grants;
use tidings_core::{Selector, Topic};
use tidings_inbox::Inbox;

use super::notify::{Call, many, read, take_share};
use super::problem::{item_of_path, kind_of_path, user};
use super::route::InboxAction;
use super::{count, list, marks, preferences, stream};
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
use crate::request::path::{one_topic, plain_selector};
use crate::request::query::Query;

/// How often the names of a call stand in memory beside its body: as users, as topics, as a record, and as its JSON.
const MANY_BODY_COPIES: usize = 4;

/// A request to the inbox, as its head says it.
struct Asked<'a> {
    front: &'a Front,
    head: &'a RequestHead<'a>,
    parts: &'a Parts,
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
        return Err(Problem::new(
            ProblemType::NotFound,
            "this hub has no inbox; it was started with `inbox = false`",
        ));
    };
    let asked = Asked { front, head, parts, keyed };
    match action {
        InboxAction::RefuseAccept(problem) => Err(problem),
        InboxAction::NotifyMany => asked.notify_many(inbox, body).await,
        InboxAction::Notify(text) => asked.notify(inbox, text, body).await,
        InboxAction::Erase(text) => {
            let query = asked.query(&[])?;
            let user = user(text)?;
            let grants = asked.own(&query, &[Selector::Topic(user.topic())]).await?;
            asked.takes_place(grants.as_ref())?;
            marks::erase(inbox, &user).await
        }
        InboxAction::List(text) => {
            let query = asked.query(list::KNOWN)?;
            let (user, request) = (user(text)?, list::request(inbox, &query)?);
            asked.read(&query, &user.topic()).await?;
            if parts.method == Method::HEAD {
                return Ok(list::head());
            }
            list::list(front, inbox, &user, request).await
        }
        InboxAction::Subscribe(text, format) => {
            let query = asked.query(stream::KNOWN)?;
            let user = user(text)?;
            let mut request = stream::read(front, parts, &query, &user, format)?;
            match asked.change(&query, &user.topic()).await {
                Ok(grants) => grants.into_iter().for_each(|grants| request.let_in_by(front, grants)),
                Err(problem) => return admission::refuse(front, &request, problem),
            }
            stream::subscribe(front, inbox, user, request).await
        }
        InboxAction::PollCount(text) => {
            let query = asked.query(count::KNOWN)?;
            let (user, pace) = (user(text)?, count::pace(&query)?);
            asked.read(&query, &user.topic()).await?;
            Ok(count::poll(front, inbox, &user, pace).await)
        }
        InboxAction::Count(text) => {
            let query = asked.query(&[])?;
            let user = user(text)?;
            asked.read(&query, &user.topic()).await?;
            list::count(inbox, &user).await
        }
        InboxAction::Mark(text, mark) => {
            let query = asked.query(&[])?;
            let user = user(text)?;
            let grants = asked.change(&query, &user.topic()).await?;
            let publisher = asked.publisher(grants.as_ref());
            let body = asked.body(&publisher, body, INBOX_MARK_BODY_BYTES_MAX).await?;
            marks::mark(inbox, &user, mark, marks::which(&body.data)?).await
        }
        InboxAction::Delete(text, id) => {
            let query = asked.query(&[])?;
            let (user, id) = (user(text)?, item_of_path(id)?);
            let grants = asked.change(&query, &user.topic()).await?;
            asked.takes_place(grants.as_ref())?;
            marks::delete(inbox, &user, id).await
        }
        InboxAction::Mutes(text) => {
            let query = asked.query(&[])?;
            let user = user(text)?;
            asked.read(&query, &user.topic()).await?;
            preferences::mutes(inbox, &user).await
        }
        InboxAction::Mute(text, kind, muted) => {
            let query = asked.query(&[])?;
            let (user, kind) = (user(text)?, kind_of_path(kind)?);
            let grants = asked.change(&query, &user.topic()).await?;
            asked.takes_place(grants.as_ref())?;
            preferences::mute(inbox, &user, &kind, muted).await
        }
        InboxAction::Follows(text) => {
            let query = asked.query(&[])?;
            let user = user(text)?;
            asked.read(&query, &user.topic()).await?;
            preferences::follows(inbox, &user).await
        }
        InboxAction::Follow(text, selector, follows) => {
            let query = asked.query(&[])?;
            let (user, selector) = (user(text)?, plain_selector(selector)?);
            // Who follows what may not be read would learn of it by the notifications. Who stops, learns nothing.
            let mut needed = vec![Selector::Topic(user.topic())];
            needed.extend(follows.then(|| selector.clone()));
            let grants = asked.own(&query, &needed).await?;
            asked.takes_place(grants.as_ref())?;
            preferences::follow(inbox, &user, &selector, follows).await
        }
    }
}

impl<'a> Asked<'a> {
    fn query(&self, known: &[&'static str]) -> Result<Query<'a>, Problem> {
        Query::parse(self.parts.uri.query().unwrap_or(""), &[known, self.front.proof_parameters()])
    }

    fn parsed<'q>(&'q self, query: &'q Query<'q>) -> ParsedRequest<'q> {
        ParsedRequest { head: self.head, parts: self.parts, query }
    }

    fn told<T>(&self, decided: Result<T, Problem>) -> Result<T, Problem> {
        self.front.told(self.parts, decided)
    }

    /// The grants by which an inbox is read.
    async fn read(&self, query: &Query<'_>, topic: &Topic) -> Result<Option<Grants>, Problem> {
        self.granted(query, &[Selector::Topic(topic.clone())], AskedAction::History).await
    }

    /// The grants by which something in it is changed, by whose it is.
    async fn change(&self, query: &Query<'_>, topic: &Topic) -> Result<Option<Grants>, Problem> {
        self.granted(query, &[Selector::Topic(topic.clone())], AskedAction::Subscribe).await
    }

    async fn granted(
        &self,
        query: &Query<'_>,
        selectors: &[Selector],
        action: AskedAction,
    ) -> Result<Option<Grants>, Problem> {
        if !self.front.asks_for_grants() {
            return Ok(None);
        }
        // Boxed: the future of every request would be as large as this one.
        let grants = Box::pin(self.front.authorize_inbox(self.parsed(query), action, selectors)).await;
        self.told(grants).map(Some)
    }

    /// The grants of whose it is, or of who may notify there.
    async fn own(&self, query: &Query<'_>, selectors: &[Selector]) -> Result<Option<Grants>, Problem> {
        if !self.front.asks_for_grants() {
            return Ok(None);
        }
        let grants = Box::pin(self.front.authorize_inbox_owner(self.parsed(query), selectors)).await;
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
