//! What the memory of one level consists of, by `memory.stat` and its neighbours.

use std::path::Path;

use memory_debug_report::{CgroupParts, Unavailable};

use super::files::{self, NO_LIMIT_V1};
use crate::kernel_file::number;

/// What `kernel` consists of where the kernel does not state the sum (before Linux 5.18). Older kernels lack some.
const KERNEL_PARTS: [&str; 4] = ["kernel_stack", "pagetables", "percpu", "slab"];

pub(super) fn version_2(
    stat: &Result<String, String>,
    path: &str,
    unavailable: &mut Unavailable,
) -> CgroupParts {
    let in_stat = |key: &str| stat.clone().and_then(|text| number(&text, key));
    let kernel = in_stat("kernel").or_else(|reason| {
        let parts: Vec<u64> = KERNEL_PARTS.into_iter().filter_map(|key| in_stat(key).ok()).collect();
        let sum = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(*part));
        if parts.is_empty() { Err(reason) } else { Ok(sum) }
    });
    let mut keep = |name: &str, measured| unavailable.keep(&format!("{path}.{name}"), measured);
    let mut parts = CgroupParts::default();
    parts.anonymous_bytes = keep("anonymous_bytes", in_stat("anon"));
    parts.file_bytes = keep("file_bytes", in_stat("file"));
    parts.mapped_file_bytes = keep("mapped_file_bytes", in_stat("file_mapped"));
    parts.shared_bytes = keep("shared_bytes", in_stat("shmem"));
    parts.kernel_bytes = keep("kernel_bytes", kernel);
    parts.socket_bytes = keep("socket_bytes", in_stat("sock"));
    parts
}

pub(super) fn version_1(
    folder: &Path,
    stat: &Result<String, String>,
    path: &str,
    unavailable: &mut Unavailable,
) -> CgroupParts {
    // The lines with `total_` have the groups below, as the usage has.
    let in_stat = |key: &str| stat.clone().and_then(|text| number(&text, &format!("total_{key}")));
    let mut keep = |name: &str, measured| unavailable.keep(&format!("{path}.{name}"), measured);
    let mut parts = CgroupParts::default();
    parts.anonymous_bytes = keep("anonymous_bytes", in_stat("rss"));
    parts.file_bytes = keep("file_bytes", in_stat("cache"));
    parts.mapped_file_bytes = keep("mapped_file_bytes", in_stat("mapped_file"));
    parts.shared_bytes = keep("shared_bytes", in_stat("shmem"));
    parts.kernel_bytes = keep("kernel_bytes", files::bytes(folder, "memory.kmem.usage_in_bytes"));
    parts.socket_bytes = keep("socket_bytes", sockets_1(folder));
    parts
}

/// Version 1 counts the buffers of sockets only after a limit for them was set. Zero is no measurement before that.
fn sockets_1(folder: &Path) -> Result<u64, String> {
    let usage = files::bytes(folder, "memory.kmem.tcp.usage_in_bytes")?;
    let limit = files::bytes(folder, "memory.kmem.tcp.limit_in_bytes")?;
    if usage > 0 || limit < NO_LIMIT_V1 {
        return Ok(usage);
    }
    Err("version 1 control groups count it only with a limit in memory.kmem.tcp.limit_in_bytes".to_owned())
}
