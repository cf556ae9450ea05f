//! Whether a quiet stream lives, and its heartbeats arrive; and whether a long poll may be silent for as long as it is by default.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, timeout};

use super::held::{Opened, open, question};
use crate::cmd::doctor::ask::{Asker, NoAnswer, Question};
use crate::cmd::doctor::flow::{Flow, Next};
use crate::cmd::doctor::remedy::Fault;
use crate::cmd::doctor::report::Check;
use crate::cmd::doctor::target::Target;
use crate::limits::{
    DOCTOR_ANSWER_WAIT_MAX, DOCTOR_HEARTBEAT_GRACE, DOCTOR_IDLE_DEFAULT_MAX, DOCTOR_LONG_POLL_WAIT,
    DOCTOR_SECOND_WATCH_MAX, DOCTOR_SILENCE_MIN,
};

const NAME: &str = "idle";

/// The time for which a quiet stream is watched, unless somebody has chosen one: two heartbeats, and what belongs to them.
pub(in crate::cmd::doctor) fn default_watch(heartbeat: Option<Duration>) -> Duration {
    let heartbeat = heartbeat.unwrap_or(Duration::from_secs(15));
    (heartbeat * 2 + DOCTOR_HEARTBEAT_GRACE).min(DOCTOR_IDLE_DEFAULT_MAX)
}

/// Watches a stream that flows, and a long poll beside it. What is cut once may be an accident, so a second stream is watched then.
pub(in crate::cmd::doctor) async fn look(
    asker: &Asker,
    target: &Target,
    flow: Flow,
    watch: Duration,
) -> Check {
    match both(asker, target, flow, watch).await {
        Watched::Cut { check, age } if age <= DOCTOR_SECOND_WATCH_MAX => {
            let again = age + age / 2 + DOCTOR_SILENCE_MIN;
            match open(asker, &question(target)).await {
                Opened::Flows { flow, .. } => match stream(*flow, again).await {
                    Watched::Cut { .. } => check,
                    Watched::Alive(_) | Watched::Over(_) => once(age, "another one lived for longer"),
                },
                Opened::Held(_) | Opened::Refused(_) | Opened::SentAway(_) | Opened::Broke(_) => {
                    once(age, "then no other one could be opened")
                }
            }
        }
        watched => watched.check(),
    }
}

fn once(age: Duration, what: &str) -> Check {
    let words = format!(
        "a stream was cut after {}, and {what}: the hub, a proxy or the network may have been restarted, so try again",
        seconds(age)
    );
    Check::unknown(NAME, words)
}

/// Watches both. What ends the stream is the answer, and else what the long poll has found.
async fn both(asker: &Asker, target: &Target, flow: Flow, watch: Duration) -> Watched {
    let long_poll = long_poll(asker, target, watch);
    tokio::pin!(long_poll);
    let stream = stream(flow, watch);
    tokio::pin!(stream);
    tokio::select! {
        watched = &mut stream => match watched {
            Watched::Alive(check) => Watched::Over(long_poll.await.unwrap_or(check)),
            ended => ended,
        },
        poll = &mut long_poll => match poll {
            // The stream may be cut in the same moment, and is what most pages have; and a hub that ends breaks both.
            Some(finding) => match timeout(DOCTOR_ANSWER_WAIT_MAX, stream).await {
                Ok(Watched::Alive(_)) | Err(_) => Watched::Over(finding),
                Ok(ended) => ended,
            },
            None => stream.await,
        },
    }
}

/// What became of a stream that was watched.
enum Watched {
    /// It is open at the end of the watch.
    Alive(Check),
    /// It was cut at this age.
    Cut { check: Check, age: Duration },
    /// It is held back, or its hub has ended it.
    Over(Check),
}

impl Watched {
    fn check(self) -> Check {
        match self {
            Self::Alive(check) | Self::Over(check) | Self::Cut { check, .. } => check,
        }
    }
}

/// The same where streams are held back, so that pages have long polls.
pub(in crate::cmd::doctor) async fn look_at_long_poll(
    asker: &Asker,
    target: &Target,
    watch: Duration,
) -> Check {
    let held = "a stream is held back, so it cannot be said when a silence would be cut";
    long_poll(asker, target, watch).await.unwrap_or_else(|| Check::unknown(NAME, held))
}

/// What was seen of a stream.
#[derive(Debug, Default)]
struct Seen {
    /// Times that bytes came.
    arrivals: u32,
    longest: Duration,
}

