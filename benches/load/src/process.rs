//! What a process spends, from `/proc`; nothing where there is none.

use std::fs;
use std::time::Duration;

/// CPU time of a process up to now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    /// Of all its threads. What threads spent that have ended is not in it.
    total: Duration,
    /// Clock ticks outside and inside of the kernel.
    user: u64,
    kernel: u64,
}

/// CPU time between two moments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) total: Duration,
    /// The share outside of the kernel.
    pub(crate) user_share: f64,
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) peak: u64,
}

impl Cpu {
    /// Zero without a process, or without `/proc`.
    pub(crate) fn of(pid: Option<u32>) -> Self {
        let Some(pid) = pid else { return Self::default() };
        let (user, kernel) = ticks(pid).unwrap_or_default();
        Self { total: scheduled(pid).unwrap_or_default(), user, kernel }
    }

    pub(crate) fn until(self, later: Self) -> Spent {
        let user = later.user.saturating_sub(self.user) as f64;
        let kernel = later.kernel.saturating_sub(self.kernel) as f64;
        Spent {
            total: later.total.saturating_sub(self.total),
            user_share: if user + kernel == 0.0 { 0.0 } else { user / (user + kernel) },
        }
    }
}

impl Spent {
    /// Microseconds for each of `count`.
    pub(crate) fn per(&self, count: u64) -> f64 {
        self.total.as_secs_f64() * 1e6 / count.max(1) as f64
    }
}

impl Memory {
    pub(crate) fn of(pid: Option<u32>) -> Self {
        let read = |pid| fs::read_to_string(format!("/proc/{pid}/status")).ok();
        let Some(text) = pid.and_then(read) else { return Self::default() };
        let field = |name| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_ascii_whitespace().next()?.parse().ok()
        };
        Self {
            resident: field("VmRSS:").unwrap_or_default(),
            peak: field("VmHWM:").unwrap_or_default(),
        }
    }
}

/// The scheduler's count of nanoseconds, much finer than clock ticks.
fn scheduled(pid: u32) -> Option<Duration> {
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        // A thread may end while we read.
        let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
        total += text.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(total))
}

fn ticks(pid: u32) -> Option<(u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in parentheses, may hold anything.
    let (_, fields) = text.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11).map(str::parse);
    Some((fields.next()?.ok()?, fields.next()?.ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn our_own_work_and_memory_are_seen() {
        let pid = Some(std::process::id());
        let before = Cpu::of(pid);
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_millis(30) {
            std::hint::black_box(vec![1_u8; 4096]);
        }
        let spent = before.until(Cpu::of(pid));
        assert!(spent.total > Duration::from_millis(1), "{spent:?}");
        assert!(Memory::of(pid).resident > 100);
    }

    #[test]
    fn without_a_process_there_is_nothing() {
        assert_eq!(Cpu::of(None).until(Cpu::of(None)).per(0), 0.0);
        assert_eq!(Memory::of(None).peak, 0);
    }
}
