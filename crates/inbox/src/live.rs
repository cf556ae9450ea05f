//! Who watches which inbox, and what they are told when it changes.
//!
//! What changed waits for slow readers in the database. In memory are the newest changes of all inboxes, within a bound, so a reader that is as
//! fast as they are need not read it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tidings_core::Sequence;
use tokio::sync::broadcast;

use crate::effect::Effect;
use crate::limits::{EFFECTS_BYTES_MAX, EFFECTS_WAITING_MAX};
use crate::user::User;

/// The inboxes that are watched.
#[derive(Debug, Default)]
pub(crate) struct Live {
    watched: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    senders: HashMap<User, broadcast::Sender<Told>>,
    newest: Newest,
}

/// The newest changes of inboxes that are watched, oldest first.
#[derive(Debug, Default)]
struct Newest {
    effects: VecDeque<(Arc<Effect>, usize)>,
    bytes: usize,
}

/// A change that was told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) sequence: Sequence,
    effect: Weak<Effect>,
}

/// Tells of the changes of one inbox, from its beginning on.
#[derive(Debug)]
pub(crate) struct Listening {
    live: Arc<Live>,
    user: User,
    receiver: Option<broadcast::Receiver<Told>>,
}

/// Changes were too many to be kept for a reader that was slow.
#[derive(Debug)]
pub(crate) struct Behind;

impl Live {
    pub(crate) fn listen(self: &Arc<Self>, user: &User) -> Listening {
        let mut watched = self.lock();
        let sender = watched
            .senders
            .entry(user.clone())
            .or_insert_with(|| broadcast::Sender::new(EFFECTS_WAITING_MAX));
        Listening { live: self.clone(), user: user.clone(), receiver: Some(sender.subscribe()) }
    }

    /// Tells what has changed. No receiver is no error: nobody watches any more.
    pub(crate) fn tell(&self, effects: Vec<Effect>) {
        if effects.is_empty() {
            return;
        }
        let mut watched = self.lock();
        let Watched { senders, newest } = &mut *watched;
        if senders.is_empty() {
            return;
        }
        // A notification of many users is in memory once.
        let mut says = None;
        for effect in effects {
            let Some(sender) = senders.get(&effect.user) else { continue };
            let bytes = effect.bytes(&mut says);
            let effect = Arc::new(effect);
            let told = Told { sequence: effect.place.sequence, effect: Arc::downgrade(&effect) };
            newest.keep(effect, bytes);
            let _ = sender.send(told);
        }
    }

    /// Bytes of the changes that it has in memory.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.lock().newest.bytes
    }

    /// Ends all listening.
    pub(crate) fn close(&self) {
        *self.lock() = Watched::default();
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Newest {
    /// Keeps a change, and the ones before it that have room beside it. One that has none is in memory until the next one comes.
    fn keep(&mut self, effect: Arc<Effect>, bytes: usize) {
        self.bytes += bytes;
        self.effects.push_back((effect, bytes));
        while self.bytes > EFFECTS_BYTES_MAX && self.effects.len() > 1 {
            self.bytes -= self.effects.pop_front().map_or(0, |(_, bytes)| bytes);
        }
    }
}

impl Told {
    /// What has changed, if it is in memory still.
    pub(crate) fn effect(&self) -> Option<Arc<Effect>> {
        self.effect.upgrade()
    }
}

impl Listening {
    /// The next change; none when the inbox has stopped. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Told>, Behind> {
        let Some(receiver) = &mut self.receiver else { return Ok(None) };
        match receiver.recv().await {
            Ok(told) => Ok(Some(told)),
            Err(broadcast::error::RecvError::Closed) => Ok(None),
            Err(broadcast::error::RecvError::Lagged(_)) => Err(Behind),
        }
    }

    /// The same, if it is there.
    pub(crate) fn at_hand(&mut self) -> Result<Option<Told>, Behind> {
        match self.receiver.as_mut().map(broadcast::Receiver::try_recv) {
            Some(Ok(told)) => Ok(Some(told)),
            Some(Err(broadcast::error::TryRecvError::Lagged(_))) => Err(Behind),
            Some(Err(_)) | None => Ok(None),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut watched = self.live.lock();
        // Before the count, which is of the others then.
        self.receiver = None;
        if watched.senders.get(&self.user).is_some_and(|sender| sender.receiver_count() == 0) {
            watched.senders.remove(&self.user);
            if watched.senders.is_empty() {
                watched.newest = Newest::default();
            }
        }
    }
}
