//! The work queue: background tasks count the words of texts, and results are kept for a while.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use memory_debug_endpoint::exports::monitor;
use memory_debug_endpoint::exports::tracer::{Call, TraceExt};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::feed::Feed;

/// The maximum number of waiting jobs. Further jobs are refused.
const QUEUE: usize = 1024;

/// The number of tasks that process jobs.
const WORKERS: usize = 2;

/// How long a result is kept.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// The number of occurrences of each word.
type Words = BTreeMap<String, u64>;

/// Accepts jobs and knows their progress.
#[derive(Debug)]
pub struct Jobs {
    queue: Sender<Job>,
    last_id: AtomicU64,
    results: Arc<Results>,
}

#[derive(Debug)]
struct Job {
    id: u64,
    text: String,
    /// The job, below the request that submitted it.
    call: Call,
}

/// The progress of each job, by id. It is separate from [`Jobs`], because workers that held `Jobs` would keep
/// their own queue open.
#[derive(Debug, Default)]
struct Results {
    progress: Mutex<BTreeMap<u64, Progress>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Progress {
    Queued,
    Done { at: Instant, words: Words },
}

impl Jobs {
    /// Makes an empty queue and starts its workers, which report each result to `feed` and end with the
    /// queue. Needs a runtime.
    pub(crate) fn start(feed: &Arc<Feed>) -> Self {
        let (queue, waiting) = channel(QUEUE);
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        let results = Arc::default();
        for _ in 0..WORKERS {
            let work = work(Arc::clone(&waiting), Arc::clone(&results), Arc::clone(feed));
            monitor::spawn("job worker", work.traced("job worker"));
        }
        Self { queue, last_id: AtomicU64::new(0), results }
    }

    /// Queues a job, or returns `None` if the queue is full.
    pub fn submit(&self, text: String) -> Option<Status> {
        let place = self.queue.try_reserve().ok()?;
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        self.results.progress().insert(id, Progress::Queued);
        place.send(Job { id, text, call: Call::begin("job") });
        Some(Status { id, state: "queued", words: None })
    }

    /// The progress of the job `id`.
    pub fn status(&self, id: u64) -> Option<Status> {
        let progress = self.results.progress().get(&id).cloned()?;
        Some(match progress {
            Progress::Queued => Status { id, state: "queued", words: None },
            Progress::Done { words, .. } => Status { id, state: "done", words: Some(words) },
        })
    }
}

impl Results {
    /// Stores the result of a job and drops results that are too old at `at`.
    fn finish(&self, id: u64, at: Instant, words: Words) {
        let mut progress = self.progress();
        progress.insert(id, Progress::Done { at, words });
        // Jobs finish nearly in the order of their ids, so the oldest come first.
        while let Some(first) = progress.first_entry()
            && matches!(first.get(), Progress::Done { at: then, .. } if at.duration_since(*then) > MAX_AGE)
        {
            first.remove();
        }
    }

    fn progress(&self) -> MutexGuard<'_, BTreeMap<u64, Progress>> {
        self.progress.lock().expect("nothing panics while it holds the lock")
    }
}

/// Processes jobs until the queue is closed.
async fn work(waiting: Arc<tokio::sync::Mutex<Receiver<Job>>>, results: Arc<Results>, feed: Arc<Feed>) {
    loop {
        // A separate statement, so that the lock is released before the work begins.
        let job = waiting.lock().await.recv().await;
        let Some(Job { id, text, mut call }) = job else { return };
        let words = {
            let _entered = call.enter();
            count_words(&text)
        };
        call.complete();
        let message = format!("job {id} found {} words", words.len());
        results.finish(id, Instant::now(), words);
        feed.publish("job", message);
    }
}

fn count_words(text: &str) -> Words {
    let mut words = Words::new();
    for word in text.split_whitespace() {
        *words.entry(word.to_lowercase()).or_default() += 1;
    }
    words
}

/// The body of `POST /jobs`.
#[derive(Debug, Deserialize)]
pub struct NewJob {
    /// The words to count.
    pub text: String,
}

/// The body of replies about a job.
#[derive(Debug, Serialize)]
pub struct Status {
    /// The job's number, for `GET /jobs/{id}`.
    pub id: u64,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<Words>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_case_insensitively() {
        let words = count_words("The cat and the hat");
        assert_eq!(words["the"], 2);
        assert_eq!(words.len(), 4);
    }

    #[test]
    fn results_that_are_too_old_are_dropped_with_the_next_result() {
        let results = Results::default();
        let start = Instant::now();
        let kept = || results.progress().keys().copied().collect::<Vec<_>>();
        results.finish(1, start, Words::new());
        results.finish(2, start + Duration::from_secs(1), Words::new());
        results.finish(3, start + MAX_AGE, Words::new());
        assert_eq!(kept(), [1, 2, 3]);
        results.finish(4, start + MAX_AGE + Duration::from_millis(1), Words::new());
        assert_eq!(kept(), [2, 3, 4]);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_forgets_the_job() {
        let jobs = Jobs::start(&Arc::default());
        // The workers share this thread and do not run before the test awaits something.
        for _ in 0..QUEUE {
            assert!(jobs.submit(String::new()).is_some());
        }
        assert!(jobs.submit(String::new()).is_none());
        assert_eq!(jobs.results.progress().len(), QUEUE);
    }
}
