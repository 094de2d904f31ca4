//! Reasons why a file has fewer names than it could have, and what to do about it.

use std::borrow::Cow;
use std::io;

use serde::{Deserialize, Serialize};

use super::elf::SupplementaryLink;
use crate::mapping::Mapping;
use crate::path_bytes::{file_name, path_of};

/// A file with fewer names than it could have, with the true reason and advice.
///
/// It prints as one sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SymbolGap {
    /// Name of the file without its folders.
    pub file: String,
    /// Whether the file is the program itself.
    pub is_program: bool,
    /// What was found, with the file as the subject: `the binary is stripped`.
    pub reason: String,
    /// What to do next.
    pub advice: String,
}

impl std::fmt::Display for SymbolGap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.reason, self.advice)
    }
}

/// What was wrong with a debug file that could not be used.
pub(super) type UnusedDebugFile = Option<String>;

impl SymbolGap {
    /// Makes a gap. `found` is a predicate that follows the file's name: `is stripped`.
    fn new(mapping: &Mapping, found: impl AsRef<str>, advice: impl Into<String>) -> Self {
        let file = mapping.file_name().into_owned();
        let subject: Cow<'_, str> =
            if mapping.is_program { "the binary".into() } else { file.as_str().into() };
        let reason = format!("{subject} {}", found.as_ref());
        Self { reason, is_program: mapping.is_program, advice: advice.into(), file }
    }

    /// The file could not be opened.
    pub(super) fn unreadable(mapping: &Mapping, error: &io::Error) -> Self {
        let advice = match error.kind() {
            _ if may_pass(error) => "raise the limits on open files and memory, and try again",
            io::ErrorKind::PermissionDenied => {
                "let the service's user read the file, or symbolize its profile elsewhere with `memory-debug symbolize`"
            }
            _ if mapping.build_id.is_some() => {
                "restart the service with the file in place, or symbolize its profile elsewhere with `memory-debug \
                 symbolize`, which needs an unstripped copy of the file"
            }
            _ => RESTART,
        };
        Self::new(mapping, format!("could not be read: {error}"), advice)
    }

    /// The file is not an executable or library.
    pub(super) fn no_object(mapping: &Mapping, error: &crate::Error) -> Self {
        Self::new(mapping, format!("could not be read: {error}"), RESTART)
    }

    /// The file has neither symbols nor debug information, and no other file has them.
    pub(super) fn stripped(mapping: &Mapping, unused: UnusedDebugFile) -> Self {
        let without_debug_file = if mapping.is_program {
            "add `debug = \"line-tables-only\"` and `strip = false` to [profile.release] in Cargo.toml"
        } else {
            "install its debug information, or a build of it that is not stripped"
        };
        Self::with_debug_file(mapping, "is stripped", without_debug_file, unused)
    }

    /// The file has symbols, and line tables for at most the smaller part of its code.
    pub(super) fn no_line_tables(mapping: &Mapping, unused: UnusedDebugFile) -> Self {
        let advice = "add `debug = \"line-tables-only\"` to [profile.release] in Cargo.toml";
        Self::with_debug_file(mapping, "has symbols but no line tables", advice, unused)
    }

    /// A gap that a debug file would close. `advice` applies if no debug file was found.
    fn with_debug_file(mapping: &Mapping, found: &str, advice: &str, unused: UnusedDebugFile) -> Self {
        let Some(unused) = unused else { return Self::new(mapping, found, advice) };
        let advice = "install the debug file of exactly this build where the service can read it";
        Self::new(mapping, format!("{found}, and {unused}"), advice)
    }

    /// The file has symbols or debug information, but not for the sampled code.
    pub(super) fn nameless(mapping: &Mapping) -> Self {
        let found = "was read, but its symbols and debug information do not cover the sampled code";
        let advice =
            "build it with `debug = \"line-tables-only\"`, and do not edit the file after it was linked";
        Self::new(mapping, found, advice)
    }

    /// Reading the file took too many steps.
    pub(super) fn damaged(mapping: &Mapping) -> Self {
        let found = "has debug information that takes too long to read, so a part of it was skipped";
        Self::new(mapping, found, "compare the file with its build, and replace it if it is damaged")
    }

    /// Files with the functions of split units were not found.
    pub(super) fn split(mapping: &Mapping, units: usize) -> Self {
        let found = format!(
            "has split debug information, and the files with the functions of {units} units were not found"
        );
        let advice = format!(
            "deploy `{}.dwp` beside it, or set `split-debuginfo = \"off\"` in [profile.release] in Cargo.toml",
            mapping.file_name()
        );
        Self::new(mapping, found, advice)
    }

    /// The supplementary file of `dwz` was not found.
    pub(super) fn supplementary(mapping: &Mapping, link: &SupplementaryLink<'_>) -> Self {
        let path = path_of(link.path);
        let (name, id) = (file_name(&path), link.build_id.to_string());
        let (first, rest) = id.split_at(2.min(id.len()));
        let found = format!(
            "has debug information whose names are in a supplementary file of `dwz`, `{name}` (build-id {id}), which \
             was not found"
        );
        let advice = format!(
            "install the package that contains both that file and the debug information, or put the file at \
             `/usr/lib/debug/.build-id/{first}/{rest}.debug`"
        );
        Self::new(mapping, found, advice)
    }

    /// The profile has no mappings, so the place of code in the process is unknown.
    pub fn without_mappings(cause: &str, advice: &str) -> Self {
        let reason = format!("it is unknown which files the code comes from, because {cause}");
        Self { file: String::new(), is_program: true, reason, advice: advice.into() }
    }

    /// None of the sampled code belongs to the program.
    pub(super) fn not_met(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            is_program: true,
            reason: "no sampled stack goes through the program's own code".into(),
            advice: "sample more, or look at the rows of libraries".into(),
        }
    }
}

const RESTART: &str = "restart the service with the file in place";

/// Numbers of errno(3), equal on all processors that Linux supports: ENOMEM, ENFILE, EMFILE.
const OUT_OF_MEMORY: i32 = 12;
const TOO_MANY_FILES: i32 = 23;
const TOO_MANY_OWN_FILES: i32 = 24;

/// Whether the system lacked something that it may have again later: memory or descriptors.
pub(super) fn may_pass(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(OUT_OF_MEMORY | TOO_MANY_FILES | TOO_MANY_OWN_FILES))
}
