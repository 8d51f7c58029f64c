//! Counters and histograms that the threads of a server share without getting in each other's way.
//!
//! Each has several lanes, and a thread adds in its own; reading adds them up.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How many threads can count without sharing.
pub(super) const LANES: usize = 8;

/// Upper bounds of the buckets of all histograms in microseconds; what is above has one more.
const BOUNDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

thread_local! {
    static LANE: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed) % LANES
    };
}

/// The lane of this thread.
fn lane<T>(lanes: &[T; LANES]) -> &T {
    let lane = LANE.try_with(|lane| *lane).unwrap_or_default();
    let [first, ..] = lanes;
    lanes.get(lane).unwrap_or(first)
}

/// Two lanes are never in one line of a processor's cache, or in two that it fetches together.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart(AtomicU64);

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter([Apart; LANES]);

impl Counter {
    pub(super) fn add(&self, more: u64) {
        lane(&self.0).0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.iter().map(|lane| lane.0.load(Ordering::Relaxed)).sum()
    }
}

/// A number per label, of labels that are known beforehand; what is none of them is not counted.
#[derive(Debug)]
pub(super) struct Tally<const N: usize> {
    labels: [&'static str; N],
    counts: [AtomicU64; N],
}

impl<const N: usize> Tally<N> {
    pub(super) const fn new(labels: [&'static str; N]) -> Self {
        Self { labels, counts: [const { AtomicU64::new(0) }; N] }
    }

    pub(super) fn count(&self, label: &str) {
        let position = self.labels.iter().position(|known| *known == label);
        if let Some(count) = position.and_then(|position| self.counts.get(position)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        self.labels.into_iter().zip(counts)
    }

    pub(super) fn sum(&self) -> u64 {
        self.iter().map(|(_, count)| count).sum()
    }
}

#[derive(Debug, Default)]
struct Buckets {
    counts: [AtomicU64; BOUNDS.len()],
    above: AtomicU64,
    nanos: AtomicU64,
}

/// How long something took, how often.
#[derive(Debug, Default)]
pub(super) struct Histogram([Buckets; LANES]);

/// What a histogram has counted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Snapshot {
    /// In seconds.
    pub(super) sum: f64,
    pub(super) count: u64,
    /// Upper bounds in seconds, and how many were below each and above the one before.
    pub(super) buckets: Vec<(f64, u64)>,
}

impl Histogram {
    pub(super) fn observe(&self, took: Duration) {
        let lane = lane(&self.0);
        // A whole microsecond more or less says nothing.
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        lane.counts.get(bucket).unwrap_or(&lane.above).fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        lane.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Snapshot {
        let sum_of = |of: &dyn Fn(&Buckets) -> u64| self.0.iter().map(of).sum::<u64>();
        let nanos = sum_of(&|lane| lane.nanos.load(Ordering::Relaxed));
        let mut buckets: Vec<(f64, u64)> = BOUNDS
            .iter()
            .enumerate()
            .map(|(index, bound)| {
                let count = |lane: &Buckets| {
                    lane.counts.get(index).map_or(0, |count| count.load(Ordering::Relaxed))
                };
                (Duration::from_micros(*bound).as_secs_f64(), sum_of(&count))
            })
            .collect();
        buckets.push((f64::INFINITY, sum_of(&|lane| lane.above.load(Ordering::Relaxed))));
        Snapshot {
            sum: Duration::from_nanos(nanos).as_secs_f64(),
            count: buckets.iter().map(|(_, count)| count).sum(),
            buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_counts_nothing_that_it_does_not_know() {
        let tally = Tally::new(["a", "b"]);
        tally.count("b");
        tally.count("c");
        assert_eq!(tally.iter().collect::<Vec<_>>(), [("a", 0), ("b", 1)]);
        assert_eq!(tally.sum(), 1);
    }

    #[test]
    fn threads_count_together() {
        let (counter, histogram) = (Counter::default(), Histogram::default());
        std::thread::scope(|scope| {
            for _ in 0..2 * LANES {
                scope.spawn(|| {
                    counter.add(3);
                    histogram.observe(Duration::from_millis(1));
                });
            }
        });
        let threads = 2 * LANES as u64;
        assert_eq!(counter.get(), 3 * threads);
        assert_eq!(histogram.read().count, threads);
    }

    #[test]
    fn a_time_at_a_bound_is_below_it() {
        let histogram = Histogram::default();
        for micros in [0, 100, 101, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let Snapshot { sum, count, buckets } = histogram.read();
        assert_eq!(count, 5);
        assert!((sum - 20.000_202).abs() < 1e-6, "{sum}");
        assert_eq!(buckets[0], (0.0001, 2));
        assert_eq!(buckets[1], (0.00025, 1));
        assert_eq!(buckets[15], (10.0, 1));
        assert_eq!(buckets[16], (f64::INFINITY, 1));
    }
}
