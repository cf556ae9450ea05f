//! Tokens that do not last: when the hook is asked, with what need, and what becomes of a stream whose token is refused or expires.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::server::{Answer, Server, Then};
use support::soon;
use tidings_client::{
    Draft, Error, EventSource, EventSourceBuilder, Expired, Item, PublishError, Publisher, PublisherBuilder,
    Target, TokenNeed,
};
use tidings_testkit::deadline::within_an_hour;
use tidings_testkit::request::Request;

/// Attempts in a row in which a new token may be refused.
const REFUSALS_MAX: usize = 5;

const EXPIRED: &str =
    "event: tidings.expired\nid: 2\ndata: {\"reason\":\"the token expired\"}\n\nretry: 1\n\n";

/// Gives `t-1`, `t-2` and so on, and remembers for what.
#[derive(Clone, Default)]
struct Issuer(Arc<Mutex<Vec<TokenNeed>>>);

impl Issuer {
    fn give(&self, need: TokenNeed) -> String {
        let mut needs = self.0.lock().unwrap();
        needs.push(need);
        format!("t-{}", needs.len())
    }

    fn needs(&self) -> Vec<TokenNeed> {
        self.0.lock().unwrap().clone()
    }

    fn hook(
        &self,
    ) -> impl Fn(TokenNeed) -> std::future::Ready<Result<String, Error>> + Send + Sync + 'static {
        let issuer = self.clone();
        move |need| std::future::ready(Ok(issuer.give(need)))
    }
}

/// Short waits, so that tests are.
fn builder(server: &Server) -> EventSourceBuilder {
    let millisecond = Duration::from_millis(1);
    let builder = EventSource::builder(&server.url("/events/t")).unwrap();
    builder.retry(millisecond).backoff(millisecond, millisecond)
}

fn publisher(server: &Server) -> PublisherBuilder {
    Publisher::builder(&server.url("")).unwrap()
}

fn unauthorized() -> Answer {
    let body = r#"{"title":"no","detail":"the token expired 12 s ago"}"#;
    Answer::status(401).header("Content-Type", "application/problem+json").chunk(body)
}

fn created() -> Answer {
    Answer::status(201).chunk(r#"{"id":"1"}"#)
}

async fn next(source: &mut EventSource) -> Item {
    soon(source.next()).await.unwrap().unwrap()
}

async fn next_data(source: &mut EventSource) -> String {
    soon(source.next_event()).await.unwrap().unwrap().data
}

/// What ends the stream for good.
async fn last_error(source: &mut EventSource) -> Error {
    loop {
        if let Err(error) = soon(source.next()).await.unwrap() {
            assert!(soon(source.next()).await.is_none());
            return error;
        }
    }
}

fn sent(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.header("authorization").unwrap()).collect()
}

#[tokio::test]
async fn a_stream_whose_access_is_over_goes_on_with_a_new_token_after_the_last_id() {
    let first = Answer::stream(format!("id: 1\ndata: a\n\n{EXPIRED}")).then(Then::Close);
    let server = Server::start([first, Answer::stream("id: 3\ndata: b\n\n")]);
    let issuer = Issuer::default();
    let mut source = builder(&server).token_source(issuer.hook()).build();
    assert_eq!(next_data(&mut source).await, "a");

    let Item::Expired(expired) = next(&mut source).await else { panic!("access must be over") };

    assert_eq!(expired.reason.as_deref(), Some("the token expired"));
    assert_eq!(next_data(&mut source).await, "b");
    let requests = server.requested(2).await;
    assert_eq!(sent(&requests), ["Bearer t-1", "Bearer t-2"]);
    assert_eq!(requests[1].header("last-event-id"), Some("2"));
    assert_eq!(issuer.needs(), [TokenNeed::Request, TokenNeed::Refused]);
}

#[tokio::test]
async fn after_a_new_token_was_taken_any_token_will_do_again() {
    let ends = Answer::stream("data: b\n\n").then(Then::Close);
    let server =
        Server::start([Answer::stream(EXPIRED).then(Then::Close), ends, Answer::stream("data: c\n\n")]);
    let issuer = Issuer::default();
    let mut source = builder(&server).token_source(issuer.hook()).build();

    assert_eq!(next_data(&mut source).await, "b");
    assert_eq!(next_data(&mut source).await, "c");

    assert_eq!(issuer.needs(), [TokenNeed::Request, TokenNeed::Refused, TokenNeed::Request]);
}

