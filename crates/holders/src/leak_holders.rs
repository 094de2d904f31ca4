//! What the last scan says about leaks: memory that nothing points to, and who holds the suspects.

use std::fmt::{self, Display, Formatter};

use memory_debug_report::render::__private::Terminal;
use memory_debug_report::render::content::Layout;
use memory_debug_report::units::printable;
use serde::{Deserialize, Serialize};

use crate::holders_report::{HeldType, HolderChain, HoldersReport, UnreachableMemory};
use crate::render::{size, write_unreachable_type};

/// What the last scan says about leaks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct LeakHolders {
    /// When the last scan ended, RFC 3339 in UTC.
    pub scanned_at: String,
    /// Scans that agree. Unreachable memory needs three.
    pub scans: u32,
    /// Memory that nothing points to, the type with the most bytes first.
    pub unreachable: Vec<UnreachableType>,
    /// Who holds the suspects. Suspects that the scan does not have are left out.
    pub suspects: Vec<HeldSuspect>,
}

/// A type with unreachable memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct UnreachableType {
    /// The type.
    pub type_name: String,
    /// Its memory that nothing points to.
    #[serde(flatten)]
    pub memory: UnreachableMemory,
}

/// A suspect with its main holder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct HeldSuspect {
    /// The type.
    pub type_name: String,
    /// The chain that holds most of it.
    pub chain: HolderChain,
}

impl LeakHolders {
    /// What `last` says about suspects, each given by its name and its full type. `None` if the last scan has no result.
    #[must_use]
    pub fn of<'s>(
        last: &HoldersReport,
        suspects: impl IntoIterator<Item = (&'s str, &'s str)>,
    ) -> Option<Self> {
        let scans = last.coverage.as_ref()?.scans;
        let unreachable = last.unreachable().map(|(held, memory)| UnreachableType {
            type_name: held.type_name.clone(),
            memory: memory.clone(),
        });
        let held = |(name, full_type): (&str, &str)| {
            let is_this = |held: &&HeldType| held.type_name == full_type || held.type_name == name;
            let chain = last.types.iter().find(is_this)?.chains.first()?.clone();
            Some(HeldSuspect { type_name: name.to_owned(), chain })
        };
        Some(Self {
            scanned_at: last.scanned_at.clone(),
            scans,
            unreachable: unreachable.collect(),
            suspects: suspects.into_iter().filter_map(held).collect(),
        })
    }
}

impl Display for LeakHolders {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_leak_holders(&mut Terminal(f), self)
    }
}

/// Writes who holds the suspects, then the verdict about unreachable memory.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_leak_holders(out: &mut dyn Layout, holders: &LeakHolders) -> fmt::Result {
    let at = printable(&holders.scanned_at);
    if !holders.suspects.is_empty() {
        out.heading(&format!("what holds the suspects, by the scan at {at}"))?;
    }
    for HeldSuspect { type_name, chain } in &holders.suspects {
        let size = size(chain.bytes, chain.bytes_stderr);
        out.item(&size, &chain.text(type_name))?;
    }
    out.heading("unreachable memory")?;
    if holders.unreachable.is_empty() {
        return out.remark(&match holders.scans {
            0..=2 => format!(
                "not known: it needs 3 scans that agree, and the last result, at {at}, has {}",
                holders.scans
            ),
            scans => format!("none was found in {scans} scans at {at}"),
        });
    }
    out.remark(&format!("memory to which no pointer was found, by the scan at {at}"))?;
    holders
        .unreachable
        .iter()
        .try_for_each(|found| write_unreachable_type(out, &found.type_name, &found.memory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// What the report says about suspects with these names.
    fn of(report: &HoldersReport, types: &[&'static str]) -> Option<LeakHolders> {
        LeakHolders::of(report, types.iter().map(|name| (*name, *name)))
    }

    #[test]
    fn a_suspect_has_the_chain_that_holds_most_of_it() {
        let holders = of(&sample::report(), &["String", "Vec<Unknown>"]).unwrap();
        let expected = "
what holds the suspects, by the scan at 2026-11-20T12:12:00Z
  23.40 MiB ± 14 %: String ← Session ← HashMap<u64, Arc<Session>> ← static shop::SESSIONS

unreachable memory
memory to which no pointer was found, by the scan at 2026-11-20T12:12:00Z
  8.00 MiB ± 25 % of shop::Node (16 samples): no pointer to it found in 3 of 3 scans; a cycle: shop::Node → \
Vec<Arc<Node>> → shop::Node; it holds String
  2.00 MiB ± 50 % of Vec<u8> (4 samples): no pointer to it found in 3 of 3 scans
";
        assert_eq!(holders.to_string(), expected);
    }

    #[test]
    fn no_unreachable_memory_is_only_said_after_three_scans() {
        let mut report = sample::report();
        report.types.truncate(1);
        let text = |report: &HoldersReport| of(report, &[]).unwrap().to_string();
        assert_eq!(
            text(&report),
            "\nunreachable memory\nnone was found in 3 scans at 2026-11-20T12:12:00Z\n"
        );
        report.coverage.as_mut().unwrap().scans = 1;
        assert!(text(&report).contains("not known: it needs 3 scans that agree"), "{}", text(&report));
        report.coverage = None;
        assert_eq!(of(&report, &[]), None);
    }

    #[test]
    fn json_keeps_the_numbers_of_unreachable_memory_beside_its_type() {
        let holders = of(&sample::report(), &["String"]).unwrap();
        let json = serde_json::to_value(&holders).unwrap();
        assert_eq!(
            (&json["unreachable"][0]["type_name"], &json["unreachable"][0]["bytes"]),
            (&"shop::Node".into(), &(8 << 20).into())
        );
        assert_eq!(serde_json::from_value::<LeakHolders>(json).unwrap(), holders);
    }
}
