//! Renders what registered roots retain. Numbers come first, so that names of any length stay aligned.

use std::fmt::{self, Write};

use crate::root_summary::{FieldRow, RootRow, RootSummary};
use crate::units::{Bytes, count, printable, short_name};

/// Writes each root with its largest parts, at most `most` of them.
pub(super) fn write(out: &mut (impl Write + ?Sized), summary: RootSummary, most: usize) -> fmt::Result {
    if summary.rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nroots (exact), visited in {:.1} ms", summary.duration_us as f64 / 1000.0)?;
    writeln!(out, "{:>12} {:>12}  field: type", "retained", "# values")?;
    summary.rows.into_iter().try_for_each(|root| write_root(out, &root.cut(most)))?;
    if summary.refused > 0 {
        writeln!(out, "{} more roots are registered but not measured", count(summary.refused))?;
    }
    Ok(())
}

fn write_root(out: &mut (impl Write + ?Sized), root: &RootRow) -> fmt::Result {
    let name = format!("{}: {}", printable(&root.name), short_name(&root.type_name));
    let Some(bytes) = root.retained_bytes else {
        return writeln!(out, "{:>12} {:>12}  {name}", "not measured", "");
    };
    let at_least = if root.is_complete() { "" } else { "≥ " };
    writeln!(out, "{:>12} {:>12}  {name}", format!("{at_least}{}", Bytes(bytes)), "")?;
    root.fields.iter().try_for_each(|field| write_field(out, field))?;
    if root.omitted_fields > 0 {
        let (bytes, fields) = (Bytes(root.omitted_bytes).to_string(), count(root.omitted_fields));
        writeln!(out, "{bytes:>12} {:>12}    … and {fields} more", "")?;
    }
    for missing in &root.not_counted {
        writeln!(out, "{:>25}    not counted: {}", "", printable(missing))?;
    }
    for (other, pointers) in &root.counted_elsewhere {
        writeln!(out, "{:>25}    {} pointers to data counted in {}", "", count(*pointers), printable(other))?;
    }
    Ok(())
}

fn write_field(out: &mut (impl Write + ?Sized), field: &FieldRow) -> fmt::Result {
    let path = if field.field.is_empty() { "(itself)".to_owned() } else { printable(&field.field) };
    let shared = if field.shared { " (shared)" } else { "" };
    let (bytes, values) = (Bytes(field.bytes).to_string(), count(field.values));
    writeln!(out, "{bytes:>12} {values:>12}    {path}: {}{shared}", short_name(&field.type_name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn text(summary: RootSummary) -> String {
        let mut text = String::new();
        write(&mut text, summary, 50).unwrap();
        text
    }

    #[test]
    fn a_root_is_followed_by_its_parts_and_its_gaps() {
        let expected = "
roots (exact), visited in 1.5 ms
    retained     # values  field: type
  ≥ 1.01 MiB               sessions: Sessions
    1.00 MiB       20,000    by_id.value.user: String
   10.00 KiB            1    config: Arc<Config> (shared)
       172 B                 … and 3 more
                             not counted: the contents of 1 locks that stayed held
                             2 pointers to data counted in prices
not measured               prices: Prices
";
        assert_eq!(text(sample::roots()), expected);
    }

    #[test]
    fn without_roots_there_is_no_section() {
        assert_eq!(text(RootSummary::default()), "");
    }

    #[test]
    fn s64_a_name_cannot_forge_lines() {
        let mut summary = sample::roots();
        summary.rows[0].name = "a\n0 B".into();
        assert!(text(summary).contains("a\\u{a}0 B: Sessions\n"));
    }
}