async fn stream(mut flow: Flow, watch: Duration) -> Watched {
    let heartbeat = flow.heartbeat();
    let begin = Instant::now();
    let (end, mut last, mut seen) = (begin + watch, begin, Seen::default());
    // A heartbeat that does not come is held back, or the stream is dead and looks open.
    let patience = heartbeat.map(|heartbeat| heartbeat + DOCTOR_HEARTBEAT_GRACE);
    loop {
        let until = patience.map_or(end, |patience| end.min(last + patience));
        let next = flow.next(until).await;
        let silence = last.elapsed();
        match next {
            Next::Bytes => {
                seen.arrivals += 1;
                seen.longest = seen.longest.max(silence);
                last = Instant::now();
                // Where events come all the time, the bytes never end.
                if last >= end {
                    return Watched::Alive(alive(&seen, heartbeat, watch));
                }
            }
            Next::Nothing if patience.is_some_and(|patience| silence >= patience) => {
                let words = format!(
                    "the stream is open, and its heartbeat of {} did not come within {}: something holds bytes back",
                    seconds(heartbeat.unwrap_or_default()),
                    seconds(silence)
                );
                return Watched::Over(Check::finding(NAME, words).mended_by(Fault::Held));
            }
            Next::Nothing => return Watched::Alive(alive(&seen, heartbeat, watch)),
            Next::Ended if flow.is_dismissed() => {
                let words = format!(
                    "the hub itself ended the stream after {}, and said when to come back: it restarts, or has `stream_age_max`",
                    seconds(begin.elapsed())
                );
                return Watched::Over(Check::unknown(NAME, words));
            }
            Next::Ended => return cut(&seen, heartbeat, silence, begin.elapsed(), "ended"),
            Next::Broke(_) => return cut(&seen, heartbeat, silence, begin.elapsed(), "was cut"),
        }
    }
}

fn cut(seen: &Seen, heartbeat: Option<Duration>, silence: Duration, age: Duration, how: &str) -> Watched {
    if seen.arrivals > 0
        && heartbeat
            .is_none_or(|heartbeat| seen.longest + Duration::from_secs(1) > silence && silence < heartbeat)
    {
        let words = format!(
            "the stream {how} after {}, although bytes came: something ends answers that are this old; clients come back and \
             lose nothing",
            seconds(age)
        );
        let check = Check::finding(NAME, words).mended_by(Fault::AgeCut);
        return Watched::Cut { check, age };
    }
    let heartbeat = heartbeat.map_or_else(String::new, |heartbeat| {
        format!(", and the hub sends a heartbeat every {}", seconds(heartbeat))
    });
    let words = format!(
        "the stream {how} after {} of silence{heartbeat}: clients come back again and again",
        seconds(silence)
    );
    let check = Check::finding(NAME, words).mended_by(Fault::SilenceCut { silence });
    Watched::Cut { check, age }
}

fn alive(seen: &Seen, heartbeat: Option<Duration>, watch: Duration) -> Check {
    let watched = seconds(watch);
    match heartbeat {
        Some(heartbeat) if seen.arrivals == 0 && watch < heartbeat + DOCTOR_HEARTBEAT_GRACE => {
            let enough = (heartbeat + DOCTOR_HEARTBEAT_GRACE).as_secs();
            let words = format!(
                "the stream was not cut within {watched}; the hub sends a heartbeat every {}, and `--idle {enough}s` would see whether it \
                 arrives",
                seconds(heartbeat)
            );
            Check::unknown(NAME, words)
        }
        _ if seen.arrivals == 0 => {
            Check::well(NAME, format!("the stream was not cut within {watched} of silence"))
        }
        _ => Check::well(
            NAME,
            format!(
                "the stream was not cut within {watched}, and was silent for {} at most",
                seconds(seen.longest)
            ),
        ),
    }
}

/// A finding if a long poll is cut, or answered by something else than the hub.
async fn long_poll(asker: &Asker, target: &Target, watch: Duration) -> Option<Check> {
    // It has to end before the watch does.
    let wait = DOCTOR_LONG_POLL_WAIT.min(watch.saturating_sub(Duration::from_secs(2)));
    let wait_text = format!("{}s", wait.as_secs());
    let asked = Question::stream(target.url(&[
        ("mode", "long-poll"),
        ("wait", &wait_text),
        ("since", "now"),
        ("opening", "none"),
    ]));
    let begin = Instant::now();
    let answered = asker.whole_within(&asked, wait + DOCTOR_HEARTBEAT_GRACE).await;
    let silence = begin.elapsed();
    let how = match answered {
        Ok(answer) if answer.is_event_stream() && answer.status == StatusCode::OK => return None,
        // A hub that refuses has said so elsewhere.
        Ok(answer) if answer.problem().is_some() => return None,
        // So does what a proxy says in the hub's place, unless it does so after a time-out (nginx: `error_page 504`).
        Ok(answer) if answer.sent_away().is_some() && silence < DOCTOR_SILENCE_MIN => return None,
        Ok(answer) => format!("answered {}", answer.words()),
        // What breaks at once says nothing of silences.
        Err(NoAnswer::Failed(_)) if silence < DOCTOR_SILENCE_MIN => return None,
        Err(error) => format!("not answered ({})", error.words()),
    };
    let words = format!(
        "a long poll, which is silent for {} s, is cut: after {} it was {how}; raise that time-out of the proxy, or let pages ask for less by \
         the parameter `wait` of the URL, as in `?mode=long-poll&wait={}s`",
        wait.as_secs(),
        seconds(silence),
        (silence.as_secs() / 2).max(1)
    );
    Some(Check::finding(NAME, words).mended_by(Fault::LongPollCut))
}

/// A time for people.
fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}
