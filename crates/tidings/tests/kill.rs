//! kill -9 under load, again and again: nothing acknowledged is lost, nothing comes twice, order is kept.
//!
//! Publishers and subscribers go on through every kill. After each, the hub starts again on the same directory and on
//! another port; subscribers resume by `Last-Event-ID`, and publishers either repeat what was not answered, under the
//! same idempotency key, or leave it in doubt. In the end every subscriber has heard the same, which is what the log
//! holds. How often: `TIDINGS_TEST_KILLS`, by default a handful.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "what cannot go wrong here need not be told well"
)]

mod support;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;

use support::tidings;
use tempfile::TempDir;
use tidings_testkit::connection::{Connection, Heard};
use tidings_testkit::deadline::{PATIENCE, block_until};
use tidings_testkit::hub::Hub;

const KILLS: usize = 8;
const PUBLISHERS: usize = 6;
const SUBSCRIBERS: usize = 4;

#[test]
fn nothing_acknowledged_is_lost_or_repeated_over_many_kills() {
    kill_and_judge("fsync");
}

#[test]
fn without_fsync_a_kill_of_the_process_alone_loses_nothing_either() {
    kill_and_judge("none");
}

fn kill_and_judge(durability: &str) {
    let kills = std::env::var("TIDINGS_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let dir = TempDir::new().unwrap();
    let world = World::default();

    let (heard, log) = thread::scope(|scope| {
        let world = &world;
        let publishers: Vec<_> =
            (0..PUBLISHERS).map(|who| scope.spawn(move || publish(world, who))).collect();
        let subscribers: Vec<_> = (0..SUBSCRIBERS).map(|_| scope.spawn(|| subscribe(world))).collect();
        let starting = Starting { world, dir: dir.path(), durability };
        let _hub = kill_many_times(&starting, kills);
        world.lock().over = true;
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        publish_the_last(world);
        let heard: Vec<_> = subscribers.into_iter().map(|subscriber| subscriber.join().unwrap()).collect();
        (heard, subscribe(world))
    });

    let state = world.state.into_inner().unwrap();
    state.judge(&log);
    assert!(heard.iter().all(|heard| *heard == log), "every subscriber heard exactly what the log holds");
    println!(
        "durability {durability}, {kills} kills: {} events acknowledged, {} left in doubt, of which {} are in the log; \
         the log holds {}, and each of {SUBSCRIBERS} subscribers heard these, once and in order",
        state.acknowledged.len(),
        state.doubtful.len(),
        log.iter().filter(|name| state.doubtful.contains(name)).count(),
        log.len(),
    );
}

/// An event of the load: who published it, and its number among that publisher's.
type Name = (usize, u64);

/// What all threads know.
#[derive(Default)]
struct World {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Where the hub listens.
    address: Option<SocketAddr>,
    /// How many hubs there have been.
    life: usize,
    acknowledged: BTreeSet<Name>,
    /// Their answer did not come: they may have happened, or not.
    doubtful: BTreeSet<Name>,
    /// Publishers are to stop.
    over: bool,
}

impl World {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until the state is as wished.
    fn wait(&self, what: &str, wished: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waiting = self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| !wished(state));
        let (state, timeout) = waiting.unwrap();
        assert!(!timeout.timed_out(), "waited in vain for {what}");
        state
    }

    /// Waits until so many more events are acknowledged.
    fn live(&self, events: usize) {
        let enough = self.lock().acknowledged.len() + events;
        drop(self.wait("acknowledged events", |state| state.acknowledged.len() >= enough));
    }

    /// Waits for a hub that is younger than `life`.
    fn hub_after(&self, life: usize) -> (usize, SocketAddr) {
        let state = self.wait("another hub", |state| state.life > life);
        (state.life, state.address.unwrap())
    }
}

impl State {
    /// Holds the log against what was acknowledged.
    fn judge(&self, log: &[Name]) {
        let held: BTreeSet<Name> = log.iter().copied().collect();
        assert_eq!(held.len(), log.len(), "nothing comes twice");
        let lost: Vec<_> = self.acknowledged.difference(&held).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let known = |name: &&Name| self.acknowledged.contains(name) || self.doubtful.contains(name);
        assert!(held.iter().all(|name| known(&name)), "nothing is there that nobody published");
        for who in 0..=PUBLISHERS {
            let numbers: Vec<_> = log.iter().filter(|(publisher, _)| *publisher == who).collect();
            assert!(
                numbers.is_sorted(),
                "the events of publisher {who} are in the order of their publishing"
            );
        }
    }
}

