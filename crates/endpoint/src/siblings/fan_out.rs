//! Many asked at once, within one time for all.

use std::ffi::OsString;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Instant;

use memory_debug_core::{Fleet, MissingInstance, MissingReason, spawn_collecting};

use super::ask::Question;
use super::timed::left;

/// Most that are asked at once.
const AT_ONCE: usize = 8;

/// Asks all of `names`, and adds each answer as it comes, so that few are held at once.
///
/// # Errors
///
/// If there is not one thread to ask on.
pub(super) fn ask_all(
    names: Vec<OsString>,
    question: Question,
    end: Instant,
    fleet: &mut Fleet,
) -> io::Result<()> {
    let threads = names.len().clamp(1, AT_ONCE);
    let (queue, question) = (Arc::new(Mutex::new(names.into_iter())), Arc::new(question));
    let (sender, answers) = mpsc::sync_channel(0);
    let mut started = Ok(());
    for number in 0..threads {
        let (queue, question, sender) = (Arc::clone(&queue), Arc::clone(&question), sender.clone());
        let work = move || {
            // Not in the condition of the loop, where it would stay locked.
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some(name) = next() {
                let answer = match left(end) {
                    Some(_) => question.ask(&name, end),
                    None => Some(Err(not_asked(&name))),
                };
                if sender.send((name, answer)).is_err() {
                    return;
                }
            }
        };
        // With fewer threads it takes longer.
        if let Err(error) = spawn_collecting(work)
            && number == 0
        {
            started = Err(error);
            break;
        }
    }
    drop(sender);
    started?;
    for (name, answer) in answers {
        match answer {
            Some(Ok(report)) => fleet.add(name.to_string_lossy(), &report),
            Some(Err(missing)) => fleet.miss(missing),
            None => {}
        }
    }
    Ok(())
}

fn not_asked(name: &OsString) -> MissingInstance {
    let detail = "it was not asked: the others took all the time there is";
    MissingInstance::new(name.to_string_lossy(), MissingReason::Deadline, detail)
}
