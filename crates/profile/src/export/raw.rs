//! jemalloc's own heap dump (`heap_v2`), for `jeprof` and other readers.
//!
//! It is written from the parsed profile, and reading it back gives an equal profile. Only data without a field in
//! the profile is lost: mappings without code, spaces, and the total allocations of each thread. Total allocations
//! are written as 0; only `jeprof --thread` uses them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use rustc_hash::FxHashMap;

use super::largest::largest;
use crate::joined::Recorded;
use crate::profile::{HeapProfile, Stack, Thread, ThreadSample};
use crate::sample::Sample;
use crate::size_class::size_class;

impl HeapProfile {
    /// Writes the profile like jemalloc's `prof.dump`, with the addresses and mappings of the process.
    ///
    /// # Security
    ///
    /// A dump reveals where the process has its code, which address space layout randomization hides, and the paths
    /// of its files.
    ///
    /// # Errors
    ///
    /// Errors of `out`.
    pub fn write_raw(&self, out: impl Write) -> io::Result<()> {
        self.write_raw_largest(usize::MAX, out)
    }

    /// Writes a dump with the `most` largest stacks only. The rest is summed by size class, as stacks of the single
    /// address `0xffffffffffff000`, where no process has code. So all totals stay the same. Estimates of readers stay
    /// the same, too, because readers correct each stack by the mean size of its objects.
    ///
    /// # Security
    ///
    /// See [`write_raw`](Self::write_raw).
    ///
    /// # Errors
    ///
    /// Errors of `out`.
    pub fn write_raw_largest(&self, most: usize, mut out: impl Write) -> io::Result<()> {
        // The parser refuses a rate of 0. Only a profile that was written elsewhere can have this rate.
        writeln!(out, "heap_v2/{}", self.sample_rate.bytes().max(1))?;
        let accumulated = self.stacks().map(|stack| stack.accumulated).fold(Sample::default(), sum);
        writeln!(out, "  t*: {}", counts(self.total, accumulated))?;
        let mut by_thread: FxHashMap<u64, Sample> = FxHashMap::default();
        for ThreadSample { thread, live } in &self.thread_samples {
            let of_thread = by_thread.entry(*thread).or_default();
            *of_thread = sum(*of_thread, *live);
        }
        for Thread { id, name } in &self.threads {
            let live = by_thread.get(id).copied().unwrap_or_default();
            let name = one_line(name.as_deref().unwrap_or_default());
            writeln!(out, "  t{id}: {} {name}", counts(live, Sample::default()))?;
        }
        let is_kept = largest(self.stacks().map(|stack| stack.live.bytes), most);
        let mut rest: BTreeMap<u64, Rest> = BTreeMap::new();
        for (stack, is_kept) in self.stacks().zip(is_kept) {
            if is_kept {
                write_stack(&stack, &mut out)?;
            } else {
                let mean = stack.live.bytes.checked_div(stack.live.objects).unwrap_or(0);
                rest.entry(size_class(mean)).or_default().add(&stack);
            }
        }
        for Rest { live, accumulated, threads } in rest.into_values() {
            let threads: Vec<_> =
                threads.into_iter().map(|(thread, live)| ThreadSample { thread, live }).collect();
            let recorded = Recorded::nothing(live);
            let stack = Stack { addresses: &[NOWHERE], live, accumulated, threads: &threads, recorded };
            write_stack(&stack, &mut out)?;
        }
        writeln!(out, "\nMAPPED_LIBRARIES:")?;
        self.mappings.iter().try_for_each(|mapping| out.write_all(&mapping.line()))
    }
}

/// The address of summed stacks, above all addresses that processors give to processes. `jeprof` takes small numbers
/// for offsets in the program, and would show the name of a random variable.
const NOWHERE: u64 = 0x0fff_ffff_ffff_f000;

/// The sum of several stacks.
#[derive(Default)]
struct Rest {
    live: Sample,
    accumulated: Sample,
    threads: BTreeMap<u64, Sample>,
}

