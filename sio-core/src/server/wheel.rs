//! One coarse timer wheel per worker.
//!
//! An entry is a session key and costs eight bytes; nothing is taken out when a deadline moves later
//! or a session ends: the owner compares on expiry and re-inserts or forgets.

use std::time::{Duration, Instant};

/// Width of one slot: how late a timer may fire.
const TICK: Duration = Duration::from_millis(8);
/// Slots of one turn of the wheel, 32.8 s; later deadlines go around again.
const SLOTS: usize = 4096;

/// A session key with its generation.
pub(crate) type Entry = (u32, u32);

#[derive(Debug)]
pub(crate) struct Wheel {
    start: Instant,
    /// Number of the next tick that has not been handled.
    tick: u64,
    slots: Vec<Vec<Entry>>,
    len: usize,
}

impl Wheel {
    pub(crate) fn new(now: Instant) -> Self {
        Self { start: now, tick: 0, slots: vec![Vec::new(); SLOTS], len: 0 }
    }

    /// The tick at which a deadline has passed.
    fn tick_of(&self, deadline: Instant) -> u64 {
        let since = deadline.saturating_duration_since(self.start);
        u64::try_from(since.as_micros().div_ceil(TICK.as_micros())).unwrap_or(u64::MAX)
    }

    fn slot(tick: u64) -> usize {
        usize::try_from(tick % SLOTS as u64).unwrap_or(0)
    }

    /// Lets `entry` come up at `deadline`, or a turn of the wheel from now if that is earlier.
    pub(crate) fn insert(&mut self, deadline: Instant, entry: Entry) {
        let last = self.tick + SLOTS as u64 - 1;
        let tick = self.tick_of(deadline).clamp(self.tick, last);
        if let Some(slot) = self.slots.get_mut(Self::slot(tick)) {
            slot.push(entry);
            self.len += 1;
        }
    }

    /// Moves on to `now` and appends the entries that came up.
    pub(crate) fn advance(&mut self, now: Instant, due: &mut Vec<Entry>) {
        let since = now.saturating_duration_since(self.start);
        let current = u64::try_from(since.as_micros() / TICK.as_micros()).unwrap_or(u64::MAX);
        // After a long sleep each slot is looked at once.
        let first = self.tick.max((current + 1).saturating_sub(SLOTS as u64));
        for tick in first..=current {
            if self.len == 0 {
                break;
            }
            if let Some(slot) = self.slots.get_mut(Self::slot(tick)) {
                self.len -= slot.len();
                due.append(slot);
                if slot.capacity() > 64 {
                    *slot = Vec::new();
                }
            }
        }
        self.tick = self.tick.max(current + 1);
    }

    /// When the next entry comes up.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        if self.len == 0 {
            return None;
        }
        (self.tick..self.tick + SLOTS as u64)
            .find(|tick| self.slots.get(Self::slot(*tick)).is_some_and(|slot| !slot.is_empty()))
            .and_then(|tick| u32::try_from(tick).ok())
            .and_then(|tick| TICK.checked_mul(tick))
            .map(|offset| self.start + offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(wheel: &mut Wheel, now: Instant) -> Vec<Entry> {
        let mut due = Vec::new();
        wheel.advance(now, &mut due);
        due
    }

    #[test]
    fn an_entry_comes_up_once_and_not_early() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let deadline = start + Duration::from_millis(300);
        wheel.insert(deadline, (1, 0));
        assert!(due(&mut wheel, start + Duration::from_millis(299)).is_empty());
        let next = wheel.next_deadline().unwrap();
        assert!(next >= deadline && next <= deadline + TICK, "{:?}", next - start);
        assert_eq!(due(&mut wheel, next), [(1, 0)]);
        assert_eq!(wheel.next_deadline(), None);
        assert!(due(&mut wheel, next + Duration::from_secs(100)).is_empty());
    }

    #[test]
    fn past_and_far_deadlines_come_up() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        due(&mut wheel, start + Duration::from_secs(60));
        wheel.insert(start, (1, 0));
        wheel.insert(start + Duration::from_secs(3600), (2, 0));
        assert_eq!(due(&mut wheel, start + Duration::from_secs(61)), [(1, 0)]);
        assert_eq!(due(&mut wheel, start + Duration::from_secs(100)), [(2, 0)]);
    }

    #[test]
    fn a_long_sleep_gives_everything_once() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        for n in 0..100 {
            wheel.insert(start + Duration::from_millis(u64::from(n) * 200), (n, 0));
        }
        assert_eq!(due(&mut wheel, start + Duration::from_secs(3600)).len(), 100);
        assert_eq!(wheel.next_deadline(), None);
    }
}
