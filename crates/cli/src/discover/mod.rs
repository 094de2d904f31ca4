//! Whom a fleet consists of: from the command line, a file, an address that lists them, or DNS.

mod dns;
mod service_discovery;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use memory_debug_report::{MissingInstance, MissingReason};

use crate::client::Client;
use crate::connection_args::ConnectionArgs;
use crate::failure::{Failure, Status};
use crate::login::Login;
use crate::target::{Target, without_userinfo};

/// More instances than this are a mistake, or somebody's attempt to have them all asked.
const MAX_TARGETS: usize = 10_000;

/// Where instances are found.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Instances")]
pub(crate) struct Discovery {
    /// Addresses of instances
    #[arg(value_name = "URL")]
    targets: Vec<String>,
    /// File that lists instances: one address per line, or JSON for Prometheus's `file_sd_configs`
    #[arg(long, value_name = "FILE")]
    targets_file: Vec<PathBuf>,
    /// Address that lists instances as JSON for Prometheus's `http_sd_configs`; the request carries no password
    #[arg(long, value_name = "URL")]
    http_sd: Vec<String>,
    /// Address whose host name stands for all instances: each of its DNS addresses (A, AAAA) is one instance, as in a
    /// headless service in Kubernetes
    #[arg(long, value_name = "URL")]
    dns: Vec<String>,
    /// DNS name with SRV records of the instances, such as `_http._tcp.shop.default.svc.cluster.local`
    #[arg(long, value_name = "NAME")]
    srv: Vec<String>,
    /// Scheme of instances that are listed without one
    #[arg(long, value_name = "SCHEME", default_value = "http", value_parser = ["http", "https"])]
    scheme: String,
    /// Path of the memory page of instances that are listed without one
    #[arg(long, value_name = "PATH", default_value = "/debug/memory")]
    path: String,
}

/// What was found, and what could not be.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) targets: Vec<Target>,
    pub(crate) missing: Vec<MissingInstance>,
    known: HashSet<Target>,
}

impl Found {
    /// Adds the address of an instance, unless it is there already.
    fn add(&mut self, target: Target) {
        if self.known.insert(target.clone()) {
            self.targets.push(target);
        }
    }

    /// Adds what somebody else wrote. What is no address is named as missing, without taking the others with it.
    fn add_text(&mut self, text: &str, complete: &dyn Fn(&str) -> String) {
        match Target::parse(&complete(text)) {
            Ok(target) => self.add(target),
            Err(failure) => self.miss(&without_userinfo(text), failure),
        }
    }

    fn miss(&mut self, what: &str, failure: Failure) {
        self.missing.push(MissingInstance::new(what, failure.reason, failure.message));
    }

    /// The instances, each with the login for it. For whom there is none is missing.
    ///
    /// # Errors
    ///
    /// If there is none because of what was typed or not typed.
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
    /// Whether any instance, or place to find them, was named.
    pub(crate) fn is_empty(&self) -> bool {
        let Self { targets, targets_file, http_sd, dns, srv, .. } = self;
        targets.is_empty()
            && targets_file.is_empty()
            && http_sd.is_empty()
            && dns.is_empty()
            && srv.is_empty()
    }

    /// Until when instances are looked for, if all is to be done within `deadline`. What was found has to be asked, too.
    pub(crate) fn end(deadline: Duration) -> Instant {
        Instant::now() + deadline / 2
    }

    /// All instances, each once. Whoever lists them has until `end` to answer.
    ///
    /// # Errors
    ///
    /// If what was typed makes no sense, or a file cannot be read. A name that has no address and a list that does not
    /// answer are missing, and no failure.
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
            let detail =
                format!("{found_targets} instances were found, of which the first {MAX_TARGETS} are asked");
            found.missing.push(MissingInstance::new("more instances", MissingReason::TooMany, detail));
        }
        Ok(found)
    }

    /// `host:port` with the scheme and path that it lacks.
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
    fn what_an_address_lacks_is_added() {
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
    fn an_instance_named_twice_is_asked_once() {
        let mut found = Found::default();
        for text in ["http://a:1", "http://a:1/debug/memory/", "http://b", "no address"] {
            found.add_text(text, &str::to_owned);
        }
        assert_eq!((found.targets.len(), found.missing.len()), (2, 1));
    }

    #[test]
    fn s64_a_password_in_a_list_is_not_repeated() {
        let mut found = Found::default();
        for text in ["http://ops:s3cret@a:1", "ops:s3cret@b"] {
            found.add_text(text, &|text| discovery(&[]).complete(text, None, None));
        }
        assert_eq!((found.targets.len(), found.missing.len()), (0, 2));
        assert!(!format!("{:?}", found.missing).contains("s3cret"), "{:?}", found.missing);
    }
}