/// Lets the hub live, kills it when some more events are acknowledged, and starts it again, on the same directory.
/// The last one is left alive.
fn kill_many_times(starting: &Starting<'_>, kills: usize) -> Hub {
    let mut hub = starting.hub();
    for kill in 1..=kills {
        // From none, which hits the first writes after recovery, to a few hundred; always the same.
        starting.world.live(kill * 7_919 % 301);
        hub.kill();
        if kill.is_multiple_of(5) {
            starting.hub_killed_in_recovery();
        }
        hub = starting.hub();
    }
    starting.world.live(100);
    hub
}

/// Starts hubs, one after the other.
struct Starting<'a> {
    world: &'a World,
    dir: &'a Path,
    durability: &'a str,
}

impl Starting<'_> {
    fn hub(&self) -> Hub {
        let hub = support::hub(&self.arguments());
        self.world.change(|state| {
            state.address = Some(hub.address);
            state.life += 1;
        });
        hub
    }

    /// Kills one as soon as it has taken the directory.
    fn hub_killed_in_recovery(&self) {
        let mut command = tidings(&["serve", "--listen", "127.0.0.1:0"]);
        command.args(self.arguments());
        let hub = Hub::begin(command);
        let (lock, pid) = (self.dir.join("LOCK"), hub.pid().to_string());
        let held_by_another = || std::fs::read_to_string(&lock).is_ok_and(|holder| holder != pid);
        block_until("the lock to be taken", || !held_by_another());
        hub.kill();
    }

    fn arguments(&self) -> [&str; 6] {
        // Segments are small, so that kills also hit the change from one to the next.
        let dir = self.dir.to_str().unwrap();
        ["--data", dir, "--segment-bytes", "1MiB", "--durability", self.durability]
    }
}

/// Publishes one event after another until all is over. Half of the publishers repeat what was not answered, under
/// an idempotency key; the others leave it in doubt and go on.
fn publish(world: &World, who: usize) {
    let (mut life, mut address);
    let mut name = (who, 1);
    (life, address) = world.hub_after(0);
    while publish_to(world, address, &mut name).is_err() {
        world.lock().doubtful.insert(name);
        if !repeats(who) {
            name.1 += 1;
        }
        (life, address) = world.hub_after(life);
    }
}

fn repeats(who: usize) -> bool {
    who.is_multiple_of(2)
}

/// Publishes to one hub, until it dies or all is over.
fn publish_to(world: &World, address: SocketAddr, name: &mut Name) -> io::Result<()> {
    let mut connection = Connection::open(address)?;
    while !world.lock().over {
        publish_one(&mut connection, *name)?;
        world.change(|state| {
            state.doubtful.remove(name);
            state.acknowledged.insert(*name);
        });
        name.1 += 1;
    }
    Ok(())
}

/// Publishes one event. Some publishers choose their own ids.
fn publish_one(connection: &mut Connection, (who, number): Name) -> io::Result<()> {
    let key = format!("{who}.{number}");
    let id = if who.is_multiple_of(3) { format!("?id={key}") } else { String::new() };
    let headers = [("Idempotency-Key", key.as_str())];
    let padding = "x".repeat(usize::try_from(number * 37 % 900).unwrap());
    let data = format!("{who} {number} {padding}");
    let headers = if repeats(who) { &headers[..] } else { &[] };
    let answer = connection.post(&format!("/events/load/{who}{id}"), headers, &data)?;
    assert_eq!(answer.status, 201, "{answer:?}");
    Ok(())
}

/// One more event, after all others.
fn publish_the_last(world: &World) {
    let (_, address) = world.hub_after(0);
    let last = (PUBLISHERS, 1);
    publish_one(&mut Connection::open(address).unwrap(), last).unwrap();
    world.lock().acknowledged.insert(last);
}

/// Hears everything from the first event to the last, through every kill.
fn subscribe(world: &World) -> Vec<Name> {
    let mut heard = Vec::new();
    let mut last_event_id = String::new();
    let (mut life, mut address) = world.hub_after(0);
    while follow(address, &mut last_event_id, &mut heard).is_err() {
        (life, address) = world.hub_after(life);
    }
    heard
}

/// Hears one hub, until it dies or the last event has come.
fn follow(address: SocketAddr, last_event_id: &mut String, heard: &mut Vec<Name>) -> io::Result<()> {
    let resume = Some(last_event_id.as_str()).filter(|id| !id.is_empty());
    let mut stream = Connection::open(address)?.subscribe("/events/load/**?since=earliest", resume)?;
    loop {
        let event = stream.next()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        last_event_id.clone_from(&stream.last_event_id);
        heard.push(name(&event));
        if heard.last().is_some_and(|(who, _)| *who == PUBLISHERS) {
            return Ok(());
        }
    }
}

fn name(event: &Heard) -> Name {
    assert_eq!(event.event, "", "no gap, and nothing else that was not published: {event:?}");
    let mut words = event.data.split(' ');
    let mut number = || words.next().unwrap().parse().unwrap();
    (usize::try_from(number()).unwrap(), number())
}
