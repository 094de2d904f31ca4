//! Allocations whose owner and size are known.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use memory_debug_axum::{MemoryReport, TypeRow};
use memory_debug_tests::size_class;
use tikv_jemalloc_ctl::thread;

/// The approximate number of bytes of one population.
pub(crate) const POPULATION: usize = 8 << 20;

/// The number of values of `T` in a population.
pub(crate) const fn enough<T>() -> usize {
    POPULATION / size_of::<T>()
}

/// Types with a given number of words. Each type is used in one test only, so that tests can run in parallel.
/// No two types have the same size: a release build merges code that is equal for two types, and then shows
/// one as the other.
macro_rules! payload {
    ($($name:ident: $words:literal),+ $(,)?) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        struct $name([u64; $words]);

        impl $name {
            fn new(number: usize) -> Self {
                Self(std::hint::black_box([number as u64; $words]))
            }
        }
    )+};
}
pub(crate) use payload;

/// Returns the value of `build` and the bytes that jemalloc allocated for it, which is the truth to compare
/// estimates with.
pub(crate) fn measured<T>(build: impl FnOnce() -> T) -> (T, u64) {
    let held = || {
        let given = thread::allocatedp::read().unwrap().get();
        given.wrapping_sub(thread::deallocatedp::read().unwrap().get())
    };
    let before = held();
    let built = build();
    (built, held().wrapping_sub(before))
}

/// The bytes that jemalloc gives one allocation of `bytes`. Since 5.3.1 a large one takes whole pages, and not all of its
/// size class.
pub(crate) fn usable(bytes: u64) -> u64 {
    const PAGE: u64 = 4096;
    if bytes > 8 * PAGE { bytes.next_multiple_of(PAGE) } else { size_class(bytes as usize) as u64 }
}

/// The row of a type, if the table has one. A name has at most one row.
pub(crate) fn row<'r>(report: &'r MemoryReport, type_name: &str) -> Option<&'r TypeRow> {
    let rows = &report.types.as_ref().expect("the profile is on").rows;
    let mut rows = rows.iter().filter(|row| row.type_name == type_name);
    let row = rows.next();
    assert!(rows.next().is_none(), "{type_name} has two rows");
    row
}

/// The deviation of an estimate from the truth, in standard errors of the estimate.
pub(crate) fn deviation(row: &TypeRow, bytes: u64) -> f64 {
    (row.bytes as f64 - bytes as f64) / row.bytes_stderr.max(1.0)
}

/// Asserts that the report has a row `type_name` that estimates `bytes`, and `objects` if they are known.
///
/// The bound is five standard errors. An honest estimate misses it once in a million times, so a failure is
/// meaningful. `accuracy` tests whether the stated errors are right.
pub(crate) fn assert_estimates(report: &MemoryReport, type_name: &str, bytes: u64, objects: Option<u64>) {
    let Some(row) = row(report, type_name) else {
        let rows = &report.types.as_ref().unwrap().rows;
        let names: Vec<_> = rows.iter().map(|row| (&row.type_name, row.bytes)).collect();
        panic!("no row {type_name} of {bytes} bytes in {names:#?}");
    };
    assert!(deviation(row, bytes).abs() < 5.0, "{bytes} bytes are estimated as {row:?}");
    if let Some(objects) = objects {
        let stderr = row.objects_stderr.max(0.5);
        let deviation = (row.objects as f64 - objects as f64) / stderr;
        assert!(deviation.abs() < 5.0, "{objects} objects are estimated as {row:?}");
    }
}

/// A thread that keeps more and more values until this is dropped.
pub(crate) struct Leaking {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Leaking {
    /// Most steps, so that a test that fails ends with some memory left.
    const STEPS: usize = 1000;

    /// Makes this many values every few milliseconds. Each gets its number.
    pub(crate) fn begin<T>(each: usize, make: fn(usize) -> T) -> Self
    where
        T: Send + 'static,
    {
        let stop = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut held = Vec::with_capacity(each * Self::STEPS);
            for step in 0..Self::STEPS {
                if is_stopped.load(Ordering::Relaxed) {
                    break;
                }
                held.extend((0..each).map(|number| make(step * each + number)));
                std::thread::sleep(Duration::from_millis(5));
            }
            while !is_stopped.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Leaking {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
