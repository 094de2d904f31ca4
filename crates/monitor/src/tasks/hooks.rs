//! All tasks of a runtime, where tokio's unstable hooks are available.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use memory_debug_core::PerProcess;
use tokio::runtime::{Builder, TaskMeta};
use tokio::task::Id;

use super::{CURRENT, Known};

type Tasks = HashMap<Id, Arc<Known>>;

/// The tasks by their ids of tokio.
static TASKS: PerProcess<Mutex<Option<Tasks>>> = PerProcess::new(Mutex::new(None));

thread_local! {
    /// The task that this thread polls, and the known task around it.
    static POLLED: RefCell<Option<(Arc<Known>, u64)>> = const { RefCell::new(None) };
}

/// Makes all tasks of a runtime known. They have no names, but the places where they were spawned.
///
/// It sets `on_task_spawn`, `on_before_task_poll`, `on_after_task_poll` and `on_task_terminate`, which tokio has with
/// `--cfg tokio_unstable` only, and replaces hooks that were set before. Each poll takes a lock.
///
/// Do not use [`spawn`](super::spawn) on such a runtime: its tasks would be known twice.
pub fn hooks(builder: &mut Builder) -> &mut Builder {
    builder
        .on_task_spawn(|task| {
            let known = Arc::new(Known::new("task".into(), task.spawned_at()));
            with(|tasks| tasks.insert(task.id(), known));
        })
        .on_before_task_poll(begin)
        .on_after_task_poll(|_| end())
        .on_task_terminate(|task| {
            // Freed after the lock is.
            drop(with(|tasks| tasks.remove(&task.id())));
        })
}

fn begin(task: &TaskMeta<'_>) {
    let Some(known) = with(|tasks| tasks.get(&task.id()).cloned()) else { return };
    known.record.begin_poll();
    let outer = CURRENT.try_with(|current| current.replace(known.record.id)).unwrap_or(0);
    let _ = POLLED.try_with(|polled| polled.replace(Some((known, outer))));
}

fn end() {
    let Ok(Some((known, outer))) = POLLED.try_with(|polled| polled.take()) else { return };
    let _ = CURRENT.try_with(|current| current.set(outer));
    known.record.end_poll();
}

fn with<R>(change: impl FnOnce(&mut Tasks) -> R) -> R {
    let tasks = TASKS.get(|_| Mutex::new(None));
    change(tasks.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

#[cfg(test)]
mod tests {
    use memory_debug_core::{InstanceInfo, TaskRow, instance_id};

    use super::super::report;
    use super::*;

    #[test]
    fn m12_hooks_make_all_tasks_known_with_their_parents_until_they_end() {
        let mut builder = Builder::new_current_thread();
        let runtime = hooks(&mut builder).build().unwrap();
        let current = || report(InstanceInfo::new(instance_id(), 1), String::new(), None).tasks;
        let own = |tasks: Vec<TaskRow>| {
            let is_own = |task: &TaskRow| task.location.starts_with(file!());
            tasks.into_iter().filter(is_own).collect::<Vec<_>>()
        };
        runtime.block_on(async {
            let child = tokio::spawn(async { tokio::spawn(std::future::pending::<()>()) }).await.unwrap();
            let parent = tokio::spawn(async {
                let child = tokio::spawn(std::future::pending::<()>());
                tokio::task::yield_now().await;
                child.await
            });
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            let tasks = own(current());
            // The first child is a root, because its parent has ended.
            assert_eq!(tasks.iter().map(|task| task.depth).sum::<u64>(), 1, "{tasks:?}");
            assert_eq!(tasks.len(), 3, "{tasks:?}");
            assert!(tasks.iter().all(|task| task.polls >= 1));
            child.abort();
            parent.abort();
        });
        drop(runtime);
        assert!(own(current()).is_empty());
    }
}
