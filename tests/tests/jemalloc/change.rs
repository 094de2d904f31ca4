//! Changes between two requests.

use std::collections::HashMap;

use crate::population::{POPULATION, assert_estimates, enough, payload, row};
use crate::shop;

payload! { Leaked: 16, Dropped: 17, Kept: 18 }

#[tokio::test]
async fn two_requests_show_a_leak() {
    let mut log: Vec<Box<Leaked>> = Vec::with_capacity(3 * enough::<Leaked>());
    let mut leak = || (0..enough::<Leaked>()).for_each(|number| log.push(Box::new(Leaked::new(number))));
    leak();
    let before = shop::types().await;
    leak();
    leak();
    let after = shop::types().await;
    assert_estimates(&before, "Box<Leaked>", POPULATION as u64, None);
    assert_estimates(&after, "Box<Leaked>", 3 * POPULATION as u64, None);
}

#[tokio::test]
async fn a_dropped_container_disappears_from_the_table() {
    let kept: Vec<_> = (0..enough::<Kept>()).map(Kept::new).collect();
    let dropped: HashMap<_, _> =
        (0..enough::<Dropped>()).map(|number| (number, Dropped::new(number))).collect();
    let before = shop::types().await;
    drop(dropped);
    let after = shop::types().await;
    assert!(row(&before, "HashMap<usize, Dropped>").is_some_and(|row| row.bytes > POPULATION as u64));
    assert_eq!(row(&after, "HashMap<usize, Dropped>"), None);
    // Remaining objects have the same samples. Only the assumed size of large objects can differ, once more
    // of them are known.
    let (was, is) = (row(&before, "Vec<Kept>").unwrap(), row(&after, "Vec<Kept>").unwrap());
    assert_eq!(is.objects, was.objects);
    assert!(is.bytes.abs_diff(was.bytes) as f64 <= 2.0 * was.bytes_stderr, "{is:?} {was:?}");
    drop(kept);
}