#[tokio::test]
async fn in_strict_mode_it_is_an_event_and_the_token_is_asked_for_as_ever() {
    let server = Server::start([Answer::stream(EXPIRED).then(Then::Close), Answer::stream("data: b\n\n")]);
    let issuer = Issuer::default();
    let mut source = builder(&server).strict().token_source(issuer.hook()).build();

    let event = soon(source.next_event()).await.unwrap().unwrap();

    assert_eq!(Expired::of_event(&event).unwrap().reason.as_deref(), Some("the token expired"));
    assert_eq!(next_data(&mut source).await, "b");
    assert_eq!(issuer.needs(), [TokenNeed::Request, TokenNeed::Request]);
}

#[tokio::test]
async fn a_source_of_which_no_token_was_ever_taken_ends_the_stream_with_the_words_of_the_server() {
    let server = Server::start([unauthorized(), unauthorized()]);
    let issuer = Issuer::default();
    let mut source = builder(&server).token_source(issuer.hook()).build();

    let error = soon(source.next()).await.unwrap().unwrap_err();

    let words =
        format!("the answer was 401 Unauthorized: the token expired 12 s ago ({})", server.url("/events/t"));
    assert_eq!(error.to_string(), words);
    assert_eq!(issuer.needs(), [TokenNeed::Request, TokenNeed::Refused]);
}

#[tokio::test]
async fn once_a_token_was_taken_a_source_that_is_late_is_waited_for_and_asked_once_for_each_attempt() {
    let first = Answer::stream(EXPIRED).then(Then::Close);
    let server = Server::start([first, unauthorized(), unauthorized(), Answer::stream("data: b\n\n")]);
    let issuer = Issuer::default();
    let mut source = builder(&server).token_source(issuer.hook()).build();

    assert_eq!(next_data(&mut source).await, "b");

    let new = TokenNeed::Refused;
    assert_eq!(issuer.needs(), [TokenNeed::Request, new, new, new]);
}

#[tokio::test]
async fn new_tokens_that_are_refused_again_and_again_end_the_stream() {
    let answers = |count| std::iter::repeat_with(unauthorized).take(count);
    let ends = || Answer::stream("data: a\n\n").then(Then::Close);
    // What was refused before a token was taken again does not count.
    let script = [ends()].into_iter().chain(answers(2)).chain([ends()]).chain(answers(REFUSALS_MAX + 1));
    let server = Server::start(script);
    let issuer = Issuer::default();
    let mut source = builder(&server).token_source(issuer.hook()).build();

    let error = last_error(&mut source).await;

    assert_eq!(error.status().unwrap(), 401);
    // The first attempt after each end asks twice.
    assert_eq!(server.requested(0).await.len(), 1 + 2 + 1 + REFUSALS_MAX + 1);
}

#[tokio::test]
async fn in_strict_mode_a_new_token_that_is_refused_ends_the_stream() {
    let first = Answer::stream("data: a\n\n").then(Then::Close);
    let server = Server::start([first, unauthorized(), unauthorized()]);
    let mut source = builder(&server).strict().token_source(Issuer::default().hook()).build();

    assert_eq!(last_error(&mut source).await.status().unwrap(), 401);
}

#[tokio::test]
async fn a_token_that_does_not_cover_what_is_asked_for_ends_the_stream() {
    let body = r#"{"title":"no","detail":"subscribe does not cover t"}"#;
    let refused = Answer::status(403).header("Content-Type", "application/problem+json").chunk(body);
    let server = Server::start([Answer::stream("data: a\n\n").then(Then::Close), refused]);
    let issuer = Issuer::default();
    let mut source = builder(&server).token_source(issuer.hook()).build();

    let error = last_error(&mut source).await;

    let words =
        format!("the answer was 403 Forbidden: subscribe does not cover t ({})", server.url("/events/t"));
    assert_eq!(error.to_string(), words);
    assert_eq!(issuer.needs(), [TokenNeed::Request, TokenNeed::Request]);
}

#[tokio::test]
async fn a_token_that_lasts_and_is_refused_ends_the_stream() {
    let server = Server::start([Answer::stream(EXPIRED).then(Then::Close), unauthorized()]);
    let mut source = builder(&server).bearer_token("t").unwrap().build();

    assert_eq!(last_error(&mut source).await.status().unwrap(), 401);
}

