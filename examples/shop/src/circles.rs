//! Circles of friends, and the leak by a cycle of this example.
//!
//! The members of a circle know their circle, and the circle knows its members, through `Arc`s in both directions. So
//! with `--leak-cycle`, a circle that was closed stays in memory although nothing else points to it. A `Weak` in one
//! direction would free it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

/// The members of a circle.
const MEMBERS: usize = 16;

/// The time between circles. Each has some 20 KiB, so about 1 MiB per second leaks.
const PERIOD: Duration = Duration::from_millis(20);

/// Friends who buy together.
#[derive(Debug, Default)]
struct Circle {
    members: Mutex<Vec<Arc<Member>>>,
}

#[derive(Debug)]
struct Member {
    /// Keeps the circle alive, and the circle keeps its members alive.
    circle: Arc<Circle>,
    /// What the member has bought, by number of article.
    purchases: [u64; 160],
}

/// Opens a circle with all its members.
fn open(number: u64) -> Arc<Circle> {
    let circle = Arc::new(Circle::default());
    let member = |_| Arc::new(Member { circle: Arc::clone(&circle), purchases: [number; 160] });
    *circle.members.lock().unwrap_or_else(PoisonError::into_inner) = (0..MEMBERS).map(member).collect();
    circle
}

/// What all members of a circle have bought together.
fn total(circle: &Circle) -> u64 {
    let members = circle.members.lock().unwrap_or_else(PoisonError::into_inner);
    let of_circle = members.iter().filter(|member| std::ptr::eq(&*member.circle, circle));
    of_circle.flat_map(|member| member.purchases).fold(0, u64::wrapping_add)
}

/// Opens circles and closes them again, forever.
pub(crate) async fn leak() {
    let mut ticks = interval(PERIOD);
    // After a pause of the process the leak continues at its rate and does not catch up.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut bought = 0_u64;
    for number in 0.. {
        ticks.tick().await;
        let circle = open(number);
        bought = bought.wrapping_add(total(&circle));
        drop(circle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_circle_keeps_itself_alive() {
        let circle = open(1);
        assert_eq!(total(&circle), 16 * 160);
        let seen = Arc::downgrade(&circle);
        drop(circle);
        let circle = seen.upgrade().expect("its members hold it");
        // Without the members, it is freed.
        circle.members.lock().unwrap().clear();
        drop(circle);
        assert!(seen.upgrade().is_none());
    }
}
