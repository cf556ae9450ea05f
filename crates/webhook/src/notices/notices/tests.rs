//! Sending, with a clock that stands still and a backend that is a list of answers.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tidings_core::contract::ManualClock;
use tidings_core::{ConnectionId, Selector, Selectors, Session};
use tidings_testkit::deadline::within;

use super::*;
use crate::settings::WebhookUrl;

/// A backend, and what it was sent and when.
struct Backend {
    began: Instant,
    /// What it answers in turn. Of the last one there is no end.
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<(Duration, Bytes)>>,
}

#[derive(Clone, Copy)]
enum Answer {
    Status(u16),
    Late,
    Never,
}

use Answer::{Late, Never, Status};

impl Backend {
    fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = Mutex::new(answers.into_iter().collect());
        Self { began: Instant::now(), answers, asked: Mutex::default() }
    }

    async fn post(&self, body: Bytes) -> Result<StatusCode, Fault> {
        self.asked.lock().unwrap().push((self.began.elapsed(), body));
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() }
        };
        match answer.unwrap() {
            Status(status) => Ok(StatusCode::from_u16(status).unwrap()),
            Late => Err(Fault::Late(Duration::from_secs(5))),
            Never => pending().await,
        }
    }

    fn times(&self) -> Vec<Duration> {
        self.asked.lock().unwrap().iter().map(|(at, _)| *at).collect()
    }

    fn bodies(&self) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }
}

fn notices() -> Notices {
    let mut settings = NoticeSettings::new(WebhookUrl::parse("http://a.example/?k=s3cret").unwrap());
    settings.debounce = Duration::from_secs(10);
    Notices::new(settings, ManualClock::at(0)).unwrap()
}

fn selectors() -> Selectors {
    Selectors::new([Selector::parse("orders/9").unwrap()]).unwrap()
}

/// The stream of a user begins.
fn join(notices: &Notices, number: usize) {
    tell(number, |who| notices.joined(who));
}

fn leave(notices: &Notices, number: usize) {
    tell(number, |who| notices.left(Attendee { ending: Some("client-gone"), ..who }));
}

