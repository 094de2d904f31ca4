//! The numbers of a report, and the rule by which each is merged.

use serde::{Deserialize, Serialize};

use crate::report::MemoryReport;

/// How the values of many instances are merged into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MergeRule {
    /// The values are added up.
    Sum,
    /// The values are not added up: instances may share what the number counts, or the values belong to different
    /// moments.
    Spread,
}

/// One number of a report.
pub(crate) struct Field {
    /// Path of the number in the report.
    pub(crate) path: &'static str,
    pub(crate) rule: MergeRule,
    /// A caveat about the sum.
    pub(crate) note: Option<&'static str>,
    pub(crate) get: fn(&MemoryReport) -> Option<u64>,
}

const SHARED_PAGES: &str =
    "pages that instances on one host share are counted in each of them; pss_bytes avoids that";

const CEILING: &str =
    "the limit with the least room is the container's, a group's above it, or the machine's memory";

macro_rules! field {
    (cgroup.parts.$name:ident, $rule:ident) => {
        Field {
            path: concat!("cgroup.parts.", stringify!($name)),
            rule: MergeRule::$rule,
            note: None,
            get: |report| report.cgroup.as_ref()?.parts.$name,
        }
    };
    (cgroup.binding.$name:ident, $rule:ident) => {
        Field {
            path: concat!("cgroup.binding.", stringify!($name)),
            rule: MergeRule::$rule,
            note: None,
            get: |report| report.cgroup.as_ref()?.binding.as_ref()?.$name,
        }
    };
    (ceiling.$name:ident, $rule:ident, $note:expr) => {
        Field {
            path: concat!("ceiling.", stringify!($name)),
            rule: MergeRule::$rule,
            note: Some($note),
            get: |report| report.ceiling().ok().map(|ceiling| ceiling.$name),
        }
    };
    ($section:ident . $name:ident, $rule:ident $(, $note:expr)?) => {
        Field {
            path: concat!(stringify!($section), ".", stringify!($name)),
            rule: MergeRule::$rule,
            note: [$(Some($note),)? None][0],
            get: |report| report.$section.as_ref()?.$name,
        }
    };
}

/// All fields in the order of the report. Numbers of a control group or a machine are never added up, because instances
/// may share it. Nor are highest values, because they were not reached at the same moment.
pub(crate) const FIELDS: &[Field] = &[
    field!(process.resident_bytes, Sum, SHARED_PAGES),
    field!(process.peak_resident_bytes, Spread),
    field!(process.anonymous_bytes, Sum),
    field!(process.file_bytes, Sum, SHARED_PAGES),
    field!(process.shared_bytes, Sum, SHARED_PAGES),
    field!(process.pss_bytes, Sum),
    field!(process.uss_bytes, Sum),
    field!(process.swap_bytes, Sum),
    field!(process.lazy_free_bytes, Sum),
    field!(process.threads, Sum),
    field!(process.open_fds, Sum),
    field!(process.cpus, Spread),
    field!(cgroup.limit_bytes, Spread),
    field!(cgroup.current_bytes, Spread),
    field!(cgroup.inactive_file_bytes, Spread),
    field!(cgroup.peak_bytes, Spread),
    field!(cgroup.oom_kills, Spread),
    field!(cgroup.high_events, Spread),
    field!(cgroup.max_events, Spread),
    field!(cgroup.parts.anonymous_bytes, Spread),
    field!(cgroup.parts.file_bytes, Spread),
    field!(cgroup.parts.mapped_file_bytes, Spread),
    field!(cgroup.parts.shared_bytes, Spread),
    field!(cgroup.parts.kernel_bytes, Spread),
    field!(cgroup.parts.socket_bytes, Spread),
    field!(cgroup.binding.limit_bytes, Spread),
    field!(cgroup.binding.current_bytes, Spread),
    field!(cgroup.binding.inactive_file_bytes, Spread),
    field!(machine.total_bytes, Spread),
    field!(machine.available_bytes, Spread),
    field!(ceiling.limit_bytes, Spread, CEILING),
    field!(ceiling.used_bytes, Spread, CEILING),
    field!(ceiling.room_bytes, Spread, CEILING),
    field!(allocator.allocated_bytes, Sum),
    field!(allocator.active_bytes, Sum),
    field!(allocator.metadata_bytes, Sum),
    field!(allocator.resident_bytes, Sum),
    field!(allocator.mapped_bytes, Sum),
    field!(allocator.retained_bytes, Sum),
    field!(allocator.dirty_bytes, Sum),
    field!(allocator.muzzy_bytes, Sum),
    field!(allocator.thread_cache_bytes, Sum),
    field!(allocator.internal_bytes, Sum),
    field!(allocator.sampled_pages_bytes, Sum),
    field!(allocator.arenas, Sum),
    Field {
        path: "allocator.profiling.sample_bytes",
        rule: MergeRule::Spread,
        note: None,
        get: |report| report.allocator.as_ref()?.profiling.sample_bytes,
    },
    Field {
        path: "allocator.profiling.unwinder.walked",
        rule: MergeRule::Sum,
        note: None,
        get: |report| report.allocator.as_ref()?.profiling.unwinder.as_ref().map(|unwinder| unwinder.walked),
    },
    Field {
        path: "allocator.profiling.unwinder.fell_back",
        rule: MergeRule::Sum,
        note: None,
        get: |report| {
            report.allocator.as_ref()?.profiling.unwinder.as_ref().map(|unwinder| unwinder.fell_back)
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Page, TypesView};
    use crate::{render, sample};

    /// The overview in the wire format.
    fn overview(report: &MemoryReport) -> serde_json::Value {
        serde_json::from_str(&render::json(report, Page::Overview, &TypesView::default())).unwrap()
    }

    #[test]
    fn every_number_of_a_report_has_a_rule() {
        let report = overview(&sample::report());
        let sections =
            ["process", "cgroup", "cgroup.parts", "cgroup.binding", "machine", "ceiling", "allocator"];
        // Events at levels above are not merged, because levels differ between hosts.
        let is_left_out = |path: &str| {
            path.starts_with("cgroup.binding.") && path.ends_with("s") && !path.ends_with("_bytes")
        };
        for section in sections {
            let members = report.pointer(&format!("/{}", section.replace('.', "/"))).unwrap();
            for (name, value) in members.as_object().unwrap() {
                let path = format!("{section}.{name}");
                if is_left_out(&path) || path == "ceiling.others_bytes" {
                    continue;
                }
                let is_count = value.is_u64() || value.is_null();
                // The version is not a quantity; pressures are shares of time.
                if is_count && !["cgroup.version"].contains(&path.as_str()) && !name.ends_with("_percent") {
                    let is_text =
                        ["allocator.version", "allocator.background_threads"].contains(&path.as_str());
                    assert!(is_text || FIELDS.iter().any(|field| field.path == path), "{path} has no rule");
                }
            }
        }
    }

    #[test]
    fn a_field_is_read_where_its_path_says() {
        let report = sample::report();
        let json = overview(&report);
        for field in FIELDS {
            let pointer = format!("/{}", field.path.replace('.', "/"));
            let value = json.pointer(&pointer).unwrap_or_else(|| panic!("{pointer} is not in the report"));
            assert_eq!((field.get)(&report), value.as_u64(), "{pointer}");
        }
    }
}
