//! `memory-debug completions`.

use std::process::ExitCode;

use clap_complete::Shell;

use crate::args;
use crate::failure::Failure;
use crate::output;

/// Print what a shell needs to complete this command
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut args::command(), "memory-debug", &mut script);
        output::print(script)?;
        Ok(ExitCode::SUCCESS)
    }
}
