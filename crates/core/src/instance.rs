//! The identity of this process.

use std::path::Path;
use std::sync::OnceLock;
use std::time::SystemTime;

use memory_debug_report::__private::timestamp;
use memory_debug_report::{InstanceId, InstanceInfo, Unavailable};

use crate::kernel_file;
use crate::objects::loaded_objects;
use crate::per_process::PerProcess;
use crate::process::{Clocks, read_start};

/// Reads the identity of this process. `root` is the folder where `/proc` is mounted.
pub(crate) fn read_instance(
    root: &Path,
    service: Option<String>,
    version: Option<String>,
    unavailable: &mut Unavailable,
) -> InstanceInfo {
    for (path, given) in [("instance.service", &service), ("instance.version", &version)] {
        if given.is_none() {
            unavailable.note(path, "not configured; set it with `service(name, version)`");
        }
    }
    let host = kernel_file::read_proc(root, "sys/kernel/hostname");
    let (uptime, started) = read_start(root, Clocks::now());
    let mut instance = InstanceInfo::new(instance_id(), std::process::id());
    instance.service = service;
    instance.version = version;
    instance.host = unavailable.keep("instance.host", host).map(|name| name.trim().to_owned());
    instance.started_at = unavailable.keep("instance.started_at", started).map(timestamp::seconds);
    instance.uptime_seconds =
        unavailable.keep("instance.uptime_seconds", uptime).map(|uptime| uptime.as_secs());
    instance.build_id = unavailable.keep("instance.build_id", build_id());
    instance
}

/// The id of this process. The first call makes it. Every report of the process has it.
pub fn instance_id() -> InstanceId {
    static CURRENT: PerProcess<Option<InstanceId>> = PerProcess::new(None);
    // Every process makes its own id, so the pattern is never seen.
    CURRENT.get(|_| Some(random_id())).unwrap_or_else(random_id)
}

fn random_id() -> InstanceId {
    let mut bytes = [0; 16];
    // `Uuid::new_v4` would panic if the system has no random numbers.
    if getrandom::fill(&mut bytes).is_err() {
        // The id must be unique, not secret, so the time and the process id are enough.
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let distance = since_epoch.unwrap_or_else(|before| before.duration());
        let seed = distance.as_nanos() ^ (u128::from(std::process::id()) << 96);
        bytes = seed.to_be_bytes();
    }
    InstanceId::from_random(bytes)
}

/// The build-id of the running program, from its own memory. This needs no file, so it cannot read the wrong file.
/// The build-id cannot change, so it is read once.
fn build_id() -> Result<String, String> {
    static BUILD_ID: OnceLock<Result<String, &str>> = OnceLock::new();
    let read = || match loaded_objects().into_iter().next() {
        Some(program) => {
            let id = program.build_id.ok_or("the program has no build id; link it with `-Wl,--build-id`")?;
            Ok(id.to_string())
        }
        None => Err("this system does not expose the program's ELF notes"),
    };
    BUILD_ID.get_or_init(read).clone().map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_has_one_id() {
        assert_eq!(instance_id(), instance_id());
        assert_ne!(random_id(), random_id());
    }

    #[test]
    fn without_proc_every_missing_value_has_a_reason() {
        let nowhere = Path::new("/nonexistent");
        let mut unavailable = Unavailable::default();
        let info = read_instance(nowhere, None, None, &mut unavailable);
        assert_eq!(info.host, None);
        assert!(unavailable.get("instance.host").unwrap().starts_with("/proc is not mounted here"));
        assert_eq!(info.build_id.is_some(), cfg!(target_os = "linux"), "it is in memory");
        assert_eq!(
            unavailable.get("instance.service"),
            Some("not configured; set it with `service(name, version)`")
        );
    }
}
