//! `memory-debug config`.

mod alloy;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::ValueEnum;

use crate::failure::Failure;
use crate::output;
use crate::target::Target;

/// Print a ready configuration for something that asks all the time
#[derive(Debug, clap::Args)]
pub(crate) struct Config {
    #[arg(value_enum)]
    scraper: Scraper,
    /// Addresses of instances
    #[arg(value_name = "URL", required_unless_present = "dns")]
    targets: Vec<String>,
    /// Host and port whose addresses are the instances, such as a headless service's
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "targets")]
    dns: Option<String>,
    /// Scheme of the instances behind --dns
    #[arg(long, default_value = "https", value_parser = ["http", "https"])]
    scheme: String,
    /// Path of the page of the instances behind --dns
    #[arg(long, default_value = "/debug/memory")]
    path: String,
    /// User of the page
    #[arg(long, default_value = "ops", env = "MEMORY_DEBUG_USER")]
    user: String,
    /// File with the password, at the machine that scrapes
    #[arg(long, value_name = "FILE", default_value = "/run/secrets/memory-debug")]
    password_file: String,
    /// File with certificates (PEM) of the authority to trust, at the machine that scrapes
    #[arg(long, value_name = "FILE")]
    ca: Option<String>,
    /// Name of the job
    #[arg(long, default_value = "memory-debug")]
    job: String,
    /// Seconds between two questions
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    interval: u32,
    /// Prometheus: so many types that hold the most memory have metrics of their own, at the cost of a heap profile each
    /// time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=200))]
    types: Option<u16>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scraper {
    /// Numbers: `scrape_configs` of Prometheus
    Prometheus,
    /// Profiles: `pyroscope.scrape` of Grafana Alloy
    Alloy,
    /// Profiles: `scrape_configs` of Parca
    Parca,
}

/// Instances that are asked alike.
struct Job {
    scheme: String,
    path: String,
    hosts: Hosts,
}

enum Hosts {
    List(Vec<String>),
    Dns { name: String, port: u16 },
}

impl Config {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        output::print(self.text()?)?;
        Ok(ExitCode::SUCCESS)
    }

    fn text(&self) -> Result<String, Failure> {
        if self.types.is_some() && !matches!(self.scraper, Scraper::Prometheus) {
            return Err(Failure::usage("--types is for Prometheus; profiles have all types"));
        }
        let jobs = self.jobs()?;
        Ok(match self.scraper {
            Scraper::Prometheus => self.scrape_configs(&jobs, &self.metrics(), "/metrics"),
            Scraper::Parca => self.scrape_configs(&jobs, &self.profiles(), "/heap"),
            Scraper::Alloy => alloy::components(self, &jobs),
        })
    }

    /// One for each scheme and path.
    fn jobs(&self) -> Result<Vec<Job>, Failure> {
        if let Some(dns) = &self.dns {
            let target = Target::parse(&format!("{}://{dns}{}", self.scheme, self.path))?;
            let hosts = Hosts::Dns { name: target.host().to_owned(), port: target.port() };
            return Ok(vec![Job { scheme: self.scheme.clone(), path: target.path().to_owned(), hosts }]);
        }
        let mut jobs: Vec<Job> = Vec::new();
        for text in &self.targets {
            let target = Target::parse(text)?;
            let (scheme, path) = (target.scheme().to_owned(), target.path().to_owned());
            let position = jobs.iter().position(|job| job.scheme == scheme && job.path == path);
            let index = position.unwrap_or_else(|| {
                jobs.push(Job { scheme, path, hosts: Hosts::List(Vec::new()) });
                jobs.len() - 1
            });
            if let Hosts::List(hosts) = &mut jobs[index].hosts {
                hosts.push(target.authority());
            }
        }
        Ok(jobs)
    }

    /// Prometheus and Parca name most things alike. All values are in JSON's quotes, which are YAML's as well.
    fn scrape_configs(&self, jobs: &[Job], asking: &str, page: &str) -> String {
        let mut text = "scrape_configs:\n".to_owned();
        for (index, job) in jobs.iter().enumerate() {
            text += &format!("  - job_name: {}\n", quoted(&self.job_name(index)));
            text += &format!("    scheme: {}\n    scrape_interval: {}s\n", job.scheme, self.interval);
            text += &asking.replace("PATH", &quoted(&format!("{}{page}", job.path)));
            text += &format!("    basic_auth:\n      username: {}\n", quoted(&self.user));
            text += &format!("      password_file: {}\n", quoted(&self.password_file));
            let tls = self.tls(job);
            text += if tls.is_empty() { "" } else { "    tls_config:\n" };
            for (name, value) in tls {
                text += &format!("      {name}: {}\n", quoted(value));
            }
            text += &match &job.hosts {
                Hosts::List(hosts) => format!("    static_configs:\n      - targets: [{}]\n", list(hosts)),
                Hosts::Dns { name, port } => {
                    format!(
                        "    dns_sd_configs:\n      - names: [{}]\n        type: A\n        port: {port}\n",
                        quoted(name)
                    )
                }
            };
        }
        text
    }

    /// What only Prometheus has.
    fn metrics(&self) -> String {
        // Prometheus refuses to wait for longer than that.
        let timeout = self.interval.min(30);
        let types = self.types.map(|types| format!("    params:\n      types: [\"{types}\"]\n"));
        format!("    scrape_timeout: {timeout}s\n    metrics_path: PATH\n{}", types.unwrap_or_default())
    }

    /// What only Parca has. Its defaults are merged with what is written, so the profiles that are not here are turned
    /// off; and it insists on waiting for longer than the interval.
    fn profiles(&self) -> String {
        let timeout = self.interval + 3;
        let mut text =
            format!("    scrape_timeout: {timeout}s\n    profiling_config:\n      pprof_config:\n");
        text += "        memory: {enabled: true, path: PATH}\n";
        for other in OTHER_PROFILES {
            text += &format!("        {other}: {{enabled: false}}\n");
        }
        text
    }

    /// Names and values. Instances that were found by a name are asked by address, and have a certificate for the name.
    fn tls<'a>(&'a self, job: &'a Job) -> Vec<(&'static str, &'a str)> {
        if job.scheme != "https" {
            return Vec::new();
        }
        let name = match &job.hosts {
            Hosts::List(_) => None,
            Hosts::Dns { name, .. } => Some(("server_name", name.as_str())),
        };
        self.ca.as_deref().map(|file| ("ca_file", file)).into_iter().chain(name).collect()
    }

    fn job_name(&self, index: usize) -> String {
        if index == 0 { self.job.clone() } else { format!("{}-{}", self.job, index + 1) }
    }
}

/// What the scrapers would ask services in Go for as well.
const OTHER_PROFILES: [&str; 4] = ["process_cpu", "block", "mutex", "goroutine"];

/// As YAML, JSON and Alloy quote.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list(hosts: &[String]) -> String {
    hosts.iter().map(|host| quoted(host)).collect::<Vec<_>>().join(", ")
}
