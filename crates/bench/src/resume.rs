//! `bench resume`: subscribers that come back at once, each some events behind.

use std::io;
use std::time::{Duration, Instant};

use super::crowd::Crowd;
use super::latencies::Latencies;
use super::plan::ResumeArgs;
use super::process::Process;
use super::report::{Progress, ResumeReport};
use super::requests::Requests;
use crate::limits::SILENCE_MAX;

pub(super) fn run(
    plan: &ResumeArgs,
    requests: Requests,
    headers: &str,
    progress: &Progress,
) -> io::Result<ResumeReport> {
    let first = publish(plan, headers)?;
    let server = plan.common.pid.map(Process);
    let cursor = before(&first)?;
    let requests = requests.with_header("Last-Event-ID", &cursor);
    let mut heard = vec![0_usize; plan.subscribers];
    let mut caught_up: Vec<Option<Instant>> = vec![None; plan.subscribers];
    let (mut wrong, mut complete) = (0, 0);
    let mut hear = |subscriber: usize, data: &str| {
        let expected = heard[subscriber];
        wrong += u64::from(
            data.strip_prefix("resume ").and_then(|rest| rest.get(..8)) != Some(&format!("{expected:08}")),
        );
        heard[subscriber] += 1;
        if heard[subscriber] == plan.behind {
            caught_up[subscriber] = Some(Instant::now());
            complete += 1;
        }
        complete
    };
    let (cpu_before, begun) = (server.and_then(Process::cpu), Instant::now());
    let mut crowd = Crowd::new()?;
    let mut done = 0;
    let told = |open| progress.say(&format!("{open} of {} subscribers", plan.subscribers));
    let ask = |number| requests.of(number);
    crowd.join(plan.url.address, ask, plan.subscribers, |number, data| done = hear(number, data), told)?;
    let mut last_move = Instant::now();
    while done < plan.subscribers && last_move.elapsed() < SILENCE_MAX {
        for number in crowd.ready(Duration::from_secs(1))? {
            last_move = Instant::now();
            let Crowd { subscribers, buffer, .. } = &mut crowd;
            subscribers[number].read(buffer, |data| done = hear(number, data))?;
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = server.and_then(Process::cpu).zip(cpu_before).map(|(after, before)| after - before);
    let mut latency = Latencies::new();
    for (asked, caught_up) in crowd.asked.iter().zip(&caught_up) {
        caught_up.iter().for_each(|at| latency.record(at.saturating_duration_since(*asked)));
    }
    Ok(ResumeReport {
        subscribers: plan.subscribers,
        behind: plan.behind,
        complete: done,
        wrong,
        bytes: crowd.subscribers.iter().map(|subscriber| subscriber.bytes).sum(),
        seconds,
        latency_us: latency.quantiles_us(),
        cpu_us_per_subscriber: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / plan.subscribers.max(1) as f64),
    })
}

/// Publishes what is to be missed, in one body; the answer's id is that of the last event.
fn publish(plan: &ResumeArgs, headers: &str) -> io::Result<String> {
    use std::io::{Read, Write};
    let mut body = String::new();
    for number in 0..plan.behind {
        let mut data = format!("resume {number:08} ");
        data.extend(std::iter::repeat_n('x', plan.bytes.saturating_sub(data.len())));
        body.push_str(&format!("data: {data}\n\n"));
    }
    let mut socket = std::net::TcpStream::connect(plan.url.address)?;
    socket.set_read_timeout(Some(SILENCE_MAX))?;
    write!(
        socket,
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: text/event-stream\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        plan.url.path,
        plan.url.host,
        body.len()
    )?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let last = answer
        .rsplit_once("\"id\":\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(id, _)| id.to_owned());
    let sequence =
        |id: &str| Some((id.split_once('-')?.0.to_owned(), id.split_once('-')?.1.parse::<u64>().ok()?));
    let (epoch, last) = last.as_deref().and_then(sequence).ok_or_else(|| {
        io::Error::other(format!("the events were not published: {}", answer.escape_debug()))
    })?;
    Ok(format!("{epoch}-{}", last + 1 - plan.behind as u64))
}

/// The place before an event.
fn before(id: &str) -> io::Result<String> {
    let (epoch, sequence) = id.split_once('-').ok_or_else(|| io::Error::other("the id is no cursor"))?;
    let sequence: u64 = sequence.parse().map_err(io::Error::other)?;
    Ok(format!("{epoch}-{}", sequence.saturating_sub(1)))
}
