//! `memory-debug top`.

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use crate::connection_args::{ConnectionArgs, seconds};
use crate::discover::Discovery;
use crate::failure::Failure;
use crate::top::{self, Order, View};

/// Polling faster would keep the service busy collecting.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(500);

/// More instances do not fit on a screen, and each takes a thread here.
const MAX_INSTANCES: usize = 100;

/// Watch which types hold the memory of one or more instances
#[derive(Debug, clap::Args)]
pub(crate) struct Top {
    /// Seconds between two requests to an instance, at least 0.5
    #[arg(short, long, value_name = "SECONDS", default_value = "2", value_parser = interval)]
    interval: Duration,
    /// Order of the rows
    #[arg(long, value_enum, value_name = "ORDER", default_value = "bytes")]
    sort: Order,
    /// Show only types whose name contains this text, in upper or lower case
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,
    /// Print this many tables as text, then exit
    #[arg(long, value_name = "N")]
    batch: Option<NonZeroU32>,
    /// Number of rows that --batch prints
    #[arg(long, default_value = "50", value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    #[command(flatten)]
    discovery: Discovery,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Top {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        if self.discovery.is_empty() {
            return Err(Failure::usage(
                "no instance named; give an address, --targets-file, --http-sd, --dns or --srv",
            ));
        }
        if self.batch.is_none() {
            top::require_terminal()?;
        }
        let client = self.connection.client()?;
        let mut found = self.discovery.find(&client, Discovery::end(self.connection.timeout()))?;
        let count = found.targets.len();
        if count > MAX_INSTANCES {
            return Err(Failure::usage(format!(
                "{count} instances are too many to watch: the limit is {MAX_INSTANCES}; use `memory-debug fleet` to \
                 add them up"
            )));
        }
        let asked = found.with_logins(&self.connection)?;
        let missing = found.missing;
        let Self { interval, sort, filter, connection, .. } = self;
        let view = View { asked, missing, client, interval, order: sort, filter };
        match self.batch {
            Some(frames) => view.batch(frames.get(), self.top, connection.timeout()),
            None => view.live(),
        }
    }
}

/// Parses an interval that is not so short that it burdens the service.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = seconds(text)?;
    if interval < SHORTEST_INTERVAL {
        return Err("is less than 0.5 seconds, which would keep the service busy".into());
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_interval_that_is_too_short() {
        assert_eq!(interval("0.5"), Ok(SHORTEST_INTERVAL));
        assert!(interval("0.49").is_err() && interval("0").is_err() && interval("x").is_err());
    }
}
