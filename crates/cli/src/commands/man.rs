//! `memory-debug man`.

use std::process::ExitCode;

use crate::failure::Failure;
use crate::output;

/// Print the manual page; read it with `memory-debug man | man -l -`
#[derive(Debug, clap::Args)]
pub(crate) struct Man {}

impl Man {
    /// Prints the manual page of `program`, the whole command line.
    pub(crate) fn run(self, program: clap::Command) -> Result<ExitCode, Failure> {
        let mut page = Vec::new();
        let failed = |error| Failure::local(format!("cannot write the manual page: {error}"));
        clap_mangen::Man::new(program).render(&mut page).map_err(failed)?;
        output::print(page)?;
        Ok(ExitCode::SUCCESS)
    }
}
