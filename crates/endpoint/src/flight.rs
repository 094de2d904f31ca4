//! Single flight: at most one collection of each kind runs at a time, however many requests ask.
//!
//! A request joins the running collection of its kind, or starts one on a new thread. That thread owns the
//! slot and the result, so a request that goes away changes nothing. Requests that arrive during rendering
//! wait for the next collection, which the same thread then makes.
//! Every report is therefore completed after the requests that it answers arrived. Only reused pages of statistics are
//! older.
//!
//! A second thread, the supervisor, enforces the deadline of collections and wakes the requests that wait for
//! growth. Both threads end when there is nothing left to do.

mod alarms;
mod board;
mod bodies;
mod breaker;
mod growth;
mod recent_pages;
#[cfg(all(test, memory_debug_loom))]
mod models;
mod process;
mod share;
mod slot;
mod supervisor;
#[cfg(test)]
mod tests;
mod unread;
mod waiting;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, io};

use futures_channel::oneshot;
use memory_debug_core::{PerProcess, Snapshots, room_for_threads, spawn_collecting};
use memory_debug_fleet::Neighbours;

use self::board::Board;
pub(crate) use self::bodies::BodyTime;
pub(crate) use self::growth::Growth;
pub(crate) use self::process::ServiceName;
use self::slot::{End, Group, Joined, NextPage, Waiter};
use self::unread::Unread;
use self::waiting::Entry;
pub(crate) use self::waiting::Waiting;
use crate::audit;
use crate::auth::Authorized;
use crate::collect::Collect;
use crate::limits::Limits;
use crate::reply::Problem;
use crate::reply::Reply;
use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::view::{Kind, MadeScan, Material, PendingPage, RenderRequest};

/// The reply, or the problem that prevented it.
pub(crate) type Answer = Result<Reply, Problem>;

/// The collections of one endpoint. A forked process starts without any, because it does not have the threads
/// that make them.
pub(crate) struct Flights(PerProcess<Arc<Shared>>);

struct Shared {
    collect: Arc<dyn Collect>,
    limits: Limits,
    spawn: Spawn,
    snapshots: Arc<Snapshots>,
    /// Outlives the other fields, because servers hold replies until their clients have read them.
    unread: Arc<Unread>,
    board: Mutex<Board>,
    /// Notified when a collection begins or ends, and when the supervisor ends.
    changed: Condvar,
}

/// Starts the collecting thread. It is a parameter because a test cannot exhaust the threads of the system.
type Spawn = fn(Box<dyn FnOnce() + Send>) -> io::Result<()>;

impl Flights {
    pub(crate) fn new(collect: Arc<dyn Collect>, limits: Limits) -> Self {
        Self::with_spawn(collect, limits, |work| spawn_collecting(work).map(drop))
    }

    fn with_spawn(collect: Arc<dyn Collect>, limits: Limits, spawn: Spawn) -> Self {
        Self(PerProcess::new(Arc::new(Shared::new(collect, limits, spawn))))
    }

    fn shared(&self) -> &Arc<Shared> {
        self.0.get(|pattern| {
            let Shared { collect, limits, spawn, .. } = &**pattern;
            Arc::new(Shared::new(Arc::clone(collect), limits.clone(), *spawn))
        })
    }

    /// Creates collections with the same collector and other limits.
    pub(crate) fn with_limits(&self, limits: Limits) -> Self {
        Self::new(Arc::clone(&self.0.pattern().collect), limits)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.pattern().limits
    }

    /// Waits for the next report of the kind that `view` needs.
    ///
    /// Holds the lock for a moment, and starts threads if no collection of this kind is running.
    ///
    /// # Errors
    ///
    /// If the last collection is overdue, too many collections in a row have failed, too many requests wait,
    /// or too many bytes of earlier replies are unread.
    pub(crate) fn join(&self, view: RenderRequest, proof: &Authorized) -> Result<Waiting, Problem> {
        self.join_with(view, None, proof)
    }

    /// Does the same as [`join`](Self::join), for a page that asks `neighbours`.
    pub(crate) fn join_with(
        &self,
        view: RenderRequest,
        neighbours: Option<Arc<dyn Neighbours>>,
        proof: &Authorized,
    ) -> Result<Waiting, Problem> {
        self.shared().join(view, neighbours, proof)
    }
}

