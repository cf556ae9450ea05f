//! `tidings inbox read`: marks notifications of a user.

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidings_client::InboxQuestion;
use tidings_inbox::User;

use super::hub::{HubUrl, InboxHubArgs, user};
use crate::environment::Environment;
use crate::terminal::failure::Failure;
use crate::terminal::output::report;
use crate::terminal::talk::tell;

/// Which notifications, and as what.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "through", "all"]))]
pub(crate) struct MarkArgs {
    /// URL of the hub, such as `http://127.0.0.1:8080`
    url: HubUrl,
    /// Name of the user
    #[arg(value_parser = user)]
    user: User,
    /// Ids of notifications, as `tidings inbox list` shows them; an id that is not in the inbox is skipped
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// The notification with this id, and all older ones
    #[arg(long, value_name = "ID")]
    through: Option<String>,
    /// All notifications
    #[arg(long)]
    all: bool,
    /// State to mark them as
    #[arg(long = "as", value_name = "STATE", default_value = "read", value_parser = PossibleValuesParser::new(["read", "unread", "seen", "archived"]))]
    state: String,
    /// Print the answer of the hub as one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    hub: InboxHubArgs,
}

/// The answer of the hub.
#[derive(Serialize, Deserialize)]
struct Changed {
    unread: u64,
    version: u64,
    #[serde(default)]
    changed: u64,
}

/// Marks them, and says what has changed.
pub(super) async fn run(args: &MarkArgs, environment: &Environment) -> Result<(), Failure> {
    let hub = args.hub.connect(&args.url, environment)?;
    let which = match &args.through {
        Some(through) => json!({ "through": through }),
        None if args.all => json!({ "all": true }),
        None => json!({ "ids": args.ids }),
    };
    let verb = if args.state == "archived" { "archive" } else { &args.state };
    let question = InboxQuestion::post([args.user.as_str(), verb], which.to_string());
    let changed: Changed = hub.ask(&question, "nothing was marked").await?;
    if args.json {
        let line = serde_json::to_string(&changed).unwrap_or_default();
        report("the notifications are marked", &format!("{line}\n"));
    } else {
        let are = if changed.changed == 1 { "is" } else { "are" };
        tell(&format!("{} {are} now {}; {} unread in all", changed.changed, args.state, changed.unread));
    }
    Ok(())
}
