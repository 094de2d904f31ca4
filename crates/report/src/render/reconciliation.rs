//! Lines below the table: how its sum fits with what jemalloc and the kernel count.

use std::fmt::{self, Write};

use super::WORTH_A_WORD;
use crate::reconciliation::Reconciliation;
use crate::units::{Bytes, percent, visible};

pub(super) fn write(out: &mut (impl Write + ?Sized), numbers: &Reconciliation) -> fmt::Result {
    if let (Some(sampled), Some(in_use)) = (numbers.sampled_bytes, numbers.in_use_bytes) {
        let stderr = numbers.sampled_stderr_bytes.unwrap_or_default() as f64;
        let error = percent(stderr, sampled as f64).map(|percent| format!(" (± {percent:.1} %)"));
        let (sampled, error) = (Bytes(sampled), error.unwrap_or_default());
        let verdict = match numbers.within_two_stderr {
            Some(true) => "; they agree",
            Some(false) => "; more apart than sampling explains",
            None => "",
        };
        writeln!(
            out,
            "sampled {sampled:.1}{error} of {:.1} in use by jemalloc's count{verdict}",
            Bytes(in_use)
        )?;
    }
    for explanation in &numbers.explanations {
        writeln!(out, "  maybe {}", visible(explanation))?;
    }
    write_resident(out, numbers)?;
    let matters = |bytes: &u64| {
        let resident = numbers.resident_bytes.unwrap_or(0);
        percent(*bytes as f64, resident as f64) >= Some(WORTH_A_WORD)
    };
    if own(numbers).as_ref().is_some_and(matters) {
        write_parts(out, "jemalloc's own", &own_parts(numbers))?;
    }
    write_outside(out, numbers)?;
    if let Some(bytes) = numbers.never_touched_bytes.filter(matters) {
        let bytes = Bytes(bytes);
        writeln!(
            out,
            "  never touched: at least {bytes} that jemalloc counts, rows included: reserved, and no memory until written"
        )?;
    }
    if let Some(bytes) = numbers.muzzy_bytes.filter(matters) {
        writeln!(
            out,
            "  muzzy: {} is free, and the kernel may take it; POST /purge returns it now",
            Bytes(bytes)
        )?;
    }
    Ok(())
}

/// The parts of resident memory, those that add to it and those that are not in it.
fn write_resident(out: &mut (impl Write + ?Sized), numbers: &Reconciliation) -> fmt::Result {
    let Some(resident) = numbers.resident_bytes else { return Ok(()) };
    let always = [
        (numbers.in_use_bytes, "in use"),
        (numbers.fragmentation_bytes, "fragmentation"),
        (numbers.dirty_bytes, "dirty"),
        (own(numbers), "jemalloc's own"),
    ];
    let some = |bytes: Option<u64>| bytes.filter(|bytes| *bytes > 0);
    let others = [(some(numbers.muzzy_bytes), "muzzy"), (numbers.outside_bytes, "outside jemalloc")];
    let less =
        [(some(numbers.swapped_bytes), "swapped out"), (some(numbers.never_touched_bytes), "never touched")];
    let part = |(bytes, name): &(Option<u64>, &str)| Some(format!("{:.1} {name}", Bytes((*bytes)?)));
    let mut told = always.iter().chain(&others).filter_map(part).collect::<Vec<_>>().join(" + ");
    for part in less.iter().filter_map(part) {
        told.push_str(" − ");
        told.push_str(&part);
    }
    let is_whole = always.iter().all(|(bytes, _)| bytes.is_some())
        && numbers.outside_bytes.is_some()
        && numbers.never_touched_bytes.is_some();
    let sum = if is_whole { " =" } else { "; of it" };
    if told.is_empty() { Ok(()) } else { writeln!(out, "resident {:.1}{sum} {told}", Bytes(resident)) }
}

