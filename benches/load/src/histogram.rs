//! Latencies: buckets that are at most 1.6 % wide.

/// Counts of nanoseconds.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

/// Significant bits of a value within its bucket, besides the first.
const BITS: u32 = 6;
const PART: usize = 1 << BITS;
/// Values up to `u64::MAX` have 58 shifts.
const BUCKETS: usize = 59 * PART;

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0 }
    }

    pub(crate) fn add(&mut self, value: u64) {
        if let Some(bucket) = self.buckets.get_mut(index(value)) {
            *bucket += 1;
            self.count += 1;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.buckets.fill(0);
        self.count = 0;
    }

    /// The value below which this share of all lies, in microseconds; 0 if there is none.
    pub(crate) fn quantile_us(&self, share: f64) -> f64 {
        let wanted = self.count as f64 * share;
        let mut below = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            below += count;
            if *count > 0 && below as f64 >= wanted {
                return middle(index) as f64 / 1000.0;
            }
        }
        0.0
    }
}

/// Small values have a bucket each; above, each doubling is cut into `PART` buckets.
fn index(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(BITS + 1);
    let rest = usize::try_from(value >> shift).unwrap_or(usize::MAX);
    (shift as usize * PART).saturating_add(rest)
}

const fn middle(index: usize) -> u64 {
    if index < 2 * PART {
        return index as u64;
    }
    let shift = index / PART - 1;
    let lowest = ((index % PART + PART) as u64) << shift;
    lowest + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_histogram_has_no_quantile() {
        assert_eq!(Histogram::new().quantile_us(0.5), 0.0);
    }

    #[test]
    fn buckets_are_narrow_up_to_the_largest_value() {
        let mut values: Vec<u64> =
            (0..64).flat_map(|n| [1 << n, (1 << n) + (1 << n) / 3]).collect();
        values.extend([0, 127, 128, u64::MAX]);
        for value in values {
            let middle = middle(index(value));
            assert!(middle.abs_diff(value) as f64 <= value as f64 * 0.016, "{value}: {middle}");
        }
    }

    #[test]
    fn quantiles_are_in_order() {
        let mut histogram = Histogram::new();
        for value in 1..=1000 {
            histogram.add(value * 1000);
        }
        for (share, wanted) in [(0.0, 1.0), (0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = histogram.quantile_us(share);
            assert!((found - wanted).abs() <= wanted * 0.016, "{share}: {found}");
        }
    }
}
