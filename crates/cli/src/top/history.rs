//! Two sums over time since the start, in bounded memory.

/// The most points that are kept, more than a screen has columns.
const CAPACITY: usize = 512;

/// The sums at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) allocated: Option<u64>,
    pub(super) resident: Option<u64>,
    /// The number of instances in the sums.
    pub(super) instances: usize,
}

/// Points from the start until now. If there are too many, each pair is merged, so that the start is never lost.
#[derive(Debug)]
pub(super) struct History {
    points: Vec<Point>,
    /// The number of recorded points that are merged into one kept point.
    stride: u64,
    /// The number of recorded points in the newest kept point.
    newest: u64,
}

impl History {
    pub(super) fn new() -> Self {
        Self { points: Vec::new(), stride: 1, newest: 0 }
    }

    pub(super) fn record(&mut self, point: Point) {
        match self.points.last_mut() {
            Some(last) if self.newest < self.stride => {
                *last = merged(*last, point);
                self.newest += 1;
            }
            _ => {
                if self.points.len() == CAPACITY {
                    self.points =
                        self.points.chunks(2).map(|pair| merged(pair[0], pair[pair.len() - 1])).collect();
                    self.stride = self.stride.saturating_mul(2);
                }
                self.points.push(point);
                self.newest = 1;
            }
        }
    }

    /// Merges `point` into the newest point, if it is too early for another.
    pub(super) fn amend(&mut self, point: Point) {
        if let Some(newest) = self.points.last_mut() {
            *newest = merged(*newest, point);
        }
    }

    /// One of the sums in at most `width` columns, the oldest first. Sums over a different number of instances than the
    /// newest are gaps: they would show which instances answered and not how much memory they hold.
    pub(super) fn series(&self, width: usize, number: fn(&Point) -> Option<u64>) -> Vec<Option<u64>> {
        let Some(newest) = self.points.last() else { return Vec::new() };
        let columns = self.points.len().min(width);
        let mut series = vec![None; columns];
        for (index, point) in self.points.iter().enumerate() {
            if point.instances == newest.instances && columns > 0 {
                let column = &mut series[index * columns / self.points.len()];
                *column = (*column).max(number(point));
            }
        }
        series
    }
}

/// Merges two points into the higher sums, so that peaks stay. If the number of instances differs, the later point
/// counts.
fn merged(earlier: Point, later: Point) -> Point {
    if earlier.instances != later.instances {
        return later;
    }
    Point {
        allocated: earlier.allocated.max(later.allocated),
        resident: earlier.resident.max(later.resident),
        ..later
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(bytes: u64, instances: usize) -> Point {
        Point { allocated: Some(bytes), resident: None, instances }
    }

    fn history(points: impl IntoIterator<Item = Point>) -> History {
        let mut history = History::new();
        points.into_iter().for_each(|point| history.record(point));
        history
    }

    #[test]
    fn history_stays_small_and_keeps_start_peak_and_end() {
        let history = history((0..100_000).map(|time| point(if time == 40_000 { 1 << 40 } else { time }, 1)));
        assert!(history.points.len() <= CAPACITY && history.points.capacity() <= 2 * CAPACITY);
        let series = history.series(80, |point| point.allocated);
        assert_eq!(series.len(), 80);
        assert!(series[0] < Some(2_000) && series[79] == Some(99_999), "{series:?}");
        assert_eq!(series.iter().max(), Some(&Some(1 << 40)));
    }

    #[test]
    fn amended_point_shows_the_newest_instances_and_peak() {
        let mut history = history([point(10, 1)]);
        history.amend(point(12, 2));
        history.amend(point(11, 2));
        assert_eq!(history.series(9, |point| point.allocated), [Some(12)]);
    }

    #[test]
    fn sums_over_a_different_number_of_instances_are_gaps() {
        let history = history([point(10, 2), point(5, 1), point(12, 2)]);
        assert_eq!(history.series(9, |point| point.allocated), [Some(10), None, Some(12)]);
        assert_eq!(history.series(9, |point| point.resident), [None, None, None]);
        assert_eq!(history.series(0, |point| point.allocated), []);
        assert_eq!(History::new().series(9, |point| point.allocated), []);
    }

    #[test]
    fn any_number_of_points_fits_any_width() {
        for points in [1, 2, 511, 512, 513, 1025] {
            let history = history((0..points).map(|time| point(time, 1)));
            for width in [1, 2, 79, 511, 512, 4000] {
                let series = history.series(width, |point| point.allocated);
                assert!(series.len() <= width && series.iter().all(Option::is_some), "{points} {width}");
            }
        }
    }
}
