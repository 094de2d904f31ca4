//! Reads the parts of an untrusted report that a fleet adds up.

use serde::Deserialize;

use crate::error::{Error, ErrorKind};
use crate::instance::InstanceInfo;
use crate::report::{AllocatorStats, CgroupMemory, MachineMemory, MemoryReport, ProcessMemory, TypeSummary};
use crate::unavailable::Unavailable;

/// The group of an overview's table.
const GROUP: &str = "container";

/// Longest name of a service, host or version.
const MAX_WORD_BYTES: usize = 512;

/// Longest name of a type, and longest reason. The compiler's names of futures are the longest in practice.
const MAX_TEXT_BYTES: usize = 16 << 10;

/// Upper bounds of the values in a report besides its rows, and of the values in a row, with room to spare. Most
/// values are parts of registered roots.
const VALUES: usize = 128 << 10;
const VALUES_OF_ROW: usize = 16;

/// A report without the sections that a fleet does not add up. These sections are not kept even while the report is
/// read.
#[derive(Deserialize)]
struct Member {
    schema: String,
    instance: InstanceInfo,
    collected_at: String,
    duration_us: u64,
    process: Option<ProcessMemory>,
    cgroup: Option<CgroupMemory>,
    machine: Option<MachineMemory>,
    allocator: Option<AllocatorStats>,
    types: Option<TypeSummary>,
    unavailable: Unavailable,
}

impl MemoryReport {
    /// Reads an overview from JSON and keeps only what [`Fleet::add`](crate::Fleet::add) needs. `rows` is the number
    /// of rows requested.
    ///
    /// The instance is not trusted. Reading takes a few times the memory of `json`, regardless of its contents. No
    /// text in the result is long enough to push others off a page.
    ///
    /// # Errors
    ///
    /// If the JSON has another version, more rows or another table than requested, or is not a report. The text is a
    /// predicate that follows the name of the report.
    pub fn for_fleet(json: &[u8], rows: usize) -> Result<Self, Error> {
        if values(json) > rows.saturating_mul(VALUES_OF_ROW).saturating_add(VALUES) {
            return Err(refused("has more values than any report"));
        }
        // The parser's own error quotes its input, which is untrusted and may be long.
        let member: Member = serde_json::from_slice(json)
            .map_err(|_| refused(format!("is not a report of {}", crate::schema::SCHEMA)))?;
        let mut unavailable = Unavailable::default();
        if let Some(reason) = member.unavailable.get("types") {
            unavailable.note("types", reason);
        }
        let report = Self {
            schema: member.schema,
            duration_us: member.duration_us,
            process: member.process,
            cgroup: member.cgroup,
            machine: member.machine,
            allocator: member.allocator,
            types: member.types,
            unavailable,
            ..Self::new(member.instance, member.collected_at)
        };
        report.require_schema()?;
        report.check_lengths(rows)?;
        Ok(report)
    }

    fn check_lengths(&self, rows: usize) -> Result<(), Error> {
        let InstanceInfo { service, version, host, started_at, build_id, .. } = &self.instance;
        let symbols = self.types.as_ref().and_then(|types| types.symbols.as_ref());
        let words = [service, version, host, started_at, build_id].into_iter().flatten();
        let groups = self.cgroup.iter().flat_map(|cgroup| {
            let levels = cgroup.levels.iter().chain(&cgroup.binding);
            levels.map(|level| &level.path).chain([&cgroup.path])
        });
        let mut words = words.chain(symbols).chain([&self.collected_at]).chain(groups);
        if words.any(|word| word.len() > MAX_WORD_BYTES) {
            return Err(refused(format!("has names longer than {MAX_WORD_BYTES} bytes")));
        }
        let Some(types) = &self.types else {
            let reason = self.unavailable.get("types").unwrap_or_default();
            return if reason.len() > MAX_TEXT_BYTES {
                Err(refused("has a reason that is too long"))
            } else {
                Ok(())
            };
        };
        if types.group != GROUP {
            return Err(refused("has a different table than requested"));
        }
        if types.rows.len() > rows {
            return Err(refused(format!("has more than the {rows} rows requested")));
        }
        if types.rows.iter().any(|row| row.type_name.len().max(row.full_type.len()) > MAX_TEXT_BYTES) {
            return Err(refused(format!("has type names longer than {MAX_TEXT_BYTES} bytes")));
        }
        Ok(())
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Report, message)
}

