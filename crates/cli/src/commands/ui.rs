//! `memory-debug ui`.

use std::net::SocketAddr;
use std::process::ExitCode;

use crate::client::Request;
use crate::connection_args::ConnectionArgs;
use crate::failure::{Failure, notice};
use crate::output;
use crate::target::Target;
use crate::ui::{self, Gate, Relay, Token};

/// Show the page of one instance in a browser that needs no password, through a server on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Ui {
    /// Address of the service, or of its memory page if that is not at /debug/memory
    #[arg(value_name = "URL")]
    url: String,
    /// Start the browser
    #[arg(long)]
    open: bool,
    /// Loopback address and port to listen on; port 0 is a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", value_parser = ui::loopback)]
    listen: SocketAddr,
    #[command(flatten)]
    connection: ConnectionArgs,
}

const HELP: &str = "Prints the address to open. It contains a random token, and works until Ctrl-C. Use this command for \
                    pages that hide from clients without a password, for port-forwards, and to keep the password \
                    out of the browser.";

impl Ui {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let target = Target::parse(&self.url)?;
        let login = self.connection.login(&target)?;
        let client = self.connection.client()?;
        // Fails here if the address or the login is wrong. The service collects nothing for it.
        client.page(&target, &login, Request::new("HEAD", "", &[]))?;
        let listener = ui::listen(self.listen)?;
        let authority = listener.local_addr().map_err(|error| Failure::local(error.to_string()))?.to_string();
        let gate = Gate { token: Token::random()?, authority, base: target.path().to_owned() };
        let address = gate.address(target.path());
        output::print(format!("{address}\n"))?;
        notice(&format!(
            "every program that knows this address can use the page of {target} as {}; press Ctrl-C to end",
            login.user()
        ));
        if self.open {
            ui::open(&address)?;
        }
        match ui::serve(listener, Relay { gate, client, target, login }, self.connection.timeout())? {}
    }
}
