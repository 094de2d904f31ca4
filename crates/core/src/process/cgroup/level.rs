//! The files of one level of a control group.

use std::path::Path;

use memory_debug_report::__private::NO_LIMIT;
use memory_debug_report::{CgroupLevel, Unavailable};

use super::files::{self, NO_LIMIT_V1};
use super::folder::Version;
use super::parts;
use crate::kernel_file::number;

/// Reads one level.
pub(super) struct LevelReader<'a> {
    version: Version,
    folder: &'a Path,
    /// The path of the level in the report, for reasons.
    path: &'a str,
}

impl<'a> LevelReader<'a> {
    pub(super) fn new(version: Version, folder: &'a Path, path: &'a str) -> Self {
        Self { version, folder, path }
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn folder(&self) -> &'a Path {
        self.folder
    }

    /// Whether memory is charged to this level.
    pub(super) fn is_charged(&self) -> bool {
        self.folder.join(self.version.usage_file()).exists()
    }

    /// Whether this level is also charged for the groups below it. Version 1 has a switch for this, which has always
    /// been on since Linux 5.11.
    pub(super) fn includes_groups_below(&self) -> bool {
        match self.version {
            Version::One => self.text("memory.use_hierarchy").map_or(true, |text| text.trim() != "0"),
            Version::Two => true,
        }
    }

    /// Reads all numbers of the level, whose path below the mount point is `path`. Version 2 counts events in
    /// `events`.
    pub(super) fn read(&self, path: String, events: &str, unavailable: &mut Unavailable) -> CgroupLevel {
        let stat = self.text("memory.stat");
        let (inactive_file, high, max, kills);
        match self.version {
            Version::One => {
                let oom_control = self.text("memory.oom_control");
                // Includes the groups below, as the usage does.
                inactive_file = "total_inactive_file";
                kills = oom_control.and_then(|text| number(&text, "oom_kill"));
                high = Err("version 1 control groups do not have it".to_owned());
                max = self.bytes("memory.failcnt");
            }
            Version::Two => {
                let below_too = self.text("memory.events");
                let events = self.text(events);
                inactive_file = "inactive_file";
                kills = below_too.and_then(|text| number(&text, "oom_kill"));
                high = events.clone().and_then(|text| number(&text, "high"));
                max = events.and_then(|text| number(&text, "max"));
            }
        }
        let inactive_file = stat.clone().and_then(|text| number(&text, inactive_file));
        let parts_path = format!("{}.parts", self.path);
        let mut keep = |name: &str, measured| unavailable.keep(&format!("{}.{name}", self.path), measured);
        let mut level = CgroupLevel::default();
        level.path = path;
        level.limit_bytes = keep("limit_bytes", self.limit());
        level.current_bytes = keep("current_bytes", self.bytes(self.version.usage_file()));
        level.inactive_file_bytes = keep("inactive_file_bytes", inactive_file);
        level.oom_kills = keep("oom_kills", kills);
        level.high_events = keep("high_events", high);
        level.max_events = keep("max_events", max);
        level.parts = match self.version {
            Version::One => parts::version_1(self.folder, &stat, &parts_path, unavailable),
            Version::Two => parts::version_2(&stat, &parts_path, unavailable),
        };
        level
    }

    pub(super) fn peak(&self) -> Result<u64, String> {
        self.bytes(match self.version {
            Version::One => "memory.max_usage_in_bytes",
            Version::Two => "memory.peak",
        })
    }

    fn limit(&self) -> Result<u64, String> {
        let file = match self.version {
            Version::One => "memory.limit_in_bytes",
            Version::Two => "memory.max",
        };
        if self.text(file)?.trim() == "max" {
            return Err(NO_LIMIT.to_owned());
        }
        let limit = self.bytes(file)?;
        if limit < NO_LIMIT_V1 { Ok(limit) } else { Err(NO_LIMIT.to_owned()) }
    }

    pub(super) fn text(&self, file: &str) -> Result<String, String> {
        files::text(self.folder, file)
    }

    fn bytes(&self, file: &str) -> Result<u64, String> {
        files::bytes(self.folder, file)
    }
}
