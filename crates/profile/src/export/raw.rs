//! jemalloc's own heap dump (`heap_v2`), for `jeprof` and whatever else reads it.
//!
//! Written from the parsed profile, so it says what the profile knows: read back, it is an equal profile. What is
//! lost on the way is what no field has: mappings without code, what each thread allocated in all (written as 0, where
//! only `jeprof --thread` looks for it), and spaces.

use std::io::{self, Write};

use rustc_hash::FxHashMap;

use crate::profile::{HeapProfile, Stack, Thread, ThreadSample};
use crate::sample::Sample;

impl HeapProfile {
    /// Writes the profile as jemalloc's `prof.dump` does, with the addresses and mappings that the process has.
    ///
    /// # Security
    ///
    /// Whoever reads it knows where the process has its code, which address space layout randomisation is there to
    /// hide, and the paths of its files.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_raw(&self, mut out: impl Write) -> io::Result<()> {
        // The parser refuses a rate of 0, which only a profile that was written elsewhere can have.
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
        self.stacks().try_for_each(|stack| write_stack(&stack, &mut out))?;
        writeln!(out, "\nMAPPED_LIBRARIES:")?;
        self.mappings.iter().try_for_each(|mapping| out.write_all(&mapping.line()))
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

/// The kernel's own spelling of line breaks in paths. A dump cannot have them in names, but a profile from elsewhere can.
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
    fn a_dump_of_jemalloc_is_written_as_it_was() {
        let dump = "heap_v2/524288\n  t*: 30: 7200 [40: 9000]\n  t0: 21: 6480 [0: 0] main\n  t7: 9: 720 [0: 0] \n\
            @ 0x1010 0x1020\n  t*: 20: 6400 [30: 8200]\n  t0: 20: 6400 [0: 0]\n\
            @ 0x1030\n  t*: 10: 800 [10: 800]\n  t0: 1: 80 [0: 0]\n  t7: 9: 720 [0: 0]\n\nMAPPED_LIBRARIES:\n\
            1000-2000 r-xp 00000000 fe:00 9 /srv/my app\n3000-4000 r-xp 00001000 fe:00 9 /srv/b.so (deleted)\n";
        assert_eq!(written(&HeapProfile::parse(dump.as_bytes()).unwrap()), dump);
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
        fn what_is_written_is_read_as_the_same_profile(dump in dump()) {
            let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
            let text = written(&profile);
            let read = HeapProfile::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(written(&read), text);
            prop_assert_eq!(read, profile);
        }
    }
}
