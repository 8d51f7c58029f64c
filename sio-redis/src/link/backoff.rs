//! How long to wait before the next attempt.

use std::time::Duration;

/// The first pause, before jitter.
const FIRST: Duration = Duration::from_millis(100);

/// No pause is longer, before jitter.
const LONGEST: Duration = Duration::from_secs(10);

/// Pauses that double, each between half and the whole of its length, so that the nodes of a cluster do not
/// come back at one moment.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// An attempt worked: the next pause is the first one again.
    pub(crate) const fn reset(&mut self) {
        self.next = FIRST;
    }

    /// Waits for the next pause.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(jitter(self.next)).await;
        self.next = (self.next * 2).min(LONGEST);
    }
}

/// Between half and the whole of `pause`.
fn jitter(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    let half = pause / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_never_below_half_nor_above_the_whole() {
        for _ in 0..1000 {
            let pause = jitter(LONGEST);
            assert!(pause >= LONGEST / 2 && pause <= LONGEST, "{pause:?}");
        }
    }
}
