//! What the command can do, one file each.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod fetch;
pub(crate) mod flamegraph;
pub(crate) mod fleet;
pub(crate) mod heap;
pub(crate) mod man;
pub(crate) mod password;
pub(crate) mod symbolize;
pub(crate) mod top;
pub(crate) mod types;

use std::process::ExitCode;

use crate::args::{Args, Command};
use crate::failure::Failure;

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    match args.command {
        Command::Fetch(fetch) => fetch.run(),
        Command::Config(config) => config.run(),
        Command::Diff(diff) => diff.run(),
        Command::Heap(heap) => heap.run(),
        Command::Flamegraph(flamegraph) => flamegraph.run(),
        Command::Fleet(fleet) => fleet.run(),
        Command::Symbolize(symbolize) => symbolize.run(),
        Command::Types(types) => types.run(),
        Command::Top(top) => top.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Password(password) => password.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}
