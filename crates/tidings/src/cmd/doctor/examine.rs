//! The order in which the doctor looks: what the next matter needs first, and the long watch of a quiet stream at the end.

use std::time::{Duration, SystemTime};

use http::Version;
use url::Url;

use super::ask::{Asker, Whole};
use super::check::reach::Door;
use super::check::{cors, crowd, held, passed, quiet, reach, resume, version};
use super::flow::heartbeat;
use super::proxy::{self, Proxy};
use super::report::{Check, Report};
use crate::limits::DOCTOR_CLOCK_SKEW_MAX;

/// What is to be looked at.
pub(super) struct Examination<'a> {
    pub(super) url: &'a Url,
    /// The proxy that somebody has named.
    pub(super) proxy: Option<Proxy>,
    /// The origin of the pages that are to read.
    pub(super) origin: Option<&'a str>,
    /// How long a quiet stream is watched.
    pub(super) idle: Option<Duration>,
    /// Told what is looked at now.
    pub(super) progress: &'a dyn Fn(&str),
}

impl Examination<'_> {
    /// Looks at everything. What is found stands in the report at once, so that it is there also if time runs out.
    pub(super) async fn run(&self, asker: &mut Asker, report: &mut Report) {
        self.say("whether a hub answers");
        let reached = reach::look(asker, self.url).await;
        report.target = reached.target;
        report.checks.extend(reached.checks);
        report.has_hub = reached.door != Door::Missing;
        let Some(answer) = reached.answer else { return };
        report.server = proxy::shown(&answer.headers);
        report.proxies = self.proxy.map_or_else(|| Proxy::of(&answer.headers), |proxy| vec![proxy]);
        report.version = Some(version::name(answer.version));
        report.checks.push(version::look(&report.target, answer.version));
        match reached.door {
            Door::Open => self.look_at_stream(asker, report, &answer).await,
            Door::Closed => {
                self.look_at_cors(asker, report).await;
                report.checks.push(Check::unknown(
                    "stream",
                    "nothing else could be checked, because the stream cannot be read",
                ));
            }
            Door::Missing => {
                report.checks.push(Check::unknown(
                    "stream",
                    "nothing else could be checked, because no hub answers for the URL",
                ));
            }
        }
    }

    async fn look_at_stream(&self, asker: &Asker, report: &mut Report, answer: &Whole) {
        let target = report.target.clone();
        report.checks.extend(clock(answer));
        self.say("whether a stream arrives at once");
        let (buffering, flow) = held::look(asker, &target, answer.took).await;
        let flows = flow.is_some();
        // A connection limit must not see this one among the others.
        drop(flow);
        report.checks.push(buffering);
        if flows {
            self.say("whether a compressed stream arrives at once");
            report.checks.push(held::look_compressed(asker, &target).await);
        }
        self.say("whether Last-Event-ID arrives");
        report.checks.push(resume::look(asker, &target).await);
        self.say("whether path, host, POST and Upgrade arrive");
        report.checks.extend(passed::look_path(asker, &target).await);
        report.checks.push(passed::look_host(asker, &target).await);
        report.checks.extend(passed::look_post(asker, &target).await);
        report.checks.push(passed::look_websocket(asker, &target).await);
        self.look_at_cors(asker, report).await;
        report.checks.push(Check::note(
            "publishing",
            "not checked, because nothing is published: whether requests are held back until they end, and how long a body may be",
        ));
        self.say("how many streams arrive at once");
        report.checks.push(if flows {
            crowd::look(asker, &target, answer.version == Version::HTTP_2).await
        } else {
            Check::unknown(
                "connections",
                "a stream does not arrive, so it cannot be said how many do at once",
            )
        });
        self.look_at_silence(asker, report, answer, flows).await;
    }

    async fn look_at_cors(&self, asker: &Asker, report: &mut Report) {
        let Some(origin) = self.origin else {
            report.checks.push(Check::note(
                "cors",
                "not checked, because no --origin says which pages are to use the hub",
            ));
            return;
        };
        self.say("what a page of another origin may do");
        let check = cors::look(asker, &report.target, origin).await;
        report.checks.push(check);
    }

    async fn look_at_silence(&self, asker: &Asker, report: &mut Report, answer: &Whole, flows: bool) {
        let watch = self.idle.unwrap_or_else(|| quiet::default_watch(heartbeat(&answer.body)));
        if watch.is_zero() {
            report.checks.push(Check::unknown("idle", "a quiet stream was not watched, by --idle 0s"));
            return;
        }
        self.say(&format!("whether a silence is cut, for {} s", watch.as_secs()));
        let target = report.target.clone();
        let flow = if flows {
            held::open(asker, &held::question(&target)).await
        } else {
            held::Opened::Held(held::Head::Missing)
        };
        report.checks.push(match flow {
            held::Opened::Flows { flow, .. } => quiet::look(asker, &target, *flow, watch).await,
            held::Opened::Held(_) => quiet::look_at_long_poll(asker, &target, watch).await,
            held::Opened::Refused(words) | held::Opened::Broke(words) => Check::unknown("idle", words),
            held::Opened::SentAway(by) => Check::unknown("idle", by.words()),
        });
    }

    fn say(&self, what: &str) {
        (self.progress)(what);
    }
}

/// A note if the clocks of this machine and of the hub differ, by the `Date` of the answer. Not every server has one.
fn clock(answer: &Whole) -> Option<Check> {
    let date = httpdate::parse_http_date(&answer.header("date")?).ok()?;
    let now = SystemTime::now();
    let skew = now.duration_since(date).or_else(|_| date.duration_since(now)).ok()?;
    if skew <= DOCTOR_CLOCK_SKEW_MAX {
        return None;
    }
    let words = format!(
        "the clock of the server and that of this machine differ by {} s: tokens may be refused",
        skew.as_secs()
    );
    Some(Check::note("clock", words))
}

/// What time ran out for.
pub(super) fn out_of_time(wait: Duration) -> Check {
    Check::unknown("time", format!("{} s were over before all was looked at", wait.as_secs()))
}
