//! Models of single flight, which run the real code in every order that its threads allow, see
//! [`crate::sync::explore`].
//!
//! A model fails if an order leaves a request waiting forever. Every model ends in [`Run::end`], which shows
//! that each slot is free again and the supervisor has ended. A request cannot be answered twice, because
//! answering consumes its sender.
//!
//! Loom supports five threads, including the model's own and threads that have ended. A model that needs them
//! for requests runs the supervisor itself. Loom's condition variables do not time out, so models expire
//! deadlines by hand. The channels to the requests are not loom's: they never block, and loom's `block_on`
//! waits for their answers.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use ::loom::future::block_on;
use ::loom::lazy_static;
use ::loom::sync::atomic::{AtomicBool as ModelBool, AtomicUsize as ModelUsize};
use ::loom::thread::{self, JoinHandle};
use memory_debug_core::{Collected, MemoryReport, Page, Scope, TypesView};
use serde_json::json;

use super::alarms::{Permit, Wait};
use super::*;
use crate::auth::Credentials;
use crate::auth::authenticate;
use crate::reply::Format;
use crate::sync::explore;

/// Makes numbered reports, and notices collections that run at the same time.
struct Numbered {
    begun: ModelUsize,
    running: [ModelUsize; 2],
    overlapped: Arc<AtomicBool>,
    /// Whether the first collection panics.
    panics: bool,
}

impl Collect for Numbered {
    fn collect(&self, scope: Scope) -> Collected {
        let running = &self.running[usize::from(scope == Scope::Stats)];
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        // Recorded instead of asserted: a panic here would count as a panic of the collector.
        if running.fetch_add(1, Ordering::SeqCst) > 0 {
            self.overlapped.store(true, Ordering::SeqCst);
        }
        running.fetch_sub(1, Ordering::SeqCst);
        if self.panics && number == 1 {
            // Like `panic!`, but without a message for each order.
            resume_unwind(Box::new(()));
        }
        serde_json::from_value::<MemoryReport>(json!({
            "schema": "memory-debug/v1", "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
            "collected_at": format!("report {number}"), "duration_us": 0, "unavailable": {},
        }))
        .unwrap()
        .into()
    }
}

/// One order of a model.
#[derive(Clone)]
struct Run {
    flights: Arc<Flights>,
    proof: Authorized,
    overlapped: Arc<AtomicBool>,
}

impl Run {
    fn new() -> Self {
        Self::with(false, Limits::default().cache_stats_for(Duration::ZERO), spawn)
    }

    fn with(panics: bool, limits: Limits, spawn: Spawn) -> Self {
        let overlapped = Arc::<AtomicBool>::default();
        let collect = Numbered {
            begun: ModelUsize::new(0),
            running: [ModelUsize::new(0), ModelUsize::new(0)],
            overlapped: Arc::clone(&overlapped),
            panics,
        };
        let proof = proof_of("ops", b"Basic b3BzOng=");
        Self { flights: Arc::new(Flights::with_spawn(Arc::new(collect), limits, spawn)), proof, overlapped }
    }

    /// Makes the calling thread the supervisor, from its call of [`Run::supervise`] on.
    fn supervised_by_caller(self) -> Self {
        self.flights.shared().lock().supervised = true;
        self
    }

    fn supervise(&self) {
        supervisor::supervise(self.flights.shared());
    }

    fn join(&self, page: Page) -> Result<Waiting, Problem> {
        let view = RenderRequest::of_report(page, TypesView::default(), Format::Text);
        self.flights.join(view, &self.proof)
    }

    /// Makes a request and waits for its answer.
    fn request(&self, page: Page) -> Result<String, Problem> {
        self.join(page).and_then(answer)
    }

    /// Makes a request on another thread.
    fn other_request(&self) -> JoinHandle<Result<String, Problem>> {
        let run = self.clone();
        thread::spawn(move || run.request(Page::Stats))
    }

    /// Waits until no collection runs and no thread is left.
    fn end(self) {
        self.flights.wait_until_idle();
        assert!(!self.overlapped.load(Ordering::SeqCst), "two collections at once");
    }
}

fn proof_of(login: &str, header: &[u8]) -> Authorized {
    authenticate(&Credentials::allow_weak(login, "x").unwrap(), [header]).unwrap()
}

