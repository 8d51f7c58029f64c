//! The deadlines of one session.

use std::time::{Duration, Instant};

/// `delay` from `now`; a delay beyond what the clock can tell is as good as never.
#[must_use]
pub fn after(now: Instant, delay: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    now.checked_add(delay.min(NEVER)).unwrap_or(now)
}

/// What happens when a deadline passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each variant is an index of the table")]
pub enum Timer {
    /// The next ping is sent.
    PingDue,
    /// The session ends: no pong came.
    PongMissing,
    /// A waiting poll is released while an upgrade is probed.
    NoopDue,
    /// The probing transport is given up.
    UpgradeExpired,
    /// A closing session that nobody polls is forgotten.
    CloseExpired,
}

const ALL: [Timer; 5] = [
    Timer::PingDue,
    Timer::PongMissing,
    Timer::NoopDue,
    Timer::UpgradeExpired,
    Timer::CloseExpired,
];

/// Timers that run for as long as a session is open; they come first among [`ALL`].
const HEARTBEAT: usize = 2;

/// One optional deadline per [`Timer`].
///
/// Idle sessions have those of their heartbeat only, so the others are elsewhere.
#[derive(Debug, Default)]
pub struct TimerTable {
    heartbeat: [Option<Instant>; HEARTBEAT],
    others: Option<Box<[Option<Instant>; ALL.len() - HEARTBEAT]>>,
}

impl TimerTable {
    /// The deadline of a timer, if there is a place for it.
    fn slot(&mut self, timer: Timer) -> Option<&mut Option<Instant>> {
        let index = timer as usize;
        match index.checked_sub(HEARTBEAT) {
            None => self.heartbeat.get_mut(index),
            Some(index) => self.others.as_mut()?.get_mut(index),
        }
    }

    /// Arms or re-arms a timer.
    pub fn set(&mut self, timer: Timer, deadline: Instant) {
        if timer as usize >= HEARTBEAT {
            self.others.get_or_insert_default();
        }
        if let Some(slot) = self.slot(timer) {
            *slot = Some(deadline);
        }
    }

    /// Re-arms a timer that is armed.
    pub fn postpone(&mut self, timer: Timer, deadline: Instant) {
        if let Some(slot) = self.slot(timer)
            && slot.is_some()
        {
            *slot = Some(deadline);
        }
    }

    /// Disarms a timer.
    pub fn stop(&mut self, timer: Timer) {
        if let Some(slot) = self.slot(timer) {
            *slot = None;
        }
        if self.others.as_ref().is_some_and(|others| others.iter().all(Option::is_none)) {
            self.others = None;
        }
    }

    /// Disarms all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.heartbeat.iter().chain(self.others.iter().flat_map(|o| &**o)).flatten().min().copied()
    }

    /// Takes one timer that is due at `now`, with its deadline.
    pub fn take_expired(&mut self, now: Instant) -> Option<(Timer, Instant)> {
        for timer in ALL {
            if let Some(slot) = self.slot(timer)
                && let Some(deadline) = *slot
                && deadline <= now
            {
                *slot = None;
                return Some((timer, deadline));
            }
        }
        None
    }
}
