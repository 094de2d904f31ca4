//! What must be true for the program to pass.

use crate::cost::Cost;
use crate::judge::Totals;
use crate::latency::Latency;

/// A scan costs at most this: seconds of processor time for each GiB of the heap, and percent of the heap as memory.
const CPU: f64 = 2.0;
const MEMORY: f64 = 4.0;

/// Prints checks and remembers whether all were good.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    failed: u32,
}

impl Checks {
    /// Whether all checks were good.
    pub(crate) fn passed(&self) -> bool {
        self.failed == 0
    }

    fn at_least(&mut self, name: &str, value: f64, least: f64, unit: &str) {
        self.check(name, value >= least, format!("{value:.2} {unit}, at least {least}"));
    }

    fn at_most(&mut self, name: &str, value: f64, most: f64, unit: &str) {
        self.check(name, value <= most, format!("{value:.2} {unit}, at most {most}"));
    }

    fn check(&mut self, name: &str, good: bool, text: String) {
        self.failed += u32::from(!good);
        println!("{:7}{name}: {text}", if good { "ok" } else { "FAILED" });
    }

    /// Checks the totals of a judgement. `right` is the least share of held bytes whose chain and root are right.
    pub(crate) fn totals(&mut self, totals: &Totals, right: f64) {
        self.at_least("chain and root are right", totals.right, right, "% of held bytes");
        self.at_least("the direct holder has its name", totals.direct, 85.0, "% of held bytes");
        println!("       of them an argument is not known, `_`: {:.2} % of held bytes", totals.partial);
        self.at_most(
            "reachable samples called unreachable",
            totals.falsely_unreachable as f64,
            0.0,
            "samples",
        );
        self.at_least("planted leaks that are found", totals.leaks_found, 95.0, "% of their bytes");
        self.at_least("stale memory is called doubtful or unreachable", totals.stale, 95.0, "% of its bytes");
        self.at_most("cycles that are not shown as a cycle", totals.without_cycle.into(), 0.0, "reports");
        self.at_most("populations that are not in the report", totals.missing.into(), 0.0, "reports");
    }

    /// Checks what the scans of a quiet process cost. `collecting` is the cost of the table of types, which a scan needs
    /// too.
    pub(crate) fn cost(&mut self, scans: Cost, collecting: Cost, count: u32, heap_bytes: u64) {
        let heap = heap_bytes.max(1) as f64;
        let gib = heap / f64::from(1 << 30);
        let cpu = scans.cpu.saturating_sub(collecting.cpu).as_secs_f64() / f64::from(count.max(1));
        println!(
            "       the table of types: {:.2} s of processor time, {:.1} MiB of memory; {count} scans with it: {:.2} s, {:.1} MiB, \
             in {:.2} s",
            collecting.cpu.as_secs_f64(),
            collecting.memory as f64 / f64::from(1 << 20),
            scans.cpu.as_secs_f64(),
            scans.memory as f64 / f64::from(1 << 20),
            scans.time.as_secs_f64(),
        );
        self.at_most("a scan", cpu / gib, CPU, "s of processor time for each GiB");
        self.at_most("memory of a scan", 100.0 * scans.memory as f64 / heap, MEMORY, "% of the heap");
    }
}

/// Prints how long operations took. Only the reader judges: on a busy machine the operations wait for the processor.
pub(crate) fn print_latency(idle: Latency, scanning: Latency) {
    println!("       without a scan: {idle}");
    println!("       during a scan:  {scanning}");
}
