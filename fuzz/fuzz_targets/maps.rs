//! One line of `/proc/PID/maps`: no line panics, and what is read means what was written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use memory_debug_profile::Mapping;
use memory_debug_profile::fuzzing::mapping;

fuzz_target!(|line: &str| {
    let Ok(Some(found)) = mapping(line) else { return };
    assert!(found.start <= found.end, "{found:?}");
    assert!(found.path.starts_with('/'), "{found:?}");
    // Nothing is invented: every field is somewhere in the line.
    assert!(line.contains(&found.path) && line.contains(&found.device), "{found:?}");
    assert!(!found.is_deleted || line.contains(" (deleted)"), "{found:?}");
    assert_eq!(mapping(&written(&found)), Ok(Some(found.clone())));
    for address in
        [0, found.start, found.start.wrapping_add(1), found.end.wrapping_sub(1), found.end, u64::MAX]
    {
        let inside = (found.start..found.end).contains(&address);
        let offset = found.file_offset_of(address);
        assert_eq!(offset.is_some(), inside, "{address:#x} {found:?}");
        assert!(offset.is_none_or(|offset| offset >= found.file_offset), "{address:#x} {found:?}");
    }
});

/// As the kernel writes it.
fn written(mapping: &Mapping) -> String {
    let Mapping { start, end, file_offset, device, inode, path, .. } = mapping;
    let mark = if mapping.is_deleted { " (deleted)" } else { "" };
    format!("{start:x}-{end:x} r-xp {file_offset:08x} {device} {inode} {path}{mark}\n")
}
