//! `tidings doctor`: says what stands between this machine and a hub.
//!
//! It publishes nothing and needs no right but to read one topic. It looks at one matter after the other, in `examine`, each in a file of
//! `check`; what mends a fault is a table in `remedy`. Nothing that a server sends reaches the terminal as it came: it is shown by
//! `terminal::chain`, when it is received and when it is printed.
//!
//! | file | noun |
//! |---|---|
//! | `target` | the stream that is asked for, and the root of its hub |
//! | `ask`, `inflate` | a question and its answer; what a compressed answer says |
//! | `flow` | a stream as its bytes come |
//! | `examine`, `check` | the order of the matters; each of them |
//! | `proxy`, `remedy` | the proxies that are known, and the line that mends a fault |
//! | `report` | what was found, for people and for programs |

mod ask;
mod check;
mod examine;
mod flow;
mod inflate;
mod proxy;
mod remedy;
mod report;
mod target;

use std::time::Duration;

use clap::Args;
use tidings_client::{EventSource, Prober};
use tokio::time::timeout;
use url::Url;

use self::ask::Asker;
use self::examine::{Examination, out_of_time};
use self::proxy::Proxy;
use self::report::Report;
use self::target::Target;
use crate::config::duration;
use crate::environment::Environment;
use crate::limits::{DOCTOR_IDLE_DEFAULT_MAX, DOCTOR_WAIT_MAX};
use crate::link::{Header, TokenArgs, Trust, unusable};
use crate::terminal::failure::{Exit, Failure};
use crate::terminal::output::{Color, say, say_json};
use crate::terminal::talk::tell;

/// What to look at.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// URL of a hub, such as `https://hub.example/`, or of one of its topics, such as `https://hub.example/events/orders`
    url: String,
    /// Print one line of JSON
    ///
    /// {"url":...,"hub":...,"server":...,"proxies":[...],"http_version":...,"findings":N,"checks":[{"check":...,"state":"well"|"finding"|"note"|
    /// "unknown","text":...,"remedies":[{"for":"nginx"|...|"hub","do":"add"|"change"|"remove","place":...,"line":...}]}]}. A later version may add
    /// members and checks. stderr has {"checking":...} for each of them.
    #[arg(long)]
    json: bool,
    /// Origin of the pages that are to use the hub, such as `https://app.example`; without it CORS is not checked
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    origin: Option<String>,
    /// Proxy whose lines are shown; without it the one that the server names, or all
    #[arg(long, value_enum)]
    proxy: Option<Proxy>,
    /// How long a quiet stream is watched [default: two heartbeats of the hub and 4s, at most 65s]
    ///
    /// A silence that is cut after a longer time is not found. 0s leaves the watch out.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    idle: Option<Duration>,
    /// Header of every request; can be given several times
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<Header>,
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    trust: Trust,
}

/// An origin as a browser writes it.
fn origin(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).map_err(|_| "write it like https://app.example")?;
    let origin = url.origin();
    let is_plain = origin.is_tuple() && matches!(url.path(), "" | "/") && url.query().is_none();
    is_plain.then(|| origin.ascii_serialization()).ok_or("write it like https://app.example, without a path")
}

/// Looks, and says what it has found. The exit code is 1 if there is something.
pub(crate) async fn run(args: &DoctorArgs, environment: &Environment, color: Color) -> Result<(), Failure> {
    let url = parsed(&args.url)?;
    let progress = |what: &str| {
        if args.json {
            tell(&serde_json::json!({ "checking": what }).to_string());
        } else {
            tell(&format!("checking {what}"));
        }
    };
    let mut asker = asker(args, environment)?;
    let mut report = Report {
        target: Target::of(&url),
        server: None,
        proxies: args.proxy.into_iter().collect(),
        version: None,
        has_hub: false,
        checks: Vec::new(),
    };
    let examination = Examination {
        url: &url,
        proxy: args.proxy,
        origin: args.origin.as_deref(),
        idle: args.idle,
        progress: &progress,
    };
    let wait = args.idle.unwrap_or(DOCTOR_IDLE_DEFAULT_MAX) + DOCTOR_WAIT_MAX;
    if timeout(wait, examination.run(&mut asker, &mut report)).await.is_err() {
        report.checks.push(out_of_time(wait));
    }
    if args.json {
        say_json(&report.json())?;
    } else {
        say(&report.text(color.stdout))?;
    }
    match report.findings() {
        0 => Ok(()),
        // The report says what they are.
        findings => Err(Failure::new(Exit::Failed, format!("{findings} findings")).told()),
    }
}

/// The URL, by the rules of the other commands.
fn parsed(text: &str) -> Result<Url, Failure> {
    _ = EventSource::builder(text).map_err(|error| unusable(&error))?;
    let url = Url::parse(text).map_err(|error| Failure::usage(format!("{text:?} is no URL: {error}")))?;
    if url.query_pairs().any(|(name, _)| name == "ticket") {
        return Err(Failure::usage("a ticket is good for one request, and the doctor makes many")
            .hint("give a token, by --token-file or --token-command"));
    }
    Ok(url)
}

fn asker(args: &DoctorArgs, environment: &Environment) -> Result<Asker, Failure> {
    let warn = |words: &str| tell(&format!("warning: {words}"));
    let has_authorization = args.headers.iter().any(|header| header.name == http::header::AUTHORIZATION);
    let token = match args.token.chosen(&warn)? {
        Some(_) if has_authorization => {
            return Err(Failure::usage(
                "--header 'Authorization: ...' and a token are both given, and a request has one of them",
            )
            .hint("leave one of them out"));
        }
        Some(token) => Some(token),
        None if has_authorization => None,
        None => TokenArgs::of_environment(environment, &warn)?,
    };
    let mut prober = Prober::new();
    if let Some(pem) = args.trust.pem()? {
        prober = prober.root_certificates(&pem).map_err(|error| args.trust.unusable(&error))?;
    }
    Ok(Asker { prober, headers: args.headers.clone(), token })
}
