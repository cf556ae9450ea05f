//! The life of a key: whether what it has let in may stay.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::session::Session;

/// Whether a key is still taken, as the sessions know it that it has let in. Cloning shares it, so that all of them hear of its end.
#[derive(Clone, Default)]
pub struct KeyLife(Arc<Life>);

#[derive(Default)]
struct Life {
    is_over: AtomicBool,
    /// The session of all that the key has let in and of whom nothing else is known.
    session: Mutex<Weak<Session>>,
}

impl KeyLife {
    /// The key is not taken any more. What carries its sessions sees that when it next looks at them.
    pub fn end(&self) {
        self.0.is_over.store(true, Ordering::Release);
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.0.is_over.load(Ordering::Acquire)
    }

    /// The session of a subscriber of whom nothing is known but that this key has let it in. All of them share one.
    pub fn session(&self) -> Arc<Session> {
        let mut shared = self.0.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = shared.upgrade() {
            return session;
        }
        let session = Arc::new(Session { key: Some(self.clone()), ..Session::default() });
        *shared = Arc::downgrade(&session);
        session
    }
}

impl std::fmt::Debug for KeyLife {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyLife").field("is_over", &self.is_over()).finish_non_exhaustive()
    }
}

/// Two are the same if they end together.
impl PartialEq for KeyLife {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for KeyLife {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_share_a_life_hear_of_its_end_and_no_others() {
        let (life, other) = (KeyLife::default(), KeyLife::default());
        let shared = life.clone();
        assert!(shared == life && shared != other);

        life.end();

        assert!(shared.is_over() && shared.session().is_withdrawn());
        assert!(!other.is_over() && !other.session().is_withdrawn());
    }

    #[test]
    fn subscribers_of_whom_only_the_key_is_known_share_one_session_and_it_goes_with_the_last() {
        let life = KeyLife::default();
        let (one, another) = (life.session(), life.session());

        assert!(Arc::ptr_eq(&one, &another));
        let gone = Arc::downgrade(&one);
        drop((one, another));
        assert!(gone.upgrade().is_none());
        assert_eq!(life.session().key, Some(life));
    }
}