#[tokio::test]
async fn a_source_that_fails_when_a_new_token_is_due_is_asked_for_a_new_one_again() {
    let server = Server::start([Answer::stream(EXPIRED).then(Then::Close), Answer::stream("data: b\n\n")]);
    let issuer = Issuer::default();
    let asked = issuer.clone();
    let hook = move |need| {
        let token = asked.give(need);
        async move { if token == "t-2" { Err("the issuer is down") } else { Ok(token) } }
    };
    let mut source = builder(&server).token_source(hook).build();

    assert_eq!(next_data(&mut source).await, "b");

    assert_eq!(issuer.needs(), [TokenNeed::Request, TokenNeed::Refused, TokenNeed::Refused]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_is_given_up_after_a_minute_and_asked_again() {
    let mut source = EventSource::builder("http://127.0.0.1:9/")
        .unwrap()
        .token_source(|_| std::future::pending::<Result<String, Error>>())
        .build();
    let begin = tokio::time::Instant::now();

    let next = within_an_hour("the end of the wait", source.next()).await;
    let Some(Ok(Item::Reconnecting(again))) = next else { panic!("it must go on") };

    assert_eq!(begin.elapsed().as_secs(), 60);
    let Error::Token(cause) = again.error else { panic!("it must be about the token") };
    assert_eq!(cause.to_string(), "no token came within 60s");
}

#[tokio::test]
async fn what_stands_around_a_token_is_no_part_of_it_and_one_that_cannot_be_sent_is_not_shown() {
    let server = Server::start([Answer::stream("data: a\n\n")]);
    let tokens = Mutex::new(vec![" t-1\r\n", "s3cr\net", " \n"]);
    let hook = move |_| {
        let token = tokens.lock().unwrap().pop().unwrap().to_owned();
        async move { Ok::<_, Error>(token) }
    };
    let mut source = builder(&server).token_source(hook).build();

    for words in ["the token is empty", "the token has a character that no header can carry"] {
        let Item::Reconnecting(again) = next(&mut source).await else { panic!("it must go on") };
        let Error::Token(cause) = again.error else { panic!("it must be about the token") };
        assert_eq!(cause.to_string(), words);
    }

    assert_eq!(next_data(&mut source).await, "a");
    assert_eq!(sent(&server.requested(1).await), ["Bearer t-1"]);
}

#[tokio::test]
async fn a_publisher_waits_for_a_source_that_is_late_once_a_token_was_taken() {
    let server = Server::start([created(), unauthorized(), unauthorized(), unauthorized(), created()]);
    let issuer = Issuer::default();
    let publisher = publisher(&server).token_source(issuer.hook()).build();
    let draft = Draft::new("x");
    let publish = || publisher.publish(Target::Url("/events/t"), &draft);
    soon(publish()).await.unwrap();

    soon(publish()).await.unwrap();

    let (any, new) = (TokenNeed::Request, TokenNeed::Refused);
    assert_eq!(issuer.needs(), [any, any, new, new, new]);
}

#[tokio::test]
async fn a_publisher_gives_up_at_once_if_no_token_was_ever_taken() {
    let server = Server::start([unauthorized(), unauthorized()]);
    let issuer = Issuer::default();
    let publisher = publisher(&server).give_up_after(Duration::MAX).token_source(issuer.hook()).build();

    let error = soon(publisher.publish(Target::Url("/events/t"), &Draft::new("x"))).await.unwrap_err();

    let words = format!(
        "the hub answered 401 Unauthorized: the token expired 12 s ago ({})",
        server.url("/events/t")
    );
    assert_eq!(error.to_string(), words);
    assert_eq!(issuer.needs(), [TokenNeed::Request, TokenNeed::Refused]);
}

#[tokio::test]
async fn a_publisher_that_never_gives_up_does_so_when_new_tokens_are_refused_again_and_again() {
    let script = [created()].into_iter().chain(std::iter::repeat_with(unauthorized).take(REFUSALS_MAX + 1));
    let server = Server::start(script);
    let publisher =
        publisher(&server).give_up_after(Duration::MAX).token_source(Issuer::default().hook()).build();
    let draft = Draft::new("x");
    let publish = || publisher.publish(Target::Url("/events/t"), &draft);
    soon(publish()).await.unwrap();

    let error = soon(publish()).await.unwrap_err();

    assert!(matches!(&error, PublishError::Refused(_)), "{error}");
    assert_eq!(server.requested(0).await.len(), 1 + REFUSALS_MAX + 1);
}

#[tokio::test]
async fn a_publisher_does_not_ask_for_a_token_again_when_the_hub_answers_403() {
    let server = Server::start([created(), Answer::status(403)]);
    let issuer = Issuer::default();
    let publisher = publisher(&server).token_source(issuer.hook()).build();
    let draft = Draft::new("x");
    let publish = || publisher.publish(Target::Url("/events/t"), &draft);
    soon(publish()).await.unwrap();

    let error = soon(publish()).await.unwrap_err();

    assert_eq!(error.status().unwrap(), 403);
    assert_eq!(issuer.needs(), [TokenNeed::Request, TokenNeed::Request]);
}
