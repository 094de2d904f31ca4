//! Judges saved snapshots by their sizes alone, as if no ages were recorded: leaks_by_growth FILE...
//!
//! The files are from one process, the oldest first. Prints, for each number of snapshots from the first on, the number
//! and the suspects, separated by tabs. `scripts/leaks` compares this with the verdict by survival.

use std::sync::Arc;
use std::time::SystemTime;
use std::{env, error, fs};

use memory_debug_leaks::LeakVerdict;
use memory_debug_report::Snapshot;

fn main() -> Result<(), Box<dyn error::Error>> {
    let mut snapshots = Vec::new();
    for file in env::args_os().skip(1) {
        let snapshot = Snapshot::from_bytes(fs::read(file)?)?;
        let mut info = snapshot.info().clone();
        info.ages = None;
        snapshots.push(Arc::new(Snapshot::new(info, &snapshot.profile()?, SystemTime::UNIX_EPOCH)?));
    }
    for count in 1..=snapshots.len() {
        // Too few snapshots have no verdict.
        if let Ok(verdict) = LeakVerdict::over(&snapshots[..count]) {
            let suspects = verdict.suspects.iter().map(|suspect| suspect.type_name.clone());
            println!("{}", [count.to_string()].into_iter().chain(suspects).collect::<Vec<_>>().join("\t"));
        }
    }
    Ok(())
}
