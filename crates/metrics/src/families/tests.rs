use super::*;
use crate::sample;

fn value(families: &[MetricFamily], name: &str) -> Option<f64> {
    let family = families.iter().find(|family| family.full_name() == name);
    family.unwrap_or_else(|| panic!("{name} is missing")).metrics.first().map(|metric| metric.value)
}

#[test]
fn numbers_have_their_names_and_units() {
    let families = of_numbers(&sample::report());
    for (name, expected) in [
        ("process_resident_memory_bytes", 537_184_666.0),
        ("process_threads", 9.0),
        ("memory_debug_process_cpus", 4.0),
        ("process_start_time_seconds", 1_795_165_200.0),
        ("memory_debug_cgroup_limit_bytes", 1_073_741_824.0),
        ("memory_debug_cgroup_shared_bytes", 131_072_000.0),
        ("memory_debug_cgroup_kernel_bytes", 20_971_520.0),
        ("memory_debug_cgroup_binding_limit_bytes", 1_342_177_280.0),
        ("memory_debug_cgroup_binding_current_bytes", 1_101_004_800.0),
        ("memory_debug_cgroup_binding_inactive_file_bytes", 52_428_800.0),
        ("memory_debug_machine_total_bytes", 25_769_803_776.0),
        ("memory_debug_machine_available_bytes", 17_179_869_184.0),
        ("memory_debug_ceiling_limit_bytes", 1_342_177_280.0),
        ("memory_debug_ceiling_used_bytes", 1_048_576_000.0),
        ("memory_debug_ceiling_room_bytes", 293_601_280.0),
        ("memory_debug_ceiling_others_bytes", 314_572_800.0),
        ("memory_debug_jemalloc_allocated_bytes", 451_936_256.0),
        ("memory_debug_profiling_active", 1.0),
        ("memory_debug_collection_duration_seconds", 0.008123),
    ] {
        assert_eq!(value(&families, name), Some(expected), "{name}");
    }
}

#[test]
fn events_above_name_their_level_and_the_ceiling_says_what_sets_it() {
    let mut report = sample::report();
    report.cgroup.as_mut().unwrap().levels[0].max_events = Some(7);
    let families = of_numbers(&report);
    let labels = |name: &str| {
        let family = families.iter().find(|family| family.full_name() == name).unwrap();
        let [metric] = &family.metrics[..] else { panic!("{family:?}") };
        (metric.labels.clone(), metric.value)
    };
    let level = vec![("level", "/pod".to_owned())];
    assert_eq!(labels("memory_debug_cgroup_above_max_events"), (level.clone(), 7.0));
    assert_eq!(labels("memory_debug_cgroup_above_oom_kills"), (level, 0.0));
    let what = vec![("set_by", "group-above".to_owned()), ("path", "/pod".to_owned())];
    assert_eq!(labels("memory_debug_ceiling"), (what, 1.0));
}

#[test]
fn without_a_limit_the_machine_is_the_ceiling_and_no_level_binds() {
    let mut report = sample::report();
    let cgroup = report.cgroup.as_mut().unwrap();
    (cgroup.limit_bytes, cgroup.binding) = (None, None);
    let families = of_numbers(&report);
    assert_eq!(value(&families, "memory_debug_ceiling_limit_bytes"), Some(25_769_803_776.0));
    assert_eq!(value(&families, "memory_debug_ceiling_room_bytes"), Some(17_179_869_184.0));
    assert_eq!(value(&families, "memory_debug_cgroup_binding_limit_bytes"), None);
}

#[test]
fn a_start_before_1970_is_negative_and_an_invalid_start_is_omitted() {
    let mut report = sample::report();
    report.instance.started_at = Some("1969-12-31T23:59:50Z".into());
    assert_eq!(value(&of_numbers(&report), "process_start_time_seconds"), Some(-10.0));
    report.instance.started_at = Some("soon".into());
    assert_eq!(value(&of_numbers(&report), "process_start_time_seconds"), None);
}

#[test]
fn omits_what_was_not_measured() {
    let mut report = sample::report();
    report.process.as_mut().unwrap().cpus = None;
    let families = of_numbers(&report);
    assert_eq!(value(&families, "memory_debug_process_cpus"), None);
    assert_eq!(value(&families, "memory_debug_process_unique_bytes"), None);
    assert_eq!(value(&families, "memory_debug_cgroup_oom_kills"), None);
}

#[test]
fn names_are_unique_and_valid_in_openmetrics() {
    let families = of_numbers(&sample::report());
    let mut names: Vec<_> = families.iter().map(MetricFamily::full_name).collect();
    assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')), "{names:?}");
    assert!(names.iter().all(|name| !name.ends_with("_total") && !name.ends_with("_info")), "{names:?}");
    names.sort();
    names.dedup();
    assert_eq!(names.len(), families.len());
}
