//! Restarts the hub, samples its memory each second, and ends it all in good order.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Instant;

use super::expected::Tally;
use super::hub::{Hub, HubEnd, Setup};
use super::interruption::Interruption;
use super::plan::Soak;
use super::report::{Memory, Restart, SoakReport};
use super::world::{Stage, World};
use crate::limits::{COME_BACK_MAX, CONDUCTOR_LOOK_INTERVAL, MEMORY_SAMPLE_INTERVAL};
use crate::report::{Progress, tell};

pub(super) struct Conductor<'a> {
    plan: &'a Soak,
    progress: &'a Progress,
    interruption: Interruption,
    setup: Setup,
    hub: Option<Hub>,
    begun: Instant,
    /// Seconds since the beginning, and bytes.
    memory: Vec<(f64, u64)>,
    sampled: Instant,
    restarts: Vec<Restart>,
}

impl<'a> Conductor<'a> {
    pub(super) fn begin(plan: &'a Soak, program: &Path, progress: &'a Progress) -> io::Result<Self> {
        let interruption = Interruption::watch()?;
        let setup = Setup::new(plan, program)?;
        let hub = Some(setup.start()?);
        let now = Instant::now();
        let (memory, restarts) = (Vec::new(), Vec::new());
        Ok(Self { plan, progress, interruption, setup, hub, begun: now, memory, sampled: now, restarts })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.setup.address
    }

    /// Lets the load run, and restarts the hub in between, at even distances.
    pub(super) fn load(&mut self, world: &World<'_>) -> io::Result<()> {
        for number in 1..=self.plan.restarts {
            let share = (number as f64 - 0.5) / self.plan.restarts as f64;
            self.wait_until(world, self.begun + self.plan.time.mul_f64(share))?;
            self.restart(world, number)?;
        }
        self.wait_until(world, self.begun + self.plan.time)
    }

    /// Waits until every subscriber has its stream, and lets the last events be published.
    pub(super) fn settle(&mut self, world: &World<'_>) -> io::Result<()> {
        world.enter(Stage::Settle);
        self.wait_for(world, "all subscribers to have a stream", || world.away.load(SeqCst) == 0)?;
        world.enter(Stage::Last);
        Ok(())
    }

    /// All is published.
    #[expect(clippy::unnecessary_wraps, reason = "it is the last of steps that can fail")]
    pub(super) fn judge(&mut self, world: &World<'_>) -> io::Result<()> {
        world.enter(Stage::Judge);
        Ok(())
    }

    /// Ends the hub and tells what was found. The folder goes only if all is well.
    pub(super) fn end(mut self, world: &World<'_>, tally: Tally) -> io::Result<SoakReport> {
        let seconds = self.begun.elapsed().as_secs_f64();
        self.sample();
        if let Some(hub) = self.hub.take() {
            hub.end(HubEnd::Drain)?;
        }
        let report = SoakReport::new(world, &tally, seconds, Memory::of(&self.memory), self.restarts);
        if report.is_right() {
            std::fs::remove_dir_all(&self.setup.folder)?;
        } else {
            let folder = self.setup.folder.display();
            tell(&format!("the log of the hub and its data are kept in {folder}\n"));
        }
        Ok(report)
    }

    fn restart(&mut self, world: &World<'_>, number: usize) -> io::Result<()> {
        let every = self.plan.kill_every;
        let how = if every > 0 && number.is_multiple_of(every) { HubEnd::Kill } else { HubEnd::Drain };
        world.announced.store(number, SeqCst);
        self.wait_for(world, "the subscribers to look up", || world.noted.load(SeqCst) == number)?;
        let cut_off = world.cut_off.load(SeqCst);
        let hub = self.hub.take().ok_or_else(|| io::Error::other("there is no hub"))?;
        let asked = Instant::now();
        let status = hub.end(how)?;
        let ended = Instant::now();
        world.ended.fetch_add(1, SeqCst);
        self.hub = Some(self.setup.start()?);
        let listening = Instant::now();
        self.wait_for(world, "the subscribers to come back", || world.cut_off.load(SeqCst) == 0)?;
        self.restarts.push(Restart {
            killed: how == HubEnd::Kill,
            exit_code: status.code(),
            cut_off,
            ended_s: (ended - asked).as_secs_f64(),
            started_s: (listening - ended).as_secs_f64(),
            back_s: listening.elapsed().as_secs_f64(),
        });
        Ok(())
    }

    fn wait_until(&mut self, world: &World<'_>, when: Instant) -> io::Result<()> {
        while Instant::now() < when {
            self.look(world)?;
        }
        Ok(())
    }

    fn wait_for(&mut self, world: &World<'_>, what: &str, come: impl Fn() -> bool) -> io::Result<()> {
        let deadline = Instant::now() + COME_BACK_MAX;
        while !come() {
            if Instant::now() > deadline {
                let log = self.setup.log();
                let what = format!("waited in vain for {what}; the log of the hub is {}", log.display());
                return Err(io::Error::new(io::ErrorKind::TimedOut, what));
            }
            self.look(world)?;
        }
        Ok(())
    }

    fn look(&mut self, world: &World<'_>) -> io::Result<()> {
        self.interruption.check()?;
        if world.stage() == Stage::Broken {
            return Err(io::Error::other("a publisher or the subscribers failed"));
        }
        if self.sampled.elapsed() >= MEMORY_SAMPLE_INTERVAL {
            self.sampled = Instant::now();
            self.sample();
        }
        let seconds = self.begun.elapsed().as_secs();
        self.progress.say(&format!("{seconds} of {} s", self.plan.time.as_secs()));
        thread::sleep(CONDUCTOR_LOOK_INTERVAL);
        Ok(())
    }

    fn sample(&mut self) {
        let bytes = self.hub.as_ref().and_then(|hub| hub.process().memory_bytes());
        self.memory.extend(bytes.map(|bytes| (self.begun.elapsed().as_secs_f64(), bytes)));
    }
}