fn tell(number: usize, tell: impl FnOnce(Attendee<'_>)) {
    let session = Arc::new(Session { user: Some(format!("u{number}").into()), ..Session::default() });
    let selectors = selectors();
    tell(Attendee {
        id: ConnectionId::new(number as u64),
        selectors: &selectors,
        session: &session,
        address: None,
        ending: None,
    });
}

/// Sends for so long.
async fn run(notices: &Notices, backend: &Backend, time: Duration) {
    let running = notices.run_by(|body| backend.post(body));
    let _ = timeout(time, running).await;
}

/// `connect u1`, and so on.
fn told(batch: &Value) -> Vec<String> {
    let notices = batch["notices"].as_array().unwrap().iter();
    notices
        .map(|notice| format!("{} {}", notice["event"].as_str().unwrap(), notice["user"].as_str().unwrap()))
        .collect()
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_batch_waits_a_second_for_others_and_an_end_for_its_debounce() {
    let (notices, backend) = (notices(), Backend::answering([Status(200)]));
    join(&notices, 1);
    let later = async {
        sleep(Duration::from_millis(900)).await;
        join(&notices, 2);
        sleep(Duration::from_millis(600)).await;
        leave(&notices, 1);
        join(&notices, 3);
        pending::<()>().await;
    };

    let _ = timeout(MINUTE, async { tokio::join!(notices.run_by(|body| backend.post(body)), later) }).await;

    let bodies = backend.bodies();
    assert_eq!(
        bodies.iter().map(told).collect::<Vec<_>>(),
        [vec!["connect u1", "connect u2"], vec!["connect u3"], vec!["disconnect u1"]]
    );
    let times: Vec<_> =
        backend.times().iter().map(Duration::as_secs_f64).map(|at| (at * 10.0).round()).collect();
    assert_eq!(times, [10.0, 25.0, 125.0]);
    assert_eq!((notices.metrics.sent.get(), notices.metrics.failed.get()), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_for_now_is_sent_again_with_the_same_bytes_for_as_long_as_it_takes() {
    for answer in
        [Late, Status(408), Status(425), Status(429), Status(500), Status(502), Status(503), Status(504)]
    {
        let (notices, backend) = (notices(), Backend::answering(vec![answer; 100]));
        join(&notices, 1);

        run(&notices, &backend, 60 * MINUTE).await;
        join(&notices, 2);
        backend.answers.lock().unwrap().clear();
        backend.answers.lock().unwrap().push_back(Status(204));
        run(&notices, &backend, 2 * MINUTE).await;

        let bodies = backend.bodies();
        let [all @ .., last] = &bodies[..] else { panic!() };
        assert!(all.len() > 60 && all.iter().all(|body| *body == all[0]), "{}", all.len());
        assert_eq!(
            (told(&all[0]), told(last)),
            (vec!["connect u1".to_owned()], vec!["connect u2".to_owned()])
        );
        let times = backend.times();
        let waits: Vec<_> = times.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(waits[0] <= SECOND && waits[1] <= 2 * SECOND && waits[2] <= 4 * SECOND, "{waits:?}");
        assert!(waits[..all.len() - 2].iter().all(|wait| *wait <= MINUTE + SECOND), "{waits:?}");
        assert!(waits[7..all.len() - 2].iter().all(|wait| *wait >= MINUTE / 2), "{waits:?}");
        assert_eq!(notices.metrics.dropped.get(), 0);
    }
}

/// A backend with another secret, or none at this path, refused the same batch once a minute for ever, and the hub kept what came
/// meanwhile for it.
#[tokio::test(start_paused = true)]
async fn what_a_backend_refuses_for_ten_minutes_is_left_out_and_it_is_told_when_it_takes_notices_again() {
    for status in [401, 403, 404, 405, 410, 301, 307, 501] {
        let (notices, backend) = (notices(), Backend::answering([Status(status)]));
        join(&notices, 1);

        run(&notices, &backend, 9 * MINUTE).await;
        join(&notices, 2);
        let (asked, waiting) = (backend.bodies(), notices.outbox().book.waiting());
        assert!(asked.len() > 8 && asked.iter().all(|body| *body == asked[0]), "{status}");
        assert_eq!((notices.metrics.dropped.get(), waiting), (0, 1), "{status}");

        run(&notices, &backend, 3 * MINUTE).await;
        assert_eq!((notices.metrics.dropped.get(), notices.outbox().book.waiting()), (2, 0), "{status}");

        // What comes later is tried once, and not kept.
        for number in 3..6 {
            join(&notices, number);
            run(&notices, &backend, 3 * MINUTE).await;
        }
        assert_eq!(notices.metrics.dropped.get(), 5, "{status}");
        let times = backend.times();
        let last = &times[times.len() - 3..];
        assert!(last.windows(2).all(|two| two[1] - two[0] >= MINUTE / 2), "{last:?}");

        *backend.answers.lock().unwrap() = [Status(200)].into();
        join(&notices, 6);
        run(&notices, &backend, 3 * MINUTE).await;
        let bodies = backend.bodies();
        let last = bodies.last().unwrap();
        assert_eq!((told(last), &last["dropped"]), (vec!["connect u6".to_owned()], &json!(5)), "{status}");
        assert_eq!(notices.metrics.sent.get(), 1, "{status}");
        // It begins anew.
        *backend.answers.lock().unwrap() = [Status(status)].into();
        join(&notices, 7);
        run(&notices, &backend, 5 * MINUTE).await;
        assert_eq!(notices.metrics.dropped.get(), 5, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_is_away_for_a_moment_has_ten_minutes_again() {
    let refused = [Status(403); 12];
    let answers = refused.iter().copied().chain([Status(503)]).chain(refused.iter().copied());
    let (notices, backend) = (notices(), Backend::answering(answers.chain([Status(200)])));
    join(&notices, 1);

    run(&notices, &backend, 40 * MINUTE).await;

    assert!(backend.times().last().unwrap() > &NOTICES_REFUSED_WAIT_MAX);
    assert_eq!((notices.metrics.sent.get(), notices.metrics.dropped.get()), (1, 0));
}

/// A batch that was refused took the number of those that were left out before it along.
#[tokio::test(start_paused = true)]
async fn a_batch_that_is_at_fault_is_left_out_at_once_and_the_next_one_says_how_many_in_all() {
    for status in [400, 413, 422] {
        let (notices, backend) =
            (notices(), Backend::answering([Status(status), Status(status), Status(200)]));
        notices.outbox().book.count_dropped(7);
        for number in 1..4 {
            join(&notices, number);
            run(&notices, &backend, 2 * SECOND).await;
        }

        let dropped: Vec<_> = backend.bodies().iter().map(|body| body["dropped"].clone()).collect();
        assert_eq!(dropped, [7, 8, 9], "{status}");
        let metrics = &notices.metrics;
        assert_eq!((metrics.sent.get(), metrics.failed.get(), metrics.dropped.get()), (1, 2, 2), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_being_sent_when_it_was_dropped_is_sent_again_and_at_the_end_the_rest() {
    let (notices, backend) = (notices(), Backend::answering([Never, Status(200)]));
    join(&notices, 1);
    run(&notices, &backend, 2 * SECOND).await;
    join(&notices, 2);
    leave(&notices, 1);

    within("the end", notices.flush_by(|body| backend.post(body))).await;

    let bodies = backend.bodies();
    assert_eq!(
        bodies.iter().map(told).collect::<Vec<_>>(),
        [vec!["connect u1"], vec!["connect u1"], vec!["connect u2", "disconnect u1"]]
    );
    assert_eq!((bodies[0] == bodies[1], notices.metrics.sent.get()), (true, 3));
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_three_seconds_for_a_backend_and_counts_what_is_left() {
    for answer in [Never, Status(403), Status(503)] {
        let (notices, backend) = (notices(), Backend::answering([answer]));
        join(&notices, 1);
        let began = Instant::now();

        notices.flush_by(|body| backend.post(body)).await;

        assert_eq!((began.elapsed(), notices.metrics.dropped.get()), (NOTICES_FLUSH_WAIT_MAX, 1));
    }
}

#[test]
fn a_batch_is_sent_again_after_a_wait_that_doubles_up_to_a_bound_less_a_random_part() {
    for (tries, most) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (100, 60), (u32::MAX, 60)] {
        let most = Duration::from_secs(most);
        let waits: Vec<_> = (0..100).map(|_| retry_wait(tries)).collect();

        assert!(waits.iter().all(|wait| most / 2 <= *wait && *wait <= most), "{tries}: {waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{tries}: {waits:?}");
    }
}
