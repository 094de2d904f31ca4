//! Saves snapshots of this process to a folder and lists the folder: `save_snapshots FOLDER [COUNT]`.
//!
//! `scripts/faults` runs it where saving fails. The exit status is 0 only if all snapshots were saved.

#![forbid(unsafe_code)]

use std::env;
use std::error::Error;
use std::io;
use std::process::ExitCode;

use memory_debug_core::{Collector, Scope, SnapshotFolder, spawn_collecting};

memory_debug_core::install!();

fn save(folder: &SnapshotFolder) -> Result<(), Box<dyn Error>> {
    let take = || Collector::new().collect(Scope::Types).snapshot(None);
    let collecting = spawn_collecting(take)?;
    let snapshot = collecting.join().map_err(|_| "the collection failed")??;
    folder.save(&snapshot)?;
    println!("saved {}", snapshot.info().id);
    Ok(())
}

fn list(folder: &SnapshotFolder) -> io::Result<()> {
    let (snapshots, passed_over) = folder.load()?;
    snapshots.iter().for_each(|snapshot| println!("has {}", snapshot.info().id));
    passed_over.iter().for_each(|reason| println!("passed over {reason}"));
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let count = |text: String| text.parse::<u32>().ok();
    let (Some(path), Some(count)) = (arguments.next(), arguments.next().map_or(Some(1), count)) else {
        eprintln!("save_snapshots FOLDER [COUNT]");
        return ExitCode::from(2);
    };
    let folder = SnapshotFolder::new(path);
    let saved = (0..count).try_for_each(|_| save(&folder));
    let listed = list(&folder).map_err(Box::from);
    for error in [&saved, &listed].into_iter().filter_map(|outcome| outcome.as_ref().err()) {
        println!("failed {error}");
    }
    if saved.and(listed).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
