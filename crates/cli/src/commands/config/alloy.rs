//! Components of Grafana Alloy.

use super::job::{Hosts, Job, OTHER_PROFILES, quoted};

/// One `pyroscope.scrape` for each job, and the `pyroscope.write` that they all forward to.
pub(super) fn components(jobs: &[Job]) -> String {
    let mut text = String::new();
    for job in jobs {
        let name = identifier(&job.name);
        let targets = match &job.hosts {
            Hosts::List(hosts) => {
                let service = quoted(&job.service);
                let target = |host: &String| {
                    format!("    {{\"__address__\" = {}, \"service_name\" = {service}}},\n", quoted(host))
                };
                format!("[\n{}  ]", hosts.iter().map(target).collect::<String>())
            }
            Hosts::Dns { name: host, port } => {
                text += &discovery(&name, host, *port, &job.service);
                format!("discovery.relabel.{name}.output")
            }
        };
        text += &scrape(job, &name, &targets);
    }
    text + "pyroscope.write \"default\" {\n  endpoint {\n    url = \"http://pyroscope:4040\"\n  }\n}\n"
}

/// Finds the addresses of a DNS name, and sets the service name under which Pyroscope stores their profiles.
fn discovery(name: &str, host: &str, port: u16, service: &str) -> String {
    let host = quoted(host);
    let service = quoted(service);
    format!(
        "discovery.dns \"{name}\" {{\n  names = [{host}]\n  type  = \"A\"\n  port  = {port}\n}}\n\n\
         discovery.relabel \"{name}\" {{\n  targets = discovery.dns.{name}.targets\n\n  rule {{\n    \
         target_label = \"service_name\"\n    replacement  = {service}\n  }}\n}}\n\n"
    )
}

fn scrape(job: &Job, name: &str, targets: &str) -> String {
    let mut text = format!(
        "pyroscope.scrape \"{name}\" {{\n  targets         = {targets}\n  \
         forward_to      = [pyroscope.write.default.receiver]\n  scheme          = {}\n",
        quoted(&job.scheme)
    );
    let interval = job.interval;
    let timeout = interval.min(30);
    text += &format!("  scrape_interval = \"{interval}s\"\n  scrape_timeout  = \"{timeout}s\"\n\n");
    text += &format!("  basic_auth {{\n    username      = {}\n", quoted(&job.user));
    text += &format!("    password_file = {}\n  }}\n\n", quoted(&job.password_file));
    let tls = job.tls();
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

/// Makes an Alloy identifier: letters, digits and `_`, not beginning with a digit.
fn identifier(job: &str) -> String {
    let name = job.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { name } else { format!("_{name}") }
}
