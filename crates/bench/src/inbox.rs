//! `bench inbox`: what the inbox of a hub does in a second, and how soon one call reaches the streams of all its users.
//!
//! It works against any server that answers `POST /inbox/{user}` and `GET /inbox/{user}` and `.../count` as a hub does.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::crowd::Crowd;
use super::latencies::Latencies;
use super::plan::{InboxArgs, Target};
use super::process::Process;
use super::publisher::Publisher;
use super::report::{InboxReport, Progress};
use super::requests::Requests;
use crate::limits::{ANSWER_READ_BYTES, READY_SOCKETS_MAX, SILENCE_MAX};

/// The token of the connection that notifies all users at once.
const NOTIFIER: usize = 1 << 32;

/// The title by which streams know the notification that is waited for.
const TITLE: &str = "bench: to all of you";

pub(super) fn run(
    plan: &InboxArgs,
    requests: &Requests,
    headers: &str,
    progress: &Progress,
) -> io::Result<InboxReport> {
    let server = plan.common.pid.map(Process);
    let mut report = InboxReport { users: plan.users, ..InboxReport::default() };
    if plan.notifications > 0 {
        let (cpu_before, begun) = (server.and_then(Process::cpu), Instant::now());
        let latency = notify(plan, headers, progress)?;
        report.seconds = begun.elapsed().as_secs_f64();
        let cpu = server.and_then(Process::cpu).zip(cpu_before).map(|(after, before)| after - before);
        report.connections = plan.connections;
        report.notifications = plan.notifications as u64;
        report.latency_us = Some(latency.quantiles_us());
        report.cpu_us_per_notification = cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / plan.notifications as f64);
    }
    if plan.readings > 0 {
        report.count_us = Some(read(plan, headers, "/count")?.quantiles_us());
        report.list_us = Some(read(plan, headers, "?limit=50")?.quantiles_us());
    }
    if plan.streams > 0 {
        let latency = reach(plan, requests, headers, progress)?;
        report.streams = plan.streams;
        report.reached_us = Some(latency.quantiles_us());
    }
    Ok(report)
}

/// The path of the inbox of a user. Users are taken in an order that is far from sorted.
fn path_of(target: &Target, number: usize, users: usize) -> String {
    target.below(&format!("user-{}", scattered(number) % users.max(1)))
}

fn scattered(number: usize) -> usize {
    ((number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
}

fn notification(number: usize) -> String {
    format!(
        r#"{{"title":"Order {number} has been sent","body":"It is on its way, and comes within three days.","link":"/orders/{number}","kind":"orders"}}"#
    )
}

/// Notifies one user after the other, one call under way on each connection.
fn notify(plan: &InboxArgs, headers: &str, progress: &Progress) -> io::Result<Latencies> {
    let mut latency = Latencies::new();
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(READY_SOCKETS_MAX));
    let mut notifiers = Vec::new();
    for number in 0..plan.connections.max(1) {
        let mut notifier = connect(&plan.url, headers)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut notifier.socket, Token(number), interest)?;
        notifiers.push((notifier, Instant::now()));
    }
    let (mut begun, mut done, mut buffer) = (0, 0, vec![0; ANSWER_READ_BYTES]);
    let mut next = |(notifier, since): &mut (Publisher, Instant)| {
        if begun < plan.notifications {
            *since = Instant::now();
            let path = path_of(&plan.url, begun, plan.users);
            notifier.post(&path, "application/json", notification(begun).as_bytes())?;
            begun += 1;
        }
        Ok::<_, io::Error>(())
    };
    notifiers.iter_mut().try_for_each(&mut next)?;
    while done < plan.notifications {
        poll.poll(&mut events, Some(SILENCE_MAX))?;
        if events.is_empty() {
            return Err(silence());
        }
        for event in &events {
            let notifier = &mut notifiers[event.token().0];
            notifier.0.send()?;
            if notifier.0.read(&mut buffer)? {
                latency.record(notifier.1.elapsed());
                done += 1;
                next(notifier)?;
            }
        }
        progress.say(&format!("{done} of {} notifications", plan.notifications));
    }
    Ok(latency)
}

/// Reads something of one user after the other, over one connection.
fn read(plan: &InboxArgs, headers: &str, ending: &str) -> io::Result<Latencies> {
    let mut latency = Latencies::new();
    let headers = format!("Accept: application/json\r\n{headers}");
    let mut reader = connect(&plan.url, &headers)?;
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1));
    poll.registry().register(&mut reader.socket, Token(0), Interest::READABLE | Interest::WRITABLE)?;
    let mut buffer = vec![0; ANSWER_READ_BYTES];
    for number in 0..plan.readings {
        let path = format!("{}{ending}", path_of(&plan.url, number + 1, plan.users));
        let since = Instant::now();
        reader.get(&path)?;
        while !reader.read(&mut buffer)? {
            poll.poll(&mut events, Some(SILENCE_MAX))?;
            if events.is_empty() {
                return Err(silence());
            }
            reader.send()?;
        }
        latency.record(since.elapsed());
    }
    Ok(latency)
}

/// Notifies all users by one call, while each has a stream. How long it took to each of them, from the moment before the call was sent.
fn reach(plan: &InboxArgs, requests: &Requests, headers: &str, progress: &Progress) -> io::Result<Latencies> {
    let mut crowd = Crowd::new()?;
    let told = |open| progress.say(&format!("{open} of {} streams", plan.streams));
    crowd.join(plan.url.address, |number| requests.of(number), plan.streams, |_, _| {}, told)?;
    let mut notifier = connect(&plan.url, headers)?;
    let interest = Interest::READABLE | Interest::WRITABLE;
    crowd.poll.registry().register(&mut notifier.socket, Token(NOTIFIER), interest)?;
    let users: Vec<_> = (0..plan.streams).map(|number| format!(r#""user-{number}""#)).collect();
    let body = format!(r#"{{"users":[{}],"notification":{{"title":"{TITLE}"}}}}"#, users.join(","));

    let mut latency = Latencies::new();
    let (mut reached, mut has_it, mut is_answered) = (0, vec![false; plan.streams], false);
    let since = Instant::now();
    notifier.post(&plan.url.path, "application/json", body.as_bytes())?;
    while reached < plan.streams || !is_answered {
        let ready = crowd.ready(SILENCE_MAX)?;
        if since.elapsed() > SILENCE_MAX {
            return Err(io::Error::other(format!("{reached} of {} streams have heard it", plan.streams)));
        }
        for token in ready {
            if token == NOTIFIER {
                notifier.send()?;
                is_answered |= notifier.read(&mut crowd.buffer)?;
                continue;
            }
            let Crowd { subscribers, buffer, .. } = &mut crowd;
            let goes_on = subscribers[token].read(buffer, |data| {
                if data.contains(TITLE) && !std::mem::replace(&mut has_it[token], true) {
                    reached += 1;
                    latency.record(since.elapsed());
                }
            })?;
            if !goes_on {
                return Err(io::Error::other("the server closed a stream"));
            }
        }
    }
    Ok(latency)
}

fn connect(target: &Target, headers: &str) -> io::Result<Publisher> {
    Publisher::connect(target.address, &target.host, &target.path, headers)
}

fn silence() -> io::Error {
    let seconds = Duration::as_secs(&SILENCE_MAX);
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer came for {seconds} s"))
}
