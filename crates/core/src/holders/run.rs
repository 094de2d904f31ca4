//! Runs the scans of one call.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use memory_debug_holders::{SampledObject, ScanInput, ScanResult};

use super::finding::{Finding, Recorded};
use super::shared::{Running, own_memory};
use super::typed::{Compared, Types};
use crate::collect::{Collector, record_live_samples};
use crate::headroom::Work;
use crate::jemalloc;
use crate::priority::{lower_priority, thread_cpu_time};
use crate::samples;
use crate::scan::{ReadSoFar, Sampled, Scanner, overwrite_stack};
use crate::thread::scoped_collecting;

/// The most scans of a call. Memory that three scans do not reach counts as unreachable.
pub(super) const MOST_SCANS: u32 = 3;

/// Time between two scans, so that what moved during one scan has settled before the next.
const PAUSE: Duration = Duration::from_millis(700);

/// Scans until `deadline`, on a collecting thread of its own.
///
/// # Errors
///
/// If the process cannot be scanned. The message says why and what to do.
pub(super) fn run(
    collector: &Collector,
    scans: u32,
    deadline: Instant,
    running: &Running,
) -> Result<Finding, String> {
    jemalloc::global_allocator()?;
    record_live_samples().map_err(|error| error.to_string())?;
    let headroom = collector.headroom_for(Work::Holders, 0);
    if headroom.is_short() {
        return Err(format!("the scan was not started: {headroom}"));
    }
    let work = || {
        let found = scan(collector, scans, deadline, running);
        overwrite_stack();
        found
    };
    scoped_collecting(work).map_err(|error| error.to_string())?
}

fn scan(collector: &Collector, scans: u32, deadline: Instant, running: &Running) -> Result<Finding, String> {
    let done = Cell::new(0);
    let tell = |reached: ReadSoFar| running.tell(reached.read_bytes, reached.heap_bytes, done.get());
    let mut scanner = Scanner::new(deadline, &tell)?;
    scanner.leave_out(own_memory());
    let mut types = Types::new(collector);
    let first = samples::read_objects()?;
    // The profile is newer than these samples, so it has their stacks.
    let compared = types.compare(&first)?;
    drop(first);
    // A collection takes locks of the process in the kernel, so it has the usual priority.
    lower_priority();
    let mut made = Scans::default();
    while made.results.len() < scans as usize && made.ended_early.is_none() {
        if !made.results.is_empty() {
            thread::sleep(PAUSE.min(deadline.saturating_duration_since(Instant::now())));
        }
        if let Err(reason) = made.add(&mut scanner, &mut types, compared) {
            if made.results.is_empty() {
                return Err(reason);
            }
            made.too_few = Some(reason);
            break;
        }
        done.set(made.results.len() as u32);
        tell(ReadSoFar::default());
    }
    made.settle(scans);
    Ok(made.finish(compared, &scanner))
}

/// The scans that were made.
#[derive(Default)]
struct Scans {
    results: Vec<ScanResult>,
    inputs: Vec<ScanInput>,
    /// Why the last scan ended early.
    ended_early: Option<String>,
    /// Why there are fewer scans than wanted.
    too_few: Option<String>,
}

impl Scans {
    fn add(
        &mut self,
        scanner: &mut Scanner<'_>,
        types: &mut Types<'_>,
        compared: Compared,
    ) -> Result<(), String> {
        let status = samples::status()?;
        let samples = types.assign(samples::read_objects()?);
        let input = scanner.input(Sampled {
            types: types.names(),
            samples,
            sample_bytes: compared.sample_bytes,
            is_complete: compared.is_complete && status.dropped == 0,
        })?;
        let result = scanner.scan(&input);
        self.ended_early =
            scanner.ended().map(str::to_owned).or_else(|| result.coverage().ended_early.clone());
        if let swapped @ 1.. = scanner.swapped_bytes() {
            let reason = format!(
                "{swapped} bytes are swapped out and were left there, so pointers in them are not known; give the process \
                 more memory"
            );
            self.ended_early.get_or_insert(reason);
        }
        self.results.push(result);
        // Later steps need the samples only.
        self.inputs.push(ScanInput {
            roots: Vec::new(),
            mappings: Vec::new(),
            excluded: Vec::new(),
            ..input
        });
        Ok(())
    }

    /// Leaves out a scan that ended early if there is a whole one, and says that there are too few.
    fn settle(&mut self, wanted: u32) {
        if self.ended_early.is_some() && self.results.len() > 1 {
            self.results.pop();
            self.inputs.pop();
            self.too_few = self.ended_early.take();
        }
        if let Some(reason) = &self.too_few {
            let made = self.results.len();
            self.ended_early = Some(format!("only {made} of {wanted} scans are whole: {reason}"));
        }
    }

    fn finish(mut self, compared: Compared, scanner: &Scanner<'_>) -> Finding {
        let status = samples::status();
        let input = self.inputs.pop();
        let mut reasons = Vec::new();
        if compared.share.is_none() {
            reasons.push(("coverage.known_share", "the heap profile has no live samples yet".to_owned()));
        }
        if scanner.unknown_threads() > 0 {
            let threads = scanner.unknown_threads();
            let reason = format!(
                "thread-local variables of {threads} threads were not found, so what they hold may count \
                                  as held by a stack"
            );
            reasons.push(("thread_locals", reason));
        }
        let is_live = |object: &&SampledObject| samples::still_live(object.address, object.sample.sequence);
        let live = input.iter().flat_map(|input| input.samples.iter().filter(is_live));
        Finding {
            live: live.map(|object| object.sample.sequence).collect(),
            results: self.results,
            input,
            ended_early: self.ended_early,
            recorded: Recorded {
                since: status.as_ref().ok().map(|status| status.since.clone()),
                share: compared.share,
                dropped: status.map_or(0, |status| status.dropped),
            },
            cpu_us: thread_cpu_time().map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
            reasons,
        }
    }
}
