//! What calls of one node add up to.

use crate::adding::Adding;
use crate::intervals::{IntervalSum, Intervals};
use crate::sync::{AtomicU64, Ordering};

/// Numbers of the calls of one node. All wrap, and are written in any order.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// From the beginning to the end of each call.
    pub(crate) total: Intervals,
    /// While a call has open children.
    pub(crate) covered: Intervals,
    completed: AtomicU64,
    cancelled: AtomicU64,
    polls: AtomicU64,
    longest_poll: AtomicU64,
    /// Polls of this node, without what was polled inside.
    own: Cost,
    /// What was polled inside: what the inclusive numbers have beyond the own ones. Most polls have nothing inside, and
    /// then only `own` changes.
    inside: Cost,
}

/// Time and bytes of polls.
#[derive(Debug, Default)]
struct Cost {
    busy: AtomicU64,
    allocated: AtomicU64,
    freed: AtomicU64,
}

/// Time and bytes, at one moment or of a part of a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Nanoseconds.
    pub(crate) time: u64,
    pub(crate) allocated: u64,
    pub(crate) freed: u64,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Completed,
    Cancelled,
}

/// The sum of the [`Numbers`] that several threads keep of one node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NumbersSum {
    pub(crate) total: IntervalSum,
    pub(crate) covered: IntervalSum,
    pub(crate) completed: u64,
    pub(crate) cancelled: u64,
    pub(crate) polls: u64,
    pub(crate) longest_poll: u64,
    pub(crate) own: Reading,
    pub(crate) inside: Reading,
}

impl Numbers {
    /// A call has ended.
    /// A call ends. Its children had covered some of its time until now, if `has_children`.
    #[inline]
    pub(crate) fn end(&self, adding: Adding, now: u64, outcome: Outcome, has_children: bool) {
        // One choice for all numbers, as below.
        match adding {
            Adding::Alone => self.end_as(Adding::Alone, now, outcome, has_children),
            Adding::Shared => self.end_as(Adding::Shared, now, outcome, has_children),
        }
    }

    #[inline(always)]
    fn end_as(&self, adding: Adding, now: u64, outcome: Outcome, has_children: bool) {
        if has_children {
            self.covered.end(adding, now);
        }
        // Counts it before it stops being open, so that a report counts it twice rather than not at all.
        let count = match outcome {
            Outcome::Completed => &self.completed,
            Outcome::Cancelled => &self.cancelled,
        };
        adding.add(count, 1);
        self.total.end(adding, now);
    }

    /// A poll cost `cost`, and `inside` of it belongs to calls inside. `repeated`: it ran inside another poll of this
    /// node.
    #[inline]
    pub(crate) fn add_poll(&self, adding: Adding, cost: Reading, inside: Reading, repeated: bool) {
        // One choice for all numbers: each branch has constants.
        match adding {
            Adding::Alone => self.add_poll_as(Adding::Alone, cost, inside, repeated),
            Adding::Shared => self.add_poll_as(Adding::Shared, cost, inside, repeated),
        }
    }

    #[inline(always)]
    fn add_poll_as(&self, adding: Adding, cost: Reading, inside: Reading, repeated: bool) {
        adding.add(&self.polls, 1);
        let own = cost.minus(inside);
        self.own.add(adding, own);
        if repeated {
            // The outer poll has these own numbers inside, and will add them.
            self.inside.add(adding, Reading::default().minus(own));
            return;
        }
        if inside != Reading::default() {
            self.inside.add(adding, inside);
        }
        // The clocks of two processors can differ by some nanoseconds, and a poll can move between them.
        adding.raise(&self.longest_poll, cost.time.cast_signed().max(0).cast_unsigned());
    }

    /// Adds these numbers to `sum`.
    pub(crate) fn add_to(&self, sum: &mut NumbersSum) {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        self.total.add_to(&mut sum.total);
        self.covered.add_to(&mut sum.covered);
        sum.completed = sum.completed.wrapping_add(load(&self.completed));
        sum.cancelled = sum.cancelled.wrapping_add(load(&self.cancelled));
        sum.polls = sum.polls.wrapping_add(load(&self.polls));
        sum.longest_poll = sum.longest_poll.max(load(&self.longest_poll));
        sum.own = sum.own.plus(self.own.read());
        sum.inside = sum.inside.plus(self.inside.read());
    }
}

impl Cost {
    #[inline]
    fn add(&self, adding: Adding, cost: Reading) {
        match adding {
            // A comparison is not cheaper than an addition.
            Adding::Alone => {
                adding.add(&self.busy, cost.time);
                adding.add(&self.allocated, cost.allocated);
                adding.add(&self.freed, cost.freed);
            }
            // Many of these numbers are 0, and a comparison is cheaper than an atomic addition.
            Adding::Shared => {
                if cost.time != 0 {
                    adding.add(&self.busy, cost.time);
                }
                if cost.allocated != 0 {
                    adding.add(&self.allocated, cost.allocated);
                }
                if cost.freed != 0 {
                    adding.add(&self.freed, cost.freed);
                }
            }
        }
    }

    fn read(&self) -> Reading {
        Reading {
            time: self.busy.load(Ordering::Relaxed),
            allocated: self.allocated.load(Ordering::Relaxed),
            freed: self.freed.load(Ordering::Relaxed),
        }
    }
}

impl Reading {
    #[inline]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            time: self.time.wrapping_add(other.time),
            allocated: self.allocated.wrapping_add(other.allocated),
            freed: self.freed.wrapping_add(other.freed),
        }
    }

    #[inline]
    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            time: self.time.wrapping_sub(other.time),
            allocated: self.allocated.wrapping_sub(other.allocated),
            freed: self.freed.wrapping_sub(other.freed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_several_threads_add_up() {
        let all = [Numbers::default(), Numbers::default()];
        let cost = |time| Reading { time, allocated: 2 * time, freed: 3 * time };
        for (numbers, adding) in all.iter().zip([Adding::Alone, Adding::Shared]) {
            numbers.add_poll(adding, cost(10), cost(4), false);
            numbers.add_poll(adding, cost(7), Reading::default(), false);
            numbers.total.begin(adding, 3);
            numbers.end(adding, 5, Outcome::Completed, false);
        }
        all[1].total.begin(Adding::Shared, 5);
        all[1].end(Adding::Shared, 9, Outcome::Cancelled, false);
        let mut sum = NumbersSum::default();
        all.iter().for_each(|numbers| numbers.add_to(&mut sum));
        assert_eq!((sum.own, sum.inside), (cost(26), cost(8)));
        assert_eq!((sum.polls, sum.completed, sum.cancelled, sum.longest_poll), (4, 2, 1, 10));
        assert_eq!(sum.total.at(100), (0, 8));
    }

    #[test]
    fn a_poll_inside_a_poll_of_one_node_counts_once() {
        let numbers = Numbers::default();
        let cost = |time| Reading { time, ..Reading::default() };
        numbers.add_poll(Adding::Alone, cost(3), Reading::default(), true);
        numbers.add_poll(Adding::Alone, cost(10), cost(3), false);
        let mut sum = NumbersSum::default();
        numbers.add_to(&mut sum);
        assert_eq!((sum.own, sum.own.plus(sum.inside)), (cost(10), cost(10)));
    }
}
