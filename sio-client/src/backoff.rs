//! How long to wait before the next attempt to connect.

use std::time::Duration;

/// When and how often a lost connection is tried again; the defaults are the official client's.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reconnection {
    /// Before the first attempt; 1 s. Doubled for each further one.
    pub delay: Duration,
    /// The longest delay; 5 s.
    pub max_delay: Duration,
    /// By which part a delay is shortened or prolonged at random, from 0 to 1; 0.5.
    pub randomization: f64,
    /// How many attempts are made for one loss; `None`, the default, is without end.
    pub max_attempts: Option<u32>,
}

impl Default for Reconnection {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(5),
            randomization: 0.5,
            max_attempts: None,
        }
    }
}

impl Reconnection {
    /// The defaults with another first and longest delay.
    #[must_use]
    pub fn within(delay: Duration, max_delay: Duration) -> Self {
        Self { delay, max_delay, ..Self::default() }
    }

    /// Sets how many attempts are made for one loss.
    #[must_use]
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Sets by which part a delay is shortened or prolonged at random.
    #[must_use]
    pub const fn randomization(mut self, part: f64) -> Self {
        self.randomization = part;
        self
    }

    /// The delay before attempt number `attempt`, counted from 1; `chance` is in `0.0..1.0`.
    pub(crate) fn delay_before(&self, attempt: u32, chance: f64) -> Duration {
        let doubled = 1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let base = self.delay.saturating_mul(doubled).min(self.max_delay);
        let part = self.randomization.clamp(0.0, 1.0) * (chance.mul_add(2.0, -1.0));
        let part = if part.is_finite() { part } else { 0.0 };
        // The part is at most 1 in size, so the factor is neither negative nor large.
        base.mul_f64((1.0 + part).clamp(0.0, 2.0)).min(self.max_delay)
    }
}

/// A number in `0.0..1.0`; without randomness from the system it is the middle.
pub(crate) fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / (f64::from(u32::MAX) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let plain = Reconnection::default().randomization(0.0);
        let seconds: Vec<u64> =
            [1, 2, 3, 4, 40, u32::MAX].map(|n| plain.delay_before(n, 0.9).as_secs()).into();
        assert_eq!(seconds, [1, 2, 4, 5, 5, 5]);
    }

    #[test]
    fn chance_moves_a_delay_by_its_part() {
        let policy = Reconnection::default();
        let millis = |chance| policy.delay_before(1, chance).as_millis();
        assert_eq!((millis(0.0), millis(0.5)), (500, 1000));
        assert!((1490..=1500).contains(&millis(0.999)), "{}", millis(0.999));
        let wild = Reconnection::default().randomization(f64::NAN);
        assert!(wild.delay_before(3, 0.5) <= Duration::from_secs(5));
    }
}
