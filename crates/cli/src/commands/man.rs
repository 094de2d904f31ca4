//! `memory-debug man`.

use std::process::ExitCode;

use crate::args;
use crate::failure::Failure;
use crate::output;

/// Print the manual page, for `man -l -`
#[derive(Debug, clap::Args)]
pub(crate) struct Man {}

impl Man {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut page = Vec::new();
        let failed = |error| Failure::local(format!("the manual: {error}"));
        clap_mangen::Man::new(args::command()).render(&mut page).map_err(failed)?;
        output::print(page)?;
        Ok(ExitCode::SUCCESS)
    }
}
