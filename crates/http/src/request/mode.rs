//! The mode of a stream: whether it goes on, or is told in answers that end.

use std::time::Duration;

use tidings_core::Transport;

use super::query::Query;
use crate::answer::problem::Problem;
use crate::answer::problem_type::ProblemType;
use crate::limits::{POLL_WAIT_DEFAULT, POLL_WAIT_MAX};

/// How a client wants to be told of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By an answer that does not end.
    Stream,
    /// By a document that a page frames, and that does not end.
    Iframe,
    /// By an answer that ends at once.
    Poll,
    /// By an answer that ends when there is something, or after this time.
    LongPoll(Duration),
}

impl Mode {
    /// Reads `mode` and `wait`.
    pub(crate) fn parse(query: &Query<'_>) -> Result<Self, Problem> {
        let wait = wait(query)?;
        match query.one("mode")? {
            None | Some("stream") => Ok(Self::Stream),
            Some("iframe") => Ok(Self::Iframe),
            Some("poll") => Ok(Self::Poll),
            Some("long-poll") => Ok(Self::LongPoll(wait.unwrap_or(POLL_WAIT_DEFAULT))),
            Some(_) => {
                let detail = "`mode` is `stream`, `poll`, `long-poll` or `iframe`";
                Err(Problem::new(ProblemType::BadMode, detail))
            }
        }
    }

    /// Whether the answer ends by itself.
    pub(crate) fn ends(self) -> bool {
        match self {
            Self::Stream | Self::Iframe => false,
            Self::Poll | Self::LongPoll(_) => true,
        }
    }

    /// How long an answer may wait for something to say.
    pub(crate) fn wait(self) -> Duration {
        match self {
            Self::Stream | Self::Iframe | Self::Poll => Duration::ZERO,
            Self::LongPoll(wait) => wait,
        }
    }

    /// How it is called where subscribers are listed, if its format does not say it.
    pub(crate) fn transport(self) -> Option<Transport> {
        match self {
            Self::Stream | Self::Iframe => None,
            Self::Poll => Some(Transport::Poll),
            Self::LongPoll(_) => Some(Transport::LongPoll),
        }
    }
}

/// Whether a query string asks for a document that a page frames. The browser that loads it accepts the same as for every other
/// page, so this is asked before what is accepted, and whatever else is wrong is found later.
pub(crate) fn asks_for_iframe(query: &str) -> bool {
    Query::parse_own(query, &["mode"]).is_ok_and(|query| query.all("mode").any(|mode| mode == "iframe"))
}

/// How long an answer may wait for an event: `wait`, in seconds with their unit, or without it.
pub(crate) fn wait(query: &Query<'_>) -> Result<Option<Duration>, Problem> {
    let Some(text) = query.one("wait")? else { return Ok(None) };
    let digits = text.strip_suffix('s').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: Option<u64> = digits.parse().ok().filter(|_| is_number);
    let wait = seconds.map(Duration::from_secs).filter(|wait| *wait <= POLL_WAIT_MAX);
    wait.map(Some).ok_or_else(|| {
        let max = POLL_WAIT_MAX.as_secs();
        Problem::new(ProblemType::BadWait, format!("`wait` is a time in seconds, from 0s to {max}s"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(query: &str) -> Result<Mode, ProblemType> {
        let query = Query::parse(query, &[&["mode", "wait"]]).unwrap();
        Mode::parse(&query).map_err(|problem| problem.problem_type())
    }

    #[test]
    fn a_mode_has_its_wait_and_no_other_is_taken() {
        let seconds = Duration::from_secs;
        for (query, expected) in [
            ("", Ok(Mode::Stream)),
            ("mode=stream", Ok(Mode::Stream)),
            // It means nothing there, and a client may ask for one URL in several modes.
            ("wait=3s", Ok(Mode::Stream)),
            ("mode=iframe", Ok(Mode::Iframe)),
            ("mode=poll&wait=3s", Ok(Mode::Poll)),
            ("mode=long-poll", Ok(Mode::LongPoll(seconds(25)))),
            ("mode=long-poll&wait=25s", Ok(Mode::LongPoll(seconds(25)))),
            ("mode=long-poll&wait=7", Ok(Mode::LongPoll(seconds(7)))),
            ("mode=long-poll&wait=0s", Ok(Mode::LongPoll(seconds(0)))),
            ("mode=long-poll&wait=60s", Ok(Mode::LongPoll(seconds(60)))),
            ("mode=long-poll&wait=61s", Err(ProblemType::BadWait)),
            ("wait=99999999999999999999s", Err(ProblemType::BadWait)),
            ("wait=1m", Err(ProblemType::BadWait)),
            ("wait=-1s", Err(ProblemType::BadWait)),
            ("wait=%2B1s", Err(ProblemType::BadWait)),
            ("wait=", Err(ProblemType::BadWait)),
            ("wait=s", Err(ProblemType::BadWait)),
            ("wait=1.5s", Err(ProblemType::BadWait)),
            ("mode=", Err(ProblemType::BadMode)),
            ("mode=LONG-POLL", Err(ProblemType::BadMode)),
            ("mode=poll&mode=poll", Err(ProblemType::RepeatedParameter)),
        ] {
            assert_eq!(mode(query), expected, "{query}");
        }
    }
}
