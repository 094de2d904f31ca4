//! Profiles for tests, and the laws of merging.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::amount::Amount;
use crate::sample::SampleRate;
use crate::selection::{Group, RowId, Selection, TracebackDepth};

/// A profile at a rate of 512 KiB. Each stack has a type, functions from the innermost, objects and bytes.
pub(crate) fn profile(stacks: &[(&str, &[&str], i64, i64)]) -> SymbolizedProfile {
    let mut builder = Builder::new(ProfileKind::Live, SampleRate::from_bytes(524_288));
    for (type_name, functions, objects, bytes) in stacks {
        let thread = builder.threads.handle("main".into());
        let live = Amount { objects: *objects, bytes: *bytes };
        add(&mut builder, type_name, functions, NamedSample { thread, live, allocated: Amount::default() });
    }
    builder.finish()
}

fn add(builder: &mut Builder, type_name: &str, functions: &[&str], sample: NamedSample) {
    let owner = Owner { name: type_name.into(), full_type: type_name.into(), is_attributed: true };
    let mapping = builder.mappings.handle(NamedMapping {
        is_library: false,
        file: "app".into(),
        build_id: None,
        file_offset: 0x1000,
        length: 0x10_0000,
    });
    let locations: Vec<u32> = functions
        .iter()
        .map(|name| {
            let file = Some("src/main.rs".into());
            let function = builder.names.functions.handle(NamedFunction {
                name: (*name).into(),
                system_name: (*name).into(),
                file,
            });
            let address = 0x1000 + name.bytes().map(u64::from).sum::<u64>();
            let lines = Arc::new([Line { function, line: 7 }]);
            builder.locations.handle(Location { mapping: Some(mapping), address, lines })
        })
        .collect();
    let place = Place {
        function: functions.first().map(|name| (*name).into()),
        file: Some("src/main.rs".into()),
        line: 7,
        crate_name: Some("this service".into()),
    };
    let (owner, place) = (builder.names.owners.handle(owner), builder.names.places.handle(place));
    builder.add(locations, (owner, place), false, [sample]);
}

/// A small random profile of a kind.
pub(crate) fn any_profile(kind: ProfileKind) -> impl Strategy<Value = SymbolizedProfile> {
    let low = if kind == ProfileKind::Growth { -1000 } else { 0 };
    let amount =
        move || (low..1000_i64, low..1_000_000_i64).prop_map(|(objects, bytes)| Amount { objects, bytes });
    let name = || proptest::sample::select(&["a", "b", "c<D>", "é \"x\""][..]);
    let stack = (name(), proptest::collection::vec(name(), 0..4), name(), amount(), amount());
    let rate = proptest::sample::select(&[1_u64, 4096, 524_288][..]);
    (proptest::collection::vec(stack, 0..8), rate).prop_map(move |(stacks, rate)| {
        let mut builder = Builder::new(kind, SampleRate::from_bytes(rate));
        for (type_name, functions, thread, live, allocated) in stacks {
            let thread = builder.threads.handle(thread.into());
            add(&mut builder, type_name, &functions, NamedSample { thread, live, allocated });
        }
        builder.finish()
    })
}

#[test]
fn sums_rows_by_group() {
    let profile = profile(&[
        ("Vec<app::A>", &["read", "main"], 2, 200),
        ("Vec<app::A>", &["write", "main"], 1, 100),
        ("Box<app::A>", &["write", "main"], 1, 50),
    ]);
    let rows = |group: Group| {
        let table = profile.summarize(&group.into());
        table.entries.into_iter().map(|row| (row.type_name, row.estimate.bytes as u64)).collect::<Vec<_>>()
    };
    let row = |name: &str, bytes| (name.to_owned(), bytes);
    assert_eq!(rows(Group::Container), [row("Vec<app::A>", 300), row("Box<app::A>", 50)]);
    assert_eq!(rows(Group::Element), [row("A", 350)]);
    assert_eq!(rows(Group::Function), [row("read", 200), row("write", 150)]);
    assert_eq!(rows(Group::Line), [row("src/main.rs:7", 350)]);
    assert_eq!(rows(Group::Thread), [row("main", 350)]);
    assert_eq!(rows(Group::SizeClass), [row("112 bytes", 300), row("64 bytes", 50)]);
    let tracebacks = [row("read:7 ← main:7", 200), row("write:7 ← main:7", 150)];
    assert_eq!(rows(Group::Traceback), tracebacks);
    let innermost = Selection::by_traceback(TracebackDepth::new(1).unwrap());
    assert_eq!(profile.summarize(&innermost).entries[0].type_name, "read:7");
    let focus = Selection::new(Group::Container, Some("wri".into()), None);
    assert_eq!(profile.summarize(&focus).total.bytes, 150.0);
}

