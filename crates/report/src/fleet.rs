//! Many instances as one.
//!
//! Reports are added one by one, in any order, and each is forgotten but for its numbers: what a fleet of a thousand
//! takes is some megabytes. Of instances that tell the truth, the result does not depend on the order.

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
use crate::report::{MemoryReport, SCHEMA};
use crate::timestamp;
use crate::unavailable::Unavailable;

/// What all instances of a service hold together, and which are not in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// How the instances were found: `targets`, `through`, `host`, `peers`.
    pub scope: String,
    /// Whether every instance that was asked is in the sums. That those are all there are, it does not say.
    pub complete: bool,
    /// The instances in the sums, by target.
    pub instances: Vec<FleetInstance>,
    /// The instances that are not, by target.
    pub missing: Vec<MissingInstance>,
    /// If instances were found by asking a balancer again and again: how many there may be.
    pub estimate: Option<FleetEstimate>,
    /// The programs that run, those of most instances first.
    pub programs: Vec<FleetProgram>,
    /// Seconds between the first report and the last. `None` if one does not tell its time.
    pub skew_seconds: Option<f64>,
    /// Numbers by their path in a report (`process.resident_bytes`). One that no instance could measure is absent.
    pub numbers: BTreeMap<String, FleetNumber>,
    /// The table. `None` if no instance had one.
    pub types: Option<FleetTypes>,
    /// What makes an instance an outlier.
    pub test: String,
    /// What is missing of instances that did answer, keyed by instance id and path.
    pub unavailable: Unavailable,
}

/// An instance that answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetInstance {
    /// How it was addressed; if in several ways, all of them.
    pub targets: Vec<String>,
    /// Which process it is.
    pub instance: InstanceInfo,
    /// As in [`MemoryReport::collected_at`].
    pub collected_at: String,
    /// As in [`MemoryReport::duration_us`].
    pub duration_us: u64,
    /// Resident memory of the process.
    pub resident_bytes: Option<u64>,
    /// Bytes that the program holds by its allocator.
    pub allocated_bytes: Option<u64>,
}

/// Instances that run one program.
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

/// A number of all instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FleetNumber {
    /// How it was merged.
    pub rule: MergeRule,
    /// The sum, if the rule is to add up.
    pub sum: Option<u64>,
    /// How the instances differ.
    pub spread: Spread,
    /// How many instances could measure it. The sum is of these.
    pub instances: u64,
    /// What to know about it.
    pub note: Option<String>,
}

/// Adds reports up, one at a time.
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
    /// A fleet without instances, which will be found in the way that `scope` names.
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

    /// Adds an instance, unless it is in already under another address.
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
                    "it says that it is {id}, as another does that runs as another process; one of them is not"
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

    /// Notes that an instance did not answer.
    pub fn miss(&mut self, missing: MissingInstance) {
        self.missing.push(missing);
    }

    /// Says how the instances were drawn from behind a balancer.
    pub fn estimate(&mut self, estimate: FleetEstimate) {
        self.estimate = Some(estimate);
    }

    /// The sums.
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
    /// The bytes that `path` sums up to at all instances, if any could measure it.
    pub fn sum(&self, path: &str) -> Option<u64> {
        self.numbers.get(path)?.sum
    }

    /// How much of the pages in use is not used by objects, recomputed from the sums: active less allocated bytes, as
    /// a fraction of active. Only if the same instances measured both.
    pub fn fragmentation(&self) -> Option<f64> {
        let active = self.numbers.get("allocator.active_bytes")?;
        let allocated = self.numbers.get("allocator.allocated_bytes")?;
        let (whole, used) = (active.sum?, allocated.sum?);
        (active.instances == allocated.instances && whole > 0)
            .then(|| whole.saturating_sub(used) as f64 / whole as f64)
    }
}

/// By service, version and build id.
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
    // Stable: equally many stay in the order of their names.
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
