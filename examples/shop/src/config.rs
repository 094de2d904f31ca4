//! Settings from the command line and the environment.

use std::error::Error;
use std::path::PathBuf;
use std::{fmt, fs};

use memory_debug_endpoint::exports::tracer::Tracer;
use memory_debug_endpoint::{Endpoint, Peers};

use crate::leaks::Leaks;
use crate::population::Population;
use crate::watch::Watched;

/// The address if `BIND` is not set.
const DEFAULT_BIND: &str = "127.0.0.1:3000";

/// The settings of the service.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on. Port 0 picks a free port.
    pub bind: String,
    /// What grows for the lifetime of the process.
    pub leaks: Leaks,
    /// The initial content of the stores.
    pub population: Population,
    /// Optional parts of the memory page.
    pub opt_ins: OptIns,
    /// The folder of captures. `None` without a monitor.
    pub monitor: Option<PathBuf>,
    /// Whether a tracer counts requests from the start.
    pub trace: bool,
    /// The maximum size of all cached reports.
    pub report_cache_bytes: usize,
}

/// Optional parts of the memory page, all off by default.
#[derive(Clone, Debug, Default)]
pub struct OptIns {
    /// [`Endpoint::allow_raw_addresses`].
    pub raw_addresses: bool,
    /// [`Endpoint::pprof_aliases`].
    pub pprof_aliases: bool,
    /// [`Endpoint::siblings`].
    pub siblings: Option<PathBuf>,
    /// [`Endpoint::peers`].
    pub peers: Option<Peers>,
    /// [`Endpoint::monitor`].
    pub monitor: Option<Watched>,
    /// [`Endpoint::tracer`]. The services also add it to their routes.
    pub tracer: Option<Tracer>,
}

impl OptIns {
    /// Applies these settings to the endpoint.
    pub fn apply(self, mut endpoint: Endpoint) -> Endpoint {
        if self.raw_addresses {
            endpoint = endpoint.allow_raw_addresses();
        }
        if self.pprof_aliases {
            endpoint = endpoint.pprof_aliases();
        }
        if let Some(directory) = self.siblings {
            endpoint = endpoint.siblings(directory);
        }
        if let Some(peers) = self.peers {
            endpoint = endpoint.peers(peers);
        }
        if let Some(watched) = self.monitor {
            endpoint = watched.apply(endpoint);
        }
        if let Some(tracer) = &self.tracer {
            endpoint = endpoint.tracer(tracer);
        }
        endpoint
    }
}

/// The action that a command line requests.
#[derive(Clone, Debug)]
pub enum Command {
    /// Run the service.
    Serve(Box<Config>),
    /// Print [`Config::usage`].
    Help,
}

impl Config {
    /// The `--help` text of `program`.
    pub fn usage(program: &str) -> String {
        format!("Usage: {program} {}", Self::OPTIONS)
    }

    const OPTIONS: &str = "\
[--leak] [--leak-cycle] [--forget] [--small] [--raw-addresses] [--pprof-aliases]
                     [--siblings DIRECTORY] [--monitor FOLDER] [--trace]
                     [--peer-authority FILE] [--peer URL]... [--peers URL]...

  --leak           grow the audit log by about 3 MiB per second, forever
  --leak-cycle     leak about 1 MiB per second by a cycle of Arcs, forever
  --forget         leak about 1 MiB per second by mem::forget, forever
  --small          start with a handful of sessions instead of 20,000
  --raw-addresses  serve /debug/memory/heap?format=raw, which contains addresses of this process
  --pprof-aliases  serve /debug/pprof/heap and /debug/pprof/allocs
  --monitor        watch the memory, and capture to this folder what holds it before a kill
  --trace          count the time and the bytes of requests from the start
  --siblings       serve /debug/memory/fleet for all processes with this directory
  --peer           serve /debug/memory/fleet?scope=peers, and ask the instance at this address
  --peers          like --peer, for the instances at all addresses of a host name
  --peer-authority trust the certificates in this file instead of the system's
  --help           print this help

  BIND             address to listen on (127.0.0.1:3000; with port 0, the system picks a free port)
  MEMORY_DEBUG_PEER_SECRET_FILE
                   file with the shared secret of peers, for --peer and --peers
";

    /// A live heap of 40 to 80 MiB, large enough for meaningful results with a sample every 512 KiB.
    pub fn full() -> Self {
        Self {
            bind: DEFAULT_BIND.to_owned(),
            leaks: Leaks::default(),
            opt_ins: OptIns::default(),
            monitor: None,
            trace: false,
            population: Population::full(),
            report_cache_bytes: 24 << 20,
        }
    }

    /// Minimal data for tests, which starts in milliseconds.
    pub fn small() -> Self {
        Self { population: Population::small(), report_cache_bytes: 256 << 10, ..Self::full() }
    }

