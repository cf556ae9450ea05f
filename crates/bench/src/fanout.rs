//! `bench fanout`: events to many subscribers, each of them checked.
//!
//! Latency is from the moment an event was due, not from the moment it could be sent: a server that stalls the
//! publisher does not look fast for it (coordinated omission).

use std::io;
use std::time::{Duration, Instant};

use mio::{Interest, Token};

use super::bystanders::Bystanders;
use super::crowd::Crowd;
use super::heard::Heard;
use super::latencies::Latencies;
use super::plan::{Fanout, Pace};
use super::process::Process;
use super::publisher::Publisher;
use super::report::{FanoutReport, Progress};
use crate::limits::SILENCE_MAX;

/// Tokens of publishers begin here.
const PUBLISHERS: usize = 1 << 32;

/// What the measured part took.
struct Used {
    took: Duration,
    cpu: Option<Duration>,
    memory_bytes: Option<[u64; 2]>,
    memory_bytes_per_connection: Option<f64>,
}

struct Run<'a> {
    plan: &'a Fanout,
    started: Instant,
    heard: Vec<Heard>,
    /// By how many subscribers each event is still to be heard.
    missing: Vec<u32>,
    due: Vec<Instant>,
    /// The publisher that had the last turn.
    turn: usize,
    published: usize,
    acknowledged: usize,
    complete: usize,
    latency: Latencies,
    strangers: u64,
}

/// Runs the benchmark.
pub(super) fn run(plan: &Fanout, progress: &Progress) -> io::Result<FanoutReport> {
    let mut crowd = Crowd::new()?;
    let server = plan.pid.map(Process);
    let memory_before = server.and_then(Process::memory_bytes);
    let told = |open| progress.say(&format!("{open} of {} subscribers", plan.subscribers));
    crowd.join(plan.target.address, |number| plan.requests.of(number), plan.subscribers, |_, _| {}, told)?;
    let memory_after = server.and_then(Process::memory_bytes);
    let _beside = Bystanders::join(plan, progress)?;
    let mut publishers = connect_publishers(plan, &crowd)?;
    let mut run = Run::new(plan);

    run.go(&mut crowd, &mut publishers, plan.warm_up_events, progress)?;
    run.reset();
    let loaded = server.and_then(Process::memory_bytes);
    let (cpu_before, begun) = (server.and_then(Process::cpu), Instant::now());
    run.go(&mut crowd, &mut publishers, plan.events, progress)?;
    let took = begun.elapsed();
    let cpu = server.and_then(Process::cpu).zip(cpu_before).map(|(after, before)| after - before);
    let used = Used {
        took,
        cpu,
        memory_bytes: loaded
            .zip(server.and_then(Process::memory_bytes))
            .map(|(before, after)| [before, after]),
        memory_bytes_per_connection: memory_after
            .zip(memory_before)
            .map(|(after, before)| after.saturating_sub(before) as f64 / plan.subscribers as f64),
    };
    Ok(run.report(&used))
}

fn connect_publishers(plan: &Fanout, crowd: &Crowd) -> io::Result<Vec<Publisher>> {
    let count = match plan.pace {
        Pace::InFlight(window) => plan.publishers.min(window),
        Pace::Rate(_) => plan.publishers,
    };
    (0..count.max(1))
        .map(|number| {
            let target = &plan.publish;
            let mut publisher =
                Publisher::connect(target.address, &target.host, &target.path, &plan.headers)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            crowd.poll.registry().register(&mut publisher.socket, Token(PUBLISHERS + number), interest)?;
            Ok(publisher)
        })
        .collect()
}

impl<'a> Run<'a> {
    fn new(plan: &'a Fanout) -> Self {
        Self {
            plan,
            started: Instant::now(),
            heard: vec![Heard::default(); plan.subscribers],
            missing: Vec::new(),
            due: Vec::new(),
            turn: 0,
            published: 0,
            acknowledged: 0,
            complete: 0,
            latency: Latencies::new(),
            strangers: 0,
        }
    }

    fn reset(&mut self) {
        self.started = Instant::now();
        self.heard.fill(Heard::default());
        (self.published, self.acknowledged, self.complete) = (0, 0, 0);
        self.missing.clear();
        self.due.clear();
        self.latency.reset();
    }

    fn go(
        &mut self,
        crowd: &mut Crowd,
        publishers: &mut [Publisher],
        events: usize,
        progress: &Progress,
    ) -> io::Result<()> {
        self.started = Instant::now();
        let mut last_move = Instant::now();
        while self.complete < events || self.acknowledged < events {
            self.publish(publishers, events)?;
            let before = (self.complete, self.acknowledged, self.latency.count());
            for token in crowd.ready(self.wait(events))? {
                self.attend(crowd, publishers, token)?;
            }
            if before != (self.complete, self.acknowledged, self.latency.count()) {
                last_move = Instant::now();
                progress.say(&format!("{} of {events} events", self.complete));
            } else if last_move.elapsed() > SILENCE_MAX {
                progress.say("nothing came for 30 s; the rest counts as lost");
                return Ok(());
            }
        }
        Ok(())
    }