/// Upper bound of the number of values in `json`: one, and one for each comma outside strings.
fn values(json: &[u8]) -> usize {
    let (mut values, mut is_text, mut is_escaped) = (1, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b',' if !is_text => values += 1,
            _ => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sample;

    fn report() -> Value {
        let mut report = serde_json::to_value(sample::report()).unwrap();
        report["types"] = serde_json::to_value(sample::types()).unwrap();
        report
    }

    fn read(report: &Value) -> Result<MemoryReport, String> {
        MemoryReport::for_fleet(report.to_string().as_bytes(), 10).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_only_what_is_added_up() {
        let report = report();
        let read = read(&report).unwrap();
        let read = serde_json::to_value(read).unwrap();
        for part in [
            "schema",
            "instance",
            "collected_at",
            "duration_us",
            "process",
            "cgroup",
            "machine",
            "allocator",
            "types",
        ] {
            assert_eq!(read[part], report[part], "{part}");
        }
        for part in ["reconciliation", "roots", "detail"] {
            assert_eq!(read[part], Value::Null, "{part}");
        }
    }

    #[test]
    fn s45_rejects_more_than_was_requested() {
        let with = |change: &dyn Fn(&mut Value)| {
            let mut report = report();
            change(&mut report);
            read(&report).unwrap_err()
        };
        let row = report()["types"]["rows"][0].clone();
        let long = "x".repeat(MAX_TEXT_BYTES + 1);
        for (change, expected) in [
            (&|report: &mut Value| report["schema"] = json!("memory-debug/v2") as _, "has version"),
            (&|report: &mut Value| report["types"]["rows"] = json!(vec![&row; 11]), "more than the 10 rows"),
            (&|report: &mut Value| report["types"]["group"] = json!("file"), "a different table"),
            (&|report: &mut Value| report["types"]["rows"][0]["type"] = json!(long), "type names longer"),
            (&|report: &mut Value| report["types"]["symbols"] = json!(long), "names longer than"),
            (&|report: &mut Value| report["instance"]["service"] = json!(long), "names longer than"),
            (&|report: &mut Value| report["instance"]["host"] = json!(long), "names longer than"),
            (&|report: &mut Value| report["collected_at"] = json!(long), "names longer than"),
            (&|report: &mut Value| report["cgroup"]["path"] = json!(long), "names longer than"),
            (&|report: &mut Value| report["cgroup"]["binding"]["path"] = json!(long), "names longer than"),
            (&|report: &mut Value| report["cgroup"]["levels"][0]["path"] = json!(long), "names longer than"),
            (
                &|report: &mut Value| report["roots"] = json!({"rows": vec![json!({}); 140_000]}),
                "more values",
            ),
            (&|report: &mut Value| report["types"] = json!(7), "is not a report"),
            (
                &|report: &mut Value| {
                    report["types"] = Value::Null;
                    report["unavailable"] = json!({"types": long});
                },
                "a reason that is too long",
            ),
        ] as [(&dyn Fn(&mut Value), &str); 14]
        {
            let error = with(change);
            assert!(error.contains(expected) && error.len() < 200, "{error}");
        }
    }

    #[test]
    fn s45_quotes_another_version_only_in_part() {
        let mut report = report();
        report["schema"] = json!("é".repeat(1 << 20));
        assert!(read(&report).unwrap_err().len() < 500);
    }

    #[test]
    fn counts_values_outside_strings() {
        for (json, expected) in
            [("", 1), ("[]", 1), ("[1,2]", 2), (r#"{"a,b": "c\",d", "e": [1,2]}"#, 3), (r#""\\",1"#, 2)]
        {
            assert_eq!(values(json.as_bytes()), expected, "{json}");
        }
    }
}
