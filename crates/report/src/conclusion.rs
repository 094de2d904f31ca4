//! What holds resident memory, in a sentence or two.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::breakdown::Counts;
use crate::diagnosis::{Diagnosis, Verdict};
use crate::report::MemoryReport;
use crate::units::{Bytes, percent, printable, short_name};

/// What holds resident memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HeldBy {
    /// A part of resident memory is unknown.
    Unknown,
    /// Memory that no row of the table shows: C libraries, `mmap`, mapped files, shared memory.
    OutsideJemalloc,
    /// jemalloc itself: freed pages that it has not returned yet, its caches, its own data.
    Allocator,
    /// Free space between live objects.
    Fragmentation,
    /// The program's live objects.
    Program,
}

/// The conclusion from a report: what holds resident memory, and whether it grows.
///
/// It has no thresholds of its own. The doctor's findings decide, and without one the program holds the memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Conclusion {
    /// What holds resident memory.
    pub held_by: HeldBy,
    /// The doctor's rule that decided, as in [`Verdict::id`]. `None` if no rule did.
    pub rule: Option<Cow<'static, str>>,
    /// The conclusion in a sentence, with its numbers.
    pub sentence: String,
    /// Whether the memory grows, in a sentence. `None` if the program does not hold it and no type grows.
    pub growth: Option<String>,
}

/// The rules that decide, in the order in which they do, with the words for what they found.
const RULES: [(HeldBy, &str, &[&str]); 3] = [
    (
        HeldBy::OutsideJemalloc,
        "Held outside jemalloc",
        &["memory-outside-jemalloc", "shared-memory", "mapped-files"],
    ),
    (
        HeldBy::Allocator,
        "Held by the allocator",
        &["dirty-pages", "muzzy-pages", "thread-caches", "allocator-metadata"],
    ),
    (HeldBy::Fragmentation, "Lost to fragmentation", &["fragmentation"]),
];

/// Only the leak test decides whether the memory grows. It needs two snapshots that know how old their memory is, or three
/// others.
fn not_judged(report: &MemoryReport) -> String {
    let is_recorded = report.types.as_ref().is_some_and(|types| types.ages.is_some());
    let number = if is_recorded { "two" } else { "three" };
    format!(
        "Whether it grows is not known yet: take {number} snapshots, some minutes apart, then read `/leaks`."
    )
}

impl Conclusion {
    /// Concludes from a report and the doctor's findings in it. Whether the memory grows is known only after
    /// [`MemoryReport::note_leaks`].
    pub fn of(report: &MemoryReport, diagnosis: &Diagnosis) -> Self {
        let (held_by, rule, sentence) = holder(report, diagnosis);
        Self { held_by, rule, sentence, growth: growth(held_by, report) }
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        self.growth.iter().try_for_each(|growth| write!(f, " {growth}"))
    }
}

fn holder(report: &MemoryReport, diagnosis: &Diagnosis) -> (HeldBy, Option<Cow<'static, str>>, String) {
    let (program, resident) = match program(report) {
        Ok(known) => known,
        Err(reason) => {
            let sentence = format!("What holds the memory is not known: {}.", printable(&reason));
            return (HeldBy::Unknown, None, sentence);
        }
    };
    let finding = |id: &&str| diagnosis.verdicts.iter().find(|verdict| verdict.id == *id);
    let decided = RULES.iter().find_map(|(held_by, words, ids)| {
        ids.iter().find_map(finding).map(|Verdict { id, evidence, .. }| {
            (*held_by, Some(id.clone()), format!("{words}: {}.", printable(evidence)))
        })
    });
    decided.unwrap_or_else(|| {
        let sentence = match percent(program as f64, resident as f64) {
            Some(percent) if program <= resident => format!(
                "Held by your program: live objects take {:.1} of {:.1} resident ({percent:.0} %).",
                Bytes(program),
                Bytes(resident)
            ),
            _ => format!(
                "Held by your program: live objects have {:.1}, more than the {:.1} resident; a part was never \
                 touched or is swapped out.",
                Bytes(program),
                Bytes(resident)
            ),
        };
        (HeldBy::Program, None, sentence)
    })
}

/// Bytes of live objects, and resident memory. An error says which part of resident memory is unknown.
fn program(report: &MemoryReport) -> Result<(u64, u64), String> {
    let counts = Counts::of_report(report);
    let resident = counts.resident.clone()?;
    let parts = counts.breakdown();
    for part in [parts.fragmentation, parts.dirty, parts.outside] {
        part?;
    }
    Ok((parts.program?, resident))
}

fn growth(held_by: HeldBy, report: &MemoryReport) -> Option<String> {
    match report.suspects.as_deref() {
        Some([fastest, others @ ..]) => {
            let name = short_name(&fastest.type_name);
            // `as` saturates.
            let rate = Bytes(fastest.bytes_per_hour as u64);
            Some(match others.len() {
                0 => format!("It is growing: {name} by {rate:.1} per hour."),
                1 => format!("It is growing: {name} by {rate:.1} per hour, and one more type."),
                more => format!("It is growing: {name} by {rate:.1} per hour, and {more} more types."),
            })
        }
        _ if held_by != HeldBy::Program => None,
        Some([]) => Some("No type grows steadily.".to_owned()),
        None => Some(not_judged(report)),
    }
}

#[cfg(test)]
mod tests;
