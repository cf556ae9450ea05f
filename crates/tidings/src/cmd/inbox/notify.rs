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
use crate::limits::NAMES_SHOWN_MAX;
use crate::terminal::chain::{excerpt, visible};
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::report;
use crate::terminal::talk::tell;

/// Whom to notify, and of what.
#[derive(Debug, Args)]
#[command(override_usage = USAGE)]
pub(crate) struct NotifyArgs {
    /// URL of the hub, such as `http://127.0.0.1:8080`
    url: HubUrl,
    /// One or several users, and behind them the title; without users if --users or --topic names them, and without a title if --title does
    #[arg(value_name = "USER... TITLE")]
    words: Vec<String>,
    /// The title; all other words are users then
    #[arg(long, value_name = "TITLE", allow_hyphen_values = true)]
    title: Option<String>,
    /// More text below the title; `-` reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    body: Option<String>,
    /// What a click on the notification opens: an http:, https: or mailto: URL, or a relative one such as /orders/9
    #[arg(long, value_name = "URL")]
    link: Option<String>,
    /// Kind, such as order.paid: users filter and mute notifications by it
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// JSON for the application; the hub only stores it
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    data: Option<String>,
    /// Do not notify a user whose inbox still has a notification with this key
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    dedupe: Option<String>,
    /// When the notification disappears: a time such as 2026-12-24T18:00:00Z, or a duration from now such as 7d
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// File with one user per line; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "topic")]
    users: Option<PathBuf>,
    /// Notify the users who follow this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Idempotency key: running the command again with the same key notifies nobody twice
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

const USAGE: &str = "tidings inbox notify [OPTIONS] <URL> <USER>... <TITLE>
       tidings inbox notify [OPTIONS] <URL> <USER>... --title <TITLE>
       tidings inbox notify [OPTIONS] <URL> --users <FILE> <TITLE>
       tidings inbox notify [OPTIONS] <URL> --topic <TOPIC> <TITLE>";

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
        let names_users = self.users.is_some() || self.topic.is_some();
        let (names, title) = match (&self.title, self.words.split_last()) {
            (Some(title), _) => (&self.words[..], title),
            (None, Some((title, names))) => (names, title),
            (None, None) => return Err(incomplete()),
        };
        match names {
            [] if names_users => Ok((names, title)),
            [] => Err(incomplete()),
            _ if names_users => {
                let message = "--users and --topic say who is notified, so there is one argument, the title";
                let hint = "put a title of several words in quotation marks: \"Your order has left\"";
                Err(Failure::usage(message).hint(hint))
            }
            _ if self.title.is_none() && is_doubtful(names, title) => Err(doubtful(names, title)),
            _ => Ok((names, title)),
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
            .hint("publish the rest of the text as a page, and give its URL by --link"));
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
            tell(&format!("{user} has muted this kind, so the notification is not in the inbox"));
        } else if repeated {
            tell(&format!("{user} had this notification already; nothing was added"));
        }
        report(&format!("{user} was notified by {}", visible(&id)), &format!("{id}\n"));
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

fn incomplete() -> Failure {
    Failure::usage("a user and a title are needed")
        .hint("tidings inbox notify http://127.0.0.1:8080 alice \"Your order has left\"")
}

/// Whether the words of a title, or a title and more text, may have been taken for users: a title that somebody has put in
/// quotation marks has white space in it, and names in a row have none.
fn is_doubtful(names: &[String], title: &str) -> bool {
    let has_space = |text: &str| text.contains(char::is_whitespace);
    names.len() > 1 && (!has_space(title) || names.iter().any(|name| has_space(name)))
}

fn doubtful(names: &[String], title: &str) -> Failure {
    let quoted = |text: &str| format!("\"{}\"", excerpt(text));
    let shown: Vec<_> = names.iter().take(NAMES_SHOWN_MAX).map(|name| quoted(name)).collect();
    let others = names.len() - shown.len();
    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
    let (shown, title) = (shown.join(", "), quoted(title));
    Failure::usage(format!("{NOT_NOTIFIED}: these words mean the users {shown}{more} and the title {title}")).hint(
        "put the title in quotation marks, as in alice \"Your order has left\", and more text behind --body; \
         if the users and the title are meant so, give the title by --title",
    )
}

fn named(name: &str) -> Result<User, Failure> {
    user(name).map_err(|error| Failure::usage(format!("\"{}\": {error}", excerpt(name))))
}

fn json(text: &str) -> Result<Box<RawValue>, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::usage(format!("--data is not valid JSON: {error}"))
            .hint("a text needs quotation marks of its own, as in --data '\"text\"'")
    })
}

fn no_json(error: &serde_json::Error) -> Failure {
    Failure::usage(format!("the notification cannot be written as JSON: {error}"))
}

fn counted(notified: u64) -> String {
    let users = if notified == 1 { "user was" } else { "users were" };
    format!("{notified} {users} notified")
}
