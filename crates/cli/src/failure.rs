//! What went wrong, and the status that the program ends with.

use std::fmt;
use std::process::ExitCode;

use memory_debug_report::units::visible;
use memory_debug_report::{MissingInstance, MissingReason};

/// The statuses that the program ends with. They are documented in `memory-debug help` and the manual, so scripts
/// depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Nothing could be had: no answer, or one that is of no use.
    Failed = 1,
    /// What was typed makes no sense. The same that clap ends with.
    Usage = 2,
    /// `doctor` found something as severe as it was asked to look for.
    Found = 3,
    /// `fleet` or `top --batch` could not ask everybody; what it printed lacks them.
    Incomplete = 4,
    /// Ctrl-C, or a signal that asks to end. What shells expect then.
    Interrupted = 130,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// Why there is no answer: what was tried, what was found, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    /// For who asks many: what kept this one away.
    pub(crate) reason: MissingReason,
    pub(crate) message: String,
    /// Whom it is about.
    whom: Option<String>,
}

impl Failure {
    pub(crate) fn new(reason: MissingReason, message: impl Into<String>) -> Self {
        Self { status: Status::Failed, reason, message: message.into(), whom: None }
    }

    /// Something that was typed makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { status: Status::Usage, ..Self::new(MissingReason::Address, message) }
    }

    /// Something on this side: a file, the terminal.
    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self::new(MissingReason::NoReport, message)
    }

    /// Says whom it is about.
    pub(crate) fn at(self, whom: &dyn fmt::Display) -> Self {
        Self { whom: Some(whom.to_string()), ..self }
    }

    /// The same of one of many.
    pub(crate) fn missing(self, target: &dyn fmt::Display) -> MissingInstance {
        MissingInstance::new(target.to_string(), self.reason, self.message)
    }

    /// Tells it. Others may have had a hand in the words.
    pub(crate) fn print(&self) {
        notice(&self.to_string());
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        self.status.into()
    }
}

/// Writes a line to standard error. Others may have had a hand in the words.
pub(crate) fn notice(text: &str) {
    eprintln!("memory-debug: {}", visible(text));
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(whom) = &self.whom {
            write!(f, "{whom}: ")?;
        }
        f.write_str(&self.message)
    }
}
