//! Runs the service.

#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;

use actix_web::middleware::Condition;
use actix_web::{App, HttpServer, rt};
use actix_web_service::routes;
use memory_debug_actix::{MemoryDebug, TraceRoutes};
use shop::Opened;

memory_debug_actix::install!();

fn main() -> ExitCode {
    rt::System::new().block_on(shop::run(env!("CARGO_PKG_NAME"), serve))
}

async fn serve(Opened { listener, state, credentials, opt_ins, stop }: Opened) -> io::Result<()> {
    let tracer = opt_ins.tracer.clone();
    let memory = MemoryDebug::new(credentials)
        .service(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .configure(|endpoint| opt_ins.apply(endpoint));
    // Each worker builds its own application. All of them share the stores and the page.
    let server = HttpServer::new(move || {
        let trace = TraceRoutes::new(&tracer.clone().unwrap_or_default());
        App::new()
            .configure(routes(&state))
            .wrap(Condition::new(tracer.is_some(), trace))
            .wrap(memory.clone())
    })
    .disable_signals()
    .listen(listener.into_std()?)?
    .run();
    let handle = server.handle();
    rt::spawn(async move {
        stop.await;
        handle.stop(true).await;
    });
    server.await
}
