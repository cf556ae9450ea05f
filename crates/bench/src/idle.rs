//! `bench idle`: what subscribers cost that receive nothing.

use std::io;
use std::time::Instant;

use super::connection::request;
use super::crowd::Crowd;
use super::plan::{IdleArgs, Target};
use super::process::Process;
use super::report::{IdleReport, Progress};

/// Subscribers that are connected before memory is measured, so that the server's first allocations do not count.
const WARM_UP: usize = 50;

pub(super) fn run(plan: &IdleArgs, headers: &str, progress: &Progress) -> io::Result<IdleReport> {
    let server = plan.common.pid.map(Process);
    let mut crowd = Crowd::new()?;
    join(&mut crowd, plan, headers, 0..WARM_UP, progress)?;
    let (memory_before, cpu_before) = (server.and_then(Process::memory_bytes), server.and_then(Process::cpu));
    let begun = Instant::now();
    join(&mut crowd, plan, headers, WARM_UP..WARM_UP + plan.subscribers, progress)?;
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

fn join(
    crowd: &mut Crowd,
    plan: &IdleArgs,
    headers: &str,
    numbers: std::ops::Range<usize>,
    progress: &Progress,
) -> io::Result<()> {
    let target =
        |url: &str| url.parse::<Target>().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error));
    let told = |open| progress.say(&format!("{open} of {} subscribers", plan.subscribers + WARM_UP));
    if !plan.url.contains("{n}") {
        let target = target(&plan.url)?;
        let request = request(&target.host, &target.path, headers);
        return crowd.join(target.address, &request, numbers.len(), |_, _| {}, told);
    }
    for number in numbers {
        let target = target(&plan.url.replace("{n}", &number.to_string()))?;
        crowd.join(target.address, &request(&target.host, &target.path, headers), 1, |_, _| {}, told)?;
    }
    Ok(())
}
