use memory_debug_profile::{HeapProfile, Mapping, TypeAttributor};

use super::*;
use crate::report::{RowSource, TypeSummary};
use crate::sample;
use crate::snapshot::tests::{of_dump, samples, with_samples};

/// A dump with `count` objects of 64 bytes. Without symbols, they belong to unknown code.
fn dump(count: u64) -> String {
    let bytes = count * 64;
    format!(
        "heap_v2/524288\n  t*: 0: 0 [0: 0]\n@ 0x10\n  t*: {count}: {bytes} [0: 0]\n  t1: {count}: {bytes} [0: 0]\n\n\
         MAPPED_LIBRARIES:\n"
    )
}

fn profile(count: u64) -> SymbolizedProfile {
    let no_files = |_: &Mapping| Err(std::io::ErrorKind::NotFound.into());
    let profile = HeapProfile::parse(dump(count).as_bytes()).unwrap();
    TypeAttributor::new().symbolize(&profile, &no_files)
}

/// A report whose table is `profile` by type.
fn report(profile: &SymbolizedProfile) -> MemoryReport {
    let types = TypeSummary { rows: summed(profile, Group::Container), ..sample::types() };
    MemoryReport { types: Some(types), ..sample::report() }
}

fn id(profile: &SymbolizedProfile) -> RowId {
    summed(profile, Group::Container)[0].id.unwrap()
}

fn snapshot(minute: u64, count: u64, generation: u64) -> Arc<Snapshot> {
    let taken = of_dump(&dump(count), 60 * minute, &minute.to_string());
    Arc::new(with_samples(&taken, Some(samples(generation))))
}

#[test]
fn a_type_has_its_row_its_breakdowns_and_its_history() {
    let now = profile(30);
    let kept = [snapshot(1, 10, 0), snapshot(2, 20, 0), snapshot(3, 9, 1)];
    let detail = TypeDetail::of(&report(&now), &now, &kept, id(&now)).unwrap().unwrap();
    assert_eq!(detail.rows, summed(&now, Group::Container));
    let history: Vec<_> = detail.history.iter().map(|at| (at.label.as_deref(), at.bytes)).collect();
    assert_eq!(history, [(Some("1"), 10 * 524_320), (Some("2"), 20 * 524_320), (None, 30 * 524_320)]);
    assert_eq!(detail.left_out_snapshots, 1, "the samples of the third were discarded since");
    assert_eq!(detail.history[0].snapshot, Some(kept[0].info().id));
    let groups: Vec<_> =
        detail.groups.iter().map(|group| (group.group.as_str(), group.rows[0].bytes)).collect();
    let expected = GROUPS.map(|group| (group.as_str(), 30 * 524_320));
    assert_eq!(groups, expected);
    assert!(detail.groups.iter().all(|group| group.rows.iter().all(|row| row.id.is_none())), "{detail:?}");
}

#[test]
fn a_type_that_is_no_longer_live_keeps_its_history_and_its_name() {
    let (before, now) = (profile(10), SymbolizedProfile::empty(profile(1).sample_rate()));
    let id = id(&before);
    let detail = TypeDetail::of(&report(&now), &now, &[snapshot(1, 10, 0)], id).unwrap().unwrap();
    assert_eq!((detail.rows.len(), detail.history[1].bytes), (0, 0));
    assert_eq!(detail.full_type, summed(&before, Group::Container)[0].full_type);
    assert!(detail.to_string().contains("\nNo such memory is live now.\n"), "{detail}");
    assert_eq!(TypeDetail::of(&report(&now), &now, &[], id).unwrap(), None);
}

#[test]
fn as_text_it_begins_with_the_row() {
    let now = profile(30);
    let mut report = report(&now);
    let row = &mut report.types.as_mut().unwrap().rows[0];
    assert_eq!(row.source, RowSource::Unattributed);
    row.full_type = "a\nb".into();
    let text = TypeDetail::of(&report, &now, &[snapshot(1, 10, 0)], id(&now)).unwrap().unwrap().to_string();
    let expected = "unknown code\na\\u{a}b\n  total size                        15.00 MiB\n  ±                                      19 %\n";
    assert!(text.starts_with(expected), "{text}");
    for line in [
        "\nover the kept snapshots\n",
        "\n1970-01-01T00:01:00.000Z |    81,925 |   5.00 MiB | 33 % |     1\n",
        "\nby size class\n",
        "64 bytes |",
        "\nby traceback\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}
