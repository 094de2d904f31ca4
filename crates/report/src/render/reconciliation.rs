//! Renders the lines below the table: how its sum compares with jemalloc's and the kernel's counts.

use std::fmt::{self, Write};

use super::SHOWN_ABOVE_PERCENT;
use super::resident::{Part, ResidentPart, jemallocs_own, not_resident, own_parts, resident_parts};
use crate::reconciliation::Reconciliation;
use crate::units::{Bytes, percent, printable};

/// The comparison as text, a line for each statement.
pub fn text(numbers: &Reconciliation) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text as &mut dyn Write, numbers);
    text
}

pub(super) fn write(out: &mut (impl Write + ?Sized), numbers: &Reconciliation) -> fmt::Result {
    if let (Some(sampled), Some(in_use)) = (numbers.sampled_bytes, numbers.in_use_bytes) {
        let stderr = numbers.sampled_stderr_bytes.unwrap_or_default() as f64;
        let error = percent(stderr, sampled as f64).map(|percent| format!(" (± {percent:.1} %)"));
        let (sampled, error) = (Bytes(sampled), error.unwrap_or_default());
        let verdict = match numbers.within_two_stderr {
            Some(true) => "; they agree",
            Some(false) => "; the difference is larger than sampling explains",
            None => "",
        };
        writeln!(out, "sampled {sampled:.1}{error}; jemalloc counts {:.1} in use{verdict}", Bytes(in_use))?;
    }
    for explanation in &numbers.explanations {
        writeln!(out, "  possible cause: {}", printable(explanation))?;
    }
    write_resident(out, numbers)?;
    let matters = |bytes: &u64| {
        let resident = numbers.resident_bytes.unwrap_or(0);
        percent(*bytes as f64, resident as f64) >= Some(SHOWN_ABOVE_PERCENT)
    };
    if jemallocs_own(numbers).as_ref().is_some_and(matters) {
        write_parts(out, "jemalloc's own", &own_parts(numbers))?;
    }
    write_outside(out, numbers)?;
    if let Some(bytes) = numbers.never_touched_bytes.filter(matters) {
        let bytes = Bytes(bytes);
        writeln!(
            out,
            "  never touched: at least {bytes} is reserved but was never written; rows and jemalloc count it, but it \
             takes no memory"
        )?;
    }
    if let Some(bytes) = numbers.muzzy_bytes.filter(matters) {
        writeln!(
            out,
            "  muzzy: {} is free, and the kernel may reclaim it; POST /purge returns it now",
            Bytes(bytes)
        )?;
    }
    Ok(())
}

/// Writes resident memory as a sum of its parts, less the parts that jemalloc counts but that are not resident.
fn write_resident(out: &mut (impl Write + ?Sized), numbers: &Reconciliation) -> fmt::Result {
    let Some(resident) = numbers.resident_bytes else { return Ok(()) };
    let parts = resident_parts(numbers);
    let term = |(part, bytes): &(ResidentPart, Option<u64>)| {
        Some(format!("{:.1} {}", Bytes((*bytes)?), part.name()))
    };
    let mut sum_text = parts.iter().filter_map(term).collect::<Vec<_>>().join(" + ");
    for part in not_resident(numbers).iter().filter_map(term) {
        sum_text.push_str(" − ");
        sum_text.push_str(&part);
    }
    let is_whole = parts.iter().all(|(_, bytes)| bytes.is_some()) && numbers.never_touched_bytes.is_some();
    let sum = if is_whole { " =" } else { ", of which" };
    if sum_text.is_empty() {
        Ok(())
    } else {
        writeln!(out, "resident {:.1}{sum} {sum_text}", Bytes(resident))
    }
}

/// Writes the kinds of memory outside jemalloc, by the kernel's count.
fn write_outside(out: &mut (impl Write + ?Sized), numbers: &Reconciliation) -> fmt::Result {
    let parts = [
        (numbers.outside_anonymous_bytes, "anonymous (stacks, mmap, C libraries)"),
        (numbers.outside_file_bytes, "mapped files"),
        (numbers.outside_shared_bytes, "shared"),
    ];
    write_parts(out, "outside jemalloc", &parts)
}

fn write_parts(out: &mut (impl Write + ?Sized), whole: &str, parts: &[Part]) -> fmt::Result {
    let some =
        parts.iter().filter_map(|(bytes, name)| Some(((*bytes)?, name))).filter(|(bytes, _)| *bytes > 0);
    let texts: Vec<_> = some.map(|(bytes, name)| format!("{:.1} {name}", Bytes(bytes))).collect();
    if texts.is_empty() { Ok(()) } else { writeln!(out, "  {whole}: {}", texts.join(" + ")) }
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
    fn compares_the_tables_sum_with_jemalloc_and_the_kernel() {
        let text = lines(&sample::reconciliation());
        assert_eq!(
            text,
            "sampled 430.0 MiB (± 3.5 %); jemalloc counts 429.5 MiB in use; they agree\n\
             resident 512.3 MiB = 429.5 MiB in use + 4.0 MiB fragmentation + 53.0 MiB dirty + 9.5 MiB jemalloc's own + \
             16.3 MiB outside jemalloc\n  outside jemalloc: 4.0 MiB anonymous (stacks, mmap, C libraries) + 12.3 MiB \
             mapped files\n"
        );
        assert!(text.lines().all(|line| line.len() <= 140), "{text}");
    }

    #[test]
    fn explains_a_difference_and_omits_a_missing_part() {
        let mut numbers = sample::reconciliation();
        (numbers.within_two_stderr, numbers.outside_bytes) = (Some(false), None);
        numbers.explanations = vec!["sampling began\nlate".into()];
        let text = lines(&numbers);
        assert!(
            text.contains(
                "in use; the difference is larger than sampling explains\n  possible cause: sampling \
                           began\\u{a}late\n"
            ),
            "{text}"
        );
        assert!(text.contains("resident 512.3 MiB, of which 429.5 MiB in use"), "{text}");
        assert_eq!(lines(&Reconciliation::default()), "");
    }

    #[test]
    fn memory_of_jemalloc_itself_is_listed_by_its_parts() {
        let mut numbers = sample::reconciliation();
        (numbers.thread_cache_bytes, numbers.internal_bytes) = (Some(13 << 20), Some(9 << 20));
        (numbers.sampling_bytes, numbers.metadata_bytes) = (Some(2 << 20), Some(12 << 20));
        let text = lines(&numbers);
        assert!(text.contains(" + 36.0 MiB jemalloc's own + "), "{text}");
        let parts = "\n  jemalloc's own: 13.0 MiB free objects in thread caches + 9.0 MiB data of the caches and the \
                     profile + 12.0 MiB data of arenas and pages + 2.0 MiB unused in the pages of sampled objects\n";
        assert!(text.contains(parts), "{text}");
        numbers.thread_cache_bytes = None;
        let text = lines(&numbers);
        assert!(!text.contains("jemalloc's own") && text.contains(", of which "), "{text}");
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
        assert!(text.contains("\n  never touched: at least 1.99 GiB is reserved"), "{text}");
        assert!(text.ends_with(
            "  muzzy: 406.00 MiB is free, and the kernel may reclaim it; POST /purge returns it now\n"
        ));
        (numbers.muzzy_bytes, numbers.never_touched_bytes) = (Some(0), Some(25 << 20));
        let text = lines(&numbers);
        assert!(!text.contains("muzzy") && !text.contains("never touched:"), "{text}");
    }
}
