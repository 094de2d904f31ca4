//! Merges the reports of many instances.
//!
//! Reports are added one by one, in any order. Only their numbers are kept, so a fleet of a thousand instances takes
//! some megabytes. If all instances report truthfully, the result does not depend on the order.

mod draws;
mod fields;
mod member;
mod missing;
mod spread;
mod types;

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

pub use self::draws::{Draws, FleetEstimate};
pub(crate) use self::fields::FIELDS;
pub use self::fields::MergeRule;
pub use self::missing::{MissingInstance, MissingReason};
use self::spread::Cell;
pub use self::spread::Spread;
use self::types::Tables;
pub use self::types::{FleetTypeRow, FleetTypes};
use crate::instance::{InstanceId, InstanceInfo};
use crate::report::MemoryReport;
use crate::schema::SCHEMA;
use crate::timestamp;
use crate::unavailable::Unavailable;

/// Merged reports of all instances of a service, with the instances that are missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// How the instances were found: `targets`, `through`, `host`, `peers`.
    pub scope: String,
    /// Whether every instance that was asked is in the sums. Other instances may exist that were not asked.
    pub complete: bool,
    /// The instances in the sums, by target.
    pub instances: Vec<FleetInstance>,
    /// Instances that are not in the sums, by target.
    pub missing: Vec<MissingInstance>,
    /// Estimate of the number of instances, if they were found by asking a balancer repeatedly.
    pub estimate: Option<FleetEstimate>,
    /// The programs that the instances run, the most frequent first.
    pub programs: Vec<FleetProgram>,
    /// Seconds between the first report and the last. `None` if a report has no valid time.
    pub skew_seconds: Option<f64>,
    /// Numbers by their path in a report (`process.resident_bytes`). A number that no instance could measure is absent.
    pub numbers: BTreeMap<String, FleetNumber>,
    /// The table. `None` if no instance had one.
    pub types: Option<FleetTypes>,
    /// The test for outliers, in words.
    pub test: String,
    /// What is missing from instances that did answer, keyed by instance id and path.
    pub unavailable: Unavailable,
}

impl FleetReport {
    /// Whether an instance stands out in the number at `path`.
    pub fn stands_out(&self, path: &str, instance: InstanceId) -> bool {
        self.numbers.get(path).is_some_and(|number| number.spread.outliers.contains(&instance))
    }
}

/// An instance that answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetInstance {
    /// Its address; all of them if it was reached in several ways.
    pub targets: Vec<String>,
    /// Identity of the process.
    pub instance: InstanceInfo,
    /// As in [`MemoryReport::collected_at`].
    pub collected_at: String,
    /// As in [`MemoryReport::duration_us`].
    pub duration_us: u64,
    /// Resident memory of the process.
    pub resident_bytes: Option<u64>,
    /// Bytes that the program holds, by its allocator's count.
    pub allocated_bytes: Option<u64>,
}

/// A program, with the instances that run it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetProgram {
    /// As in [`InstanceInfo::service`].
    pub service: Option<String>,
    /// As in [`InstanceInfo::version`].
    pub version: Option<String>,
    /// As in [`InstanceInfo::build_id`].
    pub build_id: Option<String>,
    /// The instances.
    pub instances: Vec<InstanceId>,
}

/// One number, merged over all instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetNumber {
    /// How it was merged.
    pub rule: MergeRule,
    /// The sum. `None` if the values are not added up.
    pub sum: Option<u64>,
    /// How the number differs between instances.
    pub spread: Spread,
    /// Number of instances that could measure it. The sum covers only these.
    pub instances: u64,
    /// A caveat about the number.
    pub note: Option<String>,
}

/// Merges reports, one at a time.
#[derive(Debug)]
#[must_use]
pub struct Fleet {
    scope: &'static str,
    instances: HashMap<InstanceId, FleetInstance>,
    missing: Vec<MissingInstance>,
    estimate: Option<FleetEstimate>,
    numbers: Vec<Vec<Cell>>,
    tables: Tables,
    unavailable: Unavailable,
}

impl Fleet {
    /// A fleet without instances. `scope` says how its instances are found.
    pub fn new(scope: &'static str) -> Self {
        Self {
            scope,
            instances: HashMap::new(),
            missing: Vec::new(),
            estimate: None,
            numbers: vec![Vec::new(); FIELDS.len()],
            tables: Tables::default(),
            unavailable: Unavailable::default(),
        }
    }

