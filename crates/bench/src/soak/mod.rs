//! `bench soak`: a hub of its own, under load for as long as wished, restarted and killed, and every event accounted
//! for.
//!
//! Each topic has one publisher, which numbers its events and repeats each under one idempotency key until it is
//! acknowledged. So a subscriber of a topic must hear the numbers without a hole, and no number twice.
//!
//! | file | noun |
//! |---|---|
//! | `plan` | what is asked |
//! | `world` | what publishers, subscribers and the conductor tell each other |
//! | `conductor` | restarts the hub, samples its memory, and ends it all in good order |
//! | `hub` | the process under test |
//! | `interruption` | a signal to end early |
//! | `writer` | a publisher |
//! | `crowd`, `reader`, `expected` | all subscribers; one; what it must hear next |
//! | `report` | what was found |

mod conductor;
mod crowd;
mod expected;
mod hub;
mod interruption;
mod plan;
mod reader;
mod report;
mod world;
mod writer;

use std::io;
use std::path::Path;
use std::thread;

pub use plan::SoakArgs;
pub(super) use report::SoakReport;

use super::report::Progress;
use conductor::Conductor;
use plan::Soak;
use world::World;

/// Soaks a hub. What went wrong with events is in the report; an error means that there is none.
/// `program` is the `tidings` that is soaked.
pub(super) fn run(plan: &Soak, program: &Path, progress: &Progress) -> io::Result<SoakReport> {
    let mut conductor = Conductor::begin(plan, program, progress)?;
    let world = World::new(plan, conductor.address());
    thread::scope(|scope| {
        let world = &world;
        let writers: Vec<_> =
            (0..plan.publishers).map(|who| scope.spawn(move || writer::write(world, who))).collect();
        let readers = scope.spawn(|| crowd::read(world));
        let conducted = world.guard(|| {
            conductor.load(world)?;
            conductor.settle(world)?;
            for writer in writers {
                writer.join().map_err(|_| io::Error::other("a publisher failed"))??;
            }
            conductor.judge(world)
        });
        let tally = readers.join().map_err(|_| io::Error::other("the subscribers failed"))??;
        conducted?;
        conductor.end(world, tally)
    })
}
