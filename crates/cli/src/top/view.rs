//! The view with the options from the command line.

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

/// The instances to watch, and how to show them.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) asked: Vec<(Target, Login)>,
    /// Instances that could not be found.
    pub(crate) missing: Vec<MissingInstance>,
    pub(crate) client: Client,
    pub(crate) interval: Duration,
    pub(crate) order: Order,
    pub(crate) filter: String,
}

impl View {
    /// Shows the view on the terminal until the operator quits.
    ///
    /// # Errors
    ///
    /// If the terminal fails.
    pub(crate) fn live(self) -> Result<ExitCode, Failure> {
        let state = self.state();
        let Self { asked, client, interval, .. } = self;
        live::run(state, interval, move |index| {
            let (target, login) =
                asked.get(index).ok_or_else(|| Failure::local("no instance has this number"))?;
            poll::report(&client, target, login)
        })
    }

    /// Prints the view as text, `frames` times, with at most `rows` rows. Instances that do not answer within `timeout`
    /// are missing.
    ///
    /// # Errors
    ///
    /// If no instance answered in the last round.
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
