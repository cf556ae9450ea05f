//! `tidings inbox notify`: tells users something, each of whom finds it in the inbox.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_client::InboxQuestion;
use tidings_inbox::User;
use tidings_inbox::limits::BODY_BYTES_MAX;

use super::hub::{HubUrl, InboxHub, InboxHubArgs, user};
use super::users::UserLines;
use crate::environment::Environment;
use crate::terminal::chain::excerpt;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::report;
use crate::terminal::talk::tell;

/// Whom to notify, and of what.
#[derive(Debug, Args)]
pub(crate) struct NotifyArgs {
    /// URL of the hub, such as `http://127.0.0.1:8080`
    url: HubUrl,
    /// The users, and at the end the title; with --users or --topic the title alone
    #[arg(value_name = "USER... TITLE", required = true, allow_hyphen_values = false)]
    words: Vec<String>,
    /// More text, as it is; `-` reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    body: Option<String>,
    /// Where it leads: an http:, https: or mailto: URL, or a relative one
    #[arg(long, value_name = "URL")]
    link: Option<String>,
    /// A word to filter and to mute by, such as order.paid
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// JSON of the application's own
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    data: Option<String>,
    /// While an inbox holds a notification with this key, another one is not shown in it
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    dedupe: Option<String>,
    /// When it leaves the inbox: a time such as 2026-12-24T18:00:00Z, or how long from now, such as 7d
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// File with one user on each line; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "topic")]
    users: Option<PathBuf>,
    /// Notify those who follow this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Key by which the hub recognises the notification if it comes again, also from another run
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    key: Option<String>,
    #[command(flatten)]
    hub: InboxHubArgs,
}

/// As the hub takes it.
#[derive(Serialize)]
struct NotificationDocument<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dedupe: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<&'a str>,
}

#[derive(Serialize)]
struct ManyDocument<'a> {
    users: &'a [User],
    notification: &'a RawValue,
}

/// The answer for one user.
#[derive(Deserialize)]
struct Notified {
    id: String,
    repeated: bool,
    #[serde(default)]
    muted: bool,
}

/// The answer for many.
#[derive(Deserialize)]
struct NotifiedMany {
    notified: u64,
}

const NOT_NOTIFIED: &str = "nobody was notified";

/// Notifies. The id for one user goes to stdout; of many, how many have it to stderr.
pub(super) async fn run(args: &NotifyArgs, environment: &Environment) -> Result<(), Failure> {
    let (names, title) = args.names_and_title()?;
    let users = names.iter().map(|name| named(name)).collect::<Result<Vec<_>, _>>()?;
    let body = args.body()?;
    let data = args.data.as_deref().map(json).transpose()?;
    let document = NotificationDocument {
        title,
        body: body.as_deref(),
        link: args.link.as_deref(),
        kind: args.kind.as_deref(),
        data: data.as_deref(),
        dedupe: args.dedupe.as_deref(),
        expires: args.expires.as_deref(),
    };
    let notification = serde_json::value::to_raw_value(&document).map_err(|error| no_json(&error))?;
    let hub = args.hub.connect(&args.url, environment)?;
    match (&users[..], &args.topic, &args.users) {
        ([user], _, _) => args.notify_one(&hub, user, &notification).await,
        ([], Some(topic), _) => {
            let question = InboxQuestion::post::<String>([], notification.get()).parameter("topic", topic);
            let NotifiedMany { notified } = hub.ask(&args.keyed(question, 0), NOT_NOTIFIED).await?;
            tell(&counted(notified));
            Ok(())
        }
        ([], _, Some(path)) => args.notify_lines(&hub, UserLines::open(path)?, &notification).await,
        (users, _, _) => {
            let notified = args.notify_many(&hub, users, &notification, (0, NOT_NOTIFIED)).await?;
            tell(&counted(notified));
            Ok(())
        }
    }
}

