//! In which order the upstreams of a model are tried: a share for each, by chance.

/// The indexes of `weights`, those with more weight more often in front; weight 0 only behind all
/// others, in the order of the catalogue.
pub(super) fn by_weight(weights: impl Iterator<Item = u32>) -> Vec<usize> {
    // The logarithm of a random number, divided by the weight: sorting by it draws without
    // replacement, each time by the weights of those that are left.
    let mut drawn: Vec<(f64, usize)> = weights
        .enumerate()
        .map(|(index, weight)| match weight {
            0 => (f64::INFINITY, index),
            weight => (-rand::random_range(f64::MIN_POSITIVE..1.0).ln() / f64::from(weight), index),
        })
        .collect();
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
    drawn.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_weights_and_zero_is_last() {
        let mut first = [0_u32; 3];
        for _draw in 0..4_000 {
            let order = by_weight([3, 0, 1].into_iter());
            assert_eq!(order.last(), Some(&1), "weight 0 is a fallback only");
            first[order[0]] += 1;
        }
        // Three quarters are 3,000; chance stays within 200 of it but once in ten billion runs.
        assert!((2_800..=3_200).contains(&first[0]), "{first:?}");
    }
}
