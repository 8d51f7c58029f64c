//! How many logins may be tried at one time: by all, and from one network; and in which order they are checked.
//!
//! What is scarce goes to those who use least of it: neither full seats nor a long queue of few peers keep others
//! out.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sio_core::server::network;
use tokio::sync::oneshot;

/// Logins that are checked or wait for that.
const MAX: usize = 32;
/// Of one address, for IPv6 of one /64 network, with those that were refused a moment ago; behind a proxy all
/// have the same.
const MAX_OF_ONE: usize = 8;

/// The logins that are tried.
#[derive(Debug)]
pub(super) struct Throttle {
    /// Logins that are checked at one time.
    at_once: usize,
    tried: Mutex<Tried>,
}

/// Those that came first stand first.
#[derive(Debug, Default)]
struct Tried {
    seats: Vec<Entry>,
    last: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    network: Option<IpAddr>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// For its turn; it has lost its seat when this is dropped.
    Waits(oneshot::Sender<()>),
    Checked,
    /// It takes a seat of its network only.
    Refused,
}

/// The place of one login; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    throttle: Arc<Throttle>,
    number: u64,
    turn: oneshot::Receiver<()>,
}

impl Tried {
    fn of(&self, network: Option<IpAddr>) -> usize {
        self.seats.iter().filter(|entry| entry.network == network).count()
    }

    /// Where one of `network` may sit: beside the others, or instead of the last that waits of a network which
    /// has more.
    fn make_room(&mut self, network: Option<IpAddr>) -> bool {
        let is_refused = |entry: &&Entry| matches!(entry.stage, Stage::Refused);
        let refused = self.seats.iter().filter(is_refused).count();
        if self.seats.len() - refused < MAX {
            return true;
        }
        let waiting = self.seats.iter().enumerate();
        let waiting = waiting.filter(|(_, entry)| matches!(entry.stage, Stage::Waits(_)));
        let victim = waiting.max_by_key(|(index, entry)| (self.of(entry.network), *index));
        let victim = victim.map(|(index, entry)| (index, self.of(entry.network)));
        match victim {
            Some((index, taken)) if taken > self.of(network) + 1 => {
                self.seats.remove(index);
                true
            }
            _ => false,
        }
    }

    /// Gives turns to those whose networks have the fewest seats, as far as may be checked at one time.
    fn give_turns(&mut self, at_once: usize) {
        loop {
            let is_checked = |entry: &&Entry| matches!(entry.stage, Stage::Checked);
            if self.seats.iter().filter(is_checked).count() >= at_once {
                return;
            }
            let waiting = self.seats.iter().enumerate();
            let waiting = waiting.filter(|(_, entry)| matches!(entry.stage, Stage::Waits(_)));
            let next = waiting.min_by_key(|(index, entry)| (self.of(entry.network), *index));
            let Some(index) = next.map(|(index, _)| index) else { return };
            let Some(entry) = self.seats.get_mut(index) else { return };
            if let Stage::Waits(turn) = std::mem::replace(&mut entry.stage, Stage::Checked)
                && turn.send(()).is_err()
            {
                // Nobody waits for it any more.
                self.seats.remove(index);
            }
        }
    }
}

impl Throttle {
    pub(super) fn new(at_once: usize) -> Arc<Self> {
        Arc::new(Self { at_once, tried: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Tried> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: there are as many as may be.
    pub(super) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Seat> {
        let network = address.map(network);
        let mut tried = self.lock();
        if tried.of(network) >= MAX_OF_ONE || !tried.make_room(network) {
            return None;
        }
        let (sender, turn) = oneshot::channel();
        tried.last += 1;
        let number = tried.last;
        tried.seats.push(Entry { number, network, stage: Stage::Waits(sender) });
        tried.give_turns(self.at_once);
        Some(Seat { throttle: Arc::clone(self), number, turn })
    }
}

impl Seat {
    /// Waits until the login may be checked; `false`: others need the seat more.
    pub(super) async fn turn(&mut self) -> bool {
        (&mut self.turn).await.is_ok()
    }

    /// The login was checked, and is none: from now on the seat is one of its network only, until it is dropped.
    pub(super) fn refused(&self) {
        let mut tried = self.throttle.lock();
        if let Some(entry) = tried.seats.iter_mut().find(|entry| entry.number == self.number) {
            entry.stage = Stage::Refused;
        }
        tried.give_turns(self.throttle.at_once);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut tried = self.throttle.lock();
        tried.seats.retain(|entry| entry.number != self.number);
        tried.give_turns(self.throttle.at_once);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    fn is_its_turn(seat: &mut Seat) -> bool {
        seat.turn.try_recv().is_ok()
    }

    #[test]
    fn one_address_has_eight_seats_also_while_it_waits_for_refusals() {
        let throttle = Throttle::new(2);
        let mut seats: Vec<_> = (0..10).filter_map(|_| throttle.admit(address(1))).collect();
        assert_eq!(seats.len(), MAX_OF_ONE);
        seats[0].refused();
        assert!(throttle.admit(address(1)).is_none());
        drop(seats.remove(0));
        assert!(throttle.admit(address(1)).is_some());
        drop(seats);
        assert!(throttle.lock().seats.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let throttle = Throttle::new(2);
        let of = |text: String| Some(text.parse().unwrap());
        let seats: Vec<_> =
            (0..20).filter_map(|n| throttle.admit(of(format!("2001:db8::{n}")))).collect();
        assert_eq!(seats.len(), MAX_OF_ONE);
        assert!(throttle.admit(of("2001:db8:0:1::1".to_owned())).is_some());
        assert!(throttle.admit(of("::ffff:192.0.2.1".to_owned())).is_some());
    }

    #[test]
    fn few_addresses_lock_nobody_out() {
        let throttle = Throttle::new(2);
        let mut seats: Vec<_> = (0..MAX)
            .filter_map(|n| throttle.admit(address(u8::try_from(n % 4).unwrap())))
            .collect();
        assert_eq!(seats.len(), MAX);
        let mut other = throttle.admit(address(9)).unwrap();
        // The last of the others has gone, and the first two have their turns.
        assert!(seats[MAX - 1].turn.try_recv() == Err(oneshot::error::TryRecvError::Closed));
        assert!(is_its_turn(&mut seats[0]) && is_its_turn(&mut seats[1]));
        assert!(!is_its_turn(&mut seats[2]) && !is_its_turn(&mut other));
        // The next turn is not that of those who came first.
        seats[0].refused();
        assert!(is_its_turn(&mut other) && !is_its_turn(&mut seats[2]));
        drop(other);
        // The fourth's network has one seat less.
        assert!(is_its_turn(&mut seats[3]) && !is_its_turn(&mut seats[2]));
    }

    #[test]
    fn many_addresses_with_one_login_each_fill_the_seats() {
        let throttle = Throttle::new(2);
        let seats: Vec<_> = (0..40).filter_map(|n| throttle.admit(address(n))).collect();
        assert_eq!(seats.len(), MAX);
        assert!(throttle.admit(address(99)).is_none());
        // A refused one takes no seat of the others.
        seats[0].refused();
        assert!(throttle.admit(address(99)).is_some());
    }

    #[test]
    fn whoever_does_not_wait_any_more_takes_no_turn() {
        let throttle = Throttle::new(1);
        let first = throttle.admit(address(1)).unwrap();
        let second = throttle.admit(address(2)).unwrap();
        let mut third = throttle.admit(address(3)).unwrap();
        drop(second);
        assert!(!is_its_turn(&mut third));
        drop(first);
        assert!(is_its_turn(&mut third));
    }
}