/// Waits for the answer.
fn answer(waiting: Waiting) -> Result<String, Problem> {
    let page = block_on(waiting)?;
    Ok(String::from_utf8(page.body.into()).unwrap())
}

/// Starts a thread with more stack than loom's default, because rendering needs it.
fn spawn(work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    thread::Builder::new().stack_size(1 << 14).spawn(work).map(drop)
}

fn no_thread(_work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}

lazy_static! {
    static ref HAS_FAILED: ModelBool = ModelBool::new(false);
}

fn no_first_thread(work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    if HAS_FAILED.swap(true, Ordering::SeqCst) { spawn(work) } else { no_thread(work) }
}

#[test]
fn s40_three_requests_never_collect_twice_at_once_and_all_get_a_report() {
    explore(|| {
        let run = Run::new().supervised_by_caller();
        let other = run.other_request();
        let [first, second] = [run.join(Page::Stats), run.join(Page::Stats)].map(Result::unwrap);
        assert!(answer(first).unwrap().contains("report "));
        assert!(answer(second).unwrap().contains("report "));
        assert!(other.join().unwrap().unwrap().contains("report "));
        run.supervise();
        run.end();
    });
}

#[test]
fn s40_a_request_can_arrive_while_the_supervisor_ends() {
    explore(|| {
        let run = Run::new().supervised_by_caller();
        let other = run.other_request();
        let first = run.join(Page::Stats).unwrap();
        run.supervise();
        assert!(answer(first).is_ok());
        assert!(other.join().unwrap().is_ok());
        run.end();
    });
}

#[test]
fn s40_both_kinds_share_a_supervisor() {
    explore(|| {
        let run = Run::new();
        let [stats, types] = [Page::Stats, Page::Types].map(|page| run.join(page).unwrap());
        assert!(answer(stats).is_ok());
        assert!(answer(types).is_ok());
        run.end();
    });
}

#[test]
fn s41_a_request_that_goes_away_at_any_moment_changes_nothing_for_others() {
    explore(|| {
        let run = Run::new().supervised_by_caller();
        let other = run.other_request();
        let moment = ModelBool::new(false);
        let goes_away = run.join(Page::Stats).unwrap();
        moment.store(true, Ordering::SeqCst);
        drop(goes_away);
        assert!(run.request(Page::Stats).is_ok());
        assert!(other.join().unwrap().is_ok());
        run.supervise();
        run.end();
    });
}

#[test]
fn s41_s45_a_request_that_has_gone_makes_room_and_a_refused_one_is_answered() {
    explore(|| {
        let limits = Limits::default().cache_stats_for(Duration::ZERO).max_waiters(1);
        let run = Run::with(false, limits, spawn).supervised_by_caller();
        let other = run.other_request();
        let goes_away = run.join(Page::Stats);
        drop(goes_away);
        let outcome = other.join().unwrap();
        assert!(outcome.is_ok() || outcome == Err(Problem::TooManyWaiters), "{outcome:?}");
        assert!(run.request(Page::Stats).is_ok(), "all other requests have gone");
        run.supervise();
        run.end();
    });
}

#[test]
fn s45_a_request_that_is_displaced_at_any_moment_is_answered_and_so_is_the_other_login() {
    explore(|| {
        let limits = Limits::default().cache_stats_for(Duration::ZERO).max_waiters(2);
        let run = Run::with(false, limits, spawn).supervised_by_caller();
        let other = Run { proof: proof_of("me", b"Basic bWU6eA=="), ..run.clone() }.other_request();
        let two = [run.join(Page::Stats), run.join(Page::Stats)];
        let outcomes = two.map(|joined| joined.and_then(answer));
        assert!(
            outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == Err(Problem::TooManyWaiters)),
            "{outcomes:?}"
        );
        assert!(outcomes.iter().any(Result::is_ok), "{outcomes:?}");
        assert!(other.join().unwrap().is_ok());
        run.supervise();
        run.end();
    });
}

#[test]
fn s47_after_a_panic_all_requests_are_answered_and_the_next_one_gets_a_report() {
    explore(|| {
        let limits = Limits::default().cache_stats_for(Duration::ZERO);
        let run = Run::with(true, limits, spawn).supervised_by_caller();
        let other = run.other_request();
        let outcomes = [run.request(Page::Stats), other.join().unwrap()];
        assert!(outcomes.contains(&Err(Problem::CollectorPanicked)), "{outcomes:?}");
        assert!(
            outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == Err(Problem::CollectorPanicked)),
            "{outcomes:?}"
        );
        assert!(run.request(Page::Stats).is_ok());
        run.supervise();
        run.end();
    });
}

