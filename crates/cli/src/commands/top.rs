//! `memory-debug top`.

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use crate::connection_args::{ConnectionArgs, seconds};
use crate::discover::Discovery;
use crate::failure::Failure;
use crate::top::{self, Order, View};

/// A service keeps one collection at a time, and is to do something else, too.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(500);

/// More are no view for a person, and each has a thread here.
const MAX_INSTANCES: usize = 100;

/// Show what holds the memory of one instance or several, as it changes
#[derive(Debug, clap::Args)]
pub(crate) struct Top {
    #[command(flatten)]
    discovery: Discovery,
    /// Seconds from one question to an instance to the next, at least 0.5
    #[arg(short, long, value_name = "SECONDS", default_value = "2", value_parser = interval)]
    interval: Duration,
    /// Order of the rows
    #[arg(long, value_enum, value_name = "ORDER", default_value = "bytes")]
    sort: Order,
    /// Only types whose name contains this, in capitals or not
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,
    /// Print so many tables as text, and end
    #[arg(long, value_name = "N")]
    batch: Option<NonZeroU32>,
    /// Rows to print with --batch
    #[arg(long, default_value = "50", value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Top {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        if self.discovery.is_empty() {
            return Err(Failure::usage(
                "name the instances: addresses, --targets-file, --http-sd, --dns or --srv",
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
                "{count} instances are too many to watch (at most {MAX_INSTANCES}); `memory-debug fleet` sums them up"
            )));
        }
        let (asked, missing) = (found.with_logins(&self.connection)?, found.missing);
        let Self { interval, sort, filter, connection, .. } = self;
        let view = View { asked, missing, client, interval, order: sort, filter };
        match self.batch {
            Some(frames) => view.batch(frames.get(), self.top, connection.timeout()),
            None => view.live(),
        }
    }
}

/// Not so short that it would be a burden.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = seconds(text)?;
    if interval < SHORTEST_INTERVAL {
        return Err("is less than 0.5 seconds; the service has other work".into());
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_no_burden() {
        assert_eq!(interval("0.5"), Ok(SHORTEST_INTERVAL));
        assert!(interval("0.49").is_err() && interval("0").is_err() && interval("x").is_err());
    }
}
