//! `memory-debug completions`.

use std::process::ExitCode;

use clap_complete::Shell;

use crate::failure::Failure;
use crate::output;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    shell: Shell,
}

impl Completions {
    /// Prints the script for `program`, the whole command line.
    pub(crate) fn run(self, mut program: clap::Command) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "memory-debug", &mut script);
        output::print(script)?;
        Ok(ExitCode::SUCCESS)
    }
}
