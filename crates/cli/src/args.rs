//! The command line as a whole: parses it and runs the command.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands;
use crate::failure::Failure;

/// Show which types hold the memory of live Rust services, and which of them grow
#[derive(Debug, Parser)]
#[command(name = "memory-debug", version, max_term_width = 100, after_help = EXIT)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXIT: &str = "Exit status: 0 success; 1 request failed; 2 usage error; 3 `doctor` found a problem; 4 some instances \
                    did not answer (`fleet`, `heap`, `top --batch`); 130 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    Fetch(commands::fetch::Fetch),
    Types(commands::types::Types),
    Diff(commands::diff::Diff),
    Report(commands::report::Report),
    Fleet(commands::fleet::Fleet),
    Top(commands::top::Top),
    Ui(commands::ui::Ui),
    Heap(commands::heap::Heap),
    Flamegraph(commands::flamegraph::Flamegraph),
    Symbolize(commands::symbolize::Symbolize),
    Convert(commands::convert::Convert),
    Holders(commands::holders::Holders),
    Trace(commands::trace::Trace),
    Monitor(commands::monitor::Monitor),
    Doctor(commands::doctor::Doctor),
    Config(commands::config::Config),
    Password(commands::password::Password),
    Completions(commands::completions::Completions),
    Man(commands::man::Man),
}

impl Args {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            Command::Fetch(fetch) => fetch.run(),
            Command::Types(types) => types.run(),
            Command::Diff(diff) => diff.run(),
            Command::Report(report) => report.run(),
            Command::Fleet(fleet) => fleet.run(),
            Command::Top(top) => top.run(),
            Command::Ui(ui) => ui.run(),
            Command::Heap(heap) => heap.run(),
            Command::Flamegraph(flamegraph) => flamegraph.run(),
            Command::Symbolize(symbolize) => symbolize.run(),
            Command::Convert(convert) => convert.run(),
            Command::Holders(holders) => holders.run(),
            Command::Trace(trace) => trace.run(),
            Command::Monitor(monitor) => monitor.run(),
            Command::Doctor(doctor) => doctor.run(),
            Command::Config(config) => config.run(),
            Command::Password(password) => password.run(),
            Command::Completions(completions) => completions.run(Self::command()),
            Command::Man(man) => man.run(Self::command()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
