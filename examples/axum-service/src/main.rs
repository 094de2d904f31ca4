//! Runs the service: configuration, credentials, listening and an orderly end.

#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;
use std::{env, io};

use axum_service::{AppState, Command, Config, app};
use memory_debug_axum::{Credentials, CredentialsErrorKind, generate_password};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

memory_debug_axum::install!();

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let bind = env::var_os("BIND").map(|bind| bind.to_string_lossy().into_owned());
    let outcome = match Config::parse(arguments, bind) {
        Ok(Command::Serve(config)) => serve(&config).await,
        Ok(Command::Help) => {
            print!("{}", Config::USAGE);
            Ok(())
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("axum-service: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: &Config) -> Result<(), Box<dyn Error>> {
    // Before anything else starts, so that a mistake is seen at once.
    let (credentials, login) = credentials()?;
    let listener = TcpListener::bind(&config.bind)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}, set BIND to another address", config.bind))?;
    let stop = stop_signal()?;
    let state = AppState::start(config);

    let address = listener.local_addr()?;
    println!("listening on http://{address}");
    println!("curl -u {login} http://{address}/debug/memory");

    let app = app(&state, credentials);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            stop.await;
            state.close();
        })
        .await?;
    Ok(())
}

/// The credentials from the environment or, if there is no password in it, with a fresh one. Also what to give to
/// `curl -u`: a configured password is not repeated there, curl asks for it.
fn credentials() -> Result<(Credentials, String), Box<dyn Error>> {
    let user = env::var("MEMORY_DEBUG_USER").unwrap_or_else(|_| "ops".to_owned());
    match Credentials::from_env() {
        Ok(credentials) => Ok((credentials, user)),
        Err(error) if error.kind() == CredentialsErrorKind::Missing => {
            let password = generate_password()?;
            let login = format!("{user}:{password}");
            Ok((Credentials::new(user, password)?, login))
        }
        Err(error) => Err(error.into()),
    }
}

/// Resolves at Ctrl-C or SIGTERM, whichever is first.
///
/// # Errors
/// The signals cannot be listened to.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
