//! Two lines below the table: how its sum fits with what jemalloc and the kernel count.

use std::fmt::{self, Write};

use crate::reconciliation::Reconciliation;
use crate::units::{Bytes, percent, visible};

pub(super) fn write(out: &mut impl Write, numbers: &Reconciliation) -> fmt::Result {
    if let (Some(sampled), Some(allocated)) = (numbers.sampled_bytes, numbers.allocated_bytes) {
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
            "sampled {sampled:.1}{error} of {:.1} that jemalloc has allocated{verdict}",
            Bytes(allocated)
        )?;
    }
    for explanation in &numbers.explanations {
        writeln!(out, "  maybe {}", visible(explanation))?;
    }
    if let Some(resident) = numbers.resident_bytes {
        let parts = [
            (numbers.allocated_bytes, "allocated"),
            (numbers.fragmentation_bytes, "fragmentation"),
            (numbers.dirty_bytes, "dirty"),
            (numbers.metadata_bytes, "metadata"),
            (numbers.outside_bytes, "outside jemalloc"),
        ];
        let jemalloc: Option<u64> = parts[..4].iter().map(|(bytes, _)| *bytes).sum();
        let sum = match (jemalloc, numbers.outside_bytes) {
            (Some(_), Some(_)) => " =".to_owned(),
            // Pages that were never touched are resident for jemalloc and not for the kernel.
            (Some(jemalloc), None) => format!("; jemalloc counts at most {:.1} =", Bytes(jemalloc)),
            _ => "; of it".to_owned(),
        };
        let told = parts.iter().filter_map(|(bytes, name)| Some(format!("{:.1} {name}", Bytes((*bytes)?))));
        let told: Vec<_> = told.collect();
        if !told.is_empty() {
            writeln!(out, "resident {:.1}{sum} {}", Bytes(resident), told.join(" + "))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

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
            "sampled 430.0 MiB (± 3.5 %) of 431.0 MiB that jemalloc has allocated; they agree\n\
             resident 512.3 MiB = 431.0 MiB allocated + 4.0 MiB fragmentation + 53.0 MiB dirty + 8.0 MiB metadata + \
             16.3 MiB outside jemalloc\n"
        );
        assert!(text.lines().all(|line| line.len() <= 130), "{text}");
    }

    #[test]
    fn a_difference_is_explained_and_a_missing_part_left_out() {
        let mut numbers = sample::reconciliation();
        (numbers.within_two_stderr, numbers.outside_bytes) = (Some(false), None);
        numbers.explanations = vec!["sampling began\nlate".into()];
        let text = lines(&numbers);
        assert!(
            text.contains("allocated; more apart than sampling explains\n  maybe sampling began\\u{a}late\n"),
            "{text}"
        );
        assert!(
            text.contains("resident 512.3 MiB; jemalloc counts at most 496.0 MiB = 431.0 MiB allocated"),
            "{text}"
        );
        assert_eq!(lines(&Reconciliation::default()), "");
    }
}
