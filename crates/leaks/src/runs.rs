//! Sorts snapshots into runs that can be compared, and chooses which runs to judge.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_report::{Error, ErrorKind, SampleOrigin, Snapshot};

use crate::by_survival::are_recorded;
use crate::verdict::LeftOut;

/// Fewest snapshots that a verdict by growth needs.
pub(crate) const MIN_SNAPSHOTS: usize = 3;

/// Fewest snapshots that a verdict by survival needs.
const MIN_RECORDED: usize = 2;

/// Comparable snapshots, the oldest first, each with the time from it to the newest of all snapshots.
pub(crate) type Run<'s> = Vec<(Duration, &'s Snapshot)>;

/// The runs that a verdict is made of.
#[derive(Debug)]
pub(crate) struct Runs<'s> {
    pub(crate) longest: Run<'s>,
    /// The newest run, if it is not the longest.
    pub(crate) newest: Option<Run<'s>>,
    pub(crate) left_out: Vec<LeftOut>,
}

/// Chooses the longest run of comparable snapshots, and the newest.
///
/// # Errors
///
/// If no run has three snapshots, or two that know when their memory was allocated. The text says why, and what to do.
pub(crate) fn select(snapshots: &[Arc<Snapshot>]) -> Result<Runs<'_>, Error> {
    let last = snapshots.last().ok_or_else(|| {
        let message = "there are no snapshots yet; take two, some time apart (three if no ages are recorded)";
        Error::new(ErrorKind::NotComparable, message)
    })?;
    let mut left_out = Vec::new();
    let mut runs = runs(snapshots, last, &mut left_out);
    // Among runs of equal length, this finds the last run, which is the newest.
    let longest = runs.iter().filter(|(_, run)| is_enough(run)).max_by_key(|(_, run)| run.len());
    let Some(key) = longest.map(|(key, _)| *key) else {
        return Err(Error::new(ErrorKind::NotComparable, too_few(&runs, snapshots, last)));
    };
    let longest = runs.remove(&key).unwrap_or_default();
    let newest = runs.iter().rfind(|(other, run)| **other > key && is_enough(run)).map(|(key, _)| *key);
    let newest = newest.and_then(|key| runs.remove(&key));
    for run in runs.into_values() {
        leave_out(&mut left_out, run.iter().map(|(_, snapshot)| *snapshot), unjudged(&run));
    }
    Ok(Runs { longest, newest, left_out })
}

/// Whether a run has enough snapshots to judge.
fn is_enough(run: &Run<'_>) -> bool {
    run.len() >= MIN_SNAPSHOTS || run.len() >= MIN_RECORDED && are_recorded(run)
}

/// Generation and number of pauses of the samples. Later samples have a greater key.
type Key = (u64, u64);

fn key(samples: &SampleOrigin) -> Key {
    (samples.generation, samples.pauses)
}

fn runs<'s>(
    snapshots: &'s [Arc<Snapshot>],
    last: &Snapshot,
    left_out: &mut Vec<LeftOut>,
) -> BTreeMap<Key, Run<'s>> {
    let mut runs = BTreeMap::<Key, Run<'s>>::new();
    let mut of_others = Vec::new();
    let mut of_unknown = Vec::new();
    let mut after_last = Vec::new();
    for snapshot in snapshots.iter().map(|snapshot| &**snapshot) {
        let samples = snapshot.info().samples.as_ref();
        match (snapshot.age_at(last), samples) {
            _ if snapshot.info().instance.id != last.info().instance.id => of_others.push(snapshot),
            (None, _) => after_last.push(snapshot),
            (_, None) => of_unknown.push(snapshot),
            (Some(before_last), Some(samples)) => {
                runs.entry(key(samples)).or_default().push((before_last, snapshot));
            }
        }
    }
    leave_out(left_out, of_others, "from another process");
    leave_out(left_out, of_unknown, "the start of their samples is not recorded");
    leave_out(left_out, after_last, "dated after the newest one, because the clock was set meanwhile");
    for run in runs.values_mut() {
        run.sort_by(|(a, _), (b, _)| b.cmp(a));
        let mut before = None;
        let is_again = |(age, _): &(Duration, &Snapshot)| before.replace(*age) == Some(*age);
        let (again, first): (Vec<_>, Run<'_>) = std::mem::take(run).into_iter().partition(is_again);
        *run = first;
        leave_out(
            left_out,
            again.into_iter().map(|(_, snapshot)| snapshot),
            "taken at the same time as another",
        );
    }
    runs
}

fn leave_out<'s>(
    left_out: &mut Vec<LeftOut>,
    snapshots: impl IntoIterator<Item = &'s Snapshot>,
    reason: impl Into<String>,
) {
    let snapshots: Vec<_> = snapshots.into_iter().map(|snapshot| snapshot.info().clone()).collect();
    if !snapshots.is_empty() {
        left_out.push(LeftOut { snapshots, reason: reason.into() });
    }
}

/// The reason why a run is not judged.
fn unjudged(run: &Run<'_>) -> String {
    let samples = run.last().and_then(|(_, snapshot)| snapshot.info().samples.as_ref());
    let since = samples.map(|samples| format!(", since {}", samples.complete_since())).unwrap_or_default();
    if !is_enough(run) {
        let needed = if are_recorded(run) { MIN_RECORDED } else { MIN_SNAPSHOTS };
        format!("different samples{since}; judging them needs {needed} snapshots")
    } else {
        format!("different samples{since}; a longer or newer run was judged instead")
    }
}

fn too_few(runs: &BTreeMap<Key, Run<'_>>, snapshots: &[Arc<Snapshot>], last: &Snapshot) -> String {
    let is_ours = |snapshot: &&Arc<Snapshot>| snapshot.info().instance.id == last.info().instance.id;
    let unknown =
        snapshots.iter().filter(is_ours).filter(|snapshot| snapshot.info().samples.is_none()).count();
    let known: usize = runs.values().map(Vec::len).sum();
    let all = known + unknown;
    let newest = runs.values().next_back();
    let needed = if newest.is_some_and(|run| are_recorded(run)) { MIN_RECORDED } else { MIN_SNAPSHOTS };
    let advice = format!("take {needed} some time apart, and do not change sampling meanwhile");
    if unknown > 0 {
        return format!(
            "{all} snapshots of this process were found, but for {unknown} of them the start of the samples is not \
             recorded, and {needed} with the same samples are needed; {advice}"
        );
    }
    if runs.len() == 1 {
        return format!(
            "{all} snapshots of this process were found, but {needed} from different times are needed to tell \
             growth from chance; take more, some time apart"
        );
    }
    let most = runs.values().map(Vec::len).max().unwrap_or_default();
    let since = newest.and_then(|run| run.last()).and_then(|(_, snapshot)| snapshot.info().samples.as_ref());
    let since = since.map(|samples| format!(", last at {}", samples.complete_since())).unwrap_or_default();
    format!(
        "{all} snapshots of this process were found, but {needed} with the same samples are needed, and at most \
         {most} have them; samples were discarded or paused in between{since}; {advice}"
    )
}
