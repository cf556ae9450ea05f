//! A crowd of subscribers on one thread, and what they have heard.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::connection::{Subscriber, connect};
use super::polling::Polling;
use crate::limits::{CONNECTING_MAX, READ_BYTES, READY_SOCKETS_MAX, SILENCE_MAX};

pub(super) struct Crowd {
    pub(super) poll: Poll,
    pub(super) subscribers: Vec<Subscriber>,
    /// When each of them began to connect.
    pub(super) asked: Vec<Instant>,
    pub(super) buffer: Vec<u8>,
    events: Events,
}

impl Crowd {
    pub(super) fn new() -> io::Result<Self> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(READY_SOCKETS_MAX));
        Ok(Self { poll, subscribers: Vec::new(), asked: Vec::new(), buffer: vec![0; READ_BYTES], events })
    }

    /// Connects subscribers until there are `all`, each with the request of its number, and waits until each has its
    /// answer. `progress` is told how many.
    pub(super) fn join(
        &mut self,
        address: SocketAddr,
        request: impl Fn(usize) -> String,
        all: usize,
        mut heard: impl FnMut(usize, &str),
        mut progress: impl FnMut(usize),
    ) -> io::Result<()> {
        let mut open = self.subscribers.len();
        while open < all {
            while self.subscribers.len() < all && self.subscribers.len() - open < CONNECTING_MAX {
                let number = self.subscribers.len();
                let request = request(number);
                self.asked.push(Instant::now());
                let polling = Polling::of(&request);
                let mut socket = connect(address, &polling.as_ref().map_or(request, Polling::first))?;
                let token = Token(number);
                self.poll.registry().register(&mut socket, token, Interest::READABLE)?;
                self.subscribers.push(Subscriber::new(socket).polling(polling));
            }
            let (subscribers, buffer) = (&mut self.subscribers, &mut self.buffer);
            for number in wait(&mut self.poll, &mut self.events)? {
                let subscriber = &mut subscribers[number];
                let was_open = subscriber.is_open();
                if !subscriber.read(buffer, |data| heard(number, data))? {
                    return Err(io::Error::other("the server closed a stream that it had begun"));
                }
                open += usize::from(!was_open && subscriber.is_open());
            }
            progress(open);
        }
        Ok(())
    }

    /// Waits at most so long for sockets that are ready.
    pub(super) fn ready(&mut self, wait: Duration) -> io::Result<Vec<usize>> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Ok(()) => Ok(self.events.iter().map(|event| event.token().0).collect()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

fn wait(poll: &mut Poll, events: &mut Events) -> io::Result<Vec<usize>> {
    let deadline = Instant::now() + SILENCE_MAX;
    loop {
        match poll.poll(events, Some(SILENCE_MAX)) {
            Ok(()) if !events.is_empty() => return Ok(events.iter().map(|event| event.token().0).collect()),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Ok(()) | Err(_) => {}
        }
        if Instant::now() >= deadline {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("nothing came for {} s", SILENCE_MAX.as_secs()),
            ));
        }
    }
}
