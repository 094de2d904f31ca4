//! The supervisor: a thread that answers requests after their deadline, and rings the alarms of requests that
//! wait for a body or for growth.
//!
//! It exists only while there is something to wait for. The collecting thread cannot be stopped, so its slot
//! stays taken until it returns.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use memory_debug_core::room_for_threads;

use super::{Shared, answer_all, log_end};
use crate::reply::Problem;
use crate::sync::thread;

/// Starts the supervisor unless it is running.
pub(super) fn ensure(shared: &Arc<Shared>) -> io::Result<()> {
    if std::mem::replace(&mut shared.lock().supervised, true) {
        // The supervisor may be waiting for a later deadline than the new one.
        shared.changed.notify_all();
        return Ok(());
    }
    let watched = Arc::clone(shared);
    let builder = thread::Builder::new().name("memory-deadline".to_owned());
    let spawned = room_for_threads(1).and_then(|()| builder.spawn(move || supervise(&watched)));
    spawned.map(drop).inspect_err(|_| shared.lock().supervised = false)
}

pub(super) fn supervise(shared: &Shared) {
    let mut board = shared.lock();
    loop {
        let now = Instant::now();
        let expired = board.expire(now);
        let due = board.alarms.take_due(now);
        if !expired.is_empty() || !due.is_empty() {
            drop(board);
            for ring in due {
                // Fails if the request has gone away, which is fine.
                let _ = ring.send(());
            }
            for (kind, groups) in expired {
                let deadline = kind.deadline(shared.limits.deadline);
                answer_all(groups, &Problem::DeadlineExceeded { deadline });
                log_end(kind, "deadline-exceeded", deadline);
            }
            board = shared.lock();
        } else if let Some(next) = board.next_event() {
            let wait = next.saturating_duration_since(now);
            board = shared.changed.wait_timeout(board, wait).unwrap_or_else(PoisonError::into_inner).0;
        } else {
            board.supervised = false;
            drop(board);
            shared.changed.notify_all();
            return;
        }
    }
}
