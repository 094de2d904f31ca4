//! Renders one type of the table.

use std::fmt;

use super::ages::age_facts;
use super::layout::{Layout, Terminal, table};
use super::table::{cells, more};
use crate::type_detail::{TypeDetail, TypeGroup, TypeMoment};
use crate::units::{Bytes, count, percent, printable, short_name};

impl fmt::Display for TypeDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", short_name(&self.type_name))?;
        let out = &mut Terminal(f);
        write_summary(out, self)?;
        write_history(out, self)?;
        self.groups.iter().try_for_each(|group| write_group(out, group))
    }
}

/// Writes the type's own row.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_summary(out: &mut dyn Layout, detail: &TypeDetail) -> fmt::Result {
    if detail.full_type != detail.type_name {
        out.remark(&printable(&detail.full_type))?;
    }
    if detail.rows.is_empty() {
        out.paragraph("No such memory is live now.")?;
    }
    for row in &detail.rows {
        let [_, objects, bytes, error] = cells(row);
        out.fact("total size", Some(bytes))?;
        out.fact("±", Some(error))?;
        out.fact("objects", Some(objects))?;
        if let Some(share) = percent(row.bytes as f64, detail.total_bytes.unwrap_or_default() as f64) {
            out.fact("share of the table", Some(format!("{share:.1} %")))?;
        }
        for (name, value) in age_facts(row) {
            out.fact(&name, Some(value))?;
        }
    }
    if let Some(element) = &detail.element {
        let [name, _, bytes, _] = cells(element);
        out.fact(&format!("all of {name}"), Some(bytes))?;
    }
    Ok(())
}

/// Writes the type's memory over the kept snapshots.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_history(out: &mut dyn Layout, detail: &TypeDetail) -> fmt::Result {
    if detail.history.len() > 1 {
        out.heading("over the kept snapshots")?;
        let cells = |moment: &TypeMoment| {
            let error = percent(moment.bytes_stderr, moment.bytes as f64);
            [
                printable(&moment.at),
                count(moment.objects),
                Bytes(moment.bytes).to_string(),
                error.map_or_else(|| "–".to_owned(), |error| format!("{error:.0} %")),
                moment.label.as_deref().map_or_else(String::new, printable),
            ]
        };
        let headings = ["taken", "# objects", "total size", "±", "label"];
        table(out, headings, detail.history.iter().map(cells))?;
    }
    match detail.left_out_snapshots {
        0 => Ok(()),
        1 => out.remark("One snapshot has other samples and is left out."),
        more => out.remark(&format!("{} snapshots have other samples and are left out.", count(more))),
    }
}

/// Writes the type's memory, summed in another way.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_group(out: &mut dyn Layout, group: &TypeGroup) -> fmt::Result {
    if group.rows.is_empty() {
        return Ok(());
    }
    out.heading(&group_heading(group))?;
    table(out, [group_name(group).as_str(), "# objects", "total size", "±"], group.rows.iter().map(cells))?;
    more(group.omitted_rows).map_or(Ok(()), |line| out.remark(&line))
}

/// `by size class`.
pub fn group_heading(group: &TypeGroup) -> String {
    format!("by {}", group_name(group))
}

fn group_name(group: &TypeGroup) -> String {
    printable(&group.group).replace('_', " ")
}
