//! The future of a known task.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Known;

pin_project! {
    /// A future that is one of the known tasks from when it is made until it is dropped. Made by [`task`].
    #[must_use = "futures do nothing unless polled"]
    pub struct TaskFuture<F> {
        // Before `known`, so that the task is known while its future is dropped.
        #[pin]
        future: F,
        known: Known,
    }
}

/// Makes a known task of a future, for executors and scopes that spawn it themselves. `spawn` (feature `tokio`) does
/// both.
///
/// The task's parent is the known task that calls this function.
#[track_caller]
pub fn task<F: Future>(name: impl Into<Cow<'static, str>>, future: F) -> TaskFuture<F> {
    TaskFuture { future, known: Known::new(name.into(), Location::caller()) }
}

/// Spawns a known task with `tokio::spawn`.
///
/// # Panics
///
/// If it is called from outside of a tokio runtime, as `tokio::spawn` does.
#[cfg(feature = "tokio")]
#[track_caller]
pub fn spawn<F>(name: impl Into<Cow<'static, str>>, future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(task(name, future))
}

impl<F: Future> Future for TaskFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let task = self.project();
        task.known.poll(|| task.future.poll(context))
    }
}

impl<F> fmt::Debug for TaskFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskFuture").field("name", &self.known.record.name).finish_non_exhaustive()
    }
}
