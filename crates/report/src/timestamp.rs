//! Formats points in time as text (RFC 3339, in UTC), and parses them.
//!
//! A clock can be set to any time, and no time makes these functions panic. RFC 3339 covers the years 0 to 9999. A
//! time outside this range is written as the nearest time inside it.

use std::time::{Duration, SystemTime};

const MILLIS_PER_DAY: i64 = 86_400_000;

/// The years 0 to 9999, in milliseconds since 1970.
const MIN_MILLIS: i64 = days_since_1970(0, 1, 1) * MILLIS_PER_DAY;
const MAX_MILLIS: i64 = days_since_1970(10_000, 1, 1) * MILLIS_PER_DAY - 1;

/// Formats a time with seconds: `2026-11-20T12:12:00Z`.
pub fn seconds(time: SystemTime) -> String {
    let (date, hour, minute, second, _) = fields(time);
    format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Formats a time with milliseconds: `2026-11-20T12:12:00.123Z`.
pub fn millis(time: SystemTime) -> String {
    let (date, hour, minute, second, millis) = fields(time);
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Parses the output of [`seconds`] and [`millis`], with any number of digits in the fraction.
pub fn parse(text: &str) -> Option<SystemTime> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
    let (date, clock) = text.split_once('T')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let days = days_since_1970(year, month, day);
    // A day that does not exist in this month converts to a day of the next month.
    if !(1..=12).contains(&month) || date_of(days) != (year, month, day) {
        return None;
    }
    // 60 is a leap second, which system clocks do not count.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second.min(59);
    let since = Duration::new(seconds.unsigned_abs(), 0);
    let whole = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(since)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(since)
    };
    whole?.checked_add(Duration::from_nanos(nanos(fraction)?))
}

/// Seconds since 1970; negative before.
pub fn unix_seconds(time: SystemTime) -> f64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

/// The date as text, hour, minute, second and millisecond.
fn fields(time: SystemTime) -> (String, i64, i64, i64, i64) {
    let millis = unix_millis(time).clamp(MIN_MILLIS, MAX_MILLIS);
    let (year, month, day) = date_of(millis.div_euclid(MILLIS_PER_DAY));
    let of_day = millis.rem_euclid(MILLIS_PER_DAY);
    let (seconds, millis) = (of_day / 1000, of_day % 1000);
    (format!("{year:04}-{month:02}-{day:02}"), seconds / 3600, seconds / 60 % 60, seconds % 60, millis)
}

/// Whole milliseconds since 1970, rounded down as clocks do.
fn unix_millis(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => {
            let millis = before.duration().as_nanos().div_ceil(1_000_000);
            i64::try_from(millis).map_or(i64::MIN, |millis| -millis)
        }
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. The algorithm is `days_from_civil` from Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms". There, a year begins in March, so that its leap day is the last.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse of [`days_since_1970`], `civil_from_days`: year, month and day.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let day = of_year - (153 * march + 2) / 5 + 1;
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Parses three numbers with exactly these widths.
fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let digits = parts.next().filter(|digits| digits.len() == width && is_digits(digits))?;
        *number = digits.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Nanoseconds from the digits of a second's fraction; digits beyond nine are finer than a clock.
fn nanos(fraction: &str) -> Option<u64> {
    (!fraction.is_empty() && is_digits(fraction)).then_some(())?;
    format!("{:0<9.9}", fraction).parse().ok()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Clocks for tests of code that formats a time: from before 1970 to far beyond the range of RFC 3339.
#[cfg(test)]
pub(crate) fn unusual_clocks() -> Vec<SystemTime> {
    let epoch = SystemTime::UNIX_EPOCH;
    let distances = [1, 86_400, 63_000_000_000, 253_402_300_800, i64::MAX as u64].map(Duration::from_secs);
    let before = distances.iter().filter_map(|distance| epoch.checked_sub(*distance));
    let after = distances.iter().filter_map(|distance| epoch.checked_add(*distance));
    before.chain(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time that is this many milliseconds after 1970.
    fn at(millis: i64) -> SystemTime {
        let distance = Duration::from_millis(millis.unsigned_abs());
        if millis < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance }
    }

    #[test]
    fn formats_and_parses_times_before_and_after_1970() {
        // `date -u -d @N +%FT%TZ` of coreutils 9.
        for (unix, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_165_200, "2026-11-20T09:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-2_208_988_800, "1900-01-01T00:00:00Z"),
            (-62_167_219_200, "0000-01-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(seconds(at(unix * 1000)), text);
            assert_eq!(parse(text), Some(at(unix * 1000)), "{text}");
            assert_eq!(unix_seconds(at(unix * 1000)), unix as f64);
        }
    }

    #[test]
    fn milliseconds_are_rounded_down_before_and_after_1970() {
        assert_eq!(millis(at(1_234)), "1970-01-01T00:00:01.234Z");
        assert_eq!(millis(at(-1)), "1969-12-31T23:59:59.999Z");
        assert_eq!(seconds(at(-1)), "1969-12-31T23:59:59Z");
        let half = Duration::from_micros(500);
        assert_eq!(millis(at(0) + half), "1970-01-01T00:00:00.000Z");
        assert_eq!(millis(at(0) - half), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_time_out_of_range_is_written_as_the_nearest_in_range() {
        let texts: Vec<_> = unusual_clocks().into_iter().map(millis).collect();
        assert!(texts.iter().all(|text| text.len() == 24 && parse(text).is_some()), "{texts:?}");
        assert!(texts.iter().any(|text| text == "0000-01-01T00:00:00.000Z"), "{texts:?}");
        assert!(texts.iter().any(|text| text == "9999-12-31T23:59:59.999Z"), "{texts:?}");
    }

    #[test]
    fn every_day_of_the_calendars_cycle_converts_back() {
        let (first, last) = (MIN_MILLIS / MILLIS_PER_DAY, MAX_MILLIS / MILLIS_PER_DAY);
        // The calendar repeats after 400 years.
        for days in -146_097..=146_097 {
            let (year, month, day) = date_of(days);
            assert_eq!(days_since_1970(year, month, day), days, "{year}-{month}-{day}");
        }
        assert_eq!((date_of(first), date_of(last)), ((0, 1, 1), (9999, 12, 31)));
    }

    #[test]
    fn parses_fractions_and_zero_offsets() {
        for text in
            ["1970-01-01T00:00:01.5Z", "1970-01-01T00:00:01.500000000999Z", "1970-01-01T00:00:01.5+00:00"]
        {
            assert_eq!(parse(text), Some(at(1_500)), "{text}");
        }
        assert_eq!(parse("2016-12-31T23:59:60Z"), parse("2016-12-31T23:59:59Z"));
        assert_eq!(parse("1969-12-31T23:59:59.5Z"), Some(at(-500)));
    }

    #[test]
    fn rejects_text_that_is_not_a_time() {
        for text in [
            "",
            "Z",
            "T",
            "2026-11-20",
            "2026-11-20T09:00:00",
            "2026-11-20T09:00:00+01:00",
            "2026-11-20T09:00:00.Z",
            "2026-11-20T09:00:00.+1Z",
            "2026-11-20T09:00Z",
            "2026-11-20T24:00:00Z",
            "2026-13-20T09:00:00Z",
            "2026-00-20T09:00:00Z",
            "2026-02-29T09:00:00Z",
            "2026-11-31T09:00:00Z",
            "2026-11-00T09:00:00Z",
            "+026-11-20T09:00:00Z",
            "02026-11-20T09:00:00Z",
            "2026-11-20T09:00:00:00Z",
            "2026-11-2éT09:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
