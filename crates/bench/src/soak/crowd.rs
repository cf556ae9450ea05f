//! All subscribers, on one thread.

use std::io::{self, ErrorKind};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;

use mio::{Events, Poll};

use super::expected::Tally;
use super::reader::{Ready, SoakReader};
use super::world::{Stage, World};
use crate::limits::{LAST_EVENTS_MAX, READ_BYTES, READY_SOCKETS_MAX, SHOWN_SUBSCRIBERS, TICK_INTERVAL};
use crate::report::tell;

struct Crowd<'a> {
    world: &'a World<'a>,
    poll: Poll,
    readers: Vec<SoakReader>,
    buffer: Vec<u8>,
    tally: Tally,
    /// Since when there is nothing more to come.
    judged: Option<Instant>,
}

/// Subscribes until all is over, and tells what was heard.
pub(super) fn read(world: &World<'_>) -> io::Result<Tally> {
    world.guard(|| {
        let readers = (0..world.plan.subscribers).map(|number| SoakReader::new(world, number)).collect();
        let (poll, buffer) = (Poll::new()?, vec![0; READ_BYTES]);
        Crowd { world, poll, readers, buffer, tally: Tally::default(), judged: None }.run()
    })
}

impl Crowd<'_> {
    fn run(mut self) -> io::Result<Tally> {
        let mut events = Events::with_capacity(READY_SOCKETS_MAX);
        let mut ticked = Instant::now();
        while !self.is_over() {
            match self.poll.poll(&mut events, Some(TICK_INTERVAL)) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            for event in &events {
                self.readers[event.token().0].attend(self.world, &mut self.buffer, &mut self.tally);
            }
            if ticked.elapsed() >= TICK_INTERVAL {
                ticked = Instant::now();
                self.tick()?;
            }
        }
        if self.world.stage() == Stage::Broken {
            self.tell_who_is_missing();
        }
        self.tally.unfinished =
            self.readers.iter().filter(|reader| reader.missing(self.world) > 0).count() as u64;
        self.tally.lost += self.readers.iter().map(|reader| reader.missing(self.world)).sum::<u64>();
        Ok(self.tally)
    }

    /// Says what the first few are about that are waited for.
    fn tell_who_is_missing(&self) {
        for reader in self
            .readers
            .iter()
            .filter(|reader| reader.is_cut_off() || !reader.hears())
            .take(SHOWN_SUBSCRIBERS)
        {
            tell(&format!("waited for: {}\n", reader.whereabouts()));
        }
    }

    fn tick(&mut self) -> io::Result<()> {
        let world = self.world;
        let announced = world.announced.load(SeqCst);
        if announced > world.noted.load(SeqCst) {
            self.readers.iter_mut().for_each(SoakReader::expect_cut);
        }
        let calm = world.stage() != Stage::Load;
        for reader in &mut self.readers {
            if reader.tick(world, self.poll.registry(), calm, &mut self.tally)? == Ready::Read {
                reader.attend(world, &mut self.buffer, &mut self.tally);
            }
        }
        let count = |is: fn(&SoakReader) -> bool| self.readers.iter().filter(|reader| is(reader)).count();
        world.away.store(count(|reader| !reader.hears()), SeqCst);
        world.cut_off.store(count(SoakReader::is_cut_off), SeqCst);
        // Last, so that the conductor, which waits for it, reads the counts of the same look.
        world.noted.store(announced, SeqCst);
        Ok(())
    }

    /// Whether everything was heard, or is not waited for any longer.
    fn is_over(&mut self) -> bool {
        match self.world.stage() {
            Stage::Load | Stage::Settle | Stage::Last => false,
            Stage::Judge => {
                let since = *self.judged.get_or_insert_with(Instant::now);
                since.elapsed() > LAST_EVENTS_MAX
                    || self.readers.iter().all(|reader| reader.missing(self.world) == 0)
            }
            Stage::Broken => true,
        }
    }
}
