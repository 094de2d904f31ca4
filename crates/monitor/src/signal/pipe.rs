//! Signals as bytes in a pipe, which the monitor's thread waits for.

use std::fmt;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2};
use signal_hook::{flag, low_level};

use super::Signal;
use crate::error::MonitorError;

/// Handlers of signals. They are taken back when this is dropped.
///
/// After that, a signal does nothing, because a handler stays in place that has nothing to do. Without a handler the
/// signal would end the process.
pub(crate) struct Signals {
    reader: UnixStream,
    handlers: Vec<Handler>,
}

struct Handler {
    signal: Signal,
    /// Set before the byte is written.
    arrived: Arc<AtomicBool>,
    ids: [SigId; 2],
}

impl Signals {
    /// Installs a handler for each of `signals`. Handlers that were installed with signal-hook or tokio still run.
    ///
    /// # Errors
    ///
    /// If no pipe or no handler can be made.
    pub(crate) fn register(signals: &[Signal]) -> Result<Self, MonitorError> {
        let made = || {
            let (reader, writer) = UnixStream::pair()?;
            reader.set_nonblocking(true)?;
            let mut made = Self { reader, handlers: Vec::new() };
            for &signal in signals {
                let arrived = Arc::new(AtomicBool::new(false));
                let first = flag::register(signal.number(), Arc::clone(&arrived))?;
                // If the second one fails, the first one sets a flag that is never read.
                let second = low_level::pipe::register(signal.number(), writer.try_clone()?)?;
                made.handlers.push(Handler { signal, arrived, ids: [first, second] });
            }
            Ok(made)
        };
        made().map_err(|error: io::Error| MonitorError::of("cannot install a handler for a signal", error))
    }

    /// Readable when a signal has arrived.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    /// The file descriptors that it keeps open.
    pub(crate) fn descriptors(&self) -> u64 {
        self.handlers.len() as u64 + 1
    }

    /// The signal that has arrived since the last call. If there were several, one of them. Empties the pipe.
    pub(crate) fn take(&mut self) -> Option<Signal> {
        let mut bytes = [0; 64];
        while matches!(self.reader.read(&mut bytes), Ok(read) if read > 0) {}
        let mut taken = None;
        for handler in &self.handlers {
            if handler.arrived.swap(false, Ordering::Relaxed) {
                taken.get_or_insert(handler.signal);
            }
        }
        taken
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.handlers.iter().flat_map(|handler| handler.ids) {
            low_level::unregister(id);
        }
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.handlers.iter().map(|handler| handler.signal)).finish()
    }
}

impl Signal {
    fn number(self) -> i32 {
        match self {
            Self::Usr1 => SIGUSR1,
            Self::Usr2 => SIGUSR2,
            Self::Hup => SIGHUP,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A signal that other tests of this program do not use.
    #[test]
    fn m11_a_thousand_signals_fill_nothing_and_are_taken_as_one() {
        let mut signals = Signals::register(&[Signal::Usr1, Signal::Usr2]).unwrap();
        assert_eq!(signals.descriptors(), 3);
        assert_eq!(signals.take(), None);
        for _ in 0..1_000 {
            low_level::raise(SIGUSR1).unwrap();
        }
        assert_eq!(signals.take(), Some(Signal::Usr1));
        assert_eq!(signals.take(), None);
        low_level::raise(SIGUSR2).unwrap();
        assert_eq!(signals.take(), Some(Signal::Usr2));
        drop(signals);
        // The process survives a signal that nothing waits for any more.
        low_level::raise(SIGUSR1).unwrap();
    }
}
