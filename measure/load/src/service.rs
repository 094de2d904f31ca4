//! A service under measurement, in its own process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Result;
use crate::trace::Trace;

/// A running service. The process ends when this value is dropped.
pub struct Service {
    process: Child,
    pub address: SocketAddr,
    /// The folder for temporary files of this service only.
    pub temporary: PathBuf,
    pub trace: Option<Trace>,
}

/// How to run services.
pub struct Stage {
    pub program: PathBuf,
    /// The cores, in the syntax of `taskset`.
    pub cores: String,
    /// An empty folder.
    pub scratch: PathBuf,
}

impl Stage {
    /// Starts the service as it runs in production.
    pub fn start(&self) -> Result<Service> {
        self.run("plain", None)
    }

    /// Starts the service under strace, to see its threads and collections.
    pub fn start_traced(&self) -> Result<Service> {
        self.run("traced", Some(Trace::new(self.scratch.join("trace"))))
    }

    fn run(&self, name: &str, trace: Option<Trace>) -> Result<Service> {
        let temporary = self.scratch.join(name);
        fs::create_dir(&temporary)?;
        let mut command = Command::new("taskset");
        command.args(["-c", &self.cores]);
        command.args(trace.iter().flat_map(Trace::command)).arg(&self.program);
        command.env("BIND", "127.0.0.1:0").env("TMPDIR", &temporary).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let address = read_address(&mut process).inspect_err(|_| drop(process.kill()))?;
        Ok(Service { process, address, temporary, trace })
    }
}

/// Reads the address from the first line that the service prints.
fn read_address(process: &mut Child) -> Result<SocketAddr> {
    let mut line = String::new();
    BufReader::new(process.stdout.as_mut().ok_or("no standard output")?).read_line(&mut line)?;
    let address = line.trim_end().strip_prefix("listening on http://");
    Ok(address.ok_or_else(|| format!("the service did not start: {line:?}"))?.parse()?)
}

impl Service {
    /// The folder of the process below `/proc`.
    pub fn proc(&self) -> PathBuf {
        Path::new("/proc").join(self.process.id().to_string())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.temporary);
    }
}
