//! What the command line and the environment ask for.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use memory_debug_endpoint::Endpoint;

use crate::population::Population;

/// Where to listen when `BIND` is not set.
const DEFAULT_BIND: &str = "127.0.0.1:3000";

/// How the service is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one.
    pub bind: String,
    /// Forget to ship the audit log, so that one type grows for as long as the process lives.
    pub leak: bool,
    /// What the stores hold before the first request.
    pub population: Population,
    /// What the memory page gives beyond the default.
    pub opt_ins: OptIns,
    /// Upper bound of the rendered reports kept.
    pub report_cache_bytes: usize,
}

/// What the memory page gives only if asked to. Nothing of it by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptIns {
    /// [`Endpoint::raw_addresses`].
    pub raw_addresses: bool,
    /// [`Endpoint::pprof_aliases`].
    pub pprof_aliases: bool,
    /// [`Endpoint::siblings`].
    pub siblings: Option<PathBuf>,
}

impl OptIns {
    /// The page with these settings.
    pub fn apply(self, endpoint: Endpoint) -> Endpoint {
        let endpoint = endpoint.raw_addresses(self.raw_addresses).pprof_aliases(self.pprof_aliases);
        match self.siblings {
            Some(directory) => endpoint.siblings(directory),
            None => endpoint,
        }
    }
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Run the service.
    Serve(Config),
    /// Print [`Config::usage`].
    Help,
}

impl Config {
    /// The text behind `--help` of `program`.
    pub fn usage(program: &str) -> String {
        format!("Usage: {program} {}", Self::OPTIONS)
    }

    const OPTIONS: &str = "\
[--leak] [--small] [--raw-addresses] [--pprof-aliases] [--siblings DIRECTORY]

  --leak           grow the audit log by about 3 MiB a second, for ever
  --small          start with a handful of sessions instead of 20,000
  --raw-addresses  give /debug/memory/heap?format=raw, which has addresses of this process
  --pprof-aliases  answer /debug/pprof/heap and /debug/pprof/allocs
  --siblings       answer /debug/memory/fleet for all processes that name this directory
  --help           print this text

  BIND             address to listen on (127.0.0.1:3000; port 0 takes a free one)
";

    /// A live heap of 40 to 80 MiB: large enough for a profile sampled every 512 KiB to have something to say.
    pub fn full() -> Self {
        Self {
            bind: DEFAULT_BIND.to_owned(),
            leak: false,
            opt_ins: OptIns::default(),
            population: Population::full(),
            report_cache_bytes: 24 << 20,
        }
    }

    /// Next to nothing, for tests: starts in milliseconds.
    pub fn small() -> Self {
        Self { population: Population::small(), report_cache_bytes: 256 << 10, ..Self::full() }
    }

    /// Reads `arguments` (without the program's name) and the value of `BIND`.
    ///
    /// # Errors
    /// An argument that is not one of [`Config::usage`], or lacks its value.
    pub fn parse(
        arguments: impl IntoIterator<Item = String>,
        bind: Option<String>,
    ) -> Result<Command, ConfigError> {
        let mut leak = false;
        let mut small = false;
        let mut opt_ins = OptIns::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--leak" => leak = true,
                "--small" => small = true,
                "--raw-addresses" => opt_ins.raw_addresses = true,
                "--pprof-aliases" => opt_ins.pprof_aliases = true,
                "--siblings" => match arguments.next() {
                    Some(directory) => opt_ins.siblings = Some(directory.into()),
                    None => return Err(ConfigError { argument }),
                },
                "--help" | "-h" => return Ok(Command::Help),
                _ => return Err(ConfigError { argument }),
            }
        }
        let mut config = if small { Self::small() } else { Self::full() };
        (config.leak, config.opt_ins) = (leak, opt_ins);
        if let Some(bind) = bind {
            config.bind = bind;
        }
        Ok(Command::Serve(config))
    }
}

/// A command line that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    argument: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown or incomplete argument {:?}, see --help for those there are", self.argument)
    }
}

impl Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str], bind: Option<&str>) -> Result<Command, ConfigError> {
        Config::parse(arguments.iter().map(|&argument| argument.to_owned()), bind.map(str::to_owned))
    }

    #[test]
    fn no_argument_means_the_full_population_on_the_default_address() {
        assert_eq!(parse(&[], None), Ok(Command::Serve(Config::full())));
    }

    #[test]
    fn flags_combine_in_any_order() {
        let expected = Config { leak: true, bind: "[::1]:0".to_owned(), ..Config::small() };
        assert_eq!(parse(&["--small", "--leak"], Some("[::1]:0")), Ok(Command::Serve(expected.clone())));
        assert_eq!(parse(&["--leak", "--small"], Some("[::1]:0")), Ok(Command::Serve(expected)));
    }

    #[test]
    fn what_the_page_gives_beyond_the_default_has_to_be_asked_for() {
        let opt_ins = OptIns { raw_addresses: true, pprof_aliases: true, siblings: Some("there".into()) };
        let expected = Config { opt_ins, ..Config::full() };
        let arguments = ["--pprof-aliases", "--siblings", "there", "--raw-addresses"];
        assert_eq!(parse(&arguments, None), Ok(Command::Serve(expected)));
        let none = OptIns { raw_addresses: false, pprof_aliases: false, siblings: None };
        assert_eq!(Config::full().opt_ins, none);
    }

    #[test]
    fn help_is_a_command_of_its_own() {
        assert_eq!(parse(&["--leak", "--help"], None), Ok(Command::Help));
    }

    #[test]
    fn an_unknown_argument_is_named_in_the_error() {
        let error = parse(&["--leek"], None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown or incomplete argument \"--leek\", see --help for those there are"
        );
        assert!(parse(&["--siblings"], None).is_err());
    }
}
