//! `memory-debug config`.

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
    /// Name of the job
    #[arg(long, default_value = "memory-debug")]
    job: String,
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
        let jobs = self.jobs()?;
        let text = match self.scraper {
            Scraper::Prometheus => self.scrape_configs(&jobs, "", "/metrics"),
            Scraper::Parca => self.scrape_configs(&jobs, PARCA, "/heap"),
            Scraper::Alloy => self.alloy(&jobs),
        };
        output::print(text)?;
        Ok(ExitCode::SUCCESS)
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
    fn scrape_configs(&self, jobs: &[Job], profiling: &str, page: &str) -> String {
        let mut text = "scrape_configs:\n".to_owned();
        for (index, job) in jobs.iter().enumerate() {
            let path = quoted(&format!("{}{page}", job.path));
            text += &format!("  - job_name: {}\n    scheme: {}\n", quoted(&self.job_name(index)), job.scheme);
            text += &format!("    basic_auth:\n      username: {}\n", quoted(&self.user));
            text += &format!("      password_file: {}\n", quoted(&self.password_file));
            text += "    scrape_interval: 60s\n";
            text += &match profiling {
                "" => format!("    scrape_timeout: 30s\n    metrics_path: {path}\n"),
                profiling => profiling.replace("PATH", &path),
            };
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

    fn alloy(&self, jobs: &[Job]) -> String {
        let mut text = String::new();
        for (index, job) in jobs.iter().enumerate() {
            let name = self.job_name(index).replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            let targets = match &job.hosts {
                Hosts::List(hosts) => {
                    let targets: Vec<_> = hosts
                        .iter()
                        .map(|host| {
                            let service = quoted(&self.job);
                            format!(
                                "    {{\"__address__\" = {}, \"service_name\" = {service}}},\n",
                                quoted(host)
                            )
                        })
                        .collect();
                    format!("[\n{}  ]", targets.concat())
                }
                Hosts::Dns { name: host, port } => {
                    text += &format!(
                        "discovery.dns \"{name}\" {{\n  names = [{}]\n  type  = \"A\"\n  port  = {port}\n}}\n\n",
                        quoted(host)
                    );
                    format!("discovery.dns.{name}.targets")
                }
            };
            text += &format!(
                "pyroscope.scrape \"{name}\" {{\n  targets    = {targets}\n  forward_to = [pyroscope.write.default.receiver]\n"
            );
            text += &format!("  scheme     = {}\n\n  basic_auth {{\n", quoted(&job.scheme));
            text += &format!("    username      = {}\n", quoted(&self.user));
            text += &format!("    password_file = {}\n  }}\n\n", quoted(&self.password_file));
            text += &format!(
                "  profiling_config {{\n    profile.memory {{\n      path = {}\n    }}\n",
                quoted(&format!("{}/heap", job.path))
            );
            for other in ["process_cpu", "block", "mutex", "goroutine"] {
                text += &format!("\n    profile.{other} {{\n      enabled = false\n    }}\n");
            }
            text += "  }\n}\n\n";
        }
        text + "pyroscope.write \"default\" {\n  endpoint {\n    url = \"http://pyroscope:4040\"\n  }\n}\n"
    }

    fn job_name(&self, index: usize) -> String {
        if index == 0 { self.job.clone() } else { format!("{}-{}", self.job, index + 1) }
    }
}

/// Its defaults are merged with what is written, so the profiles that are not here are turned off.
const PARCA: &str = "    scrape_timeout: 63s
    profiling_config:
      pprof_config:
        memory: {enabled: true, path: PATH}
        block: {enabled: false}
        goroutine: {enabled: false}
        mutex: {enabled: false}
        process_cpu: {enabled: false}
";

/// As YAML, JSON and Alloy quote.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn list(hosts: &[String]) -> String {
    hosts.iter().map(|host| quoted(host)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        config: Config,
    }

    fn config(words: &[&str]) -> Config {
        Line::parse_from([&["x"], words].concat()).config
    }

    #[test]
    fn instances_that_are_asked_alike_are_one_job() {
        let config = config(&["prometheus", "https://a:1", "https://b:2", "https://c/m"]);
        let jobs = config.jobs().unwrap();
        let text = config.scrape_configs(&jobs, "", "/metrics");
        assert!(text.contains("metrics_path: \"/debug/memory/metrics\"\n    static_configs:\n      - targets: [\"a:1\", \"b:2\"]\n"), "{text}");
        assert!(text.contains("job_name: \"memory-debug-2\""), "{text}");
        assert!(
            text.contains(
                "metrics_path: \"/m/metrics\"\n    static_configs:\n      - targets: [\"c:443\"]\n"
            ),
            "{text}"
        );
        assert!(text.contains("password_file: \"/run/secrets/memory-debug\""), "{text}");
    }

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        let config = config(&["alloy", "https://a", "--user", "o\"ps\n}", "--job", "x\"} y"]);
        let text = config.alloy(&config.jobs().unwrap());
        assert!(text.contains(r#"username      = "o\"ps\n}""#), "{text}");
        assert!(text.contains("pyroscope.scrape \"x___y\""), "{text}");
    }

    #[test]
    fn a_name_is_looked_up_by_the_scraper() {
        let config = config(&["parca", "--dns", "shop.default.svc:8443"]);
        let text = config.scrape_configs(&config.jobs().unwrap(), PARCA, "/heap");
        assert!(
            text.contains("names: [\"shop.default.svc\"]\n        type: A\n        port: 8443"),
            "{text}"
        );
        assert!(text.contains("memory: {enabled: true, path: \"/debug/memory/heap\"}"), "{text}");
    }
}
