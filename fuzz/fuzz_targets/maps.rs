//! One line of `/proc/PID/maps`. No line panics, and the parsed mapping means what the line says.

#![no_main]

use std::os::unix::ffi::OsStrExt;

use libfuzzer_sys::fuzz_target;
use memory_debug_profile::Mapping;
use memory_debug_profile::fuzzing::mapping;

fuzz_target!(|line: &[u8]| {
    let Ok(Some(found)) = mapping(line) else { return };
    assert!(found.start <= found.end, "{found:?}");
    // Nothing is invented: every field is somewhere in the line.
    let contains = |part: &[u8]| part.is_empty() || line.windows(part.len()).any(|window| window == part);
    assert!(contains(&path_of(&found)) && contains(found.device.as_bytes()), "{found:?}");
    assert!(!found.is_deleted || found.has_file() && contains(b" (deleted)"), "{found:?}");
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

/// The path as the kernel writes it.
fn path_of(mapping: &Mapping) -> Vec<u8> {
    let escape = |byte: &u8| if *byte == b'\n' { b"\\012".to_vec() } else { vec![*byte] };
    mapping.path.as_os_str().as_bytes().iter().flat_map(escape).collect()
}

/// The line as the kernel writes it.
fn written(mapping: &Mapping) -> Vec<u8> {
    let Mapping { start, end, file_offset, device, inode, .. } = mapping;
    let mut line = format!("{start:x}-{end:x} r-xp {file_offset:08x} {device} {inode} ").into_bytes();
    line.extend(path_of(mapping));
    line.extend_from_slice(if mapping.is_deleted { b" (deleted)\n" } else { b"\n" });
    line
}
