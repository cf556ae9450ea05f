//! Measures a hub, or any other server of event streams, from outside: the library behind `tidings bench`.
//!
//! It knows the wire and the processes of Linux, and nothing of the hub's own crates but the codec. One thread drives
//! everything, so that it can be pinned to one core and the server to another. The servers that the hub is compared with
//! are a workspace of their own in `peers`; what compares them is in `scripts`.
//!
//! | file | noun |
//! |---|---|
//! | `plan` | what is asked |
//! | `fanout`, `publish`, `idle`, `resume`, `inbox` | the five benchmarks |
//! | `soak` | a hub of its own, restarted under load |
//! | `crowd`, `connection`, `publisher` | many subscribers; one; one publisher |
//! | `messages` | what one subscriber hears by WebSocket |
//! | `requests`, `polling`, `latencies` | what each subscriber sends, also after an answer that ends; how long things took |
//! | `heard` | what one subscriber has heard |
//! | `bystanders` | subscribers beside the measured ones, that never read or are sent nothing |
//! | `process` | what the server has used |
//! | `report`, `error` | what was found; why there is nothing |
//! | `limits` | every bound of the benchmarks |

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod bystanders;
mod connection;
mod crowd;
mod error;
mod fanout;
mod heard;
mod idle;
mod inbox;
mod latencies;
mod limits;
mod messages;
mod plan;
mod polling;
mod process;
mod publish;
mod publisher;
mod report;
mod requests;
mod resume;
mod soak;

use std::io;
use std::path::Path;

use clap::Subcommand;

pub use error::BenchError;
pub use plan::{FanoutArgs, IdleArgs, InboxArgs, PublishArgs, ResumeArgs};
use report::{Progress, Report, render};
pub use soak::SoakArgs;

/// What to measure. The options of a benchmark are its help, too.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "clap would show the text here in place of the one at the options")]
pub enum Bench {
    Fanout(FanoutArgs),
    Publish(PublishArgs),
    Idle(IdleArgs),
    Resume(ResumeArgs),
    Inbox(InboxArgs),
    Soak(SoakArgs),
}

/// Runs a benchmark and returns its report, for standard output. A soak starts `program`, which is a `tidings`.
///
/// # Errors
///
/// If the options are wrong, the server or the system fails, or a soak finds that events were lost, repeated or out of
/// order.
pub fn run(bench: &Bench, program: &Path) -> Result<String, BenchError> {
    let progress = Progress::new();
    match bench {
        Bench::Fanout(args) => finish(fanout::run(&args.plan()?, &progress), args.common.json, &progress),
        Bench::Publish(args) => {
            finish(publish::run(args, &args.common.header_lines()?, &progress), args.common.json, &progress)
        }
        Bench::Idle(args) => {
            let requests = args.requests()?;
            finish(idle::run(args, &requests, &progress), args.common.json, &progress)
        }
        Bench::Resume(args) => {
            let (requests, headers) = (args.requests()?, args.common.header_lines()?);
            finish(resume::run(args, requests, &headers, &progress), args.common.json, &progress)
        }
        Bench::Inbox(args) => {
            let (requests, headers) = (args.requests()?, args.common.header_lines()?);
            finish(inbox::run(args, &requests, &headers, &progress), args.common.json, &progress)
        }
        Bench::Soak(args) => soak(args, program, &progress),
    }
}

/// There is a report in either case.
fn soak(args: &SoakArgs, program: &Path, progress: &Progress) -> Result<String, BenchError> {
    let report = soak::run(&args.plan()?, program, progress);
    let is_right = report.as_ref().is_ok_and(soak::SoakReport::is_right);
    let report = finish(report, args.json, progress)?;
    if is_right { Ok(report) } else { Err(BenchError::WrongDelivery { report }) }
}

fn finish(report: io::Result<impl Report>, json: bool, progress: &Progress) -> Result<String, BenchError> {
    progress.done();
    report.map(|report| render(&report, json)).map_err(BenchError::EndedEarly)
}
