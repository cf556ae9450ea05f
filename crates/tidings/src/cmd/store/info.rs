//! `tidings store info`: what is in a data directory.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tidings_store::offline::{Info, Left, info};

use super::failure::cannot_look;
use super::shown::{bytes, count, time};
use crate::terminal::chain::visible;
use crate::terminal::failure::Failure;
use crate::terminal::output::say;

/// Which directory, and in which form.
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// The data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Print one object of JSON
    #[arg(long)]
    json: bool,
}

/// Says it.
pub(super) fn run(args: &InfoArgs) -> Result<(), Failure> {
    let info = info(&args.dir).map_err(|error| cannot_look(&args.dir, &error))?;
    say(&if args.json { for_programs(&info) } else { for_people(args, &info) })
}

fn for_people(args: &InfoArgs, info: &Info) -> String {
    let bytes_of_log = info.segments.iter().map(|segment| segment.bytes).sum();
    let indexes = info.segments.iter().filter_map(|segment| segment.index_bytes);
    let mut rows = vec![("directory", visible(&args.dir.to_string_lossy())), ("state", state(&info.left))];
    rows.push((
        "events",
        match (info.range, info.times) {
            (Some((first, last)), Some((from, to))) => {
                format!("{first} to {last}, of {} to {}", time(from), time(to))
            }
            _ => "none".to_owned(),
        },
    ));
    rows.push((
        "segments",
        format!("{}, {}", count(info.segments.len() as u64, "segment"), bytes(bytes_of_log)),
    ));
    rows.push((
        "indexes",
        format!("{}, {}", count(indexes.clone().count() as u64, "index"), bytes(indexes.sum())),
    ));
    let mut formats: Vec<_> = info.segments.iter().filter_map(|segment| segment.format).collect();
    formats.dedup();
    let formats: Vec<_> = formats.iter().map(u32::to_string).collect();
    rows.push(("format", formats.join(" and ")));
    rows.push((
        "epochs",
        match info.epochs.last() {
            Some(newest) => format!("{}, the newest is {newest}", info.epochs.len()),
            None => "none".to_owned(),
        },
    ));
    rows.push(("inboxes", info.inbox_bytes.map_or("no database".to_owned(), bytes)));
    rows.extend(info.trouble.iter().map(|trouble| ("damaged", visible(trouble))));
    let mut text: String = rows.iter().map(|(name, value)| format!("{name:9}  {value}\n")).collect();
    if !info.trouble.is_empty() {
        text += "`tidings store verify` looks at all of it\n";
    }
    text
}

fn state(left: &Left) -> String {
    match left {
        Left::Running { pid } => format!("open; process {pid} has it"),
        Left::Open => {
            "open; a hub in another container has it, or one has crashed, which loses nothing".to_owned()
        }
        Left::Closed => "closed".to_owned(),
        Left::Failed { durable, acknowledged } => format!(
            "failed; a process could not make events durable: up to {durable} they were, up to {acknowledged} they were acknowledged"
        ),
        Left::Loading => "incomplete; a load or a backup into it was not completed".to_owned(),
        Left::Unknown { why } => format!("unknown; {}", visible(why)),
        _ => "unknown".to_owned(),
    }
}

fn for_programs(info: &Info) -> String {
    let state = match &info.left {
        Left::Running { pid } => json!({"is": "open", "pid": pid}),
        Left::Open => json!({"is": "open"}),
        Left::Closed => json!({"is": "closed"}),
        Left::Failed { durable, acknowledged } => {
            json!({"is": "failed", "durable": durable.0, "acknowledged": acknowledged.0})
        }
        Left::Loading => json!({"is": "incomplete"}),
        Left::Unknown { why } => json!({"is": "unknown", "why": why}),
        _ => json!({"is": "unknown"}),
    };
    let segments = info.segments.iter().map(|segment| {
        json!({
            "file": segment.file, "format": segment.format, "first": segment.first.0, "events": segment.events,
            "bytes": segment.bytes, "index_bytes": segment.index_bytes,
        })
    });
    let object = json!({
        "state": state,
        "first": info.range.map(|(first, _)| first.0),
        "last": info.range.map(|(_, last)| last.0),
        "first_time": info.times.map(|(first, _)| time(first)),
        "last_time": info.times.map(|(_, last)| time(last)),
        "epochs": info.epochs.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "segments": segments.collect::<Vec<_>>(),
        "inbox_bytes": info.inbox_bytes,
        "trouble": info.trouble,
    });
    format!("{object}\n")
}
