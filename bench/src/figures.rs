//! Arithmetic: percentiles of one round, the spread over rounds.

use serde::{Deserialize, Serialize};

/// Percentiles of one round's samples, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many samples.
    pub count: u64,
    /// The median.
    pub p50: u32,
    /// Nine of ten are at most this.
    pub p90: u32,
    /// 99 of 100 are at most this.
    pub p99: u32,
    /// The largest.
    pub max: u32,
}

impl Percentiles {
    /// Of these samples, by the nearest rank: a percentile is a sample that was measured, never
    /// one between two.
    pub fn of(samples: &mut [u32]) -> Option<Self> {
        samples.sort_unstable();
        let max = *samples.last()?;
        let rank = |percent: usize| {
            let rank = (samples.len() * percent).div_ceil(100);
            samples[rank.saturating_sub(1)]
        };
        let count = samples.len() as u64;
        Some(Self { count, p50: rank(50), p90: rank(90), p99: rank(99), max })
    }
}

/// A figure over rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The smallest.
    pub min: f64,
    /// The middle one; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The largest.
    pub max: f64,
    /// How many rounds.
    pub rounds: usize,
}

impl Spread {
    /// Of these figures. What is no number was not measured and is left out.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.into_iter().filter(|one| one.is_finite()).collect();
        figures.sort_unstable_by(f64::total_cmp);
        let rounds = figures.len();
        let (min, max) = (*figures.first()?, *figures.last()?);
        let median = f64::midpoint(figures[(rounds - 1) / 2], figures[rounds / 2]);
        Some(Self { min, median, max, rounds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_at_their_rank() {
        let mut hundred: Vec<u32> = (1..=100).rev().collect();
        let expected = Percentiles { count: 100, p50: 50, p90: 90, p99: 99, max: 100 };
        assert_eq!(Percentiles::of(&mut hundred), Some(expected));

        let mut three = [30, 10, 20];
        let expected = Percentiles { count: 3, p50: 20, p90: 30, p99: 30, max: 30 };
        assert_eq!(Percentiles::of(&mut three), Some(expected));

        let one = Percentiles::of(&mut [7]).unwrap();
        assert_eq!((one.p50, one.p99, one.max), (7, 7, 7));
        assert_eq!(Percentiles::of(&mut []), None);
    }

    #[test]
    fn a_single_slow_one_of_a_thousand_is_not_the_99th_percentile_but_eleven_are() {
        let mut samples = vec![1; 1000];
        samples[0] = 900;
        assert_eq!(Percentiles::of(&mut samples).unwrap().p99, 1);
        samples[990..].fill(900);
        samples[989] = 900;
        assert_eq!(Percentiles::of(&mut samples).unwrap().p99, 900);
    }

    #[test]
    fn a_spread_has_the_median_of_odd_and_even_numbers_of_rounds() {
        let odd = Spread::of([3.0, 1.0, 2.0]).unwrap();
        assert_eq!((odd.min, odd.median, odd.max, odd.rounds), (1.0, 2.0, 3.0, 3));
        assert!((Spread::of([4.0, 1.0]).unwrap().median - 2.5).abs() < 1e-9);
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([f64::NAN, 5.0]).unwrap().rounds, 1);
    }
}