    /// Parses `arguments` (without the program's name) and the values of `BIND` and
    /// `MEMORY_DEBUG_PEER_SECRET_FILE`.
    ///
    /// # Errors
    ///
    /// If an argument is not listed in [`Config::usage`], lacks its value, or has an invalid value.
    pub fn parse(
        arguments: impl IntoIterator<Item = String>,
        bind: Option<String>,
        peer_secret_file: Option<PathBuf>,
    ) -> Result<Command, ConfigError> {
        let mut leaks = Leaks::default();
        let mut small = false;
        let mut opt_ins = OptIns::default();
        let mut monitor = None;
        let mut trace = false;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| ConfigError::argument(&argument));
            match argument.as_str() {
                "--leak" => leaks.log = true,
                "--leak-cycle" => leaks.cycle = true,
                "--forget" => leaks.forget = true,
                "--small" => small = true,
                "--raw-addresses" => opt_ins.raw_addresses = true,
                "--pprof-aliases" => opt_ins.pprof_aliases = true,
                "--monitor" => monitor = Some(value()?.into()),
                "--trace" => trace = true,
                "--siblings" => opt_ins.siblings = Some(value()?.into()),
                "--peer" | "--peers" | "--peer-authority" => {
                    let value = value()?;
                    let peers = opt_ins.peers.map_or_else(|| secret(peer_secret_file.as_ref()), Ok)?;
                    let peers = match argument.as_str() {
                        "--peer" => peers.instance(value),
                        "--peers" => peers.dns(value),
                        _ => peers.authority(fs::read(value).map_err(ConfigError::because)?),
                    };
                    opt_ins.peers = Some(peers.map_err(ConfigError::because)?);
                }
                "--help" | "-h" => return Ok(Command::Help),
                _ => return Err(ConfigError::argument(&argument)),
            }
        }
        let mut config = if small { Self::small() } else { Self::full() };
        (config.leaks, config.opt_ins, config.monitor, config.trace) = (leaks, opt_ins, monitor, trace);
        if let Some(bind) = bind {
            config.bind = bind;
        }
        Ok(Command::Serve(Box::new(config)))
    }
}

/// Peers with the secret from `file`, but without addresses.
fn secret(file: Option<&PathBuf>) -> Result<Peers, ConfigError> {
    let file =
        file.ok_or_else(|| ConfigError::because("peers need MEMORY_DEBUG_PEER_SECRET_FILE to be set"))?;
    Peers::from_file(file).map_err(ConfigError::because)
}

/// An invalid command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl ConfigError {
    fn argument(argument: &str) -> Self {
        Self(format!("unknown or incomplete argument {argument:?}; see --help for a list"))
    }

    fn because(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result as debug text, because secrets cannot be compared.
    fn parse(arguments: &[&str], bind: Option<&str>) -> Result<String, ConfigError> {
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        Config::parse(arguments, bind.map(str::to_owned), None).map(|command| format!("{command:?}"))
    }

    fn serve(config: Config) -> Result<String, ConfigError> {
        Ok(format!("{:?}", Command::Serve(Box::new(config))))
    }

    #[test]
    fn no_argument_means_the_full_population_on_the_default_address() {
        assert_eq!(parse(&[], None), serve(Config::full()));
    }

    #[test]
    fn flags_combine_in_any_order() {
        let expected = Config {
            leaks: Leaks { log: true, ..Leaks::default() },
            bind: "[::1]:0".to_owned(),
            ..Config::small()
        };
        assert_eq!(parse(&["--small", "--leak"], Some("[::1]:0")), serve(expected.clone()));
        assert_eq!(parse(&["--leak", "--small"], Some("[::1]:0")), serve(expected));
    }

    #[test]
    fn each_leak_has_a_flag() {
        let all = Leaks { log: true, cycle: true, forget: true };
        assert_eq!(
            parse(&["--forget", "--leak-cycle", "--leak"], None),
            serve(Config { leaks: all, ..Config::full() })
        );
    }

    #[test]
    fn optional_parts_of_the_page_are_off_by_default() {
        let siblings = Some("there".into());
        let opt_ins = OptIns { raw_addresses: true, pprof_aliases: true, siblings, ..OptIns::default() };
        let expected = Config { opt_ins, ..Config::full() };
        let arguments = ["--pprof-aliases", "--siblings", "there", "--raw-addresses"];
        assert_eq!(parse(&arguments, None), serve(expected));
        let none = OptIns {
            raw_addresses: false,
            pprof_aliases: false,
            siblings: None,
            peers: None,
            monitor: None,
            tracer: None,
        };
        assert_eq!(format!("{:?}", Config::full().opt_ins), format!("{none:?}"));
    }

    #[test]
    fn the_monitor_has_a_folder() {
        let expected = Config { monitor: Some("there".into()), ..Config::full() };
        assert_eq!(parse(&["--monitor", "there"], None), serve(expected));
        assert!(parse(&["--monitor"], None).is_err());
    }

    #[test]
    fn the_tracer_counts_only_if_asked() {
        assert_eq!(parse(&["--trace"], None), serve(Config { trace: true, ..Config::full() }));
    }

    #[test]
    fn peers_need_a_secret() {
        let arguments = ["--peer", "https://10.0.0.7"].map(str::to_owned);
        let error = Config::parse(arguments, None, None).unwrap_err();
        assert!(error.to_string().contains("MEMORY_DEBUG_PEER_SECRET_FILE"), "{error}");
    }

    #[test]
    fn help_is_a_separate_command() {
        assert_eq!(parse(&["--leak", "--help"], None), Ok("Help".to_owned()));
    }

    #[test]
    fn an_unknown_argument_is_named_in_the_error() {
        let error = parse(&["--leek"], None).unwrap_err();
        assert_eq!(error.to_string(), "unknown or incomplete argument \"--leek\"; see --help for a list");
        assert!(parse(&["--siblings"], None).is_err());
    }
}
