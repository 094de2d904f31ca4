//! Recording: since when, and what is live now.

mod birth;
#[allow(unsafe_code, reason = "jemalloc calls these functions, and passes a stack as a pointer")]
mod hooks;
#[allow(unsafe_code, reason = "advice about pages is a system call with a pointer")]
mod small_pages;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use memory_debug_holders::{Hidden, Span};
use memory_debug_profile::{LiveSample, LiveSamples, StackHash};
use memory_debug_report::__private::timestamp;

use super::label;
use super::live_stream::LiveStream;
use super::status::RecordingStatus;
use super::table::Entry;
use super::table::storage::{self, table};
use crate::fork::ForkSafe;
use crate::mallctl;

/// Why there are no live samples before recording begins.
const NOT_YET: &str = "live samples are not recorded yet; recording begins when a report is collected for the first time, \
                       or at the start with `live_samples_from_start()`";

/// Why there are no live samples after other code took the hooks.
const REPLACED: &str = "another part of the program has replaced jemalloc's hooks for samples \
                        (experimental.hooks.prof_sample), so live samples are no longer complete and are not shown; they \
                        are available again after a restart without that part";

static IS_RECORDING: AtomicBool = AtomicBool::new(false);
static STATE: ForkSafe<State> = ForkSafe::new(State { recording: None, is_replaced: false });

#[derive(Debug)]
struct State {
    recording: Option<Recording>,
    /// Other code has replaced the hooks. The table then has allocations whose end was not reported, so it is useless.
    is_replaced: bool,
}

/// A time in which all samples of jemalloc were recorded. It begins again when jemalloc discards its samples.
#[derive(Clone, Copy, Debug)]
struct Recording {
    instant: Instant,
    time: SystemTime,
    /// Entries up to this sequence are of the time before.
    after: u64,
    /// Counts of the time before.
    dropped: u64,
    orphan_frees: u64,
    /// jemalloc's rate. If it is another one, other code has discarded the samples.
    lg_sample: Option<usize>,
}

/// Whether live samples are recorded. Reads one word.
#[inline]
pub fn recording() -> bool {
    IS_RECORDING.load(Ordering::Relaxed)
}

/// Starts recording. Does nothing if it has been started.
///
/// # Errors
///
/// If the heap profiler was not enabled at start, or other code uses the hooks. The text says what to do.
pub fn install() -> Result<(), String> {
    if recording() {
        return Ok(());
    }
    let mut state = STATE.lock();
    if state.is_replaced {
        return Err(REPLACED.to_owned());
    }
    if state.recording.is_none() {
        // This comes first, so that no recorded allocation counts as one of the time before.
        let begin = Recording::begin();
        small_pages::request(&storage::spans());
        hooks::install()?;
        state.recording = Some(begin);
        IS_RECORDING.store(true, Ordering::Relaxed);
    }
    Ok(())
}

/// Forgets what was recorded, because jemalloc has discarded its samples. jemalloc still reports the end of each, so their
/// entries disappear one by one. Until then, readers leave them out.
pub(crate) fn discard() {
    if let Some(recording) = &mut STATE.lock().recording {
        *recording = Recording::begin();
    }
}

/// The live samples. Takes some microseconds and 56 bytes for each.
///
/// # Errors
///
/// If nothing is recorded. The text says why.
pub fn read() -> Result<LiveSamples, String> {
    let LiveStream { recorded, dropped, samples: stream } = stream()?;
    let mut samples = LiveSamples::default();
    samples.samples = stream.collect();
    (samples.recorded, samples.dropped) = (recorded, dropped);
    samples.labels = label::names();
    Ok(samples)
}

/// The live samples one by one, straight from the table. Takes no memory, so it works where none is left.
///
/// # Errors
///
/// As for [`read`].
pub fn stream() -> Result<LiveStream<impl Iterator<Item = LiveSample>>, String> {
    let recording = State::check()?;
    Ok(LiveStream {
        recorded: recording.instant.elapsed(),
        dropped: table().dropped().saturating_sub(recording.dropped),
        samples: entries(recording).map(|(_, sample)| sample),
    })
}

/// The live samples with their addresses, for a scan of the heap.
///
/// # Errors
///
/// As for [`read`].
pub fn read_objects() -> Result<Vec<(Hidden, LiveSample)>, String> {
    Ok(entries(State::check()?).map(|(address, sample)| (Hidden::new(address), sample)).collect())
}

/// Whether an allocation was not freed since it was read.
pub fn still_live(address: Hidden, sequence: u64) -> bool {
    table().contains(address.address(), sequence)
}

/// The memory of the table. It contains the addresses of all live samples, so a scan must not read it.
pub fn excluded_ranges() -> Vec<Span> {
    storage::spans()
}

/// Since when samples are recorded, and how many are live.
///
/// # Errors
///
/// As for [`read`].
pub fn status() -> Result<RecordingStatus, String> {
    let recording = State::check()?;
    Ok(RecordingStatus {
        since: timestamp::millis(recording.time),
        recorded: recording.instant.elapsed(),
        live: table().entries().filter(|(_, entry)| entry.sequence > recording.after).count() as u64,
        dropped: table().dropped().saturating_sub(recording.dropped),
        orphan_frees: table().orphan_frees().saturating_sub(recording.orphan_frees),
    })
}

fn entries(recording: Recording) -> impl Iterator<Item = (u64, LiveSample)> {
    let now = hooks::now_ms();
    let of_this_time = move |(_, entry): &(u64, Entry)| entry.sequence > recording.after;
    table().entries().filter(of_this_time).map(move |(address, entry)| {
        let (ms, label) = birth::unpack(entry.birth);
        let age = Duration::from_millis(now.saturating_sub(ms));
        let stack = StackHash(entry.stack);
        (address, LiveSample::new(entry.sequence, entry.requested, entry.usable, stack, age, label))
    })
}

impl State {
    /// The recording, after a look at what other code has done meanwhile.
    fn check() -> Result<Recording, String> {
        let mut state = STATE.lock();
        let Some(recording) = &mut state.recording else {
            return Err(if state.is_replaced { REPLACED } else { NOT_YET }.to_owned());
        };
        if !hooks::are_installed() {
            *state = Self { recording: None, is_replaced: true };
            IS_RECORDING.store(false, Ordering::Relaxed);
            return Err(REPLACED.to_owned());
        }
        if recording.lg_sample != lg_sample() {
            *recording = Recording::begin();
        }
        Ok(*recording)
    }
}

impl Recording {
    fn begin() -> Self {
        let table = table();
        Self {
            instant: Instant::now(),
            time: SystemTime::now(),
            after: table.newest(),
            dropped: table.dropped(),
            orphan_frees: table.orphan_frees(),
            lg_sample: lg_sample(),
        }
    }
}

fn lg_sample() -> Option<usize> {
    mallctl::PROF_LG_SAMPLE.read().ok()
}
