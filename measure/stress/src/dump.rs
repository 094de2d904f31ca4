//! The table of live samples beside jemalloc's own dump, while nothing is sampled.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::{env, fs, process};

use memory_debug_core::__private::live_samples;
use memory_debug_core::spawn_collecting;
use memory_debug_profile::StackHash;
use tikv_jemalloc_ctl::raw;

/// Objects and bytes by stack.
type Sums = BTreeMap<StackHash, (u64, u64)>;

/// Turns sampling on or off.
pub(crate) fn set_sampling(active: bool) {
    // SAFETY: the manual gives `prof.active` the type bool.
    unsafe { raw::write(b"prof.active\0", active) }.expect("the profiler is built in");
}

/// Stops sampling, and compares. Returns the number of stacks and samples.
///
/// # Errors
///
/// The stacks that differ.
pub(crate) fn compare() -> Result<(usize, u64), String> {
    set_sampling(false);
    // What the comparison itself allocates stays out of the samples.
    spawn_collecting(|| {
        // Other threads can still free something.
        for _ in 0..20 {
            let (before, dumped, after) = (recorded(), dumped(), recorded());
            if before == after {
                return equal(&after, &dumped);
            }
        }
        Err("the samples did not come to rest".to_owned())
    })
    .expect("a thread")
    .join()
    .expect("the comparison panicked")
}

fn equal(recorded: &Sums, dumped: &Sums) -> Result<(usize, u64), String> {
    let stacks = recorded.keys().chain(dumped.keys());
    let different: BTreeMap<_, _> = stacks
        .filter(|stack| recorded.get(stack) != dumped.get(stack))
        .map(|stack| (stack, [recorded.get(stack), dumped.get(stack)]))
        .collect();
    match different.is_empty() {
        true => Ok((recorded.len(), recorded.values().map(|(objects, _)| objects).sum())),
        false => {
            Err(format!("{} of {} stacks differ from the dump: {different:?}", different.len(), dumped.len()))
        }
    }
}

fn recorded() -> Sums {
    let mut sums = Sums::new();
    for sample in live_samples::read().expect("it records").samples {
        let sum = sums.entry(sample.stack).or_default();
        *sum = (sum.0 + 1, sum.1 + sample.usable);
    }
    sums
}

/// The lines `@ 0x… 0x…` of a dump, each with the line of its counts.
fn dumped() -> Sums {
    let path = env::temp_dir().join(format!("memory-debug-stress-{}.heap", process::id()));
    let name = CString::new(path.to_str().expect("a path in UTF-8")).expect("no NUL");
    // Lives as long as the process, as `write_str` wants.
    raw::write_str(b"prof.dump\0", name.into_bytes_with_nul().leak()).expect("a dump");
    let text = fs::read_to_string(&path).expect("the dump");
    let _ = fs::remove_file(path);
    let (mut sums, mut stack) = (Sums::new(), None);
    for line in text.lines() {
        if let Some(addresses) = line.strip_prefix('@') {
            let address = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
            let addresses: Vec<u64> = addresses.split_whitespace().filter_map(address).collect();
            stack = Some(StackHash::of(addresses.into_iter()));
        } else if let (Some(stack), Some(counts)) = (stack, line.trim().strip_prefix("t*:")) {
            let mut numbers =
                counts.split_whitespace().filter_map(|number| number.trim_end_matches(':').parse().ok());
            if let (Some(objects @ 1..), Some(bytes)) = (numbers.next(), numbers.next()) {
                let sum = sums.entry(stack).or_default();
                *sum = (sum.0 + objects, sum.1 + bytes);
            }
        }
    }
    sums
}
