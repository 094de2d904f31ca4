//! The error type of all commands, and the exit status.

use std::fmt;
use std::process::ExitCode;

use memory_debug_fleet::Missing;
use memory_debug_report::units::printable;
use memory_debug_report::{MissingInstance, MissingReason};

/// The exit status. `memory-debug help` and the manual document the values, so scripts depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The request failed, or its answer cannot be used.
    Failed = 1,
    /// The command line is wrong. clap exits with the same status.
    Usage = 2,
    /// `doctor` found a problem of at least the severity of `--fail-on`.
    Found = 3,
    /// Some instances did not answer. The output does not include them.
    Incomplete = 4,
    /// Ctrl-C or a signal ended the program. Shells use this value too.
    Interrupted = 130,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Why a command failed. The message says what was tried, what was found, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    /// The category of the failure, for the list of missing instances.
    pub(crate) reason: MissingReason,
    pub(crate) message: String,
    /// The instance or file that the failure is about.
    about: Option<String>,
}

impl Failure {
    pub(crate) fn new(reason: MissingReason, message: impl Into<String>) -> Self {
        Self { status: Status::Failed, reason, message: message.into(), about: None }
    }

    /// A mistake on the command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { status: Status::Usage, ..Self::new(MissingReason::Address, message) }
    }

    /// A failure on this machine, for example of a file or the terminal.
    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self::new(MissingReason::NoReport, message)
    }

    /// Names the instance or file that the failure is about.
    pub(crate) fn at(self, instance: &dyn fmt::Display) -> Self {
        Self { about: Some(instance.to_string()), ..self }
    }

    /// Turns the failure into an entry of the list of missing instances.
    pub(crate) fn missing(self, target: &dyn fmt::Display) -> MissingInstance {
        MissingInstance::new(target.to_string(), self.reason, self.message)
    }

    /// Prints the failure to standard error.
    pub(crate) fn print(&self) {
        notice(&self.to_string());
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        self.status.into()
    }
}

/// Writes a line to standard error. Escapes it, because an instance may have written some of the words.
pub(crate) fn notice(text: &str) {
    eprintln!("memory-debug: {}", printable(text));
}

impl From<Missing> for Failure {
    fn from(Missing { reason, detail }: Missing) -> Self {
        Self::new(reason, detail)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(about) = &self.about {
            write!(f, "{about}: ")?;
        }
        f.write_str(&self.message)
    }
}
