//! All instances as one: the sums, and a row for each type with its growth.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use memory_debug_report::{Ceiling, Fleet, FleetReport, InstanceId, MissingInstance, RowSource};

use super::growth::{Growth, Growths, Key, growths};
use super::instance::{Answer, Instance};

/// What the rows are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// Most bytes first
    Bytes,
    /// Most objects first
    Objects,
    /// Largest growth first
    Growth,
    /// In alphabetical order
    Name,
}

/// A type at all instances.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) full_type: String,
    pub(super) source: RowSource,
    pub(super) objects: u64,
    pub(super) bytes: u64,
    pub(super) stderr: f64,
    /// How many instances have it.
    pub(super) instances: u64,
    /// The most that one of them has of it.
    pub(super) most: u64,
    /// `None` if a table may have left it out.
    pub(super) growth: Option<Growth>,
}

/// What was known at one time.
#[derive(Debug)]
pub(super) struct Table {
    /// The sums. Their table is in `rows` instead.
    pub(super) fleet: FleetReport,
    pub(super) rows: Vec<Row>,
    pub(super) growth: Option<Growth>,
    /// How many standard errors make a growth more than noise, and of how many rows together.
    pub(super) threshold: f64,
    pub(super) compared: usize,
    /// Since when growth is counted, of the instance where that is longest.
    pub(super) since: Option<Duration>,
    /// The limit that is met first at the instance where the largest share of it is used.
    pub(super) fullest: Option<Ceiling>,
}

impl Table {
    /// `missing` are those that there was no way to ask.
    pub(super) fn of(instances: &[Instance], missing: &[MissingInstance], now: Instant) -> Self {
        let mut fleet = Fleet::new("targets");
        missing.iter().for_each(|missing| fleet.miss(missing.clone()));
        for instance in instances {
            instance.missing().into_iter().for_each(|missing| fleet.miss(missing.clone()));
            instance.reports().into_iter().for_each(|(_, last)| fleet.add(instance.target(), &last.report));
        }
        let pairs = once_each(instances);
        let growths = growths(&pairs);
        let mut fleet = fleet.finish();
        let rows = rows(&mut fleet, &growths);
        Self {
            fleet,
            rows,
            growth: growths.total,
            threshold: growths.threshold,
            compared: growths.rows.len(),
            since: pairs.iter().map(|(base, _)| now.saturating_duration_since(base.at)).max(),
            fullest: pairs
                .iter()
                .filter_map(|(_, last)| last.report.ceiling().ok())
                .max_by(|a, b| fullness(a).total_cmp(&fullness(b))),
        }
    }

    /// The indices of the rows whose name contains `filter`, in order.
    pub(super) fn ordered(&self, order: Order, is_reversed: bool, filter: &str) -> Vec<usize> {
        let wanted = filter.to_lowercase();
        let contains = |text: &str| text.to_lowercase().contains(&wanted);
        let matches = |row: &Row| wanted.is_empty() || contains(&row.name) || contains(&row.full_type);
        let mut indices: Vec<usize> =
            (0..self.rows.len()).filter(|&index| matches(&self.rows[index])).collect();
        // Stable: rows that are equal stay in the order of the sums.
        indices.sort_by(|&a, &b| {
            let (a, b) = (&self.rows[a], &self.rows[b]);
            let growth = |row: &Row| row.growth.map(|growth| growth.change);
            let forward = match order {
                Order::Bytes => b.bytes.cmp(&a.bytes),
                Order::Objects => b.objects.cmp(&a.objects),
                Order::Growth => growth(b).cmp(&growth(a)),
                Order::Name => (&a.name, &a.full_type).cmp(&(&b.name, &b.full_type)),
            };
            if is_reversed { forward.reverse() } else { forward }
        });
        indices
    }
}

impl Order {
    /// Whether the largest come first, if not reversed.
    pub(super) fn is_descending(self) -> bool {
        self != Self::Name
    }
}

/// The reports, of one process under two addresses only those under the first, as [`Fleet::add`] has it.
fn once_each(instances: &[Instance]) -> Vec<(&Answer, &Answer)> {
    let mut seen: HashSet<InstanceId> = HashSet::new();
    instances
        .iter()
        .filter_map(Instance::reports)
        .filter(|(_, last)| seen.insert(last.report.instance.id))
        .collect()
}

