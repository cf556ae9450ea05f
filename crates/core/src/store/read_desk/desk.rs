//! Where readings are handed in, and the threads that give them their turns.
//!
//! A thread takes the reading whose turn it is, runs one slice of it, and hands it in again; it ends when none waits. A
//! reading whose caller has gone is dropped before its next slice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::available_parallelism;

use tokio::sync::oneshot;

use super::meter::Meter;
use super::turns::{Arrival, Begun, Next, Stage, Turns};
use crate::limits::{PAGES_BEGUN_MAX, READINGS_BEGUN_MAX, READINGS_MIN, SLICE_UNITS};
use crate::store::StoreError;

/// A reading that pauses where its meter says, and that ends with an answer.
pub type Search<A> = Pin<Box<dyn Future<Output = A> + Send>>;

/// How readings share the machine. The default is one thread for each core, and the bounds of `limits.rs`.
#[derive(Debug, Clone, Copy)]
pub struct Sharing {
    /// Readings that run at once.
    pub at_once: usize,
    /// Readings that may wait in the midst of their work.
    pub begun: Begun,
    /// The work of a slice.
    pub slice: u64,
}

impl Default for Sharing {
    fn default() -> Self {
        let at_once = available_parallelism().map_or(READINGS_MIN, |cores| cores.get().max(READINGS_MIN));
        let begun = Begun { readings_max: READINGS_BEGUN_MAX, pages_max: PAGES_BEGUN_MAX };
        Self { at_once, begun, slice: SLICE_UNITS }
    }
}

/// Takes readings in and runs them.
pub struct Desk<A> {
    state: Mutex<State<A>>,
    sharing: Sharing,
}

struct State<A> {
    turns: Turns<Job<A>>,
    threads: usize,
}

struct Job<A> {
    search: Search<A>,
    meter: Arc<Meter>,
    reply: oneshot::Sender<A>,
}

/// A reading that was handed in. Dropping it ends the reading.
pub struct HandedIn<A> {
    desk: Arc<Desk<A>>,
    arrival: Arrival,
    answer: oneshot::Receiver<A>,
}

/// The permission to give turns. There are as many as readings may run at once.
#[must_use]
pub struct Thread<A> {
    desk: Arc<Desk<A>>,
    is_counted: bool,
}

impl<A> Desk<A> {
    /// A desk at which nothing waits.
    pub fn new(sharing: Sharing) -> Arc<Self> {
        let state = State { turns: Turns::new(sharing.begun), threads: 0 };
        Arc::new(Self { state: Mutex::new(state), sharing })
    }

    /// What a reading answers that runs on threads which may block, slice by slice.
    ///
    /// Cancel safe: a call that is dropped ends the reading, with its slice if it is in one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if it has panicked, or if it looked for an id and had to end because too many had begun.
    pub async fn run(self: &Arc<Self>, search: Search<A>, meter: Arc<Meter>) -> Result<A, StoreError>
    where
        A: Send + 'static,
    {
        let (handed_in, thread) = self.hand_in(search, meter);
        if let Some(thread) = thread {
            // It ends when no reading waits, and each reading is waited for by its caller.
            drop(tokio::task::spawn_blocking(move || thread.run()));
        }
        let none = "a reading has ended without an answer: too many have begun, or it failed";
        handed_in.answer().await.ok_or_else(|| StoreError::Unavailable(none.into()))
    }

    /// As [`run`](Self::run), but the first slice is the caller's own: for readings that wait for nothing and are mostly
    /// small, for which a way to another thread and back would be most of their cost.
    ///
    /// # Errors
    ///
    /// As there; but a panic in the first slice is the caller's.
    pub async fn begin_and_run(
        self: &Arc<Self>,
        mut search: Search<A>,
        meter: Arc<Meter>,
    ) -> Result<A, StoreError>
    where
        A: Send + 'static,
    {
        meter.begin_slice(self.sharing.slice);
        let first = search.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        match first {
            Poll::Ready(answer) => Ok(answer),
            Poll::Pending => self.run(search, meter).await,
        }
    }

    /// Hands a reading in. If there is a [`Thread`] with it, the caller is to run it.
    pub fn hand_in(
        self: &Arc<Self>,
        search: Search<A>,
        meter: Arc<Meter>,
    ) -> (HandedIn<A>, Option<Thread<A>>) {
        let (reply, answer) = oneshot::channel();
        let progress = meter.progress();
        let mut state = self.lock();
        let arrival = state.turns.arrive(Job { search, meter, reply }, progress);
        let thread = (state.threads < self.sharing.at_once).then(|| {
            state.threads += 1;
            Thread { desk: self.clone(), is_counted: true }
        });
        (HandedIn { desk: self.clone(), arrival, answer }, thread)
    }

    fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A> HandedIn<A> {
    /// Waits for the answer; none if the reading has panicked, or if it looked for an id and too many had begun.
    pub async fn answer(mut self) -> Option<A> {
        (&mut self.answer).await.ok()
    }
}

impl<A> Drop for HandedIn<A> {
    fn drop(&mut self) {
        // First this, so that a thread which has the reading now does not hand it in again.
        self.answer.close();
        let left = self.desk.lock().turns.leave(self.arrival);
        // Outside the lock: it may be the last that holds the file of a segment.
        drop(left);
    }
}

impl<A> Thread<A> {
    /// Gives turns until no reading waits.
    pub fn run(mut self) {
        while let Some(next) = self.next() {
            let Next { arrival, reading: mut job, is_last } = next;
            if job.reply.is_closed() {
                continue;
            }
            if is_last {
                // Other readings must not make an event unknown that is held. Its caller is told to try again.
                if job.meter.progress().stage == Stage::IdSearch {
                    continue;
                }
                job.meter.end_budget();
            }
            job.meter.begin_slice(self.desk.sharing.slice);
            let mut context = Context::from_waker(Waker::noop());
            // A panic is a fault of this reading alone: it is dropped, its caller is told, and the others go on.
            match catch_unwind(AssertUnwindSafe(|| job.search.as_mut().poll(&mut context))) {
                Err(_) => {}
                // Fails if the caller has gone.
                Ok(Poll::Ready(answer)) => drop(job.reply.send(answer)),
                Ok(Poll::Pending) => {
                    let mut state = self.desk.lock();
                    if !job.reply.is_closed() {
                        let progress = job.meter.progress();
                        state.turns.wait(arrival, job, progress);
                    }
                }
            }
        }
    }

    /// The reading whose turn it is. If there is none, this thread counts no more: a reading that is handed in from now on
    /// comes with a thread of its own.
    fn next(&mut self) -> Option<Next<Job<A>>> {
        let mut state = self.desk.lock();
        let next = state.turns.next();
        if next.is_none() {
            state.threads -= 1;
            self.is_counted = false;
        }
        next
    }
}

impl<A> Drop for Thread<A> {
    fn drop(&mut self) {
        if !self.is_counted {
            return;
        }
        // It was never run, because the runtime ends. If there is no other, nobody would ever give the others a turn:
        // their callers are told.
        let mut state = self.desk.lock();
        state.threads -= 1;
        let left = (state.threads == 0).then(|| state.turns.clear());
        drop(state);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;

    use super::*;

    const SLICE: u64 = 10;

    /// The answer of every reading.
    #[derive(Debug, PartialEq, Eq)]
    struct Done;

    fn desk(at_once: usize) -> Arc<Desk<Done>> {
        Desk::new(Sharing { at_once, begun: Begun { readings_max: 3, pages_max: 3 }, slice: SLICE })
    }

    /// Which reading had a slice, in order.
    type Slices = Arc<Mutex<Vec<&'static str>>>;

    /// A reading of some slices; it ends earlier if its budget does.
    fn of_slices(name: &'static str, count: usize, slices: &Slices) -> (Search<Done>, Arc<Meter>) {
        let meter = Arc::new(Meter::new(u64::MAX));
        let (slices, own) = (slices.clone(), meter.clone());
        let search = async move {
            for slice in 1..=count {
                slices.lock().unwrap().push(name);
                if own.is_used_up() {
                    break;
                }
                own.spend(if slice == count { 1 } else { SLICE }).await;
            }
            Done
        };
        (Box::pin(search), meter)
    }

    fn hand_in(
        desk: &Arc<Desk<Done>>,
        (search, meter): (Search<Done>, Arc<Meter>),
    ) -> (HandedIn<Done>, Option<Thread<Done>>) {
        desk.hand_in(search, meter)
    }

    fn is_answered(handed_in: &mut HandedIn<Done>) -> bool {
        handed_in.answer.try_recv() == Ok(Done)
    }

    #[test]
    fn one_thread_runs_a_small_reading_before_the_large_ones_go_on() {
        let (desk, slices) = (desk(1), Slices::default());
        let (mut large, thread) = hand_in(&desk, of_slices("l", 3, &slices));
        let (mut other, none) = hand_in(&desk, of_slices("o", 3, &slices));
        let (mut small, _) = hand_in(&desk, of_slices("s", 1, &slices));
        assert!(none.is_none(), "no more threads than readings may run at once");

        thread.unwrap().run();

        assert_eq!(slices.lock().unwrap().concat(), "loslolo");
        assert!([&mut large, &mut other, &mut small].into_iter().all(is_answered));
        // The thread has ended, so that the next reading comes with one.
        assert!(hand_in(&desk, of_slices("n", 1, &slices)).1.is_some());
    }

    #[test]
    fn a_reading_whose_caller_has_gone_is_not_run() {
        let (desk, slices) = (desk(1), Slices::default());
        let (gone, thread) = hand_in(&desk, of_slices("g", 9, &slices));
        let (mut stays, _) = hand_in(&desk, of_slices("s", 2, &slices));

        drop(gone);
        thread.unwrap().run();

        assert_eq!(slices.lock().unwrap().concat(), "ss");
        assert!(is_answered(&mut stays));
    }

    #[test]
    fn what_a_reading_holds_is_dropped_with_its_caller() {
        let desk = desk(1);
        let held = Arc::new(());
        let holds = held.clone();
        let search = async move {
            pending::<()>().await;
            drop(holds);
            Done
        };
        let (gone, _thread) = desk.hand_in(Box::pin(search), Arc::new(Meter::new(1)));

        drop(gone);

        assert_eq!(Arc::strong_count(&held), 1, "no turn was needed for that");
    }

    #[test]
    fn a_reading_whose_caller_goes_during_a_slice_has_no_other_one() {
        let (desk, slices) = (desk(1), Slices::default());
        let held = Arc::new(Mutex::new(None::<HandedIn<Done>>));
        let (meter, own, ran) = (Arc::new(Meter::new(u64::MAX)), held.clone(), slices.clone());
        let meter_of_search = meter.clone();
        let search = async move {
            for _ in 0..9 {
                ran.lock().unwrap().push("g");
                drop(own.lock().unwrap().take());
                meter_of_search.spend(SLICE).await;
            }
            Done
        };
        let (gone, thread) = desk.hand_in(Box::pin(search), meter);
        *held.lock().unwrap() = Some(gone);

        thread.unwrap().run();

        assert_eq!(slices.lock().unwrap().concat(), "g");
    }

    #[test]
    fn a_reading_that_panics_takes_no_other_with_it() {
        let (desk, slices) = (desk(1), Slices::default());
        let (mut broken, thread) =
            desk.hand_in(Box::pin(async { panic!("a reading that panics") }), Arc::new(Meter::new(1)));
        let (mut other, _) = hand_in(&desk, of_slices("o", 2, &slices));

        thread.unwrap().run();

        assert!(broken.answer.try_recv().is_err());
        assert!(is_answered(&mut other));
    }

    #[test]
    fn the_reading_with_the_most_work_ends_when_too_many_have_begun() {
        let (desk, slices) = (desk(1), Slices::default());
        let (mut first, thread) = hand_in(&desk, of_slices("1", 99, &slices));
        let mut others: Vec<_> =
            ["2", "3", "4"].into_iter().map(|name| hand_in(&desk, of_slices(name, 3, &slices)).0).collect();

        thread.unwrap().run();

        // The oldest has its second slice in the fourth turn. Then all four have begun, one more than may wait.
        assert_eq!(slices.lock().unwrap()[..6].concat(), "123141");
        assert_eq!(slices.lock().unwrap().iter().filter(|name| **name == "1").count(), 3);
        assert!(is_answered(&mut first) && others.iter_mut().all(is_answered));
    }

    #[tokio::test]
    async fn a_reading_of_one_slice_is_answered_without_a_thread() {
        let (desk, slices) = (desk(1), Slices::default());
        let (search, meter) = of_slices("s", 1, &slices);

        let mut answer = pin!(desk.begin_and_run(search, meter));
        let first = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));

