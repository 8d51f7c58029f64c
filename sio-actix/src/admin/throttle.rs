//! How many logins may be tried at one time: by all, and from one address.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Logins that are checked, wait for that, or are refused and wait for their answer.
const MAX: usize = 32;
/// Of one address; behind a proxy all have the same.
const MAX_OF_ONE: usize = 8;

/// The addresses of logins that are tried.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<Vec<Option<IpAddr>>>);

/// The place of one login; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    throttle: Arc<Throttle>,
    address: Option<IpAddr>,
}

impl Throttle {
    fn lock(&self) -> MutexGuard<'_, Vec<Option<IpAddr>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: there are as many as may be.
    pub(super) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Seat> {
        let mut tried = self.lock();
        let of_one = tried.iter().filter(|known| **known == address).count();
        if tried.len() >= MAX || of_one >= MAX_OF_ONE {
            return None;
        }
        tried.push(address);
        Some(Seat { throttle: Arc::clone(self), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut tried = self.throttle.lock();
        if let Some(index) = tried.iter().position(|known| *known == self.address) {
            tried.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    #[test]
    fn one_address_does_not_take_all_seats() {
        let throttle = Arc::new(Throttle::default());
        let mut seats: Vec<_> =
            (0..MAX_OF_ONE).filter_map(|_| throttle.admit(address(1))).collect();
        assert_eq!(seats.len(), MAX_OF_ONE);
        assert!(throttle.admit(address(1)).is_none());
        for other in 2..=4 {
            seats.extend((0..MAX_OF_ONE).filter_map(|_| throttle.admit(address(other))));
        }
        assert_eq!(seats.len(), MAX);
        assert!(throttle.admit(address(9)).is_none(), "all are taken");
        drop(seats.remove(0));
        assert!(throttle.admit(address(2)).is_none());
        assert!(throttle.admit(address(1)).is_some());
        drop(seats);
        assert!(throttle.lock().is_empty());
    }
}
