//! Renders the limit that the process reaches first, in one line.

use std::fmt::{self, Display, Formatter};

use crate::ceiling::{Ceiling, LimitSource};
use crate::report::MemoryReport;
use crate::units::{Bytes, percent};

/// The header's line about the limit. `None` if neither a limit nor the machine's memory is known.
pub(super) fn header(report: &MemoryReport) -> Option<String> {
    let ceiling = report.ceiling().ok()?;
    Some(match report.is_limited() {
        Ok(false) => format!("no memory limit is set, so the machine is the limit: {ceiling}"),
        Err(_) if ceiling.set_by == LimitSource::Machine => {
            format!("no memory limit is known, so the machine is the limit: {ceiling}")
        }
        _ => format!("limit: {ceiling}"),
    })
}

impl Display for Ceiling {
    /// `300.00 MiB of the control group /p above · 294.4 MiB used (98 %), 225.0 MiB of it by others · 5.6 MiB left`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (at_least, at_most) =
            if self.is_above_visible_groups() { ("at least ", "at most ") } else { ("", "") };
        write!(
            f,
            "{} of {} · {at_least}{:.1} used",
            Bytes(self.limit_bytes),
            self.owner(),
            Bytes(self.used_bytes)
        )?;
        if let Some(share) = percent(self.used_bytes as f64, self.limit_bytes as f64) {
            write!(f, " ({share:.0} %)")?;
        }
        if let Some(others) = self.others_bytes.filter(|others| *others > 0) {
            write!(f, ", {:.1} of it by others", Bytes(others))?;
        }
        write!(f, " · {at_most}{:.1} left", Bytes(self.room_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn names_the_binding_level_and_what_others_use() {
        assert_eq!(
            header(&sample::report()).unwrap(),
            "limit: 1.25 GiB of the control group /pod above · 1000.0 MiB used (78 %), 300.0 MiB of it by others · \
             280.0 MiB left"
        );
    }

    #[test]
    fn the_machine_is_the_limit_if_no_limit_is_set_or_if_it_has_less_room() {
        let mut report = sample::report();
        report.machine.as_mut().unwrap().available_bytes = Some(64 << 20);
        let machine =
            "24.00 GiB of the machine · 23.9 GiB used (100 %), 23.4 GiB of it by others · 64.0 MiB left";
        assert_eq!(header(&report).unwrap(), format!("limit: {machine}"));
        let cgroup = report.cgroup.as_mut().unwrap();
        (cgroup.limit_bytes, cgroup.binding) = (None, None);
        cgroup.levels.clear();
        let unknown = format!("no memory limit is known, so the machine is the limit: {machine}");
        assert_eq!(header(&report).unwrap(), unknown);
        report.unavailable.note("cgroup.binding", "no limit is set");
        let expected = format!("no memory limit is set, so the machine is the limit: {machine}");
        assert_eq!(header(&report).unwrap(), expected);
        (report.cgroup, report.machine) = (None, None);
        assert_eq!(header(&report), None);
    }

    #[test]
    fn omits_others_for_the_own_group_and_marks_bounds_for_an_invisible_group() {
        let mut report = sample::report();
        let cgroup = report.cgroup.as_mut().unwrap();
        cgroup.binding = Some(cgroup.own_level());
        let own = "limit: 1.00 GiB of the container · 700.0 MiB used (68 %) · 324.0 MiB left";
        assert_eq!(header(&report).unwrap(), own);
        let cgroup = report.cgroup.as_mut().unwrap();
        cgroup.binding.as_mut().unwrap().path = "..".into();
        let above = "limit: 1.00 GiB of a control group above the visible ones · at least 700.0 MiB used (68 %) · \
                     at most 324.0 MiB left";
        assert_eq!(header(&report).unwrap(), above);
    }
}