#[test]
fn s42_without_threads_all_requests_are_answered_and_the_supervisor_ends() {
    explore(|| {
        let run = Run::with(false, Limits::default(), no_thread);
        let other = run.other_request();
        assert_eq!(run.request(Page::Stats), Err(Problem::NoThread));
        assert_eq!(other.join().unwrap(), Err(Problem::NoThread));
        run.end();
    });
}

#[test]
fn s42_once_threads_are_available_again_requests_get_reports() {
    explore(|| {
        let run = Run::with(false, Limits::default().cache_stats_for(Duration::ZERO), no_first_thread);
        let other = run.other_request();
        let outcomes = [run.request(Page::Stats), other.join().unwrap()];
        assert!(outcomes.contains(&Err(Problem::NoThread)), "{outcomes:?}");
        assert!(
            outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == Err(Problem::NoThread)),
            "{outcomes:?}"
        );
        run.end();
    });
}

#[test]
fn s43_after_a_deadline_at_any_moment_the_next_request_gets_a_report() {
    explore(|| {
        let run = Run::new();
        let first = run.join(Page::Stats).unwrap();
        run.flights.pass_deadline();
        let outcome = answer(first);
        assert!(outcome.is_ok() || matches!(outcome, Err(Problem::DeadlineExceeded { .. })), "{outcome:?}");
        run.flights.wait_until_idle();
        assert!(run.request(Page::Stats).is_ok());
        run.end();
    });
}

#[test]
fn s43_requests_around_a_deadline_are_all_answered() {
    explore(|| {
        let run = Run::new().supervised_by_caller();
        let other = run.other_request();
        let first = run.join(Page::Stats).unwrap();
        run.flights.pass_deadline();
        run.supervise();
        let outcomes = [answer(first), other.join().unwrap()];
        for outcome in &outcomes {
            let is_late =
                matches!(outcome, Err(Problem::DeadlineExceeded { .. } | Problem::CollectorOverdue { .. }));
            assert!(outcome.is_ok() || is_late, "{outcome:?}");
        }
        run.end();
    });
}

/// A time long after the end of any model.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(60 * 60)
}

#[test]
fn s41_an_abandoned_growth_leaves_no_supervisor() {
    explore(|| {
        let run = Run::new();
        let permit = Permit::take(run.flights.shared(), Wait::Growth, &run.proof).unwrap();
        let mut wait = Box::pin(permit.wait_until(far()));
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(wait);
        drop(permit);
        run.end();
    });
}

#[test]
fn s40_growths_and_a_collection_share_a_supervisor() {
    explore(|| {
        let run = Run::new();
        let [one, other] =
            [(); 2].map(|()| Permit::take(run.flights.shared(), Wait::Growth, &run.proof).unwrap());
        let mut waits = [&one, &other].map(|permit| Box::pin(permit.wait_until(far())));
        for wait in &mut waits {
            assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        let page = run.join(Page::Stats).unwrap();
        run.flights.pass_waits();
        waits.into_iter().for_each(|wait| assert_eq!(block_on(wait), Ok(())));
        assert!(answer(page).is_ok());
        drop((one, other));
        run.end();
    });
}

/// Waits until the time limit of a body is over.
fn over(mut body: BodyTime) {
    block_on(std::future::poll_fn(|context| body.poll_over(context)));
}

#[test]
fn s26_a_body_timeout_at_any_moment_is_reported_and_the_supervisor_ends() {
    explore(|| {
        let run = Run::new();
        let body = run.flights.await_body(&run.proof).unwrap();
        run.flights.pass_deadline();
        over(body);
        run.end();
    });
}

#[test]
fn s26_a_body_that_goes_away_at_any_moment_changes_nothing_for_others() {
    explore(|| {
        let run = Run::new().supervised_by_caller();
        let other = run.clone();
        let goes_away = thread::spawn(move || drop(other.flights.await_body(&other.proof).unwrap()));
        let body = run.flights.await_body(&run.proof).unwrap();
        let first = run.join(Page::Stats).unwrap();
        drop(body);
        assert!(answer(first).is_ok());
        run.supervise();
        goes_away.join().unwrap();
        run.end();
    });
}
