//! The course of two numbers since the start, in bounded memory.

/// Points kept. More than a screen has columns.
const CAPACITY: usize = 512;

/// The numbers at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) allocated: Option<u64>,
    pub(super) resident: Option<u64>,
    /// How many instances they are the sums of.
    pub(super) instances: usize,
}

/// Points from the start to now. When there are too many, two become one, so that the start is never lost.
#[derive(Debug)]
pub(super) struct History {
    points: Vec<Point>,
    /// How many recorded points one kept point stands for.
    stride: u64,
    /// How many the newest one stands for by now.
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

    /// Takes a point into the newest, as it is not yet time for another.
    pub(super) fn amend(&mut self, point: Point) {
        if let Some(newest) = self.points.last_mut() {
            *newest = merged(*newest, point);
        }
    }

    /// One of the numbers over at most `width` columns, the oldest first. Sums of another number of instances than the
    /// newest is of are gaps: they would show who answered, not what is held.
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

/// Of two the higher numbers, so that peaks stay; of different instances the later.
fn merged(earlier: Point, later: Point) -> Point {
    if earlier.instances != later.instances {
        return later;
    }
    let (allocated, resident) =
        (earlier.allocated.max(later.allocated), earlier.resident.max(later.resident));
    Point { allocated, resident, ..later }
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
    fn it_stays_small_and_keeps_start_peak_and_end() {
        let history = history((0..100_000).map(|time| point(if time == 40_000 { 1 << 40 } else { time }, 1)));
        assert!(history.points.len() <= CAPACITY && history.points.capacity() <= 2 * CAPACITY);
        let series = history.series(80, |point| point.allocated);
        assert_eq!(series.len(), 80);
        assert!(series[0] < Some(2_000) && series[79] == Some(99_999), "{series:?}");
        assert_eq!(series.iter().max(), Some(&Some(1 << 40)));
    }

    #[test]
    fn the_newest_point_is_never_behind_what_is_shown() {
        let mut history = history([point(10, 1)]);
        history.amend(point(12, 2));
        history.amend(point(11, 2));
        assert_eq!(history.series(9, |point| point.allocated), [Some(12)]);
    }

    #[test]
    fn sums_of_other_instances_are_gaps() {
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
