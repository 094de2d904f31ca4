//! Live bytes by route.

use memory_debug_profile::{Estimate, LiveSamples, SampleRate};

use super::read;
use crate::mallctl;

/// The live bytes of each route, with their standard error. The first is `(no route)`: memory that was allocated outside
/// of requests. Routes without a live sample are left out.
///
/// # Errors
///
/// If there are no live samples. The text says why.
pub fn live_bytes_by_route() -> Result<Vec<(String, u64, f64)>, String> {
    Ok(by_route(&read()?, rate()?))
}

fn rate() -> Result<SampleRate, String> {
    let lg = mallctl::PROF_LG_SAMPLE.read().map_err(|error| error.to_string())?;
    mallctl::sample_bytes(lg).map(SampleRate::from_bytes)
}

fn by_route(live: &LiveSamples, rate: SampleRate) -> Vec<(String, u64, f64)> {
    let mut sums = vec![Estimate::default(); live.labels.len()];
    for sample in &live.samples {
        let label = usize::try_from(sample.label).unwrap_or(usize::MAX);
        if let Some(sum) = sums.get_mut(label) {
            *sum += sample.estimate(rate);
        }
    }
    let with_samples = live.labels.iter().zip(&sums).filter(|(_, sum)| sum.objects > 0.0);
    // A number of bytes is never negative, and `as` keeps the largest number in place of a larger one.
    let stderr = |sum: &Estimate| sum.of_few_samples(rate).bytes_stderr();
    with_samples.map(|(name, sum)| (name.clone(), sum.bytes.round() as u64, stderr(sum))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use memory_debug_profile::{LiveSample, StackHash};

    use super::*;

    fn sample(usable: u64, label: u32) -> LiveSample {
        LiveSample::new(1, usable, usable, StackHash(7), Duration::ZERO, label)
    }

    #[test]
    fn each_sample_stands_for_its_weight() {
        let mut live = LiveSamples::default();
        live.labels = ["(no route)", "GET /a", "GET /b", "GET /c"].map(str::to_owned).to_vec();
        // 64 bytes stand for the rate. 64 MiB stand for themselves.
        live.samples =
            vec![sample(64, 1), sample(64, 1), sample(64 << 20, 3), sample(4096, 9), sample(64, 0)];
        let rows = by_route(&live, SampleRate::from_bytes(1 << 19));
        let names: Vec<&str> = rows.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["(no route)", "GET /a", "GET /c"]);
        let [none, small, large] = rows.as_slice() else { panic!("{rows:?}") };
        assert!(none.1.abs_diff(1 << 19) < 64 && small.1.abs_diff(1 << 20) < 128, "{rows:?}");
        // One standard error of two samples of the rate R, which count as three, is R times the root of 3.
        let expected = f64::from(1 << 19) * 3.0_f64.sqrt();
        assert!((small.2 / expected - 1.0).abs() < 0.001, "{rows:?}");
        assert!(large.1 == 64 << 20 && large.2 < 1.0, "{rows:?}");
    }

    #[test]
    fn without_sampling_the_sum_is_exact() {
        let mut live = LiveSamples::default();
        live.labels = vec!["(no route)".to_owned(), "GET /a".to_owned()];
        live.samples = vec![sample(64, 1), sample(100, 1)];
        assert_eq!(by_route(&live, SampleRate::from_bytes(1)), [("GET /a".to_owned(), 164, 0.0)]);
    }
}
