//! Nanoseconds as whole microseconds that add up.

/// Converts nanoseconds one after the other. The sum of the results is the sum of the inputs, rounded down. A whole
/// number of microseconds stays exact while nothing else came before it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Microseconds {
    nanoseconds: i128,
}

impl Microseconds {
    pub(crate) fn next(&mut self, nanoseconds: i64) -> i64 {
        let before = self.nanoseconds.div_euclid(1_000);
        self.nanoseconds += i128::from(nanoseconds);
        // A difference of at most one thousandth of the number, plus one.
        (self.nanoseconds.div_euclid(1_000) - before) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn results_add_up_and_are_within_a_microsecond(numbers in proptest::collection::vec(0..i64::MAX, 0..20)) {
            let mut microseconds = Microseconds::default();
            let results: Vec<i64> = numbers.iter().map(|number| microseconds.next(*number)).collect();
            let sum = |numbers: &[i64]| numbers.iter().map(|number| i128::from(*number)).sum::<i128>();
            proptest::prop_assert_eq!(sum(&results), sum(&numbers) / 1_000);
            for (number, result) in numbers.iter().zip(&results) {
                proptest::prop_assert!((number / 1_000 - result).abs() <= 1);
            }
        }
    }

    #[test]
    fn whole_microseconds_stay_exact() {
        let mut microseconds = Microseconds::default();
        assert_eq!([0, 5_000, 1_000].map(|number| microseconds.next(number)), [0, 5, 1]);
    }
}
