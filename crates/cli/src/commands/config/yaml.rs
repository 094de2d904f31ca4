//! `scrape_configs` of Prometheus and Parca, which name most settings alike.

use super::job::{Hosts, Job, OTHER_PROFILES, quoted};

/// `scrape_configs` of Prometheus, with metrics for the `types` types that hold the most memory.
pub(super) fn prometheus(jobs: &[Job], types: Option<u16>) -> String {
    scrape_configs(jobs, |job| {
        // Prometheus refuses a timeout that is longer than the interval.
        let timeout = job.interval.min(30);
        let path = quoted(&format!("{}/metrics", job.path));
        let types = types.map(|types| format!("    params:\n      types: [\"{types}\"]\n"));
        format!("    scrape_timeout: {timeout}s\n    metrics_path: {path}\n{}", types.unwrap_or_default())
    })
}

/// `scrape_configs` of Parca. Parca merges its defaults into the configuration, so this turns the other profiles off.
pub(super) fn parca(jobs: &[Job]) -> String {
    scrape_configs(jobs, |job| {
        // Parca refuses a timeout that is not longer than the interval.
        let timeout = job.interval + 3;
        let path = quoted(&format!("{}/heap", job.path));
        let mut text =
            format!("    scrape_timeout: {timeout}s\n    profiling_config:\n      pprof_config:\n");
        text += &format!("        memory: {{enabled: true, path: {path}}}\n");
        for other in OTHER_PROFILES {
            text += &format!("        {other}: {{enabled: false}}\n");
        }
        text
    })
}

/// Writes all jobs; `page` writes the lines that only one of the two scrapers has.
fn scrape_configs(jobs: &[Job], page: impl Fn(&Job) -> String) -> String {
    let mut text = "scrape_configs:\n".to_owned();
    for job in jobs {
        text += &format!("  - job_name: {}\n", quoted(&job.name));
        text += &format!("    scheme: {}\n    scrape_interval: {}s\n", job.scheme, job.interval);
        text += &page(job);
        text += &format!("    basic_auth:\n      username: {}\n", quoted(&job.user));
        text += &format!("      password_file: {}\n", quoted(&job.password_file));
        let tls = job.tls();
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

fn list(hosts: &[String]) -> String {
    hosts.iter().map(|host| quoted(host)).collect::<Vec<_>>().join(", ")
}
