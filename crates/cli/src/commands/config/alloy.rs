//! Components of Grafana Alloy.

use super::{Config, Hosts, Job, OTHER_PROFILES, quoted};

/// For each job a `pyroscope.scrape`, and the one `pyroscope.write` that they lead to.
pub(super) fn components(config: &Config, jobs: &[Job]) -> String {
    let mut text = String::new();
    for (index, job) in jobs.iter().enumerate() {
        let name = identifier(&config.job_name(index));
        let targets = match &job.hosts {
            Hosts::List(hosts) => {
                let service = quoted(&config.job);
                let target = |host: &String| {
                    format!("    {{\"__address__\" = {}, \"service_name\" = {service}}},\n", quoted(host))
                };
                format!("[\n{}  ]", hosts.iter().map(target).collect::<String>())
            }
            Hosts::Dns { name: host, port } => {
                text += &discovery(&name, host, *port, &config.job);
                format!("discovery.relabel.{name}.output")
            }
        };
        text += &scrape(config, job, &name, &targets);
    }
    text + "pyroscope.write \"default\" {\n  endpoint {\n    url = \"http://pyroscope:4040\"\n  }\n}\n"
}

/// Addresses that a name has, with the name that Pyroscope files their profiles under.
fn discovery(name: &str, host: &str, port: u16, service: &str) -> String {
    let (host, service) = (quoted(host), quoted(service));
    format!(
        "discovery.dns \"{name}\" {{\n  names = [{host}]\n  type  = \"A\"\n  port  = {port}\n}}\n\n\
         discovery.relabel \"{name}\" {{\n  targets = discovery.dns.{name}.targets\n\n  rule {{\n    \
         target_label = \"service_name\"\n    replacement  = {service}\n  }}\n}}\n\n"
    )
}

fn scrape(config: &Config, job: &Job, name: &str, targets: &str) -> String {
    let mut text = format!(
        "pyroscope.scrape \"{name}\" {{\n  targets         = {targets}\n  \
         forward_to      = [pyroscope.write.default.receiver]\n  scheme          = {}\n",
        quoted(&job.scheme)
    );
    let (interval, timeout) = (config.interval, config.interval.min(30));
    text += &format!("  scrape_interval = \"{interval}s\"\n  scrape_timeout  = \"{timeout}s\"\n\n");
    text += &format!("  basic_auth {{\n    username      = {}\n", quoted(&config.user));
    text += &format!("    password_file = {}\n  }}\n\n", quoted(&config.password_file));
    let tls = config.tls(job);
    if !tls.is_empty() {
        let width = tls.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines: String =
            tls.iter().map(|(name, value)| format!("    {name:width$} = {}\n", quoted(value))).collect();
        text += &format!("  tls_config {{\n{lines}  }}\n\n");
    }
    text += &format!(
        "  profiling_config {{\n    profile.memory {{\n      path = {}\n    }}\n",
        quoted(&format!("{}/heap", job.path))
    );
    for other in OTHER_PROFILES {
        text += &format!("\n    profile.{other} {{\n      enabled = false\n    }}\n");
    }
    text + "  }\n}\n\n"
}

/// As Alloy names things: letters, digits and `_`, no digit first.
fn identifier(job: &str) -> String {
    let name = job.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { name } else { format!("_{name}") }
}
