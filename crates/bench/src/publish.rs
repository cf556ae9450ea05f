//! `bench publish`: events as fast as the server answers, one under way on each connection, or all in one body.

use std::io::{self, Read, Write};
use std::time::Instant;

use mio::{Events, Interest, Poll, Token};

use super::latencies::Latencies;
use super::plan::PublishArgs;
use super::process::Process;
use super::publisher::Publisher;
use super::report::{Progress, PublishReport};
use crate::limits::{
    ANSWER_READ_BYTES, BATCH_PIECE_BYTES, READY_SOCKETS_MAX, SHOWN_ANSWER_CHARS, SILENCE_MAX,
};

pub(super) fn run(plan: &PublishArgs, headers: &str, progress: &Progress) -> io::Result<PublishReport> {
    let server = plan.common.pid.map(Process);
    let (cpu_before, begun) = (server.and_then(Process::cpu), Instant::now());
    let latency = if plan.batch { batch(plan, headers)? } else { Some(one_by_one(plan, headers, progress)?) };
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = server.and_then(Process::cpu).zip(cpu_before).map(|(after, before)| after - before);
    Ok(PublishReport {
        connections: if plan.batch { 1 } else { plan.connections },
        events: plan.events as u64,
        seconds,
        latency_us: latency.map(|latency| latency.quantiles_us()),
        cpu_us_per_event: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / plan.events as f64),
    })
}

fn one_by_one(plan: &PublishArgs, headers: &str, progress: &Progress) -> io::Result<Latencies> {
    let mut latency = Latencies::new();
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(READY_SOCKETS_MAX));
    let mut publishers = Vec::new();
    for number in 0..plan.connections.max(1) {
        let target = &plan.url;
        let mut publisher = Publisher::connect(target.address, &target.host, &target.path, headers)?;
        poll.registry().register(
            &mut publisher.socket,
            Token(number),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        publishers.push((publisher, Instant::now()));
    }
    let body = vec![b'x'; plan.bytes];
    let (mut begun, mut done, mut buffer) = (0, 0, vec![0; ANSWER_READ_BYTES]);
    for (publisher, since) in publishers.iter_mut().take(plan.events) {
        *since = Instant::now();
        publisher.publish(&body)?;
        begun += 1;
    }
    while done < plan.events {
        poll.poll(&mut events, Some(SILENCE_MAX))?;
        if events.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no answer came for {} s", SILENCE_MAX.as_secs()),
            ));
        }
        for event in &events {
            let (publisher, since) = &mut publishers[event.token().0];
            publisher.send()?;
            if !publisher.read(&mut buffer)? {
                continue;
            }
            latency.record(since.elapsed());
            done += 1;
            if begun < plan.events {
                *since = Instant::now();
                publisher.publish(&body)?;
                begun += 1;
            }
        }
        progress.say(&format!("{done} of {} events", plan.events));
    }
    Ok(latency)
}

/// One body with all events; the answer comes when all are published.
fn batch(plan: &PublishArgs, headers: &str) -> io::Result<Option<Latencies>> {
    let target = &plan.url;
    let event = format!("data: {}\n\n", "x".repeat(plan.bytes));
    let mut socket = std::net::TcpStream::connect(target.address)?;
    socket.set_read_timeout(Some(SILENCE_MAX))?;
    socket.set_write_timeout(Some(SILENCE_MAX))?;
    write!(
        socket,
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: text/event-stream\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        target.path,
        target.host,
        event.len() * plan.events
    )?;
    let piece = event.repeat((BATCH_PIECE_BYTES / event.len()).max(1));
    let mut left = event.len() * plan.events;
    while left > 0 {
        let count = left.min(piece.len());
        socket.write_all(&piece.as_bytes()[..count])?;
        left -= count;
    }
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    if answer.contains(&format!("\"published\":{}", plan.events)) {
        return Ok(None);
    }
    let answer: String = answer.chars().take(SHOWN_ANSWER_CHARS).collect();
    Err(io::Error::other(format!("the server published something else: {}", answer.escape_debug())))
}
