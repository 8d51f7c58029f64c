//! One coarse timer wheel per worker.
//!
//! An entry is a session key and costs eight bytes; nothing is taken out when a deadline moves later
//! or a session ends: the owner compares on expiry and re-inserts or forgets.

use std::cell::Cell;
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

    /// Lets `entry` come up at `deadline`, or a turn of the wheel from now if that is earlier; gives
    /// that moment.
    pub(crate) fn insert(&mut self, deadline: Instant, entry: Entry) -> Instant {
        let last = self.tick + SLOTS as u64 - 1;
        let tick = self.tick_of(deadline).clamp(self.tick, last);
        if let Some(slot) = self.slots.get_mut(Self::slot(tick)) {
            slot.push(entry);
            self.len += 1;
        }
        self.moment_of(tick)
    }

    fn moment_of(&self, tick: u64) -> Instant {
        let millis = u64::try_from(TICK.as_millis()).unwrap_or(1).saturating_mul(tick);
        self.start.checked_add(Duration::from_millis(millis)).unwrap_or(self.start)
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

    /// Entries, also of sessions that are gone.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// When the next entry comes up.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        if self.len == 0 {
            return None;
        }
        (self.tick..self.tick + SLOTS as u64)
            .find(|tick| self.slots.get(Self::slot(*tick)).is_some_and(|slot| !slot.is_empty()))
            .map(|tick| self.moment_of(tick))
    }
}

/// Which of a session's entries on the wheel count.
///
/// A near deadline is added in front of a far one, which stays on the wheel and is used again afterwards:
/// however often that happens, a session has no more than a few entries.
#[derive(Debug, Default)]
pub(crate) struct WheelTimer {
    next: Cell<Option<Instant>>,
    /// A later entry that is on the wheel as well.
    later: Cell<Option<Instant>>,
}

impl WheelTimer {
    /// An entry comes up at or before `deadline`.
    pub(crate) fn covers(&self, deadline: Instant) -> bool {
        if self.next.get().is_none() {
            self.next.set(self.later.take());
        }
        self.next.get().is_some_and(|next| next <= deadline)
    }

    /// An entry was added in front of the others.
    pub(crate) fn add(&self, moment: Instant) {
        if let Some(known) = self.next.replace(Some(moment)) {
            self.later.set(Some(self.later.get().map_or(known, |later| later.max(known))));
        }
    }

    /// An entry came up; `false` if it does not count, because another one comes in time.
    pub(crate) fn expire(&self, now: Instant) -> bool {
        if self.later.get().is_some_and(|later| later <= now) {
            self.later.set(None);
        }
        if self.next.get().is_none_or(|next| next > now) {
            return false;
        }
        self.next.set(None);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session with a far deadline that is given a near one again and again.
    #[test]
    fn near_deadlines_do_not_pile_up_far_entries() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let timer = WheelTimer::default();
        let far = start + Duration::from_secs(25);
        let mut now = start;
        for _ in 0..1_000 {
            for deadline in [far, now + Duration::from_millis(10)] {
                if !timer.covers(deadline) {
                    timer.add(wheel.insert(deadline, (0, 0)));
                }
            }
            assert!(wheel.len <= 3, "{}", wheel.len);
            now += Duration::from_millis(20);
            let due = due(&mut wheel, now);
            assert!(due.iter().any(|_| timer.expire(now)));
        }
        assert!(timer.covers(far));
        assert!(!due(&mut wheel, far + TICK).is_empty());
        assert!(timer.expire(far + TICK));
    }

    fn due(wheel: &mut Wheel, now: Instant) -> Vec<Entry> {
        let mut due = Vec::new();
        wheel.advance(now, &mut due);
        due
    }

    #[test]
    fn years_of_uptime_change_nothing() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let late = start + Duration::from_secs(3 * 365 * 24 * 3600);
        due(&mut wheel, late);
        let deadline = late + Duration::from_secs(25);
        wheel.insert(deadline, (1, 0));
        assert!(wheel.next_deadline().unwrap() >= deadline);
        assert!(due(&mut wheel, late + Duration::from_secs(24)).is_empty());
        assert_eq!(due(&mut wheel, deadline + TICK), [(1, 0)]);
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
