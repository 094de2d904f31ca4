//! Every format of every sample tree, as a file beside this one. `MEMORY_DEBUG_BLESS=1` rewrites the files.

#[path = "../examples/write_all/trees.rs"]
mod trees;

use std::fs;
use std::path::Path;

use memory_debug_formats::TreeFormat;

#[test]
fn formats_are_written_as_in_the_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let bless = std::env::var_os("MEMORY_DEBUG_BLESS").is_some();
    let mut expected = Vec::new();
    for (name, tree) in trees::all() {
        for format in TreeFormat::ALL {
            let mut written = Vec::new();
            let name = match format.write(&tree, &mut written) {
                // The compressed bytes are the business of another crate.
                Ok(()) if *format == TreeFormat::Pprof => continue,
                Ok(()) => format!("{name}.{}", format.extension()),
                Err(refusal) => {
                    assert_eq!(refusal.kind(), std::io::ErrorKind::InvalidInput);
                    written = format!("{refusal}\n").into();
                    format!("{name}.{}.refused", format.extension())
                }
            };
            let path = folder.join(&name);
            if bless {
                fs::write(&path, &written).unwrap();
            }
            let hint = "if that is intended, MEMORY_DEBUG_BLESS=1 rewrites the file";
            let golden = fs::read(&path).unwrap_or_default();
            assert!(golden == written, "{name} differs; {hint}");
            expected.push(name);
        }
    }
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}
