//! Finds the instances to ask: on the command line, in a file, at a URL that lists them, or in DNS.

mod dns;
mod service_discovery;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use memory_debug_fleet::without_login;
use memory_debug_report::{MissingInstance, MissingReason};

use crate::client::Client;
use crate::connection_args::ConnectionArgs;
use crate::failure::{Failure, Status};
use crate::login::Login;
use crate::target::Target;

/// The most instances that a command asks. A longer list is a mistake, or an attack on the listed hosts.
const MAX_TARGETS: usize = 10_000;

/// The options that say where to find instances.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Instances")]
pub(crate) struct Discovery {
    /// Addresses of instances
    #[arg(value_name = "URL")]
    targets: Vec<String>,
    /// File that lists instances: one address per line, or JSON as for Prometheus's `file_sd_configs`
    #[arg(long, value_name = "FILE")]
    targets_file: Vec<PathBuf>,
    /// URL that returns a list of instances as JSON, as for Prometheus's `http_sd_configs`; no password is sent to it
    #[arg(long, value_name = "URL")]
    http_sd: Vec<String>,
    /// Address of several instances that share one host name: each DNS address (A, AAAA) of the name is one instance,
    /// as with a headless service in Kubernetes
    #[arg(long, value_name = "URL")]
    dns: Vec<String>,
    /// DNS name with SRV records of the instances, such as `_http._tcp.shop.default.svc.cluster.local`
    #[arg(long, value_name = "NAME")]
    srv: Vec<String>,
    /// Scheme of instances whose address has no scheme
    #[arg(long, value_name = "SCHEME", default_value = "http", value_parser = ["http", "https"])]
    scheme: String,
    /// Path of the memory page of instances whose address has no path
    #[arg(long, value_name = "PATH", default_value = "/debug/memory")]
    path: String,
}

/// The instances that were found, and the reason for each that is missing.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) targets: Vec<Target>,
    pub(crate) missing: Vec<MissingInstance>,
    known: HashSet<Target>,
}

impl Found {
    /// Adds an instance, unless it was added before.
    fn add(&mut self, target: Target) {
        if self.known.insert(target.clone()) {
            self.targets.push(target);
        }
    }

    /// Adds an entry of a list. If the entry is not an address, only this instance is missing.
    fn add_text(&mut self, text: &str, complete: &dyn Fn(&str) -> String) {
        match Target::parse(&complete(text)) {
            Ok(target) => self.add(target),
            Err(failure) => self.miss(&without_login(text), failure),
        }
    }

    /// Records why an instance, or a list of instances, is missing.
    fn miss(&mut self, what: &str, failure: Failure) {
        self.missing.push(MissingInstance::new(what, failure.reason, failure.message));
    }

    /// Takes the instances and finds the login for each. An instance without a login is missing.
    ///
    /// # Errors
    ///
    /// If the command line is the reason that there is no login.
    pub(crate) fn with_logins(
        &mut self,
        connection: &ConnectionArgs,
    ) -> Result<Vec<(Target, Login)>, Failure> {
        let mut asked = Vec::with_capacity(self.targets.len());
        for target in self.targets.drain(..) {
            match connection.login(&target) {
                Ok(login) => asked.push((target, login)),
                Err(failure) if failure.status == Status::Usage => return Err(failure),
                Err(failure) => self.missing.push(failure.missing(&target)),
            }
        }
        Ok(asked)
    }
}

impl Discovery {
    /// Whether the command line names neither an instance nor a list of instances.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { targets, targets_file, http_sd, dns, srv, .. } = self;
        targets.is_empty()
            && targets_file.is_empty()
            && http_sd.is_empty()
            && dns.is_empty()
            && srv.is_empty()
    }

    /// When the search for instances must end. It gets half of `deadline`, because the other half is for asking them.
    pub(crate) fn end(deadline: Duration) -> Instant {
        Instant::now() + deadline / 2
    }

    /// Finds all instances, each once. Name servers and lists must answer before `end`.
    ///
    /// # Errors
    ///
    /// If the command line is wrong or a file cannot be read. If a name has no address, or the server of a list does
    /// not answer, the result says so under `missing`.
    pub(crate) fn find(&self, client: &Client, end: Instant) -> Result<Found, Failure> {
        let mut found = Found::default();
        for text in &self.targets {
            found.add(Target::parse(&self.complete(text, None, None))?);
        }
        for path in &self.targets_file {
            service_discovery::from_file(path, self, &mut found)?;
        }
        for url in &self.http_sd {
            let client = client.at_most(end.saturating_duration_since(Instant::now()));
            match service_discovery::from_url(url, &client, self, &mut found) {
                Err(failure) if failure.status == Status::Usage => return Err(failure),
                Err(failure) => found.miss(url, failure),
                Ok(()) => {}
            }
        }
        for text in &self.dns {
            let target = Target::parse(&self.complete(text, None, None))?;
            match dns::addresses(&target, end) {
                Ok(targets) => targets.into_iter().for_each(|target| found.add(target)),
                Err(failure) => found.miss(text, failure),
            }
        }
        for name in &self.srv {
            match dns::services(name, end) {
                Ok(hosts) => hosts
                    .iter()
                    .for_each(|host| found.add_text(host, &|host| self.complete(host, None, None))),
                Err(failure) => found.miss(name, failure),
            }
        }
        let found_targets = found.targets.len();
        if found_targets > MAX_TARGETS {
            found.targets.truncate(MAX_TARGETS);
            let detail = format!("found {found_targets} instances, asked only the first {MAX_TARGETS}");
            found.missing.push(MissingInstance::new("more instances", MissingReason::TooMany, detail));
        }
        Ok(found)
    }

    /// Adds the scheme and the path to an address without them.
    fn complete(&self, text: &str, scheme: Option<&str>, path: Option<&str>) -> String {
        let (scheme, path) = (scheme.unwrap_or(&self.scheme), path.unwrap_or(&self.path));
        let url = if text.contains("://") { text.to_owned() } else { format!("{scheme}://{text}") };
        let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        if has_path { url } else { format!("{url}/{}", path.trim_start_matches('/')) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        discovery: Discovery,
    }

    pub(crate) fn discovery(words: &[&str]) -> Discovery {
        Line::parse_from([&["x"], words].concat()).discovery
    }

    #[test]
    fn adds_missing_scheme_and_path() {
        let discovery = discovery(&["--scheme", "https", "--path", "/m"]);
        for (text, expected) in [
            ("a:1", "https://a:1/m"),
            ("http://a", "http://a/m"),
            ("http://a/x", "http://a/x"),
            ("a:1/x", "https://a:1/x"),
        ] {
            assert_eq!(discovery.complete(text, None, None), expected);
        }
        assert_eq!(discovery.complete("a:1", Some("http"), Some("/y")), "http://a:1/y");
    }

    #[test]
    fn instance_listed_twice_is_found_once() {
        let mut found = Found::default();
        for text in ["http://a:1", "http://a:1/debug/memory/", "http://b", "no address"] {
            found.add_text(text, &str::to_owned);
        }
        assert_eq!((found.targets.len(), found.missing.len()), (2, 1));
    }

    #[test]
    fn s64_message_does_not_repeat_password_from_list() {
        let mut found = Found::default();
        for text in ["http://ops:s3cret@a:1", "ops:s3cret@b"] {
            found.add_text(text, &|text| discovery(&[]).complete(text, None, None));
        }
        assert_eq!((found.targets.len(), found.missing.len()), (0, 2));
        assert!(!format!("{:?}", found.missing).contains("s3cret"), "{:?}", found.missing);
    }
}
