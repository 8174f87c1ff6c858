//! How long things took, as counts that can be added up: quantiles of what several gateways
//! measured are those of all of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The lower end of the first bucket, in seconds.
const FROM: f64 = 0.000_1;
/// Each bucket reaches so many times as far as the one before. Its middle is then within 4 % of
/// everything in it.
const GROWTH: f64 = 1.08;
/// The last bucket, which reaches beyond an hour and holds everything above as well.
const LAST: u16 = 230;

/// Durations, each within 4 % of what it was between 0.1 ms and an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(
    /// Bucket and count; buckets without any are left out.
    BTreeMap<u16, u64>,
);

impl Histogram {
    /// Counts one, in seconds.
    pub fn record(&mut self, seconds: f64) {
        let count = self.0.entry(bucket_of(seconds)).or_default();
        *count = count.saturating_add(1);
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, more) in &other.0 {
            let count = self.0.entry((*bucket).min(LAST)).or_default();
            *count = count.saturating_add(*more);
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// What this share of them, from 0 to 1, did not exceed, in seconds; none of nothing.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank among counts that are far below 2^53"
    )]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let count = self.count();
        let rank = ((share.clamp(0.0, 1.0) * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut below = 0_u64;
        for (bucket, here) in &self.0 {
            below = below.saturating_add(*here);
            if below >= rank {
                return Some(middle_of(*bucket));
            }
        }
        None
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is between 0 and the last bucket"
)]
fn bucket_of(seconds: f64) -> u16 {
    if seconds.is_nan() || seconds <= FROM {
        return 0;
    }
    let bucket = (seconds / FROM).ln() / GROWTH.ln();
    bucket.clamp(0.0, f64::from(LAST)) as u16
}

/// The geometric one: it is as far from both ends.
fn middle_of(bucket: u16) -> f64 {
    FROM * GROWTH.powf(f64::from(bucket.min(LAST)) + 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether two durations differ by less than 5 %.
    fn close(one: f64, other: f64) -> bool {
        (one / other - 1.0).abs() < 0.05
    }

    #[test]
    fn quantiles_of_merged_parts_are_those_of_all_of_it_within_five_percent() {
        // Spread over five decades, in an order that has nothing to do with their size.
        let taken: Vec<f64> = (0..5_000_u32)
            .map(|at| 0.000_2 * 10_f64.powf(f64::from(at * 2_711 % 5_000) / 1_000.0))
            .collect();
        let mut merged = Histogram::default();
        for part in taken.chunks(333) {
            let mut histogram = Histogram::default();
            part.iter().for_each(|seconds| histogram.record(*seconds));
            merged.merge(&histogram);
        }
        let mut sorted = taken.clone();
        sorted.sort_by(f64::total_cmp);

        assert_eq!(merged.count(), 5_000);
        for (share, rank) in [(0.0, 1), (0.5, 2_500), (0.95, 4_750), (0.99, 4_950), (1.0, 5_000)] {
            let (found, expected) = (merged.quantile(share).unwrap(), sorted[rank - 1]);
            assert!(close(found, expected), "{share}: {found} instead of {expected}");
        }
    }

    #[test]
    fn every_duration_is_found_again_within_five_percent() {
        for seconds in [0.000_11, 0.001, 0.0333, 0.5, 1.0, 7.77, 61.0, 599.0, 3_599.0] {
            let mut one = Histogram::default();
            one.record(seconds);
            assert!(close(one.quantile(0.5).unwrap(), seconds), "{seconds}: {one:?}");
        }
    }

    #[test]
    fn what_is_no_duration_is_counted_at_an_end() {
        let mut odd = Histogram::default();
        for seconds in [f64::NAN, -1.0, 0.0, f64::INFINITY, 1e300] {
            odd.record(seconds);
        }
        assert_eq!(odd.0, BTreeMap::from([(0, 3), (LAST, 2)]));
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn what_another_version_has_counted_beyond_the_last_bucket_is_counted_there() {
        let other: Histogram = serde_json::from_str(r#"{"9999":2,"3":1}"#).unwrap();
        let mut merged = Histogram::default();
        merged.merge(&other);
        assert_eq!(merged.0, BTreeMap::from([(3, 1), (LAST, 2)]));
    }
}
