//! The audit log, and the leak of this example.
//!
//! Records are gathered in batches, and full batches wait for an uploader that nobody ever wrote. With `--leak`
//! `Vec<AuditRecord>` therefore grows until the process dies, which is for the memory debug endpoint to show.

use std::mem;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

/// Records of one batch, together 256 KiB.
const BATCH: usize = (256 << 10) / size_of::<AuditRecord>();

/// Time for one batch: twelve of them, or 3 MiB, a second.
const PERIOD: Duration = Duration::from_millis(1000 / 12);

/// One thing done by someone, as it is to be uploaded.
#[derive(Debug, Serialize)]
struct AuditRecord {
    at: SystemTime,
    session: u128,
    /// Time spent in each stage of the request.
    stages: [Duration; 12],
}

#[derive(Debug, Default)]
struct AuditLog {
    batch: Vec<AuditRecord>,
    /// Full batches, for the uploader to take.
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

/// Records what busy visitors would do, for ever.
pub(crate) async fn leak() {
    let mut log = AuditLog::default();
    let mut ticks = interval(PERIOD);
    // After a pause of the process the leak goes on at its rate instead of catching up.
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
