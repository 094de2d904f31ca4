//! The audit log, and the leak of this example.
//!
//! Full batches of records wait for an uploader that does not exist. With `--leak`, `Vec<AuditRecord>`
//! therefore grows until the process dies, and the memory page must show that.

use std::mem;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

/// The number of records in a batch, which has 256 KiB.
const BATCH: usize = (256 << 10) / size_of::<AuditRecord>();

/// The time between batches: twelve batches, or 3 MiB, per second.
const PERIOD: Duration = Duration::from_millis(1000 / 12);

/// An action of a user, in the form that is uploaded.
#[derive(Debug, Serialize)]
struct AuditRecord {
    at: SystemTime,
    session: u128,
    /// The time spent in each stage of the request.
    stages: [Duration; 12],
}

#[derive(Debug, Default)]
struct AuditLog {
    batch: Vec<AuditRecord>,
    /// Full batches for the uploader.
    sealed: Vec<Vec<AuditRecord>>,
}

impl AuditLog {
    fn record(&mut self, record: AuditRecord) {
        if self.batch.len() == self.batch.capacity() {
            let full = mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
            self.sealed.push(full);
        }
        self.batch.push(record);
    }
}

/// Records the actions of busy visitors, forever.
pub(crate) async fn leak() {
    let mut log = AuditLog::default();
    let mut ticks = interval(PERIOD);
    // After a pause of the process the leak continues at its rate and does not catch up.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for session in 0..BATCH as u128 {
            log.record(AuditRecord { at: SystemTime::now(), session, stages: [Duration::ZERO; 12] });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_recorded_is_ever_dropped() {
        let mut log = AuditLog::default();
        for session in 0..3 * BATCH as u128 {
            log.record(AuditRecord { at: SystemTime::UNIX_EPOCH, session, stages: [Duration::ZERO; 12] });
        }
        assert_eq!(log.batch.len() + log.sealed.iter().map(Vec::len).sum::<usize>(), 3 * BATCH);
    }
}