        assert!(matches!(first, Poll::Ready(Ok(Done))));
    }

    #[tokio::test]
    async fn a_reading_that_has_begun_elsewhere_waits_behind_those_with_less_work() {
        let (desk, slices) = (desk(1), Slices::default());
        let (mut new, thread) = hand_in(&desk, of_slices("n", 1, &slices));
        let (search, meter) = of_slices("b", 2, &slices);

        let mut begun = pin!(desk.begin_and_run(search, meter));
        let mut context = Context::from_waker(Waker::noop());
        assert!(begun.as_mut().poll(&mut context).is_pending());
        let (mut other, _) = hand_in(&desk, of_slices("o", 1, &slices));
        thread.unwrap().run();

        assert_eq!(slices.lock().unwrap().concat(), "bnob");
        assert!(is_answered(&mut new) && is_answered(&mut other));
        assert!(matches!(begun.await, Ok(Done)));
    }

    #[tokio::test]
    async fn a_reading_that_its_caller_has_begun_ends_with_its_caller() {
        let (desk, slices) = (desk(1), Slices::default());
        let (_stays, thread) = hand_in(&desk, of_slices("s", 1, &slices));
        let (search, meter) = of_slices("b", 9, &slices);

        let mut begun = Box::pin(desk.begin_and_run(search, meter));
        assert!(begun.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(begun);
        thread.unwrap().run();

        assert_eq!(slices.lock().unwrap().concat(), "bs");
    }

    #[test]
    fn callers_are_told_when_the_only_thread_never_runs() {
        let desk = desk(1);
        let (mut waits, thread) = desk.hand_in(Box::pin(pending()), Arc::new(Meter::new(1)));

        drop(thread);

        assert!(matches!(waits.answer.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
        assert!(hand_in(&desk, of_slices("n", 1, &Slices::default())).1.is_some());
    }
}