    /// Adds an instance, unless it was already added under another address.
    pub fn add(&mut self, target: impl Into<String>, report: &MemoryReport) {
        let (id, target) = (report.instance.id, target.into());
        if let Err(detail) = report.require_schema() {
            let detail = format!("its report {detail}");
            return self.miss(MissingInstance::new(target, MissingReason::NoReport, detail));
        }
        if let Some(known) = self.instances.get_mut(&id) {
            let (one, other) = (&known.instance, &report.instance);
            if (one.pid, &one.build_id) != (other.pid, &other.build_id) {
                let detail = format!(
                    "it claims the id {id}, but so does another process; one of the two claims is false"
                );
                return self.miss(MissingInstance::new(target, MissingReason::Foreign, detail));
            }
            if !known.targets.contains(&target) {
                known.targets.push(target);
                known.targets.sort();
            }
            return;
        }
        for (field, cells) in FIELDS.iter().zip(&mut self.numbers) {
            cells.extend((field.get)(report).map(|value| Cell { instance: id, value, stderr: 0.0 }));
        }
        match &report.types {
            Some(table) => {
                if let Err(reason) = self.tables.add(id, table) {
                    self.unavailable.note(format!("{id}.types"), reason);
                }
            }
            None => self.note_missing_table(report),
        }
        let resident = report.process.as_ref().and_then(|process| process.resident_bytes);
        let allocated = report.allocator.as_ref().and_then(|allocator| allocator.allocated_bytes);
        let instance = FleetInstance {
            targets: vec![target],
            instance: report.instance.clone(),
            collected_at: report.collected_at.clone(),
            duration_us: report.duration_us,
            resident_bytes: resident,
            allocated_bytes: allocated,
        };
        self.instances.insert(id, instance);
    }

    fn note_missing_table(&mut self, report: &MemoryReport) {
        let reason = report.unavailable.get("types").unwrap_or("its report has no table");
        self.unavailable.note(format!("{}.types", report.instance.id), reason);
    }

    /// Records an instance that did not answer.
    pub fn miss(&mut self, missing: MissingInstance) {
        self.missing.push(missing);
    }

    /// Records how the instances were drawn from behind a balancer.
    pub fn estimate(&mut self, estimate: FleetEstimate) {
        self.estimate = Some(estimate);
    }

    /// The merged reports.
    #[must_use]
    pub fn finish(self) -> FleetReport {
        let mut instances: Vec<_> = self.instances.into_values().collect();
        instances.sort_by(|a, b| (&a.targets, a.instance.id).cmp(&(&b.targets, b.instance.id)));
        let mut missing = self.missing;
        missing.sort_by(|a, b| (&a.target, a.reason, &a.detail).cmp(&(&b.target, b.reason, &b.detail)));
        let numbers = FIELDS.iter().zip(&self.numbers).filter_map(|(field, cells)| {
            let sum = || cells.iter().fold(0, |sum: u64, cell| sum.saturating_add(cell.value));
            let number = FleetNumber {
                rule: field.rule,
                sum: (field.rule == MergeRule::Sum).then(sum),
                spread: Spread::of(cells)?,
                instances: cells.len() as u64,
                note: field.note.map(str::to_owned),
            };
            Some((field.path.to_owned(), number))
        });
        FleetReport {
            schema: SCHEMA.into(),
            scope: self.scope.into(),
            complete: missing.is_empty(),
            missing,
            estimate: self.estimate,
            programs: programs(&instances),
            skew_seconds: skew(&instances),
            numbers: numbers.collect(),
            types: self.tables.finish(),
            test: spread::TEST.into(),
            unavailable: self.unavailable,
            instances,
        }
    }
}

impl FleetReport {
    /// The sum of the number at `path` over all instances, if any could measure it.
    pub fn sum(&self, path: &str) -> Option<u64> {
        self.numbers.get(path)?.sum
    }

    /// The share of active pages that objects do not use, computed from the sums: active less allocated bytes, as a
    /// fraction of active bytes. `None` unless the same instances measured both.
    pub fn fragmentation(&self) -> Option<f64> {
        let active = self.numbers.get("allocator.active_bytes")?;
        let allocated = self.numbers.get("allocator.allocated_bytes")?;
        let (whole, used) = (active.sum?, allocated.sum?);
        (active.instances == allocated.instances && whole > 0)
            .then(|| whole.saturating_sub(used) as f64 / whole as f64)
    }
}

/// Groups the instances by service, version and build id.
fn programs(instances: &[FleetInstance]) -> Vec<FleetProgram> {
    let mut programs: BTreeMap<_, Vec<InstanceId>> = BTreeMap::new();
    for FleetInstance { instance, .. } in instances {
        let program = (&instance.service, &instance.version, &instance.build_id);
        programs.entry(program).or_default().push(instance.id);
    }
    let mut programs: Vec<_> = programs
        .into_iter()
        .map(|((service, version, build_id), mut instances)| {
            instances.sort();
            let (service, version, build_id) = (service.clone(), version.clone(), build_id.clone());
            FleetProgram { service, version, build_id, instances }
        })
        .collect();
    // The sort is stable, so equally frequent programs stay in the order of their names.
    programs.sort_by_key(|program| std::cmp::Reverse(program.instances.len()));
    programs
}

fn skew(instances: &[FleetInstance]) -> Option<f64> {
    let times: Option<Vec<SystemTime>> =
        instances.iter().map(|instance| timestamp::parse(&instance.collected_at)).collect();
    let times = times?;
    let (first, last) = (times.iter().min()?, times.iter().max()?);
    last.duration_since(*first).ok().as_ref().map(Duration::as_secs_f64)
}

#[cfg(test)]
pub(crate) mod tests;
