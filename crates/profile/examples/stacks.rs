//! Prints the stacks of a heap profile as the attribution sees them: `stacks DUMP [TEXT]`.
//!
//! Prints each row whose name contains the text, or all rows without a text. Below each row are its stacks and their
//! bytes, innermost frame first, in the format of `crates/profile/data/attribution/*.stack`. The dump is `after.json`
//! of `ground-truth --record`, or the dump that any program with jemalloc writes at its end with
//! `_RJEM_MALLOC_CONF=prof:true,prof_active:true,prof_final:true,lg_prof_sample:0,prof_prefix:/tmp/heap`.

use std::error::Error;
use std::fs::{self, File};
use std::io::BufReader;

use memory_debug_profile::fuzzing::attributed_stacks;
use memory_debug_profile::{FileData, HeapProfile, Mapping};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dump = arguments.next().ok_or("usage: stacks DUMP [TEXT]")?;
    let wanted = arguments.next().unwrap_or_default();
    let file = BufReader::new(File::open(&dump)?);
    let profile =
        if dump.ends_with(".json") { serde_json::from_reader(file)? } else { HeapProfile::parse(file)? };
    let load = |mapping: &Mapping| fs::read(&mapping.path).map(|bytes| Box::new(bytes) as FileData);
    let mut found = false;
    for (row, bytes, frames) in attributed_stacks(&profile, &load) {
        if row.contains(&wanted) {
            found = true;
            println!("{row}\n# {bytes} bytes");
            frames.iter().for_each(|frame| println!("{frame}"));
            println!();
        }
    }
    if !found {
        return Err(format!(
            "{dump} has no row that contains `{wanted}`; if the program was built again since, write the dump again"
        )
        .into());
    }
    Ok(())
}
