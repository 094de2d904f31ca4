//! Signals as bytes in a pipe, which the monitor's thread waits for.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use super::Signal;
use crate::error::MonitorError;

/// Handlers of signals, which share one pipe. They are taken back when this is dropped.
///
/// After that, a signal does nothing, because a handler stays in place that has nothing to do. Without a handler the
/// signal would end the process.
pub(crate) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
    handled: Vec<Signal>,
}

impl Signals {
    /// The file descriptors that it keeps open: the two ends of the pipe.
    pub(crate) const DESCRIPTORS: u64 = 2;

    /// Installs a handler for each of `signals`. Handlers that were installed with signal-hook or tokio still run.
    ///
    /// # Errors
    ///
    /// If no pipe or no handler can be made.
    pub(crate) fn register(signals: &[Signal]) -> Result<Self, MonitorError> {
        let numbers = signals.iter().map(|signal| signal.number());
        let delivery = UnixStream::pair()
            .and_then(|(reader, writer)| SignalDelivery::with_pipe(reader, writer, SignalOnly, numbers))
            .map_err(|error| MonitorError::of("cannot install a handler for a signal", error))?;
        Ok(Self { delivery, handled: signals.to_vec() })
    }

    /// Readable when a signal has arrived.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }

    /// The signal that has arrived since the last call. If there were several, one of them. Empties the pipe.
    pub(crate) fn take(&mut self) -> Option<Signal> {
        // Each signal is taken, so that none of them counts a second time.
        let last = self.delivery.pending().last()?;
        self.handled.iter().copied().find(|signal| signal.number() == last)
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.handled).finish()
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
    use signal_hook::low_level;

    use super::*;

    /// No other test of this program uses these signals.
    #[test]
    fn m11_a_thousand_signals_fill_nothing_and_are_taken_as_one() {
        let mut signals = Signals::register(&[Signal::Usr1, Signal::Usr2, Signal::Hup]).unwrap();
        assert_eq!(signals.take(), None);
        for _ in 0..1_000 {
            low_level::raise(SIGUSR1).unwrap();
        }
        assert_eq!(signals.take(), Some(Signal::Usr1));
        assert_eq!(signals.take(), None);
        low_level::raise(SIGUSR2).unwrap();
        assert_eq!(signals.take(), Some(Signal::Usr2));
        low_level::raise(SIGHUP).unwrap();
        assert_eq!(signals.take(), Some(Signal::Hup));
        for signal in [SIGUSR1, SIGUSR2, SIGHUP] {
            low_level::raise(signal).unwrap();
        }
        assert!(signals.take().is_some());
        assert_eq!(signals.take(), None, "several signals are one report");
        drop(signals);
        // The process survives a signal that nothing waits for any more.
        low_level::raise(SIGUSR1).unwrap();
    }
}