#[cfg(test)]
impl Flights {
    /// Blocks until both threads have ended.
    pub(crate) fn wait_until_idle(&self) {
        let shared = self.shared();
        let mut board = shared.lock();
        while board.supervised || board.alarms.len() > 0 || !board.slots().all(|slot| slot.is_idle()) {
            board = shared.changed.wait(board).unwrap();
        }
    }

    /// Lets the deadlines of all running collections and all alarms expire.
    pub(crate) fn pass_deadline(&self) {
        let shared = self.shared();
        let mut board = shared.lock();
        board.slots().for_each(|slot| slot.expire_now(Instant::now()));
        board.alarms.expire_now(Instant::now());
        drop(board);
        shared.changed.notify_all();
    }

    /// Lets all alarms expire.
    fn pass_waits(&self) {
        let shared = self.shared();
        shared.lock().alarms.expire_now(Instant::now());
        shared.changed.notify_all();
    }

    fn waiting(&self) -> usize {
        self.shared().lock().slots().map(|slot| slot.waiting()).sum()
    }
}

/// Omits reports and requests.
impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("limits", self.limits()).finish_non_exhaustive()
    }
}

impl Shared {
    fn new(collect: Arc<dyn Collect>, limits: Limits, spawn: Spawn) -> Self {
        let (board, changed) = Default::default();
        let snapshots = limits.snapshots.store();
        let unread = Arc::new(Unread::new(limits.max_unread_bytes));
        Self { collect, limits, spawn, snapshots, unread, board, changed }
    }

    fn join(
        self: &Arc<Self>,
        view: RenderRequest,
        neighbours: Option<Arc<dyn Neighbours>>,
        proof: &Authorized,
    ) -> Result<Waiting, Problem> {
        let limits = &self.limits;
        let kind = view.kind;
        let (sender, receiver) = oneshot::channel();
        let mut board = self.lock();
        if let Some(page) = board.recent_stats.get(&view, Instant::now()) {
            // Cannot fail, because the receiver still exists.
            let _ = sender.send(Ok(page));
            return Ok(Waiting::new(receiver, None));
        }
        self.unread.check(proof, 0).or_else(|_| {
            // Pages that are kept for later requests may be what takes up the space.
            board.recent_stats.clear();
            self.unread.check(proof, 0)
        })?;
        let loser = board.make_room(limits.max_waiters, proof)?;
        board.latest += 1;
        let (number, login) = (board.latest, Arc::clone(proof.login()));
        let waiter = Waiter { number, login, sender, neighbours };
        let (joined, displaced) =
            board.slot(kind).join(view, waiter, proof, Instant::now(), kind.deadline(limits.deadline))?;
        // One displaced request is enough to make room.
        let left = loser.filter(|_| displaced.is_none()).and_then(|login| board.take_newest(&login));
        drop(board);
        answer_all(displaced.into_iter().collect(), &Problem::TooManyWaiters);
        if let Some((waiter, _view)) = left {
            waiter.answer(Err(Problem::TooManyWaiters));
        }
        if joined == Joined::First
            && let Err(no_thread) = self.start(kind)
        {
            let abandoned = self.lock().slot(kind).abandon();
            self.changed.notify_all();
            answer_all(abandoned, &Problem::no_thread(&no_thread));
        }
        Ok(Waiting::new(receiver, Some(Entry { shared: Arc::clone(self), kind, number })))
    }

