//! Whom to watch, and how.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use memory_debug_report::MissingInstance;

use super::state::State;
use super::table::Order;
use super::{batch, live, poll};
use crate::client::Client;
use crate::failure::Failure;
use crate::login::Login;
use crate::target::Target;

/// What was asked for on the command line.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) asked: Vec<(Target, Login)>,
    /// Those that there is no way to ask.
    pub(crate) missing: Vec<MissingInstance>,
    pub(crate) client: Client,
    pub(crate) interval: Duration,
    pub(crate) order: Order,
    pub(crate) filter: String,
}

impl View {
    /// On the terminal, until somebody has seen enough.
    ///
    /// # Errors
    ///
    /// If the terminal fails.
    pub(crate) fn live(self) -> Result<ExitCode, Failure> {
        let state = self.state();
        let Self { asked, client, interval, .. } = self;
        live::run(state, interval, move |index| {
            let (target, login) =
                asked.get(index).ok_or_else(|| Failure::local("there is no such instance"))?;
            poll::report(&client, target, login)
        })
    }

    /// As text, `frames` times, with at most so many rows. Who has not answered within `timeout` is missing.
    ///
    /// # Errors
    ///
    /// If nobody answered the last time.
    pub(crate) fn batch(self, frames: u32, rows: u16, timeout: Duration) -> Result<ExitCode, Failure> {
        let client = self.client.clone();
        let ask =
            move |target: &Target, login: &Login, left| poll::report(&client.at_most(left), target, login);
        batch::run(self.state(), frames, rows, self.interval, timeout, &self.asked, ask)
    }

    fn state(&self) -> State {
        let targets = self.asked.iter().map(|(target, _)| target.to_string()).collect();
        State::new(targets, self.missing.clone(), self.interval, Instant::now())
            .showing(self.order, &self.filter)
    }
}
