//! Chooses the largest stacks if there is no room for all.

use std::cmp::Reverse;

/// Marks the `count` largest of `sizes`. Among equal sizes, the first are marked.
pub(super) fn largest(sizes: impl ExactSizeIterator<Item = u64>, count: usize) -> Vec<bool> {
    let mut marks = vec![count >= sizes.len(); sizes.len()];
    if count > 0 && count < marks.len() {
        let mut ranked: Vec<_> = (0_u32..).zip(sizes).map(|(at, size)| (Reverse(size), at)).collect();
        let (before, last, _) = ranked.select_nth_unstable(count - 1);
        before.iter().chain([&*last]).for_each(|(_, at)| marks[*at as usize] = true);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_the_largest_and_the_first_of_equals() {
        let sizes = [3, 9, 3, 7, 3];
        let marked = |count| {
            let marks = largest(sizes.into_iter(), count);
            (0..5).filter(|at| marks[*at]).collect::<Vec<_>>()
        };
        assert_eq!((marked(0), marked(1), marked(3)), (vec![], vec![1], vec![0, 1, 3]));
        assert_eq!(
            (marked(4), marked(5), marked(9)),
            (vec![0, 1, 2, 3], vec![0, 1, 2, 3, 4], vec![0, 1, 2, 3, 4])
        );
    }
}
