//! Why a file has fewer names than it could have, and what to do about it.

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
    /// `found` follows the subject: `is stripped`.
    fn new(mapping: &Mapping, found: impl AsRef<str>, advice: impl Into<String>) -> Self {
        let file = mapping.file_name().into_owned();
        let subject: Cow<'_, str> =
            if mapping.is_program { "the binary".into() } else { file.as_str().into() };
        let reason = format!("{subject} {}", found.as_ref());
        Self { reason, is_program: mapping.is_program, advice: advice.into(), file }
    }

    /// The file could not be opened.
    pub(super) fn unreadable(mapping: &Mapping, error: &io::Error) -> Self {
        let advice = match error.raw_os_error() {
            Some(OUT_OF_MEMORY | TOO_MANY_FILES | TOO_MANY_OWN_FILES) => {
                "raise the limits on open files and memory, and ask again"
            }
            _ if error.kind() == io::ErrorKind::PermissionDenied => {
                "let the service's user read the file, or give names to its profile elsewhere with `memory-debug symbolize`"
            }
            _ if mapping.build_id.is_some() => {
                "restart the service with the file in place, or give names to its profile elsewhere with `memory-debug \
                 symbolize`, which needs an unstripped copy of the file"
            }
            _ => "restart the service with the file in place",
        };
        Self::new(mapping, format!("could not be read: {error}"), advice)
    }

    /// The file is not an executable or library.
    pub(super) fn no_object(mapping: &Mapping, error: &crate::Error) -> Self {
        Self::new(
            mapping,
            format!("could not be read: {error}"),
            "restart the service with the file in place",
        )
    }

    /// The file has neither symbols nor debug information, and no other file has them.
    pub(super) fn stripped(mapping: &Mapping, unused: UnusedDebugFile) -> Self {
        let found = match &unused {
            Some(unused) => format!("is stripped, and {unused}"),
            None => "is stripped".to_owned(),
        };
        let advice = match (mapping.is_program, unused) {
            (true, None) => {
                "add `debug = \"line-tables-only\"` and `strip = false` to [profile.release] in Cargo.toml"
            }
            (_, Some(_)) => "install the debug file of this very build where the service can read it",
            (false, None) => "install its debug information, or a build of it that is not stripped",
        };
        Self::new(mapping, found, advice)
    }

    /// The file has symbols, and line tables for at most the smaller part of its code.
    pub(super) fn no_line_tables(mapping: &Mapping, unused: UnusedDebugFile) -> Self {
        let (found, advice) = match unused {
            None => (
                "has symbols but no line tables".to_owned(),
                "add `debug = \"line-tables-only\"` to [profile.release] in Cargo.toml",
            ),
            Some(unused) => (
                format!("has symbols but no line tables, and {unused}"),
                "install the debug file of this very build where the service can read it",
            ),
        };
        Self::new(mapping, found, advice)
    }

    /// The file has symbols or debug information, but none for the sampled code.
    pub(super) fn nameless(mapping: &Mapping) -> Self {
        Self::new(
            mapping,
            "was read, but its symbols and debug information say nothing of the sampled code",
            "build it with `debug = \"line-tables-only\"`, and do not edit the file after it was linked",
        )
    }

    /// Reading the file took too many steps.
    pub(super) fn damaged(mapping: &Mapping) -> Self {
        Self::new(
            mapping,
            "has debug information that takes more work to read than a genuine one, so a part of it was left out",
            "compare the file with its build, and replace it if it is damaged",
        )
    }

    /// Files with the functions of split units were not found.
    pub(super) fn split(mapping: &Mapping, units: usize) -> Self {
        let package = format!("{}.dwp", mapping.file_name());
        Self::new(
            mapping,
            format!(
                "has split debug information, and the files with the functions of {units} units were not found"
            ),
            format!(
                "deploy `{package}` beside it, or set `split-debuginfo = \"off\"` in [profile.release] in Cargo.toml"
            ),
        )
    }

    /// The supplementary file of `dwz` was not found.
    pub(super) fn supplementary(mapping: &Mapping, link: &SupplementaryLink<'_>) -> Self {
        let path = path_of(link.path);
        let (name, id) = (file_name(&path), &link.build_id);
        let digits = id.to_string();
        let (first, rest) = digits.split_at(2.min(digits.len()));
        Self::new(
            mapping,
            format!(
                "has debug information whose names are in a supplementary file of `dwz`, `{name}` (build-id {id}), which was not found"
            ),
            format!(
                "install the package with that file, the one that the debug information came with, or put it at \
                 `/usr/lib/debug/.build-id/{first}/{rest}.debug`"
            ),
        )
    }

    /// A profile without mappings. The place of code in the process is unknown.
    pub fn without_mappings(cause: &str, advice: &str) -> Self {
        let reason = format!("which code lies where in the process is not known, because {cause}");
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

/// Numbers of errno(3), equal on all processors that Linux supports: ENOMEM, ENFILE, EMFILE.
const OUT_OF_MEMORY: i32 = 12;
const TOO_MANY_FILES: i32 = 23;
const TOO_MANY_OWN_FILES: i32 = 24;

/// Whether the system lacked something that it may have again later: memory or descriptors.
pub(super) fn may_pass(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(OUT_OF_MEMORY | TOO_MANY_FILES | TOO_MANY_OWN_FILES))
}
