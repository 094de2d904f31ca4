//! Sums a profile of addresses by the time when its memory was allocated.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::TypeAttributor;
use super::row_sums::{Key, RowSum, is_older};
use crate::amount::Amount;
use crate::births::{BirthRow, Births, bounds, largest};
use crate::profile::HeapProfile;
use crate::sample::Estimate;
use crate::selection::{Group, TypeEntry};
use crate::symbols::LoadObject;

/// The sums of a row.
#[derive(Default)]
struct Sum {
    periods: BTreeMap<u32, Estimate>,
    older: Estimate,
    unknown: Estimate,
}

impl Sum {
    fn add(&mut self, born: Born, estimate: Estimate) {
        match born {
            Born::In(period) => *self.periods.entry(period).or_default() += estimate,
            Born::Before => self.older += estimate,
            Born::Unknown => self.unknown += estimate,
        }
    }

    fn append(&mut self, other: Self) {
        for (period, estimate) in other.periods {
            self.add(Born::In(period), estimate);
        }
        self.older += other.older;
        self.unknown += other.unknown;
    }

    fn row(self, (type_name, full_type): (String, String), is_attributed: bool) -> BirthRow {
        let whole = |estimate: Estimate| {
            let Amount { objects, bytes } = estimate.into();
            (objects, bytes)
        };
        let period = |(at, estimate): (u32, Estimate)| {
            let (objects, bytes) = whole(estimate);
            (at, objects, bytes)
        };
        BirthRow {
            type_name,
            full_type,
            is_attributed,
            periods: self.periods.into_iter().map(period).collect(),
            older: whole(self.older),
            unknown: whole(self.unknown),
        }
    }
}

/// When memory was allocated.
#[derive(Clone, Copy)]
enum Born {
    In(u32),
    Before,
    Unknown,
}

impl TypeAttributor {
    /// Sums the profile's live memory by type and by route, and by the time of its allocation. `moments` are the
    /// moments of earlier snapshots, in milliseconds since the start of the recording, ascending. `None` without live
    /// samples.
    pub fn births(
        &mut self,
        profile: &HeapProfile,
        files: &dyn LoadObject,
        moments: &[u64],
    ) -> Option<Births> {
        let recorded = profile.recording()?.recorded;
        let recorded_ms = u64::try_from(recorded.as_millis()).unwrap_or(u64::MAX);
        let bounds_ms = bounds(recorded_ms, moments);
        let keys = self.prepare(profile, files);
        let rate = profile.sample_rate();
        let (mut all, mut rows) = (Sum::default(), FxHashMap::<Key, Sum>::default());
        let live = profile.stacks().zip(keys).filter(|(stack, _)| stack.live.objects > 0);
        for (stack, key) in live {
            if self.is_first_sample(rate, stack, key) {
                continue;
            }
            let owner = self.owner_of(stack.addresses, key);
            let mut add = |route: Option<u32>, born: Born, estimate: Estimate| {
                all.add(born, estimate);
                for key in [Key::Owner(owner), Key::Route(route)] {
                    rows.entry(key).or_default().add(born, estimate);
                }
            };
            for sample in stack.recorded.samples {
                let age = u64::try_from(sample.age.as_millis()).unwrap_or(u64::MAX);
                let time = recorded_ms.saturating_sub(age);
                let period = bounds_ms.partition_point(|bound| *bound < time);
                let route = profile.label(sample.label).map(|_| sample.label);
                add(route, Born::In(u32::try_from(period).unwrap_or(u32::MAX)), sample.estimate(rate));
            }
            if stack.recorded.rest.objects > 0 {
                let born = if is_older(profile, &stack) { Born::Before } else { Born::Unknown };
                add(None, born, profile.rest_estimate(&stack));
            }
        }
        // Two owners can have one name.
        let mut named = BTreeMap::<(bool, String, String, bool), Sum>::new();
        for (key, sum) in rows {
            let is_type = matches!(key, Key::Owner(_));
            let TypeEntry { type_name, full_type, is_attributed, .. } =
                self.entry(profile, &key, Group::Container, RowSum::default());
            named.entry((is_type, type_name, full_type, is_attributed)).or_default().append(sum);
        }
        let (mut types, mut routes) = (Vec::new(), Vec::new());
        for ((is_type, type_name, full_type, is_attributed), sum) in named {
            let row = sum.row((type_name, full_type), is_attributed);
            if is_type { types.push(row) } else { routes.push(row) }
        }
        Some(Births {
            recorded_ms,
            sample_bytes: rate.bytes(),
            bounds_ms,
            all: all.row(Default::default(), false),
            types: largest(types, true),
            routes: largest(routes, false),
        })
    }
}
