//! What a scraper must know of instances that it asks in the same way.

/// Instances that share a scheme and a path, and how to scrape them.
pub(super) struct Job {
    /// The job's name, unique in one configuration.
    pub(super) name: String,
    /// The name that the operator gave all jobs.
    pub(super) service: String,
    pub(super) scheme: String,
    pub(super) path: String,
    pub(super) hosts: Hosts,
    /// Seconds between two requests.
    pub(super) interval: u32,
    pub(super) user: String,
    pub(super) password_file: String,
    /// A file with certificates of the authority to trust.
    pub(super) ca: Option<String>,
}

pub(super) enum Hosts {
    List(Vec<String>),
    Dns { name: String, port: u16 },
}

/// The other profiles that scrapers request from services in Go by default.
pub(super) const OTHER_PROFILES: [&str; 4] = ["process_cpu", "block", "mutex", "goroutine"];

impl Job {
    /// Names and values of the TLS settings. Instances behind a DNS name are scraped by address, but their certificate
    /// is for the name.
    pub(super) fn tls(&self) -> Vec<(&'static str, &str)> {
        if self.scheme != "https" {
            return Vec::new();
        }
        let name = match &self.hosts {
            Hosts::List(_) => None,
            Hosts::Dns { name, .. } => Some(("server_name", name.as_str())),
        };
        self.ca.as_deref().map(|file| ("ca_file", file)).into_iter().chain(name).collect()
    }
}

/// Quotes a text for YAML, JSON and Alloy, which share one syntax for it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
