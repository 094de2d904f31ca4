//! `memory-debug config`.

mod alloy;
mod job;
#[cfg(test)]
mod tests;
mod yaml;

use std::process::ExitCode;

use clap::ValueEnum;

use self::job::{Hosts, Job};
use crate::failure::Failure;
use crate::output;
use crate::target::Target;

/// Print a ready-made configuration for Prometheus, Grafana Alloy or Parca
#[derive(Debug, clap::Args)]
pub(crate) struct Config {
    /// What to configure
    #[arg(value_enum)]
    scraper: Scraper,
    /// Addresses of instances
    #[arg(value_name = "URL", required_unless_present = "dns")]
    targets: Vec<String>,
    /// Host and port of a DNS name whose addresses are the instances, such as a headless service
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "targets")]
    dns: Option<String>,
    /// Scheme of the instances found by --dns
    #[arg(long, default_value = "https", value_parser = ["http", "https"])]
    scheme: String,
    /// Path of the memory page of the instances found by --dns
    #[arg(long, default_value = "/debug/memory")]
    path: String,
    /// User name for the page
    #[arg(long, default_value = "ops", env = "MEMORY_DEBUG_USER")]
    user: String,
    /// File with the password, on the machine that scrapes
    #[arg(long, value_name = "FILE", default_value = "/run/secrets/memory-debug")]
    password_file: String,
    /// File with certificates (PEM) of the authority to trust, on the machine that scrapes
    #[arg(long, value_name = "FILE")]
    ca: Option<String>,
    /// Name of the job
    #[arg(long, default_value = "memory-debug")]
    job: String,
    /// Seconds between two requests to an instance
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    interval: u32,
    /// Only for Prometheus: export metrics for this many of the largest types. Each request then takes a heap profile
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=200))]
    types: Option<u16>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scraper {
    /// Metrics: `scrape_configs` for Prometheus
    Prometheus,
    /// Heap profiles: `pyroscope.scrape` for Grafana Alloy
    Alloy,
    /// Heap profiles: `scrape_configs` for Parca
    Parca,
}

impl Config {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        output::print(self.text()?)?;
        Ok(ExitCode::SUCCESS)
    }

    fn text(&self) -> Result<String, Failure> {
        if self.types.is_some() && !matches!(self.scraper, Scraper::Prometheus) {
            return Err(Failure::usage("--types works only with prometheus; profiles contain all types"));
        }
        let jobs = self.jobs()?;
        Ok(match self.scraper {
            Scraper::Prometheus => yaml::prometheus(&jobs, self.types),
            Scraper::Parca => yaml::parca(&jobs),
            Scraper::Alloy => alloy::components(&jobs),
        })
    }

    /// One job for each scheme and path.
    fn jobs(&self) -> Result<Vec<Job>, Failure> {
        if let Some(dns) = &self.dns {
            let target = Target::parse(&format!("{}://{dns}{}", self.scheme, self.path))?;
            let hosts = Hosts::Dns { name: target.host().to_owned(), port: target.port() };
            return Ok(vec![self.job(0, &target, hosts)]);
        }
        let mut jobs: Vec<Job> = Vec::new();
        for text in &self.targets {
            let target = Target::parse(text)?;
            let known =
                jobs.iter().position(|job| job.scheme == target.scheme() && job.path == target.path());
            let index = known.unwrap_or_else(|| {
                jobs.push(self.job(jobs.len(), &target, Hosts::List(Vec::new())));
                jobs.len() - 1
            });
            if let Hosts::List(hosts) = &mut jobs[index].hosts {
                hosts.push(target.authority());
            }
        }
        Ok(jobs)
    }

    fn job(&self, index: usize, target: &Target, hosts: Hosts) -> Job {
        Job {
            name: self.job_name(index),
            service: self.job.clone(),
            scheme: target.scheme().to_owned(),
            path: target.path().to_owned(),
            hosts,
            interval: self.interval,
            user: self.user.clone(),
            password_file: self.password_file.clone(),
            ca: self.ca.clone(),
        }
    }

    fn job_name(&self, index: usize) -> String {
        if index == 0 { self.job.clone() } else { format!("{}-{}", self.job, index + 1) }
    }
}
