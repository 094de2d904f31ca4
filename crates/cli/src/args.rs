//! What can be typed.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::client::Client;
use crate::commands;
use crate::failure::Failure;
use crate::login::{Login, LoginSource};
use crate::proxy::Given;
use crate::target::Target;

/// What holds the memory of live Rust services, and is it growing?
#[derive(Debug, Parser)]
#[command(name = "memory-debug", version, max_term_width = 100, after_help = EXIT)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT: &str = "Exit status: 0 done; 1 nothing could be had; 2 wrong usage; 3 `doctor` found something; 4 `fleet` or \
                    `top --batch` could not ask everybody; 130 interrupted.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Fetch(commands::fetch::Fetch),
    Types(commands::types::Types),
    Diff(commands::diff::Diff),
    Fleet(commands::fleet::Fleet),
    Top(commands::top::Top),
    Heap(commands::heap::Heap),
    Flamegraph(commands::flamegraph::Flamegraph),
    Symbolize(commands::symbolize::Symbolize),
    Doctor(commands::doctor::Doctor),
    Config(commands::config::Config),
    Password(commands::password::Password),
    Completions(commands::completions::Completions),
    Man(commands::man::Man),
}

/// How to ask.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Asking")]
pub(crate) struct Asking {
    /// User, `ops` if not given. The password comes from --password-file, MEMORY_DEBUG_PASSWORD, the file that
    /// MEMORY_DEBUG_PASSWORD_FILE names, ~/.netrc, or the prompt
    #[arg(short, long, env = "MEMORY_DEBUG_USER", value_name = "NAME")]
    user: Option<String>,
    /// File with the password, readable by its owner only
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// File with logins by host, if not ~/.netrc or $NETRC
    #[arg(long, value_name = "FILE")]
    netrc_file: Option<PathBuf>,
    /// Certificates (PEM) of the authority to trust, instead of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// HTTP proxy to ask through, as http://HOST:PORT, also with USER:PASSWORD@. Others on this machine can read
    /// options, so put a proxy with a password into the environment. http_proxy, https_proxy and their like are not used
    #[arg(long, env = "MEMORY_DEBUG_PROXY", hide_env_values = true, value_name = "URL")]
    proxy: Option<Given>,
    /// Send the password over plain HTTP to other machines
    #[arg(long)]
    insecure: bool,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    timeout: Duration,
    /// What was answered at the prompt.
    #[arg(skip)]
    prompted: Arc<OnceLock<Login>>,
}

impl Asking {
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let proxy = self.proxy.as_ref().map(Given::proxy).transpose()?.flatten();
        Client::new(self.timeout, self.insecure, self.ca.as_deref(), proxy)
    }

    /// How long one answer may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn login(&self, target: &Target) -> Result<Login, Failure> {
        // No password is asked for that could not be sent.
        crate::target::require_private(
            target,
            self.insecure,
            self.proxy.as_ref().is_some_and(|proxy| !proxy.is_empty()),
        )?;
        let (user, password_file) = (self.user.clone(), self.password_file.clone());
        let (netrc_file, prompted) = (self.netrc_file.clone(), self.prompted.clone());
        LoginSource { user, password_file, netrc_file, prompted }.login(target.host())
    }
}

/// A time in seconds, whole or not.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "is not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() && time <= Duration::from_secs(24 * 3600) => Ok(time),
        _ => Err("is not between 0 and 86,400 seconds".into()),
    }
}

/// The whole command line, for completions and the manual.
pub(crate) fn command() -> clap::Command {
    <Args as clap::CommandFactory>::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn times_are_positive_and_bounded() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "nan", "inf", "1e9", "5s", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
