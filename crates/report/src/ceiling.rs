//! The memory limit that the process would reach first, and what sets it.
//!
//! Each level of the control group has its own limit, and the machine's memory is finite, too. The limit with the
//! least room counts, whatever its size. A small service in a full pod is closer to its limit than a large service in
//! an empty pod.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::report::{
    CgroupLevel, CgroupMemory, MachineMemory, MemoryReport, NO_CONTROLLER, NO_GROUP, NO_LIMIT,
};
use crate::units::printable;

/// The limit with the least room, which the process would reach first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ceiling {
    /// The limit, or the machine's total memory.
    pub limit_bytes: u64,
    /// Memory in use that the kernel does not free under pressure. Inactive page cache does not count.
    pub used_bytes: u64,
    /// Memory that is left.
    pub room_bytes: u64,
    /// What sets the limit.
    pub set_by: LimitSource,
    /// The path of the group that sets the limit, as in [`CgroupLevel::path`]. `None` if the machine sets it.
    #[serde(default)]
    pub path: Option<String>,
    /// The part of `used_bytes` that belongs to others. `None` if unknown.
    ///
    /// For a group above, others are everything but the process's own group. For the machine, others are everything
    /// but the process. For the process's own group this is 0, because others in it are not distinguished.
    #[serde(default)]
    pub others_bytes: Option<u64>,
}

/// What sets a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LimitSource {
    /// The process's own control group: its container.
    Group,
    /// A control group above: the pod, the slice.
    GroupAbove,
    /// The machine: its memory is below every limit, or has less room.
    Machine,
}

impl LimitSource {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::GroupAbove => "group-above",
            Self::Machine => "machine",
        }
    }
}

impl MemoryReport {
    /// The limit that the process would reach first.
    ///
    /// # Errors
    ///
    /// If neither a limit nor the machine's memory is known. The text says why.
    pub fn ceiling(&self) -> Result<Ceiling, Error> {
        let resident = self.process.as_ref().and_then(|process| process.resident_bytes);
        Ceiling::lowest(self.cgroup.as_ref(), self.machine.as_ref(), resident).ok_or_else(|| {
            let reason = |paths: [&str; 3], missing: &str| {
                let reason = paths.into_iter().find_map(|path| self.unavailable.get(path));
                reason.unwrap_or(missing).to_owned()
            };
            let group = reason(
                ["cgroup.binding", "cgroup.limit_bytes", "cgroup"],
                "cgroup.binding was not collected",
            );
            let machine = reason(
                ["machine.available_bytes", "machine.total_bytes", "machine"],
                "machine.available_bytes was not collected",
            );
            Error::new(ErrorKind::NotMeasured, format!("{group}; {machine}"))
        })
    }

    /// Whether any level of the control group has a limit. A process outside all groups has no limit.
    ///
    /// # Errors
    ///
    /// If a limit could not be read. The text says why.
    pub(crate) fn is_limited(&self) -> Result<bool, String> {
        let Some(cgroup) = &self.cgroup else {
            return match self.unavailable.get("cgroup") {
                Some(NO_GROUP | NO_CONTROLLER) => Ok(false),
                reason => Err(reason.unwrap_or("cgroup was not collected").to_owned()),
            };
        };
        let above = cgroup.levels.iter().chain(&cgroup.binding).map(|level| level.limit_bytes);
        if above.chain([cgroup.limit_bytes]).any(|limit| limit.is_some()) {
            return Ok(true);
        }
        let reasons = ["cgroup.binding", "cgroup.limit_bytes"];
        match reasons.into_iter().find_map(|path| self.unavailable.get(path)) {
            Some(NO_LIMIT) => Ok(false),
            reason => Err(reason.unwrap_or("cgroup.binding was not collected").to_owned()),
        }
    }
}

impl Ceiling {
    /// Picks the known limit with the least room. If a group and the machine have the same room, the group wins.
    pub fn lowest(
        cgroup: Option<&CgroupMemory>,
        machine: Option<&MachineMemory>,
        resident_bytes: Option<u64>,
    ) -> Option<Self> {
        let group = cgroup.and_then(Self::of_groups);
        let machine = machine.and_then(|machine| Self::of_machine(machine, resident_bytes));
        group.into_iter().chain(machine).min_by_key(|ceiling| ceiling.room_bytes)
    }

    fn of_groups(cgroup: &CgroupMemory) -> Option<Self> {
        // A report from an older program has only the own group.
        Self::of_level(cgroup, cgroup.binding.clone().unwrap_or_else(|| cgroup.own_level()))
    }

    /// The limit of one level: the process's own group or a group above. `None` if it has no limit.
    pub(crate) fn of_level(cgroup: &CgroupMemory, level: CgroupLevel) -> Option<Self> {
        let used_bytes = level.working_set_bytes()?;
        let is_own = level.path == cgroup.path;
        let own = cgroup.own_level().working_set_bytes();
        Some(Self {
            limit_bytes: level.limit_bytes?,
            used_bytes,
            room_bytes: level.room_bytes()?,
            set_by: if is_own { LimitSource::Group } else { LimitSource::GroupAbove },
            others_bytes: if is_own { Some(0) } else { own.map(|own| used_bytes.saturating_sub(own)) },
            path: Some(level.path),
        })
    }

    fn of_machine(machine: &MachineMemory, resident_bytes: Option<u64>) -> Option<Self> {
        let (limit_bytes, room_bytes) = (machine.total_bytes?, machine.available_bytes?);
        let used_bytes = limit_bytes.saturating_sub(room_bytes);
        Some(Self {
            limit_bytes,
            used_bytes,
            room_bytes,
            set_by: LimitSource::Machine,
            path: None,
            others_bytes: resident_bytes.map(|resident| used_bytes.saturating_sub(resident)),
        })
    }

    /// Whether the limit belongs to a group above the visible ones, so that `used_bytes` is a lower bound.
    pub(crate) fn is_above_visible_groups(&self) -> bool {
        self.path.as_deref() == Some(CgroupLevel::ABOVE)
    }

    /// What sets the limit, in words.
    pub(crate) fn owner(&self) -> Owner<'_> {
        Owner(self)
    }
}

/// Prints as `the container`, `the control group /p above` or `the machine`.
pub(crate) struct Owner<'c>(&'c Ceiling);

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.set_by, &self.0.path) {
            (LimitSource::Machine, _) => f.write_str("the machine"),
            (LimitSource::Group, _) => f.write_str("the container"),
            _ if self.0.is_above_visible_groups() => f.write_str("a control group above the visible ones"),
            (LimitSource::GroupAbove, Some(path)) => write!(f, "the control group {} above", printable(path)),
            (LimitSource::GroupAbove, None) => f.write_str("a control group above"),
        }
    }
}

#[cfg(test)]
mod tests;
