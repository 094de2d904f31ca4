//! A number that is read only from time to time.

use std::time::Duration;

use super::file::Failed;

/// A number, and when it is due again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paced<T> {
    every: Duration,
    due: Duration,
    value: Result<T, Failed>,
}

impl<T: Copy> Paced<T> {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, due: Duration::ZERO, value: Err(Failed::NOT_READ) }
    }

    /// The last number, read again if it is due.
    pub(super) fn get(&mut self, at: Duration, read: impl FnOnce() -> Result<T, Failed>) -> Option<T> {
        if at >= self.due {
            self.value = read();
            self.due = at.saturating_add(self.every);
        }
        self.value.ok()
    }

    /// Makes it due.
    pub(super) fn expire(&mut self) {
        self.due = Duration::ZERO;
    }

    pub(super) fn failure(&self) -> Option<Failed> {
        self.value.err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_again_when_it_is_due() {
        let mut paced = Paced::new(Duration::from_secs(5));
        let mut get = |at, value| paced.get(Duration::from_secs(at), || value);
        assert_eq!(get(0, Ok(1)), Some(1));
        assert_eq!(get(4, Ok(2)), Some(1));
        assert_eq!(get(5, Err(Failed::odd("x"))), None);
        assert_eq!(get(9, Ok(3)), None, "a failure is not repeated at each look");
        assert_eq!(get(10, Ok(3)), Some(3));
        paced.expire();
        assert_eq!(paced.get(Duration::from_secs(11), || Ok(4)), Some(4));
    }
}
