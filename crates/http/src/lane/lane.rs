//! A lane: one thread, its members, its clock.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use tidings_core::{Clock, Hub};

use super::ids::MemberId;
use super::members::{Members, MembersParts};
use super::page_reader::PageRequests;
use super::parked::Held;
use super::post::{Letter, Mail, Post};
use super::ticker::Ticker;
use crate::limits::READY_SOCKETS_MAX;
use crate::stream::gzip::Deflater;
use crate::stream::machine::{Rules, StreamConfig};
use crate::stream::metrics::StreamMetrics;
use crate::unread::UnreadFrames;

/// The token of the post's bell; members have their numbers.
const BELL: Token = Token(usize::MAX);

/// One thread of parked connections.
pub(super) struct Lane<H> {
    rules: Rules,
    members: Members<H>,
    ticker: Ticker,
    ending: bool,
    metrics: StreamMetrics,
    post: Arc<Post<H>>,
    poll: Poll,
}

/// What all lanes of a front share.
pub(super) struct LaneShare<H> {
    pub(super) hub: Hub,
    pub(super) requests: PageRequests<H>,
    pub(super) unread: UnreadFrames,
    pub(super) deflater: Deflater,
    pub(super) metrics: StreamMetrics,
    /// The time that an opening tells.
    pub(super) clock: Arc<dyn Clock>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a lane is a thread that waits for sockets without tokio, so tokio's clock cannot wake it"
)]
impl<H: Held> Lane<H> {
    pub(super) fn new(shared: LaneShare<H>, config: &StreamConfig) -> io::Result<Self> {
        let LaneShare { hub, requests, unread, deflater, metrics, clock } = shared;
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), BELL)?;
        let post = Arc::new(Post::new(waker));
        hub.roster().add_carrier(&post);
        let rules = Rules::for_sweeps(config);
        let registry = poll.registry().try_clone()?;
        let ticker = Ticker::new(&rules, Instant::now());
        let members = Members::new(MembersParts {
            hub: hub.clone(),
            rules: rules.clone(),
            registry,
            post: post.clone(),
            requests,
            unread,
            deflater,
            clock,
        });
        Ok(Self { rules, members, ticker, ending: false, metrics, post, poll })
    }

    pub(super) fn post(&self) -> Arc<Post<H>> {
        self.post.clone()
    }

    /// Runs until it was told to end and the last member has gone.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(READY_SOCKETS_MAX);
        let mut mail = Mail::default();
        while !(self.ending && self.members.is_empty()) {
            self.wait(&mut events);
            self.members.begin_round();
            self.post.collect(&mut mail);
            for letter in mail.letters.drain(..) {
                self.open(letter);
            }
            for group in mail.moved.drain(..) {
                self.members.deliver(group);
                self.members.tell_presence(group);
            }
            for event in &events {
                if event.token() != BELL {
                    self.members.socket_is_ready(event);
                }
            }
            self.members.take_turns();
            self.members.open_waiting();
            self.members.take_presence_turns();
            self.members.let_frames_go();
            self.sweep();
            self.members.tell_counts(&self.metrics);
        }
    }

    fn wait(&mut self, events: &mut Events) {
        let busy = self.members.has_turns();
        let wait = if busy { Duration::ZERO } else { self.ticker.wait(Instant::now()) };
        if let Err(error) = self.poll.poll(events, Some(wait)) {
            if error.kind() != io::ErrorKind::Interrupted {
                tracing::error!(%error, "a lane cannot wait for its sockets");
            }
            events.clear();
        }
    }

    fn open(&mut self, letter: Letter<H>) {
        match letter {
            Letter::Park(parked) => self.members.admit(*parked),
            Letter::Page(page) => self.members.take_page(*page),
            Letter::Drain(window) => {
                self.ticker.begin_drain(self.rules.ticks(window));
                self.members.set_time(self.ticker.now());
            }
            Letter::List { after, limit, reply } => {
                // The one who asked may have gone.
                let _ = reply.send(self.members.list(after, limit));
            }
            Letter::Audience { topic, after, users_max, reply } => {
                let _ = reply.send(self.members.audience(&topic, after, users_max));
            }
            Letter::Attendees { topics, reply } => {
                let _ = reply.send(self.members.attendees(&topics));
            }
            Letter::Dismiss { whom, why, reply } => {
                let _ = reply.send(self.members.dismiss(&whom, why));
            }
            Letter::End => self.ending = true,
        }
    }

    /// Does what time asks for.
    fn sweep(&mut self) {
        let now = Instant::now();
        while self.ticker.advance(now) {
            self.members.set_time(self.ticker.now());
            let members: Vec<MemberId> = self.members.ids().filter(|id| self.ticker.looks_at(*id)).collect();
            for member in members {
                self.members.look_at(member);
            }
        }
    }
}

/// However a lane ends, nobody waits for its answer.
impl<H> Drop for Lane<H> {
    fn drop(&mut self) {
        self.post.close();
    }
}
