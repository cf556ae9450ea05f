//! `bench idle`: what subscribers cost that receive nothing.

use std::io;
use std::time::Instant;

use super::crowd::Crowd;
use super::plan::IdleArgs;
use super::process::Process;
use super::report::{IdleReport, Progress};
use super::requests::Requests;

/// Subscribers that are connected before memory is measured, so that the server's first allocations do not count.
pub(super) const WARM_UP: usize = 50;

pub(super) fn run(plan: &IdleArgs, requests: &Requests, progress: &Progress) -> io::Result<IdleReport> {
    let server = plan.common.pid.map(Process);
    let mut crowd = Crowd::new()?;
    let mut join = |all| {
        let told = |open| progress.say(&format!("{open} of {} subscribers", plan.subscribers + WARM_UP));
        crowd.join(plan.url.address, |number| requests.of(number), all, |_, _| {}, told)
    };
    join(WARM_UP)?;
    let (memory_before, cpu_before) = (server.and_then(Process::memory_bytes), server.and_then(Process::cpu));
    let begun = Instant::now();
    join(WARM_UP + plan.subscribers)?;
    let seconds = begun.elapsed().as_secs_f64();
    let memory_after = server.and_then(Process::memory_bytes);
    let cpu_after = server.and_then(Process::cpu);
    let each = plan.subscribers.max(1) as f64;
    Ok(IdleReport {
        subscribers: plan.subscribers,
        seconds,
        memory_bytes_per_connection: memory_after
            .zip(memory_before)
            .map(|(after, before)| after.saturating_sub(before) as f64 / each),
        cpu_us_per_connection: cpu_after
            .zip(cpu_before)
            .map(|(after, before)| (after - before).as_secs_f64() * 1e6 / each),
    })
}