impl NotifyArgs {
    fn names_and_title(&self) -> Result<(&[String], &str), Failure> {
        let is_title_alone = self.users.is_some() || self.topic.is_some();
        match self.words.split_last() {
            Some((title, [])) if is_title_alone => Ok((&[], title)),
            Some((title, names)) if !is_title_alone && !names.is_empty() => Ok((names, title)),
            Some(_) if is_title_alone => {
                Err(Failure::usage("with --users or --topic the title stands alone")
                    .hint("a title of several words is one argument: \"Your order has left\""))
            }
            _ => Err(Failure::usage("a notification has a user and a title")
                .hint("tidings inbox notify http://127.0.0.1:8080 alice \"Your order has left\"")),
        }
    }

    fn body(&self) -> Result<Option<String>, Failure> {
        let Some("-") = self.body.as_deref() else { return Ok(self.body.clone()) };
        if self.users.as_ref().is_some_and(|path| path.as_os_str() == "-") {
            return Err(Failure::usage("--users and --body cannot both be read from standard input"));
        }
        let mut text = String::new();
        let limit = BODY_BYTES_MAX as u64;
        let read = std::io::stdin().take(limit + 1).read_to_string(&mut text);
        read.map_err(|error| Failure::new(Exit::Failed, format!("standard input cannot be read: {error}")))?;
        if text.len() > BODY_BYTES_MAX {
            return Err(Failure::new(
                Exit::Failed,
                format!("standard input has more than {BODY_BYTES_MAX} bytes"),
            )
            .hint("what is longer belongs behind the link"));
        }
        Ok(Some(text.trim_end().to_owned()))
    }

    /// The question with the key that was given; of further parts of one list, with one that is made of it.
    fn keyed(&self, question: InboxQuestion, part: usize) -> InboxQuestion {
        match (&self.key, part) {
            (None, _) => question,
            (Some(key), 0) => question.idempotency_key(key),
            (Some(key), part) => question.idempotency_key(&format!("{key}.{part}")),
        }
    }

    async fn notify_one(&self, hub: &InboxHub, user: &User, notification: &RawValue) -> Result<(), Failure> {
        let question = InboxQuestion::post([user.as_str()], notification.get());
        let Notified { id, repeated, muted } = hub.ask(&self.keyed(question, 0), NOT_NOTIFIED).await?;
        if muted {
            tell(&format!("{user} has muted this kind, so it is not in the inbox"));
        } else if repeated {
            tell("the inbox has it already");
        }
        report(&format!("{user} was notified by {id}"), &format!("{id}\n"));
        Ok(())
    }

    async fn notify_many(
        &self,
        hub: &InboxHub,
        users: &[User],
        notification: &RawValue,
        (part, what): (usize, &str),
    ) -> Result<u64, Failure> {
        let body = serde_json::to_string(&ManyDocument { users, notification });
        let question = InboxQuestion::post::<String>([], body.map_err(|error| no_json(&error))?);
        let NotifiedMany { notified } = hub.ask(&self.keyed(question, part), what).await?;
        Ok(notified)
    }

    async fn notify_lines(
        &self,
        hub: &InboxHub,
        mut lines: UserLines,
        notification: &RawValue,
    ) -> Result<(), Failure> {
        let mut notified = 0;
        let mut part = 0;
        loop {
            let told = format!("{}, and the others were not", counted(notified));
            let what = if part == 0 { NOT_NOTIFIED } else { &told };
            let users = lines
                .next()
                .map_err(|failure| Failure::new(Exit::Failed, format!("{what}: {}", failure.message())))?;
            if users.is_empty() {
                tell(&counted(notified));
                return Ok(());
            }
            notified += self.notify_many(hub, &users, notification, (part, what)).await?;
            part += 1;
        }
    }
}

fn named(name: &str) -> Result<User, Failure> {
    user(name).map_err(|error| Failure::usage(format!("\"{}\": {error}", excerpt(name))))
}

fn json(text: &str) -> Result<Box<RawValue>, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::usage(format!("--data is no JSON: {error}"))
            .hint("text stands in quotation marks of its own, as in --data '\"text\"'")
    })
}

fn no_json(error: &serde_json::Error) -> Failure {
    Failure::usage(format!("it cannot be written as JSON: {error}"))
}

fn counted(notified: u64) -> String {
    let users = if notified == 1 { "user was" } else { "users were" };
    format!("{notified} {users} notified")
}