impl Rest {
    fn add(&mut self, stack: &Stack<'_>) {
        self.live = sum(self.live, stack.live);
        self.accumulated = sum(self.accumulated, stack.accumulated);
        for ThreadSample { thread, live } in stack.threads {
            let of_thread = self.threads.entry(*thread).or_default();
            *of_thread = sum(*of_thread, *live);
        }
    }
}

fn write_stack(stack: &Stack<'_>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "@")?;
    stack.addresses.iter().try_for_each(|address| write!(out, " {address:#x}"))?;
    writeln!(out, "\n  t*: {}", counts(stack.live, stack.accumulated))?;
    stack.threads.iter().try_for_each(|ThreadSample { thread, live }| {
        writeln!(out, "  t{thread}: {}", counts(*live, Sample::default()))
    })
}

/// `objects: bytes [objects: bytes]`.
fn counts(live: Sample, accumulated: Sample) -> String {
    format!("{}: {} [{}: {}]", live.objects, live.bytes, accumulated.objects, accumulated.bytes)
}

fn sum(a: Sample, b: Sample) -> Sample {
    Sample { objects: a.objects.saturating_add(b.objects), bytes: a.bytes.saturating_add(b.bytes) }
}

/// Writes line breaks as the kernel does in paths. A dump has no line breaks in names, but a profile from elsewhere
/// can.
fn one_line(text: &str) -> String {
    text.replace('\n', "\\012")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(profile: &HeapProfile) -> String {
        let mut out = Vec::new();
        profile.write_raw(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_a_dump_of_jemalloc_unchanged() {
        let dump = "heap_v2/524288\n  t*: 30: 7200 [40: 9000]\n  t0: 21: 6480 [0: 0] main\n  t7: 9: 720 [0: 0] \n\
            @ 0x1010 0x1020\n  t*: 20: 6400 [30: 8200]\n  t0: 20: 6400 [0: 0]\n\
            @ 0x1030\n  t*: 10: 800 [10: 800]\n  t0: 1: 80 [0: 0]\n  t7: 9: 720 [0: 0]\n\nMAPPED_LIBRARIES:\n\
            1000-2000 r-xp 00000000 fe:00 9 /srv/my app\n3000-4000 r-xp 00001000 fe:00 9 /srv/b.so (deleted)\n";
        assert_eq!(written(&HeapProfile::parse(dump.as_bytes()).unwrap()), dump);
    }

    #[test]
    fn sums_small_stacks_and_keeps_totals_and_estimates() {
        let stacks: String = (1..=60_u64)
            .map(|at| {
                let (objects, bytes) = (at, at * (64 + 64 * (at % 3)));
                format!(
                    "@ {:#x} 0x1020\n  t*: {objects}: {bytes} [{objects}: {bytes}]\n  t{}: {objects}: {bytes} [0: 0]\n",
                    0x1000 + at,
                    at % 2
                )
            })
            .collect();
        let total: u64 = (1..=60).map(|at| at * (64 + 64 * (at % 3))).sum();
        let dump = format!(
            "heap_v2/524288\n  t*: 1830: {total} [1830: {total}]\n  t0: 0: 0 [0: 0]\n  t1: 0: 0 [0: 0]\n{stacks}\n\
             MAPPED_LIBRARIES:\n1000-2000 r-xp 00000000 fe:00 9 /srv/app\n"
        );
        let whole = HeapProfile::parse(dump.as_bytes()).unwrap();
        let estimate = |profile: &HeapProfile| {
            let estimator = profile.estimator();
            let sums = profile.stacks().map(|stack| estimator.estimate(stack.live));
            sums.fold((0.0, 0.0), |(objects, bytes), next| (objects + next.objects, bytes + next.bytes))
        };
        for most in [0, 1, 30, 59, 60, 61] {
            let mut out = Vec::new();
            whole.write_raw_largest(most, &mut out).unwrap();
            let cut = HeapProfile::parse(&*out).unwrap();
            let summed = if most < 60 { 3 } else { 0 };
            assert!(cut.stacks().len() <= most + summed, "{most}");
            assert_eq!(cut.total(), whole.total());
            let live =
                |profile: &HeapProfile| profile.stacks().map(|stack| stack.live).fold(Sample::default(), sum);
            let accumulated = |profile: &HeapProfile| {
                profile.stacks().map(|stack| stack.accumulated).fold(Sample::default(), sum)
            };
            assert_eq!((live(&cut), accumulated(&cut)), (live(&whole), accumulated(&whole)), "{most}");
            let of_threads = |profile: &HeapProfile| {
                profile
                    .stacks()
                    .flat_map(|stack| stack.threads)
                    .map(|sample| sample.live)
                    .fold(Sample::default(), sum)
            };
            assert_eq!(of_threads(&cut), of_threads(&whole), "{most}");
            let (a, b) = (estimate(&cut), estimate(&whole));
            assert!((a.0 / b.0 - 1.0).abs() < 1e-9 && (a.1 / b.1 - 1.0).abs() < 1e-9, "{most}: {a:?} {b:?}");
        }
        let mut out = Vec::new();
        whole.write_raw_largest(0, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().matches("\n@ 0xffffffffffff000\n").count(), 3);
    }

    #[test]
    fn a_profile_from_elsewhere_cannot_forge_lines() {
        let dump =
            "heap_v2/1\n  t*: 0: 0 [0: 0]\n  t1: 0: 0 [0: 0] x\n\nMAPPED_LIBRARIES:\n1-2 r-xp 0 0 9 /a\n";
        let mut profile = HeapProfile::parse(dump.as_bytes()).unwrap();
        profile.threads[0].name = Some("x\n@ 0x1".into());
        profile.mappings[0].path = "/a\n5-6 r-xp 0 0 9 /b".into();
        let read = HeapProfile::parse(written(&profile).as_bytes()).unwrap();
        assert_eq!((read.stacks().len(), read.mappings().len()), (0, 1));
        assert_eq!(read.mappings()[0].path, profile.mappings[0].path);
    }

    fn sample() -> impl Strategy<Value = (u64, u64)> {
        prop_oneof![(0..100_u64, 0..100_000_u64), any::<(u64, u64)>()]
    }

    fn mapping() -> impl Strategy<Value = String> {
        (any::<u64>(), any::<u32>(), any::<u32>(), 0..99_u64, "/[ -~é]{0,12}( \\(deleted\\)){0,2}").prop_map(
            |(start, length, offset, inode, path)| {
                let end = start.saturating_add(length.into());
                format!("{start:x}-{end:x} r-xp {offset:08x} fe:00 {inode}    {path}\n")
            },
        )
    }

    fn stack() -> impl Strategy<Value = String> {
        let threads = prop::collection::vec((0..5_u64, sample()), 0..4);
        (prop::collection::vec(any::<u64>(), 0..6), sample(), sample(), threads).prop_map(
            |(addresses, live, accumulated, threads)| {
                let addresses: String = addresses.iter().map(|address| format!(" {address:#x}")).collect();
                let threads = threads.iter().map(|(id, (n, b))| format!("  t{id}: {n}: {b} [{n}: {b}]\n"));
                let threads: String = threads.collect();
                let [(n, b), (all_n, all_b)] = [live, accumulated];
                format!("@{addresses}\n  t*: {n}: {b} [{all_n}: {all_b}]\n{threads}")
            },
        )
    }

    prop_compose! {
        fn dump()(
            rate in 1..u64::MAX,
            (objects, bytes) in sample(),
            names in prop::collection::vec("[ -~é]{0,9}", 0..5),
            stacks in prop::collection::vec(stack(), 0..5),
            mappings in prop::collection::vec(mapping(), 0..5),
        ) -> String {
            let threads = names.iter().enumerate().map(|(id, name)| format!("  t{id}: 1: 8 [0: 0] {name}\n"));
            let (threads, stacks, mappings) = (threads.collect::<String>(), stacks.concat(), mappings.concat());
            format!("heap_v2/{rate}\n  t*: {objects}: {bytes} [0: 0]\n{threads}{stacks}\nMAPPED_LIBRARIES:\n{mappings}")
        }
    }

    proptest! {
        #[test]
        fn reads_back_the_same_profile(dump in dump()) {
            let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
            let text = written(&profile);
            let read = HeapProfile::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(written(&read), text);
            prop_assert_eq!(read, profile);
        }
    }
}
