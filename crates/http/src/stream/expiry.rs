//! Expiry: the end of what let a stream in. Lanes and tasks ask here whether it has come, and what to tell the client.
//!
//! They ask when they look at a stream anyway, not at each event: a lane in its sweep, a task with its heartbeats and at
//! the time that the session names.

use std::time::Duration;

use tidings_core::{Session, UnixMillis};
use tokio::time::Instant;

use super::ending::Ending;
use crate::answer::document::time;

/// The end that is due for a stream, if what let it in is over.
pub(crate) fn ending(session: Option<&Session>, now: UnixMillis) -> Option<Ending> {
    let session = session?;
    let is_over = session.is_withdrawn() || session.ended_at(now).is_some();
    is_over.then_some(Ending::AccessEnded)
}

/// The moment at which the time of a session is over, if it has one.
pub(crate) fn wake_at(session: Option<&Session>, now: UnixMillis) -> Option<Instant> {
    let until = session?.until?;
    Some(Instant::now() + Duration::from_millis(until.0.saturating_sub(now.0)))
}

/// Why a stream ends whose access is over, for the people who read what their program was told.
pub(crate) fn reason(session: Option<&Session>, now: UnixMillis) -> String {
    match session.and_then(|session| session.ended_at(now)) {
        Some(at) => format!("the access of this stream ended at {}", time(at)),
        None if session.is_some_and(Session::is_withdrawn) => {
            "the key that gave this stream its access was withdrawn".to_owned()
        }
        None => "the access of this stream was withdrawn".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use tidings_core::KeyLife;

    use super::*;

    #[test]
    fn a_session_ends_with_the_key_that_has_let_it_in() {
        let life = KeyLife::default();
        let later = Session { until: Some(UnixMillis(2)), key: Some(life.clone()), ..Session::default() };
        assert_eq!(ending(Some(&later), UnixMillis(1)), None);

        life.end();

        for session in [later, (*life.session()).clone()] {
            assert_eq!(ending(Some(&session), UnixMillis(1)), Some(Ending::AccessEnded), "{session:?}");
            let reason = reason(Some(&session), UnixMillis(1));
            assert_eq!(reason, "the key that gave this stream its access was withdrawn");
        }
    }

    #[test]
    fn a_session_ends_at_its_time_and_no_sooner_and_one_without_a_time_never() {
        let until = |ms| Session { until: Some(UnixMillis(ms)), ..Session::default() };
        let now = UnixMillis(60_000);

        assert_eq!(ending(Some(&until(60_000)), now), Some(Ending::AccessEnded));
        for session in [Some(&until(60_001)), Some(&Session::default()), None] {
            assert_eq!(ending(session, now), None, "{session:?}");
            assert_eq!(reason(session, now), "the access of this stream was withdrawn");
        }
        assert_eq!(
            reason(Some(&until(59_000)), now),
            "the access of this stream ended at 1970-01-01T00:00:59.000Z"
        );
    }
}
