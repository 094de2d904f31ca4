//! The parts of a service around its HTTP: configuration, credentials, listening and shutdown.

use std::error::Error;
use std::pin::Pin;
use std::process::ExitCode;
use std::{env, fmt, io};

use memory_debug_endpoint::Credentials;
use memory_debug_endpoint::exports::monitor::RunningMonitor;
use memory_debug_endpoint::exports::tracer::Tracer;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Command, Config, OptIns};
use crate::state::AppState;
use crate::{login, watch};

/// An open shop: everything that a framework needs to serve it.
pub struct Opened {
    /// The listener.
    pub listener: TcpListener,
    /// The state to serve.
    pub state: AppState,
    /// The credentials of the memory page.
    pub credentials: Credentials,
    /// Optional parts of the memory page.
    pub opt_ins: OptIns,
    /// Resolves at Ctrl-C or SIGTERM. Streams have ended by then, so connections can close.
    pub stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Executes the command line of `program`. To serve, it prints the address and calls `serve`.
pub async fn run<F>(program: &str, serve: impl FnOnce(Opened) -> F) -> ExitCode
where
    F: Future<Output = io::Result<()>>,
{
    let arguments = env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let bind = env::var_os("BIND").map(|bind| bind.to_string_lossy().into_owned());
    let peer_secret_file = env::var_os("MEMORY_DEBUG_PEER_SECRET_FILE").map(Into::into);
    let outcome = match Config::parse(arguments, bind, peer_secret_file) {
        Ok(Command::Serve(config)) => match open(program, &config).await {
            // The monitor ends after the service, and then marks that this process ended in order.
            Ok((opened, _monitor)) => serve(opened).await.map_err(Into::into),
            Err(error) => Err(error),
        },
        Ok(Command::Help) => {
            print!("{}", Config::usage(program));
            Ok(())
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn open(program: &str, config: &Config) -> Result<(Opened, Option<RunningMonitor>), Box<dyn Error>> {
    // Done before anything else starts, so that a mistake is reported at once.
    let (credentials, login) = login::credentials()?;
    let listener = TcpListener::bind(&config.bind)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}; set BIND to another address", config.bind))?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut opt_ins = config.opt_ins.clone();
    let mut monitor = None;
    if let Some(folder) = &config.monitor {
        let (running, watched) = watch::start(program, folder.clone())?;
        (monitor, opt_ins.monitor) = (Some(running), Some(watched));
    }
    if config.trace {
        // Before the background tasks are made, so that it counts them too.
        let tracer = Tracer::new();
        tracer.install();
        opt_ins.tracer = Some(tracer);
    }
    let state = AppState::start(config);

    let address = listener.local_addr()?;
    println!("listening on http://{address}");
    println!("curl -u {login} http://{address}/debug/memory");

    let closing = state.clone();
    let stop = Box::pin(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        closing.close();
    });
    Ok((Opened { listener, state, credentials, opt_ins, stop }, monitor))
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("listener", &self.listener).finish_non_exhaustive()
    }
}
