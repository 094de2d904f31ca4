//! The state of a service as the kernel sees it: threads, files and memory.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use crate::Result;
use crate::service::Service;

/// The state that requests must not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessState {
    /// The ids and names of threads.
    pub threads: BTreeSet<String>,
    /// The numbers of file descriptors, and their targets.
    pub files: BTreeSet<String>,
    pub temporary_files: BTreeSet<String>,
}

impl ProcessState {
    pub fn read(service: &Service) -> Result<Self> {
        // Reads files before threads. A request starts its thread before its connection is closed, so once all
        // connections are gone, all threads have started.
        let files =
            entries(service.proc().join("fd"), |path| Some(fs::read_link(path).ok()?.display().to_string()))?;
        let threads = entries(service.proc().join("task"), |path| {
            Some(fs::read_to_string(path.join("comm")).ok()?.trim().to_owned())
        })?;
        Ok(Self {
            threads,
            files,
            temporary_files: entries(service.temporary.clone(), |_| Some(String::new()))?,
        })
    }

    /// Waits until the service has this state again, and returns how long that took.
    ///
    /// # Errors
    ///
    /// The difference, if there still is one after ten seconds.
    pub fn wait_for(&self, service: &Service) -> Result<Duration> {
        let begin = Instant::now();
        loop {
            let now = Self::read(service)?;
            if now == *self {
                return Ok(begin.elapsed());
            }
            if begin.elapsed() > Duration::from_secs(10) {
                return Err(self.difference(&now).into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn difference(&self, now: &Self) -> String {
        let differ = |before: &BTreeSet<String>, now: &BTreeSet<String>| {
            let (gone, new): (Vec<_>, Vec<_>) =
                (before.difference(now).collect(), now.difference(before).collect());
            format!("{} gone {:?}, {} new {:?}", gone.len(), gone.first(), new.len(), new.first())
        };
        let threads = differ(&self.threads, &now.threads);
        let files = differ(&self.files, &now.files);
        let temporary_files = differ(&self.temporary_files, &now.temporary_files);
        format!("threads: {threads}; files: {files}; temporary files: {temporary_files}")
    }
}

/// The entries of a folder, each with its description, except entries that are gone by then.
fn entries(
    folder: std::path::PathBuf,
    describe: impl Fn(&std::path::Path) -> Option<String>,
) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(description) = describe(&entry.path()) {
            found.insert(format!("{} {description}", entry.file_name().display()));
        }
    }
    Ok(found)
}

/// Resident memory in bytes.
pub fn resident(service: &Service) -> Result<u64> {
    let status = fs::read_to_string(service.proc().join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}

/// The processor time that the service has used since its start.
///
/// `utime` and `stime` in `/proc/PID/stat`, the 14th and 15th field, in hundredths of a second on Linux; the second
/// field is in parentheses and may hold spaces (proc(5)).
pub fn processor_time(service: &Service) -> Result<Duration> {
    let stat = fs::read_to_string(service.proc().join("stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no parenthesis in stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    Ok(Duration::from_millis(10 * ticks.sum::<std::result::Result<u64, _>>()?))
}

/// The number of connections to the service with sent bytes that the client has not received.
///
/// The columns of `/proc/net/tcp` (the kernel's `proc_net_tcp.rst`) are number, local and remote address, state,
/// `tx_queue:rx_queue`.
pub fn unread_connections(service: &Service) -> Result<usize> {
    let table = fs::read_to_string(service.proc().join("net/tcp"))?;
    let port = format!(":{:04X}", service.address.port());
    let has_unread = |line: &&str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        columns.len() > 4
            && columns[1].ends_with(&port)
            && columns[3] == "01"
            && !columns[4].starts_with("00000000:")
    };
    Ok(table.lines().skip(1).filter(has_unread).count())
}
