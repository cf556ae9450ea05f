//! `tidings bench`: measures a hub, or any other server of event streams, from outside.
//!
//! One thread drives everything, so that it can be pinned to one core and the server to another.
//!
//! | file | noun |
//! |---|---|
//! | `plan` | what is asked |
//! | `fanout`, `publish`, `idle`, `resume` | the four benchmarks |
//! | `soak` | a hub of its own, restarted under load |
//! | `crowd`, `connection`, `publisher` | many subscribers; one; one publisher |
//! | `heard` | what one subscriber has heard |
//! | `bystanders` | subscribers beside the measured ones, that never read or are sent nothing |
//! | `process` | what the server has used |
//! | `report` | what was found |

mod bystanders;
mod connection;
mod crowd;
mod fanout;
mod heard;
mod idle;
mod plan;
mod process;
mod publish;
mod publisher;
mod report;
mod resume;
mod soak;

use std::io;

use clap::Subcommand;

pub(crate) use plan::{FanoutArgs, IdleArgs, PublishArgs, ResumeArgs};
use report::{Progress, Report, render};
pub(crate) use soak::SoakArgs;

use crate::terminal::failure::{Exit, Failure};

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    Fanout(FanoutArgs),
    Publish(PublishArgs),
    Idle(IdleArgs),
    Resume(ResumeArgs),
    Soak(SoakArgs),
}

/// Runs a benchmark; the answer is its report, for standard output.
pub(crate) fn run(bench: &Bench) -> Result<String, Failure> {
    let progress = Progress::new();
    match bench {
        Bench::Fanout(args) => finish(fanout::run(&args.plan()?, &progress), args.common.json, &progress),
        Bench::Publish(args) => {
            finish(publish::run(args, &args.common.header_lines()?, &progress), args.common.json, &progress)
        }
        Bench::Idle(args) => {
            finish(idle::run(args, &args.common.header_lines()?, &progress), args.common.json, &progress)
        }
        Bench::Resume(args) => {
            finish(resume::run(args, &args.common.header_lines()?, &progress), args.common.json, &progress)
        }
        Bench::Soak(args) => soak(args, &progress),
    }
}

/// The report is printed in either case; the exit code tells whether every event came once and in order.
fn soak(args: &SoakArgs, progress: &Progress) -> Result<String, Failure> {
    let report = soak::run(&args.plan()?, progress);
    let is_right = report.as_ref().is_ok_and(soak::SoakReport::is_right);
    let text = finish(report, args.json, progress)?;
    if is_right {
        return Ok(text);
    }
    println!("{text}");
    Err(Failure::new(Exit::Failed, "not every event came once and in order"))
}

fn finish(report: io::Result<impl Report>, json: bool, progress: &Progress) -> Result<String, Failure> {
    progress.done();
    let failed = |error: io::Error| {
        Failure::new(Exit::Failed, format!("the benchmark ended early: {error}"))
            .hint("is the server running, and may both processes open enough files? see `ulimit -n`")
    };
    report.map(|report| render(&report, json)).map_err(failed)
}