/// What is there, then what is no more.
fn rows(fleet: &mut FleetReport, growths: &Growths<'_>) -> Vec<Row> {
    let there = fleet.types.as_mut().map(|types| std::mem::take(&mut types.rows)).unwrap_or_default();
    let mut rows: Vec<Row> = Vec::with_capacity(there.len());
    for row in there {
        let growth = growths.rows.get(&(row.type_name.as_str(), row.full_type.as_str(), row.source)).copied();
        rows.push(Row {
            name: row.type_name,
            full_type: row.full_type,
            source: row.source,
            objects: row.objects,
            bytes: row.bytes,
            stderr: row.bytes_stderr,
            instances: row.instances,
            most: row.spread.max,
            growth,
        });
    }
    let known: HashSet<Key<'_>> =
        rows.iter().map(|row| (row.name.as_str(), row.full_type.as_str(), row.source)).collect();
    let mut gone: Vec<_> = growths.rows.iter().filter(|(key, _)| !known.contains(*key)).collect();
    gone.sort_by_key(|((name, full_type, source), _)| (*name, *full_type, *source as u8));
    let gone = gone.into_iter().map(|(&(name, full_type, source), &growth)| Row {
        name: name.into(),
        full_type: full_type.into(),
        source,
        objects: 0,
        bytes: 0,
        stderr: 0.0,
        instances: 0,
        most: 0,
        growth: Some(growth),
    });
    let gone: Vec<Row> = gone.collect();
    rows.extend(gone);
    rows
}

/// The share of the limit that is used. A limit of nothing is full.
pub(super) fn fullness(ceiling: &Ceiling) -> f64 {
    ceiling.used_bytes as f64 / ceiling.limit_bytes.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{report, row};
    use super::*;

    fn table(reports: &[(u64, Vec<memory_debug_report::TypeRow>)]) -> Table {
        let mut instances: Vec<Instance> = Vec::new();
        let at = Instant::now();
        for (number, rows) in reports {
            let target = format!("http://{number}");
            let index =
                instances.iter().position(|instance| instance.target() == target).unwrap_or_else(|| {
                    instances.push(Instance::new(target));
                    instances.len() - 1
                });
            instances[index].answered(at, Ok(report(*number, rows.clone())));
        }
        Table::of(&instances, &[], at)
    }

    fn names(table: &Table, order: Order, is_reversed: bool, filter: &str) -> String {
        table
            .ordered(order, is_reversed, filter)
            .into_iter()
            .map(|index| table.rows[index].name.as_str())
            .collect()
    }

    #[test]
    fn rows_have_an_order_and_may_be_fewer() {
        let before = vec![row("A", 5, 10, 0.0), row("B", 9, 90, 0.0), row("C", 7, 20, 0.0)];
        let now = vec![row("A", 5, 50, 0.0), row("B", 9, 80, 0.0), row("C", 7, 20, 0.0)];
        let table = table(&[(1, before), (1, now)]);
        for (order, expected) in
            [(Order::Bytes, "BAC"), (Order::Objects, "BCA"), (Order::Growth, "ACB"), (Order::Name, "ABC")]
        {
            assert_eq!(names(&table, order, false, ""), expected, "{order:?}");
            let backward: String = expected.chars().rev().collect();
            assert_eq!(names(&table, order, true, ""), backward, "{order:?}");
        }
        assert_eq!(names(&table, Order::Bytes, false, "X::b"), "B", "the full type counts, in any case");
        assert_eq!(names(&table, Order::Bytes, false, "nothing"), "");
    }

    #[test]
    fn what_is_no_more_has_a_row_that_says_so() {
        let table =
            table(&[(1, vec![row("A", 1, 10, 0.0), row("B", 1, 5, 0.0)]), (1, vec![row("A", 1, 10, 0.0)])]);
        assert_eq!(names(&table, Order::Growth, true, ""), "BA");
        assert_eq!((table.rows[1].bytes, table.rows[1].growth.unwrap().change), (0, -5));
    }

    #[test]
    fn who_comes_later_is_no_growth() {
        let rows = || vec![row("A", 1, 1 << 20, 0.0)];
        let table = table(&[(1, rows()), (1, rows()), (2, rows())]);
        assert_eq!((table.rows[0].bytes, table.rows[0].instances), (2 << 20, 2));
        assert_eq!(table.rows[0].growth.unwrap().change, 0);
        assert_eq!(table.fullest.as_ref().map(fullness), Some(0.75));
    }

    #[test]
    fn the_fullest_is_so_by_the_level_that_binds_and_by_the_machine_without_a_limit() {
        let with = |cgroup: serde_json::Value| {
            let mut json = serde_json::to_value(report(1, Vec::new())).unwrap();
            json["cgroup"] = cgroup;
            json["machine"] = serde_json::json!({"total_bytes": 1000, "available_bytes": 900});
            let mut instance = Instance::new("http://1".into());
            let at = Instant::now();
            instance.answered(at, Ok(serde_json::from_value(json).unwrap()));
            Table::of(&[instance], &[], at)
        };
        let above = serde_json::json!({"path": "/p", "limit_bytes": 300, "current_bytes": 294});
        let table = with(serde_json::json!({"path": "/p/a", "current_bytes": 58, "binding": above}));
        assert_eq!(table.fullest.as_ref().map(fullness), Some(0.98));
        assert_eq!(table.fleet.numbers["ceiling.limit_bytes"].spread.max, 300);
        let table = with(serde_json::Value::Null);
        assert_eq!(table.fullest.as_ref().map(fullness), Some(0.1));
    }
}
