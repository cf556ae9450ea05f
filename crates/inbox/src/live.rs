//! Who watches which inbox, and what they are told when it changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use crate::effect::Effect;
use crate::limits::EFFECTS_WAITING_MAX;
use crate::user::User;

/// The inboxes that are watched.
#[derive(Debug, Default)]
pub(crate) struct Live {
    watched: Mutex<HashMap<User, broadcast::Sender<Arc<Effect>>>>,
}

/// Tells of the changes of one inbox, from its beginning on.
#[derive(Debug)]
pub(crate) struct Listening {
    live: Arc<Live>,
    user: User,
    receiver: Option<broadcast::Receiver<Arc<Effect>>>,
}

/// Changes were too many to be kept for a reader that was slow.
#[derive(Debug)]
pub(crate) struct Behind;

impl Live {
    pub(crate) fn listen(self: &Arc<Self>, user: &User) -> Listening {
        let mut watched = self.lock();
        let sender =
            watched.entry(user.clone()).or_insert_with(|| broadcast::Sender::new(EFFECTS_WAITING_MAX));
        Listening { live: self.clone(), user: user.clone(), receiver: Some(sender.subscribe()) }
    }

    /// Tells what has changed. No receiver is no error: nobody watches any more.
    pub(crate) fn tell(&self, effects: Vec<Effect>) {
        if effects.is_empty() {
            return;
        }
        let watched = self.lock();
        if watched.is_empty() {
            return;
        }
        for effect in effects {
            if let Some(sender) = watched.get(&effect.user) {
                let _ = sender.send(Arc::new(effect));
            }
        }
    }

    /// Ends all listening.
    pub(crate) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<User, broadcast::Sender<Arc<Effect>>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listening {
    /// The next change; none when the inbox has stopped. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Arc<Effect>>, Behind> {
        let Some(receiver) = &mut self.receiver else { return Ok(None) };
        match receiver.recv().await {
            Ok(effect) => Ok(Some(effect)),
            Err(broadcast::error::RecvError::Closed) => Ok(None),
            Err(broadcast::error::RecvError::Lagged(_)) => Err(Behind),
        }
    }

    /// The same, if it is there.
    pub(crate) fn at_hand(&mut self) -> Result<Option<Arc<Effect>>, Behind> {
        match self.receiver.as_mut().map(broadcast::Receiver::try_recv) {
            Some(Ok(effect)) => Ok(Some(effect)),
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
        if watched.get(&self.user).is_some_and(|sender| sender.receiver_count() == 0) {
            watched.remove(&self.user);
        }
    }
}