#[test]
fn a_row_is_a_profile_of_its_own_with_the_same_numbers() {
    let (read, write) = (["read", "main"], ["write", "main"]);
    let whole = profile(&[
        ("Vec<app::A>", &read, 2, 200),
        ("Vec<app::A>", &write, 1, 100),
        ("Box<app::A>", &write, 1, 50),
    ]);
    let whole = SymbolizedProfile { large_below: 437_500, ..whole };
    for entry in whole.summarize(&Selection::default()).entries {
        let row = whole.of_row(RowId::of(&entry.type_name, &entry.full_type, entry.is_attributed));
        assert_eq!(row.summarize(&Selection::default()).entries, [entry]);
        assert_eq!(row.large_below, 437_500);
    }
    let vec = whole.of_row(RowId::of("Vec<A>", "Vec<app::A>", true));
    assert_eq!((vec.stack_count(), vec.total().bytes), (2, 300));
    assert_eq!(vec.owners.len(), 1, "unused names are gone");
    let unknown = whole.of_row(RowId::of("Vec<A>", "Vec<app::A>", false));
    assert_eq!((unknown.stack_count(), unknown.total()), (0, Amount::default()));
}

#[test]
fn profile_has_no_growth_since_itself() {
    let profile = profile(&[("String", &["a"], 9, 4096)]);
    let growth = profile.growth_since(&profile);
    assert_eq!(
        (growth.kind(), growth.stack_count(), growth.total()),
        (ProfileKind::Growth, 0, Amount::default())
    );
    assert!(growth.functions.is_empty(), "unused names are gone");
    assert_eq!(SymbolizedProfile::merge([&profile, &growth]), None);
    assert_eq!(SymbolizedProfile::merge([]), None);
}

proptest! {
    #[test]
    fn merging_is_associative_and_commutative(
        a in any_profile(ProfileKind::Live),
        b in any_profile(ProfileKind::LiveAndAllocated),
        c in any_profile(ProfileKind::Live),
    ) {
        let merge = |profiles: &[&SymbolizedProfile]| SymbolizedProfile::merge(profiles.iter().copied()).unwrap();
        let all = merge(&[&a, &b, &c]);
        prop_assert_eq!(&merge(&[&merge(&[&a, &b]), &c]), &all);
        prop_assert_eq!(&merge(&[&a, &merge(&[&b, &c])]), &all);
        prop_assert_eq!(&merge(&[&c, &a, &b]), &all);
        prop_assert_eq!(merge(&[&a]), a);
    }

    #[test]
    fn between_a_profile_and_itself_is_no_difference(
        profile in prop_oneof![any_profile(ProfileKind::Live), any_profile(ProfileKind::LiveAndAllocated)],
    ) {
        let growth = profile.growth_since(&profile);
        prop_assert_eq!((growth.stack_count(), growth.total()), (0, Amount::default()));
        let change = ChangeTable::between(&profile, &profile, &Selection::default());
        prop_assert_eq!((change.rows.len(), change.total.is_significant), (0, false));
    }

    #[test]
    fn growths_add_up(
        a in any_profile(ProfileKind::Live),
        b in any_profile(ProfileKind::Live),
        c in any_profile(ProfileKind::Live),
    ) {
        let steps = [&b.growth_since(&a), &c.growth_since(&b)];
        let together = SymbolizedProfile::merge(steps).unwrap();
        let at_once = c.growth_since(&a);
        prop_assert_eq!(together.stacks, at_once.stacks);
        prop_assert_eq!(together.samples, at_once.samples);
    }
}
