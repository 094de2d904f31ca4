//! Readers of the formats that hold whole stacks, so that a file of one tool opens in another.
//!
//! A label in brackets is a type again, as this crate writes it.

mod builder;
mod collapsed;
mod cpuprofile;
mod heapprofile;
mod number;
mod speedscope;

use std::io;

use crate::call_tree::CallTree;
use crate::tree_format::TreeFormat;

/// The most functions below each other. Real stacks have at most some hundred.
const MAX_DEPTH: usize = 4_096;

/// The most nodes of a tree that is read. A file of stacks can name a node by one byte.
const MAX_NODES: usize = 1 << 21;

impl TreeFormat {
    /// The format of a file, by its content. `None` if no format is recognized.
    pub fn of_content(content: &[u8]) -> Option<Self> {
        match content.trim_ascii_start() {
            [0x1f, 0x8b, ..] => Some(Self::Pprof),
            json @ [b'{', ..] => {
                let has = |name: &str| {
                    // A file of this crate has its members in front. Other files can have them anywhere.
                    let name = format!("\"{name}\"");
                    json.windows(name.len()).any(|part| part == name.as_bytes())
                };
                match () {
                    () if has("shared") && has("profiles") => Some(Self::Speedscope),
                    () if has("trace_function_infos") || has("node_fields") => Some(Self::HeapSnapshot),
                    () if has("selfSize") && has("head") => Some(Self::HeapProfile),
                    () if has("startTime") && has("nodes") => Some(Self::CpuProfile),
                    // `{closure} 4096` is a line of collapsed stacks.
                    () => collapsed::looks_like(json).then_some(Self::Collapsed),
                }
            }
            text if is_callgrind(text) => Some(Self::Callgrind),
            text => collapsed::looks_like(text).then_some(Self::Collapsed),
        }
    }

    /// Reads a file of this format.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](io::ErrorKind::InvalidData) if the file is damaged or not of this format, and
    /// [`Unsupported`](io::ErrorKind::Unsupported) if the format does not hold whole stacks or is read elsewhere.
    pub fn read(self, content: &[u8]) -> io::Result<CallTree> {
        match self {
            Self::Collapsed => collapsed::read(content),
            Self::Speedscope => speedscope::read(content),
            Self::CpuProfile => cpuprofile::read(content),
            Self::HeapProfile => heapprofile::read(content),
            Self::Callgrind => Err(unsupported(
                "a callgrind file holds calls between two functions, and not whole stacks, so a conversion would have \
                 to guess them; convert the file that it was made from",
            )),
            Self::HeapSnapshot | Self::HeapTimeline => Err(unsupported(
                "a heap snapshot holds objects and references, and a conversion would lose the references; convert the \
                 file that it was made from",
            )),
            Self::Pprof => Err(unsupported("only heap profiles are read from pprof")),
        }
    }
}

fn is_callgrind(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').take(20);
    lines.any(|line| line.starts_with(b"# callgrind format") || line.starts_with(b"events:"))
}

fn unsupported(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, reason)
}

/// Refuses a damaged file. `reason` follows the name of the file.
fn damaged(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

fn not_json(format: &str, error: &serde_json::Error) -> io::Error {
    damaged(format!("is not a file of the format {format}: {error}"))
}
