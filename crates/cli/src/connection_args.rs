//! The options that say how to reach an instance: login, certificates, proxy and timeout.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::client::Client;
use crate::failure::Failure;
use crate::login::{Login, LoginSource};
use crate::proxy::Given;
use crate::target::{self, Target};

/// The options of every command that sends requests.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// User name [default: ops]. The password comes from --password-file, MEMORY_DEBUG_PASSWORD, the file named in
    /// MEMORY_DEBUG_PASSWORD_FILE, or ~/.netrc, in this order. Otherwise a prompt asks for it
    #[arg(short, long, env = "MEMORY_DEBUG_USER", value_name = "NAME")]
    user: Option<String>,
    /// File that contains the password; other users must not be able to read it
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// File with logins by host, instead of $NETRC or ~/.netrc
    #[arg(long, value_name = "FILE")]
    netrc_file: Option<PathBuf>,
    /// File with certificates (PEM) of the authority to trust, instead of the system's authorities
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// HTTP proxy, as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT. Other users of this machine can read options,
    /// so pass a proxy that has a password through the environment. http_proxy, https_proxy and similar variables are
    /// ignored
    #[arg(long, env = "MEMORY_DEBUG_PROXY", hide_env_values = true, value_name = "URL")]
    proxy: Option<Given>,
    /// Connect to this Unix socket, without a proxy. The host of the address then only names the service, as in
    /// http://localhost
    #[cfg(unix)]
    #[arg(long, value_name = "FILE")]
    unix_socket: Option<PathBuf>,
    /// Allow sending the password to other machines over plain HTTP
    #[arg(long)]
    insecure: bool,
    /// Stop waiting for a response after this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    timeout: Duration,
    /// The login that the operator typed at the prompt.
    #[arg(skip)]
    prompted: Arc<OnceLock<Login>>,
}

impl ConnectionArgs {
    /// Makes a client with these options.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let proxy = self.proxy().map(Given::proxy).transpose()?.flatten();
        let client = Client::new(self.timeout, self.insecure, self.ca.as_deref(), proxy)?;
        #[cfg(unix)]
        if let Some(socket) = &self.unix_socket {
            return Ok(client.through(socket));
        }
        Ok(client)
    }

    /// The proxy, if connections go through one. None is on the way to a Unix socket.
    fn proxy(&self) -> Option<&Given> {
        self.proxy.as_ref().filter(|proxy| !proxy.is_empty() && !self.has_socket())
    }

    /// Whether connections stay on this machine, whatever the address is.
    fn has_socket(&self) -> bool {
        #[cfg(unix)]
        return self.unix_socket.is_some();
        #[cfg(not(unix))]
        false
    }

    /// How long one request may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Finds the login for `target`.
    pub(crate) fn login(&self, target: &Target) -> Result<Login, Failure> {
        let has_proxy = self.proxy().is_some();
        // Check this first, so that the operator does not type a password that must not be sent.
        target::require_private(target, self.insecure || self.has_socket(), has_proxy)?;
        let source = LoginSource {
            user: self.user.clone(),
            password_file: self.password_file.clone(),
            netrc_file: self.netrc_file.clone(),
            prompted: self.prompted.clone(),
        };
        source.login(target.host())
    }
}

/// Parses a time in seconds, with or without a fraction.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "is not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() && time <= Duration::from_secs(24 * 3600) => Ok(time),
        _ => Err("is not between 0 and 86,400 seconds".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_positive_and_bounded() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "nan", "inf", "1e9", "5s", ""] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
