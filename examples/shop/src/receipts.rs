//! Receipts, and the leak by forgetting of this example.
//!
//! With `--forget`, receipts go to a printer that promises to give them back, and never does. Rust's name for that is
//! `mem::forget`: the destructor does not run, and nothing points to the memory afterwards.

use std::mem;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

/// The time between receipts: 256 receipts of 4 KiB, or 1 MiB, per second.
const PERIOD: Duration = Duration::from_millis(1000 / 16);

/// Receipts that are printed together.
const BUNDLE: u64 = 16;

#[derive(Debug)]
struct Receipt {
    /// Prices of the articles, in cents.
    lines: [u64; 512],
}

/// Adds up a receipt and forgets it, as an interface to C code does if it lacks the function that takes a value back.
fn print(number: u64) -> u64 {
    let receipt = Box::new(Receipt { lines: [number; 512] });
    let total = receipt.lines.iter().sum();
    mem::forget(receipt);
    total
}

/// Prints receipts, forever.
pub(crate) async fn leak() {
    let mut ticks = interval(PERIOD);
    // After a pause of the process the leak continues at its rate and does not catch up.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut turnover = 0_u64;
    for bundle in 0.. {
        ticks.tick().await;
        for place in 0..BUNDLE {
            turnover = turnover.wrapping_add(print(bundle % 1000 + place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_added_up() {
        assert_eq!(print(3), 3 * 512);
    }
}
