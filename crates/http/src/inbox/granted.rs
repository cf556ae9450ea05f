//! Who may ask for what of an inbox, and what answers.
//!
//! To read an inbox, to mark and to mute in it, one must be allowed to subscribe to `inbox/{user}`; to notify, to publish to it.

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use tidings_access::Grants;
use tidings_core::{Selector, Topic};
use tidings_inbox::Inbox;

use super::notify::{self, many, read, take_share};
use super::problem::user;
use super::route::InboxAction;
use super::{count, list, marks, preferences, stream};
use crate::access::head::RequestHead;
use crate::answer::body::Body;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::authorize::{AskedAction, ParsedRequest};
use crate::events::admission;
use crate::front::Front;
use crate::granted::Keyed;
use crate::limits::{INBOX_MANY_BODY_BYTES_MAX, INBOX_MARK_BODY_BYTES_MAX, INBOX_NOTIFY_BODY_BYTES_MAX};
use crate::request::path::{decode, plain_selector, topic_of_text};
use crate::request::query::Query;

/// A request to the inbox, as its head says it.
struct Asked<'a> {
    front: &'a Front,
    head: &'a RequestHead<'a>,
    parts: &'a Parts,
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
    let asked = Asked { front, head, parts };
    match action {
        InboxAction::RefuseAccept(problem) => Err(problem),
        InboxAction::NotifyMany => asked.notify_many(inbox, keyed, body).await,
        InboxAction::Notify(text) => asked.notify(inbox, keyed, text, body).await,
        InboxAction::Erase(text) => {
            let query = asked.query(&[])?;
            let user = user(text)?;
            asked.own(&query, &[Selector::Topic(user.topic())]).await?;
            marks::erase(inbox, &user).await
        }
        InboxAction::List(text) => {
            let query = asked.query(list::KNOWN)?;
            let (user, request) = (user(text)?, list::request(&query)?);
            asked.read(&query, &user.topic()).await?;
            list::list(inbox, &user, request).await
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
            let body = read(front, parts, body, INBOX_MARK_BODY_BYTES_MAX).await?;
            take_share(front, &front.publisher(grants.as_ref(), keyed), 1, body.data.len())?;
            marks::mark(inbox, &user, mark, marks::which(&body.data)?).await
        }
        InboxAction::Delete(text, id) => {
            let query = asked.query(&[])?;
            let user = user(text)?;
            let grants = asked.change(&query, &user.topic()).await?;
            take_share(front, &front.publisher(grants.as_ref(), keyed), 1, 0)?;
            marks::delete(inbox, &user, &decode(id)?).await
        }
        InboxAction::Mutes(text) => {
            let query = asked.query(&[])?;
            let user = user(text)?;
            asked.read(&query, &user.topic()).await?;
            preferences::mutes(inbox, &user).await
        }
        InboxAction::Mute(text, kind, muted) => {
            let query = asked.query(&[])?;
            let user = user(text)?;
            let grants = asked.change(&query, &user.topic()).await?;
            take_share(front, &front.publisher(grants.as_ref(), keyed), 1, 0)?;
            preferences::mute(inbox, &user, kind, muted).await
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
            take_share(front, &front.publisher(grants.as_ref(), keyed), 1, 0)?;
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

    async fn notify<B>(
        &self,
        inbox: &Inbox,
        keyed: Keyed<'_>,
        text: &str,
        body: B,
    ) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let query = self.query(&[])?;
        let user = user(text)?;
        let grants = self.publish(&query, &[Selector::Topic(user.topic())]).await?;
        let body = read(self.front, self.parts, body, INBOX_NOTIFY_BODY_BYTES_MAX).await?;
        let publisher = self.front.publisher(grants.as_ref(), keyed);
        notify::one(self.front, inbox, self.parts, &publisher, &user, &body.data).await
    }

    async fn notify_many<B>(
        &self,
        inbox: &Inbox,
        keyed: Keyed<'_>,
        body: B,
    ) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        let query = self.query(&["topic"])?;
        if self.front.asks_for_grants() {
            self.told(self.front.refuse_stranger(self.parsed(&query)).await)?;
        }
        if let Some(topic) = query.one("topic")? {
            let topic = topic_of_text(topic)?;
            // Anybody's inbox may be reached.
            let grants = self.publish(&query, &[plain_selector_of_all()]).await?;
            let body = read(self.front, self.parts, body, INBOX_NOTIFY_BODY_BYTES_MAX).await?;
            let publisher = self.front.publisher(grants.as_ref(), keyed);
            return notify::topic(self.front, inbox, self.parts, &publisher, (topic, &body.data)).await;
        }
        let body = read(self.front, self.parts, body, INBOX_MANY_BODY_BYTES_MAX).await?;
        let many = many(self.front, &body.data)?;
        let topics: Vec<_> = many.users.iter().map(|user| Selector::Topic(user.topic())).collect();
        let grants = self.publish(&query, &topics).await?;
        let publisher = self.front.publisher(grants.as_ref(), keyed);
        notify::to_many(self.front, inbox, self.parts, &publisher, (many, body.data.len())).await
    }

    async fn publish(&self, query: &Query<'_>, topics: &[Selector]) -> Result<Option<Grants>, Problem> {
        if !self.front.asks_for_grants() {
            return Ok(None);
        }
        let grants = Box::pin(self.front.authorize_publish(self.parsed(query), topics)).await;
        self.told(grants).map(Some)
    }
}

#[expect(clippy::expect_used, reason = "a constant that is a selector")]
fn plain_selector_of_all() -> Selector {
    Selector::parse("inbox/**").expect("the pattern of all inboxes is one")
}