    fn start(self: &Arc<Self>, kind: Kind) -> io::Result<()> {
        // Checked for both threads at once: the first thread does not use its memory yet when the second one
        // starts.
        room_for_threads(2)?;
        supervisor::ensure(self)?;
        let shared = Arc::clone(self);
        (self.spawn)(Box::new(move || shared.run_collections(kind)))
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work of the collecting thread: makes collections until no request waits.
    fn run_collections(self: &Arc<Self>, kind: Kind) {
        let scans = RefCell::new(Vec::new());
        loop {
            let begin = Instant::now();
            let known = scans.borrow().len();
            let result = catch_unwind(AssertUnwindSafe(|| self.collect_and_answer(kind, &scans)));
            // A scan also answers the requests that arrived while it ran, in the next run. Later requests get a new scan.
            scans.borrow_mut().drain(..known);
            let end = Instant::now();
            let how = result.unwrap_or(End::Panicked);
            let finished = self.lock().slot(kind).finish(how, end, kind.deadline(self.limits.deadline));
            self.changed.notify_all();
            // Only a panic leaves requests unanswered.
            answer_all(finished.unanswered, &Problem::CollectorPanicked);
            log_end(kind, outcome(how, finished.was_overdue), end - begin);
            if !finished.collects_again {
                return;
            }
        }
    }

    fn collect_and_answer(self: &Arc<Self>, kind: Kind, scans: &RefCell<Vec<MadeScan>>) -> End {
        let collected = match kind.scope() {
            Some(scope) => {
                if let Err(shortage) = self.collect.headroom(scope) {
                    let refused = self.lock().slot(kind).refuse();
                    if let Some(refused) = refused {
                        answer_all(refused, &Problem::InsufficientHeadroom(shortage));
                        return End::Refused;
                    }
                }
                Some(self.collect.collect(scope))
            }
            None => None,
        };
        self.lock().collected(kind, self.limits.cache_stats_for);
        let max_bytes = self.limits.max_body_bytes.min(self.limits.max_unread_bytes);
        let snapshots = &self.snapshots;
        let collect = &*self.collect;
        let deadline = self.limits.deadline;
        let fleets = &RefCell::default();
        let own = |request, proof: &Authorized| {
            let waiting = self.join(request, None, proof)?;
            Ok(Box::pin(waiting) as PendingPage)
        };
        // Groups stay on the board while they are rendered, so that the supervisor can still answer them.
        while let Some(NextPage { request: view, proof, neighbours }) = self.next_page(kind) {
            let material = Material {
                collected: collected.as_ref(),
                collect,
                snapshots,
                max_bytes,
                deadline,
                neighbours: neighbours.as_deref(),
                own: &own,
                fleets,
                scans,
            };
            let answer = self
                .check_headroom(&view)
                .and_then(|()| self.unread.check(&proof, 0))
                .and_then(|()| view.page.answer(&view, material, &proof))
                .and_then(|reply| self.count(reply, &proof));
            let groups = self.lock().take_groups(kind, &view, &answer);
            // Sending wakes tasks, which can run arbitrary code, so never send under the lock.
            groups.for_each(|group| group.answer(&answer));
        }
        End::Collected
    }

    /// Counts the bytes of the reply until it is dropped.
    fn count(&self, reply: Reply, proof: &Authorized) -> Answer {
        if self.unread.check(proof, reply.body.len()).is_err() {
            self.lock().recent_stats.clear();
        }
        self.unread.hold(reply, proof)
    }

    /// Checks that there is enough memory to write a page. Its sources are known only after the collection.
    fn check_headroom(&self, view: &RenderRequest) -> Result<(), Problem> {
        match view.page.work(&self.snapshots) {
            Some(work) if !view.force => {
                let body_bytes = u64::try_from(self.limits.max_body_bytes).unwrap_or(u64::MAX);
                self.collect.headroom_for(work, body_bytes).map_err(Problem::InsufficientHeadroom)
            }
            _ => Ok(()),
        }
    }

    fn next_page(&self, kind: Kind) -> Option<NextPage> {
        self.lock().slot(kind).next_page()
    }
}

fn outcome(end: End, was_overdue: bool) -> &'static str {
    match (end, was_overdue) {
        (End::Panicked, _) => "panicked",
        (End::Refused, _) => "insufficient-headroom",
        (End::Collected, true) => "late",
        (End::Collected, false) => "collected",
    }
}

/// Logs the end of a collection. Catches panics of subscribers, because a thread must free its slot before
/// it ends.
fn log_end(kind: Kind, outcome: &'static str, duration: Duration) {
    let _panic = catch_unwind(|| audit::collection(&format!("{kind:?}"), outcome, duration));
}

fn answer_all(groups: Vec<Group>, problem: &Problem) {
    for group in groups {
        group.answer(&Err(problem.clone()));
    }
}