    /// Publishes what is due, as far as there are publishers with nothing to do. They take turns, so that none is
    /// silent for so long that a server would close it.
    fn publish(&mut self, publishers: &mut [Publisher], events: usize) -> io::Result<()> {
        for _ in 0..publishers.len() {
            if self.published >= events || !self.is_due(Instant::now()) {
                return Ok(());
            }
            self.turn = (self.turn + 1) % publishers.len();
            let publisher = &mut publishers[self.turn];
            if publisher.is_busy() {
                continue;
            }
            let due = match self.plan.pace {
                Pace::Rate(_) => self.due_at(self.published),
                Pace::InFlight(_) => Instant::now(),
            };
            let body = body(self.published, self.plan.bytes);
            self.published += 1;
            self.due.push(due);
            self.missing.push(self.plan.subscribers as u32);
            publisher.publish(body.as_bytes())?;
        }
        Ok(())
    }

    fn is_due(&self, now: Instant) -> bool {
        match self.plan.pace {
            Pace::InFlight(window) => self.published < self.complete + window,
            Pace::Rate(_) => now >= self.due_at(self.published),
        }
    }

    fn due_at(&self, number: usize) -> Instant {
        match self.plan.pace {
            Pace::Rate(per_second) => self.started + Duration::from_secs_f64(number as f64 / per_second),
            Pace::InFlight(_) => self.started,
        }
    }

    fn wait(&self, events: usize) -> Duration {
        match self.plan.pace {
            Pace::Rate(_) if self.published < events => {
                self.due_at(self.published).saturating_duration_since(Instant::now())
            }
            Pace::Rate(_) | Pace::InFlight(_) => Duration::from_secs(1),
        }
    }

    fn attend(&mut self, crowd: &mut Crowd, publishers: &mut [Publisher], token: usize) -> io::Result<()> {
        let Some(number) = token.checked_sub(PUBLISHERS) else { return self.listen(crowd, token) };
        let publisher = &mut publishers[number];
        publisher.send()?;
        self.acknowledged += usize::from(publisher.read(&mut crowd.buffer)?);
        Ok(())
    }

    fn listen(&mut self, crowd: &mut Crowd, number: usize) -> io::Result<()> {
        let Crowd { subscribers, buffer, .. } = crowd;
        let now = Instant::now();
        let goes_on = subscribers[number].read(buffer, |data| self.hear(number, data, now))?;
        if goes_on { Ok(()) } else { Err(io::Error::other("the server closed a stream")) }
    }

    fn hear(&mut self, subscriber: usize, data: &str, now: Instant) {
        let Some(event) = number(data).filter(|number| *number < self.published) else {
            self.strangers += 1;
            return;
        };
        self.heard[subscriber].hear(event as u64);
        self.latency.record(now.saturating_duration_since(self.due[event]));
        self.missing[event] = self.missing[event].saturating_sub(1);
        while self.missing.get(self.complete) == Some(&0) {
            self.complete += 1;
        }
    }

    fn report(&self, used: &Used) -> FanoutReport {
        let events = self.published as u64;
        let all = Heard::all(events);
        let lost = self.heard.iter().map(|heard| heard.lost_of(&all)).sum();
        let repeated: u64 = self.heard.iter().map(|heard| heard.repeated_of(&all)).sum();
        let delivered: u64 = self.heard.iter().map(|heard| heard.count).sum();
        FanoutReport {
            subscribers: self.plan.subscribers,
            stalled: self.plan.stalled,
            others: self.plan.others,
            events,
            delivered,
            lost,
            repeated: repeated + self.strangers,
            in_another_order: self.heard.iter().filter(|heard| heard.differs_in_order(&self.heard[0])).count()
                as u64,
            seconds: used.took.as_secs_f64(),
            latency_us: self.latency.quantiles_us(),
            cpu_us_per_delivery: used.cpu_us_per(delivered),
            cpu_us_per_event: used.cpu_us_per(events),
            memory_bytes_per_connection: used.memory_bytes_per_connection,
            memory_bytes: used.memory_bytes,
        }
    }
}

impl Used {
    fn cpu_us_per(&self, count: u64) -> Option<f64> {
        self.cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / count.max(1) as f64)
    }
}

/// The data of an event: its number, and padding.
fn body(number: usize, bytes: usize) -> String {
    let mut body = format!("bench {number:016x} ");
    body.extend(std::iter::repeat_n('x', bytes.saturating_sub(body.len())));
    body
}

fn number(data: &str) -> Option<usize> {
    usize::from_str_radix(data.strip_prefix("bench ")?.get(..16)?, 16).ok()
}
