//! `tidings inbox list`: the notifications of a user.

use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;
use tidings_client::InboxQuestion;
use tidings_inbox::User;
use tidings_inbox::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};

use super::hub::{HubUrl, InboxHubArgs, user};
use super::shown;
use crate::environment::Environment;
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::{Color, say, say_json};
use crate::terminal::talk::tell;

/// Whose notifications, and which.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// URL of the hub, such as `http://127.0.0.1:8080`
    url: HubUrl,
    /// Name of the user
    #[arg(value_parser = user)]
    user: User,
    /// Only unread notifications
    #[arg(long)]
    unread: bool,
    /// Only notifications of this kind; can be given several times
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Leave out archived notifications
    #[arg(long)]
    no_archived: bool,
    /// Only notifications that are older than the one with this id
    #[arg(long, value_name = "ID")]
    before: Option<String>,
    /// Show at most this many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), default_value_t = PAGE_ITEMS_DEFAULT as u64)]
    limit: u64,
    /// Show all of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Print each as one line of JSON, as the hub sends it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: InboxHubArgs,
}

/// A page as the hub answers it.
#[derive(Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    unread: u64,
    cursor: Option<String>,
    more: bool,
}

/// Shows them, a page at a time.
pub(super) async fn run(args: &ListArgs, environment: &Environment, color: Color) -> Result<(), Failure> {
    let hub = args.hub.connect(&args.url, environment)?;
    let (mut left, mut before) = (if args.all { u64::MAX } else { args.limit }, args.before.clone());
    let mut shown = 0;
    loop {
        let question = args.question(left.min(PAGE_ITEMS_MAX as u64), before.as_deref());
        let page: Page = hub.ask(&question, "the notifications cannot be listed").await?;
        let count = page.items.len() as u64;
        (shown, left) = (shown + count, left.saturating_sub(count));
        let text = args.text(&page.items, color)?;
        if args.json {
            say_json(&text)?;
        } else {
            say(&text)?;
        }
        let is_last = !page.more || page.cursor.is_none() || left == 0;
        if is_last {
            tell(&summary(shown, page.unread, page.more));
            return Ok(());
        }
        before = page.cursor;
    }
}

impl ListArgs {
    fn question(&self, limit: u64, before: Option<&str>) -> InboxQuestion {
        let mut question = InboxQuestion::get([self.user.as_str()]).parameter("limit", &limit.to_string());
        if self.unread {
            question = question.parameter("unread", "true");
        }
        if self.no_archived {
            question = question.parameter("archived", "false");
        }
        for kind in &self.kind {
            question = question.parameter("kind", kind);
        }
        match before {
            Some(before) => question.parameter("before", before),
            None => question,
        }
    }

    fn text(&self, items: &[Box<RawValue>], color: Color) -> Result<String, Failure> {
        if self.json {
            // Line ends stand between values alone: in a text of JSON they are escaped.
            let lines = items.iter().map(|item| item.get().replace(['\n', '\r'], " ") + "\n");
            return Ok(lines.collect());
        }
        let items = items.iter().map(|item| serde_json::from_str(item.get())).collect::<Result<Vec<_>, _>>();
        let items = items.map_err(|error| {
            Failure::new(Exit::Failed, format!("this is not the answer of a tidings hub: {error}"))
        })?;
        Ok(shown::lines(&items, color.stdout))
    }
}

fn summary(shown: u64, unread: u64, more: bool) -> String {
    let more = if more { "; --all shows the rest" } else { "" };
    match shown {
        0 => format!("no notifications to show; {unread} unread in all"),
        shown => format!("{shown} shown; {unread} unread in all{more}"),
    }
}
