//! `memory-debug password`.

use std::process::ExitCode;

use crate::failure::Failure;
use crate::output;

/// Print a new random password
#[derive(Debug, clap::Args)]
pub(crate) struct Password {}

impl Password {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let password = memory_debug_endpoint::generate_password();
        let password =
            password.map_err(|error| Failure::local(format!("the system gave no random bytes: {error}")))?;
        output::print(format!("{password}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}
