//! Memory of the async runtime, attributed to the code that it runs.

use std::hint::black_box;

use tokio::sync::{mpsc, oneshot};

use crate::population::{assert_estimates, enough, measured, payload, row};
use crate::shop;

payload! { Peach: 13 }

/// Holds a kibibyte until it is told to end.
async fn wait_with_a_kibibyte(end: oneshot::Receiver<()>) {
    let held = black_box([1_u8; 1024]);
    let _ = end.await;
    black_box(held);
}

#[tokio::test]
async fn a_task_is_attributed_to_its_function() {
    const TASKS: usize = 4096;
    let mut ends = Vec::with_capacity(TASKS);
    for _ in 0..TASKS {
        let (end, ended) = oneshot::channel();
        tokio::spawn(wait_with_a_kibibyte(ended));
        ends.push(end);
    }
    let report = shop::types().await;
    let name = "task jemalloc::tasks::wait_with_a_kibibyte";
    let row = row(&report, name).unwrap_or_else(|| panic!("no row in {:#?}", report.types));
    assert!(row.bytes as f64 + 5.0 * row.bytes_stderr > (TASKS * 1024) as f64, "{row:?}");
    assert!((row.bytes as f64) - 5.0 * row.bytes_stderr < (TASKS * 4096) as f64, "{row:?}");
}

#[tokio::test]
async fn a_channel_is_shown_with_its_messages() {
    let (sender, receiver) = mpsc::unbounded_channel();
    let ((), bytes) = measured(|| {
        (0..enough::<Peach>()).for_each(|number| sender.send(Peach::new(number)).unwrap());
    });
    assert_estimates(&shop::types().await, "mpsc::channel<Peach>", bytes, None);
    drop(receiver);
}
