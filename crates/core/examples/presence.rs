//! What presence costs: `cargo run --release -p tidings-core --example presence`.
//!
//! Prints what a hub does for the largest crowds that it counts, how long one who comes holds up what carries it, and the memory.

#![allow(clippy::print_stdout, reason = "it is run by hand, and what it prints is what it is for")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidings_core::memory::{MemoryRetention, MemoryStore};
use tidings_core::presence::PresenceView;
use tidings_core::ring::Watcher;
use tidings_core::{
    Attendee, Clock, ConnectionId, Epoch, Follower, Hub, Limits, OnGap, RosterListener, Selector, Selectors,
    Session, Subscription, UnixMillis, Visitor,
};
use tokio::time::sleep;

const DEBOUNCE: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("| | total | the longest | memory |");
    println!("|---|---:|---:|---:|");
    come(10_000, 1, "orders/9").await;
    come(100_000, 1, "orders/9").await;
    are_there(100_000).await;
    for (count, patterns) in
        [(90, &["**"][..]), (90, &["0/**", "1/**", "2/**", "3/**", "4/**"]), (900, &["**"])]
    {
        come_to_all(count, patterns).await;
    }
}

/// Users come to a topic that is watched.
async fn come(count: u64, watchers: usize, topic: &str) {
    let hub = hub().await;
    let views: Vec<_> = (0..watchers).map(|_| watch(&hub, &[topic.to_owned()])).collect();
    sleep(2 * DEBOUNCE).await;
    let before = resident();
    let crowd = Crowd::new(count, &[topic]);
    let times = crowd.come(&hub);
    row(&format!("{count} users come to a watched topic"), &times, resident() - before);
    let told = Instant::now();
    while views[0].look(0, false).change.is_none() {
        sleep(Duration::from_millis(1)).await;
    }
    println!("| until their notice is there (debounce {DEBOUNCE:?}) | {:.0?} | | |", told.elapsed());
    let began = Instant::now();
    let state = views[0].look(0, true).state.map_or(0, |state| state.total);
    println!("| a state of {state} users | {:.0?} | | |", began.elapsed());
    let times = crowd.leave(&hub);
    row("they leave", &times, 0);
}

/// A topic is watched that users read already.
async fn are_there(count: u64) {
    let hub = hub().await;
    let _streams: Vec<_> = (0..count).map(|number| stream(&hub, number)).collect();
    let before = resident();
    let began = Instant::now();
    let view = watch(&hub, &["orders/9".to_owned()]);
    let mut longest = Duration::ZERO;
    // Another one comes and goes all the time.
    let passing = Crowd::new(1, &["orders/9"]);
    let total = loop {
        if let Some(state) = view.look(0, true).state {
            break state.total;
        }
        longest =
            passing.come(&hub).into_iter().chain(passing.leave(&hub)).max().unwrap_or_default().max(longest);
        tokio::task::yield_now().await;
    };
    let memory = (resident() - before) / 1_000_000;
    println!(
        "| a topic is watched that {total} users read | {:.0?} | {longest:.0?} | {memory} MB |",
        began.elapsed()
    );
}

/// Users come who read all of ten thousand watched topics.
async fn come_to_all(count: u64, patterns: &[&str]) {
    let hub = hub().await;
    let topics: Vec<_> = (0..10_000).map(|number| format!("{}/{number}", number % 5)).collect();
    let _views: Vec<_> = topics.chunks(100).map(|some| watch(&hub, some)).collect();
    sleep(2 * DEBOUNCE).await;
    let before = resident();
    let crowd = Crowd::new(count, patterns);
    let times = crowd.come(&hub);
    row(
        &format!("{count} users come who read 10,000 watched topics by {}", patterns.join(", ")),
        &times,
        resident() - before,
    );
    sleep(3 * DEBOUNCE).await;
    row("they leave", &crowd.leave(&hub), 0);
}

/// What carries streams, and tells of them.
struct Crowd {
    selectors: Selectors,
    sessions: Vec<Arc<Session>>,
}

impl Crowd {
    fn new(count: u64, selectors: &[&str]) -> Self {
        Self { selectors: select(selectors), sessions: (0..count).map(session).collect() }
    }

    fn come(&self, hub: &Hub) -> Vec<Duration> {
        self.each(|who| hub.presences().joined(who))
    }

    fn leave(&self, hub: &Hub) -> Vec<Duration> {
        self.each(|who| hub.presences().left(who))
    }

    fn each(&self, tell: impl Fn(Attendee<'_>)) -> Vec<Duration> {
        let mut times = Vec::with_capacity(self.sessions.len());
        for (number, session) in self.sessions.iter().enumerate() {
            let id = ConnectionId::new(number as u64);
            let began = Instant::now();
            tell(Attendee { id, selectors: &self.selectors, session, address: None, ending: None });
            times.push(began.elapsed());
        }
        times
    }
}

fn row(what: &str, times: &[Duration], memory: usize) {
    let (total, longest) = (times.iter().sum::<Duration>(), times.iter().max().copied().unwrap_or_default());
    println!("| {what} | {total:.0?} | {longest:.0?} | {} MB |", memory / 1_000_000);
}

async fn hub() -> Hub {
    let store = MemoryStore::new(Epoch(1), Arc::new(Noon), MemoryRetention::default());
    let mut limits = Limits::default();
    limits.presence_debounce = DEBOUNCE;
    Hub::start(Arc::new(store), limits).await.expect("a hub of nothing starts")
}

fn watch(hub: &Hub, topics: &[String]) -> PresenceView {
    let names: Vec<_> = topics.iter().map(|topic| format!("tidings/presence/{topic}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    hub.presences().watch(&select(&names), Arc::new(Nobody), 0).expect("presence is asked for")
}

fn stream(hub: &Hub, number: u64) -> Subscription {
    let follower = Follower::new(select(&["orders/9"]), OnGap::Earliest, hub.bounds().head);
    let attendance = hub.roster().attend(follower.selectors()).expect("there is room");
    hub.follow(follower, Visitor { session: Some(session(number)), ..Visitor::default() }, attendance)
}

fn session(number: u64) -> Arc<Session> {
    Arc::new(Session { user: Some(format!("user-{number}").into()), ..Session::default() })
}

fn select(texts: &[&str]) -> Selectors {
    let selectors = texts.iter().map(|text| Selector::parse(text).expect("a selector"));
    Selectors::new(selectors).expect("as many as may be")
}

struct Nobody;

impl Watcher for Nobody {
    fn ring_moved(&self, _key: usize) {}
}

struct Noon;

impl Clock for Noon {
    fn now(&self) -> UnixMillis {
        UnixMillis(0)
    }
}

/// Bytes of memory that the process has, by the system's account; 0 where there is no `/proc`.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kilobytes.unwrap_or(0) * 1_024
}
