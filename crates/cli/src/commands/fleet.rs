//! `memory-debug fleet`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use memory_debug_report::{Draws, Fleet as Sums, FleetReport, MissingInstance, MissingReason};

use crate::ask_all::ask_all;
use crate::client::Client;
use crate::connection_args::{ConnectionArgs, seconds};
use crate::discover::Discovery;
use crate::failure::{Failure, Status};
use crate::output;
use crate::progress::Progress;
use crate::target::Target;

/// The most requests to a load balancer. More would put a load on the service.
const MAX_DRAWS: u64 = 2_000;

/// How many failures in a row mean that no instance is up. If only some were down, other requests would succeed.
const MAX_FAILURES: u32 = 10;

/// Print the total memory of many instances, and the instances that stand out
#[derive(Debug, clap::Args)]
pub(crate) struct Fleet {
    /// Address of a load balancer. It is asked repeatedly until no new instance answers; the result is an estimate
    #[arg(long, value_name = "URL", conflicts_with_all = ["targets", "targets_file", "http_sd", "dns", "srv"])]
    through: Option<String>,
    /// Number of rows to print
    #[arg(long, default_value_t = 50)]
    top: usize,
    /// Print only types whose name contains this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Number of instances to ask at the same time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallel: u16,
    /// Leave out instances that have not answered after this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    deadline: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Save the full result to this file as JSON
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    discovery: Discovery,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Fleet {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let client = self.connection.client()?;
        let end = Instant::now() + self.deadline;
        let report = match &self.through {
            Some(balancer) => self.draw(&Target::parse(balancer)?, &client, end)?,
            None => self.ask(&client, end)?,
        };
        let status = if report.complete { ExitCode::SUCCESS } else { Status::Incomplete.into() };
        if report.instances.is_empty() {
            let reason = |missing: &MissingInstance| format!("{}: {}", missing.target, missing.detail);
            let reasons: Vec<_> = report.missing.iter().take(3).map(reason).collect();
            return Err(Failure::local(format!("no instance answered: {}", reasons.join("; "))));
        }
        if let Some(path) = &self.output {
            output::save(path, output::json(&report)?.as_bytes())?;
        }
        if self.output.as_deref().is_some_and(output::is_stdout) {
            return Ok(status);
        }
        let mut shown = report;
        shown.types = shown.types.map(|types| types.truncate_filtered(self.top, self.filter.as_deref()));
        if self.json {
            output::print_json(&shown)?
        } else {
            output::print_text(&shown.to_string())?
        }
        Ok(status)
    }

    /// Asks each instance that the command line names or finds.
    fn ask(&self, client: &Client, end: Instant) -> Result<FleetReport, Failure> {
        if self.discovery.is_empty() {
            return Err(Failure::usage(
                "no instance named; give an address, --targets-file, --http-sd, --dns or --srv, or a load balancer \
                 with --through",
            ));
        }
        let mut found = self.discovery.find(client, Discovery::end(self.deadline))?;
        let instances = found.with_logins(&self.connection)?;
        let mut sums = Sums::new("targets");
        found.missing.into_iter().for_each(|missing| sums.miss(missing));
        let progress = Progress::new("asking", instances.len() as u64);
        let client = client.clone();
        ask_all(
            instances,
            usize::from(self.parallel),
            end,
            move |target, login, left| client.at_most(left).member(target, login),
            |target, answer| {
                progress.step();
                match answer {
                    Ok(report) => sums.add(target.to_string(), &report),
                    Err(failure) => sums.miss(failure.missing(target)),
                }
            },
        );
        Ok(sums.finish())
    }

    /// Asks the balancer again and again. Each request has a new connection, so that the balancer chooses again.
    fn draw(&self, balancer: &Target, client: &Client, end: Instant) -> Result<FleetReport, Failure> {
        let login = self.connection.login(balancer)?;
        let mut sums = Sums::new("through");
        let mut draws = Draws::default();
        // The balancer hides which instance failed, so failures are grouped by message.
        let mut failures: BTreeMap<(MissingReason, String), Vec<u64>> = BTreeMap::new();
        let mut in_a_row = 0;
        let progress = Progress::new("asking the balancer", 0);
        for number in 1..=MAX_DRAWS {
            let left = end.saturating_duration_since(Instant::now());
            if draws.is_enough() || left.is_zero() || in_a_row == MAX_FAILURES {
                break;
            }
            match client.at_most(left).member(balancer, &login) {
                Ok(report) => {
                    in_a_row = 0;
                    if draws.add(report.instance.id) {
                        sums.add(format!("{balancer} answer {number}"), &report);
                    }
                }
                Err(failure) => {
                    in_a_row += 1;
                    failures.entry((failure.reason, failure.message)).or_default().push(number);
                }
            }
            progress.step();
        }
        for ((reason, message), numbers) in failures {
            sums.miss(MissingInstance::new(format!("{balancer} {}", answers(&numbers)), reason, message));
        }
        sums.estimate(draws.estimate());
        Ok(sums.finish())
    }
}

/// Formats the numbers of answers, and shortens a long list: `answer 4`, `answers 4, 8, 12 and 3 more`.
fn answers(numbers: &[u64]) -> String {
    let shown: Vec<_> = numbers.iter().take(3).map(u64::to_string).collect();
    let answers = if numbers.len() == 1 { "answer" } else { "answers" };
    match numbers.len() - shown.len() {
        0 => format!("{answers} {}", shown.join(", ")),
        more => format!("{answers} {} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortens_long_list_of_failures() {
        assert_eq!(answers(&[4]), "answer 4");
        assert_eq!(answers(&[4, 8, 12]), "answers 4, 8, 12");
        assert_eq!(answers(&[4, 8, 12, 16, 20]), "answers 4, 8, 12 and 2 more");
    }
}