/// Part of resident memory, and its name.
type Part = (Option<u64>, &'static str);

/// What jemalloc has beside the program's objects and free pages.
fn own_parts(numbers: &Reconciliation) -> [Part; 4] {
    [
        (numbers.thread_cache_bytes, "free objects in threads' caches"),
        (numbers.internal_bytes, "of the caches and the profile"),
        (numbers.metadata_bytes, "of arenas and pages"),
        (numbers.sampling_bytes, "beside sampled objects, which have pages to themselves"),
    ]
}

fn own(numbers: &Reconciliation) -> Option<u64> {
    own_parts(numbers).iter().try_fold(0, |sum: u64, (bytes, _)| Some(sum.saturating_add((*bytes)?)))
}

/// What memory outside jemalloc is, as far as the kernel tells.
fn write_outside(out: &mut (impl Write + ?Sized), numbers: &Reconciliation) -> fmt::Result {
    let parts = [
        (numbers.outside_anonymous_bytes, "anonymous (stacks, mmap, C libraries)"),
        (numbers.outside_file_bytes, "of mapped files"),
        (numbers.outside_shared_bytes, "shared"),
    ];
    write_parts(out, "outside jemalloc", &parts)
}

fn write_parts(out: &mut (impl Write + ?Sized), whole: &str, parts: &[Part]) -> fmt::Result {
    let some =
        parts.iter().filter_map(|(bytes, name)| Some(((*bytes)?, name))).filter(|(bytes, _)| *bytes > 0);
    let told: Vec<_> = some.map(|(bytes, name)| format!("{:.1} {name}", Bytes(bytes))).collect();
    if told.is_empty() { Ok(()) } else { writeln!(out, "  {whole}: {}", told.join(" + ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn lines(numbers: &Reconciliation) -> String {
        let mut text = String::new();
        write(&mut text, numbers).unwrap();
        text
    }

    #[test]
    fn the_sum_of_the_table_stands_beside_what_jemalloc_and_the_kernel_count() {
        let text = lines(&sample::reconciliation());
        assert_eq!(
            text,
            "sampled 430.0 MiB (± 3.5 %) of 429.5 MiB in use by jemalloc's count; they agree\n\
             resident 512.3 MiB = 429.5 MiB in use + 4.0 MiB fragmentation + 53.0 MiB dirty + 9.5 MiB jemalloc's own + \
             16.3 MiB outside jemalloc\n  outside jemalloc: 4.0 MiB anonymous (stacks, mmap, C libraries) + 12.3 MiB of \
             mapped files\n"
        );
        assert!(text.lines().all(|line| line.len() <= 140), "{text}");
    }

    #[test]
    fn a_difference_is_explained_and_a_missing_part_left_out() {
        let mut numbers = sample::reconciliation();
        (numbers.within_two_stderr, numbers.outside_bytes) = (Some(false), None);
        numbers.explanations = vec!["sampling began\nlate".into()];
        let text = lines(&numbers);
        assert!(
            text.contains("count; more apart than sampling explains\n  maybe sampling began\\u{a}late\n"),
            "{text}"
        );
        assert!(text.contains("resident 512.3 MiB; of it 429.5 MiB in use"), "{text}");
        assert_eq!(lines(&Reconciliation::default()), "");
    }

    #[test]
    fn what_jemalloc_has_for_itself_is_told_by_its_parts() {
        let mut numbers = sample::reconciliation();
        (numbers.thread_cache_bytes, numbers.internal_bytes) = (Some(13 << 20), Some(9 << 20));
        (numbers.sampling_bytes, numbers.metadata_bytes) = (Some(2 << 20), Some(12 << 20));
        let text = lines(&numbers);
        assert!(text.contains(" + 36.0 MiB jemalloc's own + "), "{text}");
        let parts = "\n  jemalloc's own: 13.0 MiB free objects in threads' caches + 9.0 MiB of the caches and the profile + \
                     12.0 MiB of arenas and pages + 2.0 MiB beside sampled objects, which have pages to themselves\n";
        assert!(text.contains(parts), "{text}");
        numbers.thread_cache_bytes = None;
        let text = lines(&numbers);
        assert!(!text.contains("jemalloc's own") && text.contains("; of it "), "{text}");
    }

    #[test]
    fn free_and_reserved_memory_have_lines_of_their_own() {
        let mut numbers = sample::reconciliation();
        (numbers.muzzy_bytes, numbers.never_touched_bytes) = (Some(406 << 20), Some(2_136_746_230));
        numbers.swapped_bytes = Some(8 << 20);
        let text = lines(&numbers);
        let sum =
            "+ 406.0 MiB muzzy + 16.3 MiB outside jemalloc − 8.0 MiB swapped out − 2.0 GiB never touched\n";
        assert!(text.contains(sum), "{text}");
        assert!(text.contains("\n  never touched: at least 1.99 GiB that jemalloc counts"), "{text}");
        assert!(text.ends_with(
            "  muzzy: 406.00 MiB is free, and the kernel may take it; POST /purge returns it now\n"
        ));
        (numbers.muzzy_bytes, numbers.never_touched_bytes) = (Some(0), Some(25 << 20));
        let text = lines(&numbers);
        assert!(!text.contains("muzzy") && !text.contains("never touched:"), "{text}");
    }
}
