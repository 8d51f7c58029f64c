//! How many sessions each address of a peer has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

/// Bits of an IPv6 address that belong to one network, which one peer can have all of.
const NETWORK_BITS: u32 = 64;

/// Counts sessions by address, if there is a bound.
#[derive(Debug)]
pub(super) struct Addresses {
    max: usize,
    counts: Mutex<HashMap<IpAddr, usize, ahash::RandomState>>,
}

impl Addresses {
    /// At most `max` for each address; 0: no bound.
    pub(super) fn new(max: usize) -> Self {
        Self { max, counts: Mutex::default() }
    }

    /// Counts one more, unless there are as many as may be.
    pub(super) fn admit(&self, address: Option<SocketAddr>) -> bool {
        let Some(network) = self.network(address) else { return true };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network).or_default();
        let admitted = *count < self.max;
        *count += usize::from(admitted);
        admitted
    }

    /// A session that was admitted has ended.
    pub(super) fn release(&self, address: Option<SocketAddr>) {
        let Some(network) = self.network(address) else { return };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&network);
            }
        }
    }

    fn network(&self, address: Option<SocketAddr>) -> Option<IpAddr> {
        if self.max == 0 { None } else { Some(network(address?.ip())) }
    }
}

/// What stands for one peer: its address, of IPv6 its /64 network.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mask = u128::MAX << (Ipv6Addr::BITS - NETWORK_BITS);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<SocketAddr> {
        Some(SocketAddr::new(text.parse().unwrap(), 1))
    }

    #[test]
    fn one_above_the_bound_is_refused_until_one_has_gone() {
        let addresses = Addresses::new(2);
        assert!(addresses.admit(address("10.0.0.1")));
        assert!(addresses.admit(address("::ffff:10.0.0.1")));
        assert!(!addresses.admit(address("10.0.0.1")));
        assert!(addresses.admit(address("10.0.0.2")));
        addresses.release(address("10.0.0.1"));
        assert!(addresses.admit(address("10.0.0.1")));
        addresses.release(address("10.0.0.9"));
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        let addresses = Addresses::new(1);
        assert!(addresses.admit(address("2001:db8::1")));
        assert!(!addresses.admit(address("2001:db8::2")));
        assert!(addresses.admit(address("2001:db8:0:1::1")));
    }

    #[test]
    fn nothing_is_counted_without_a_bound() {
        let addresses = Addresses::new(0);
        assert!((0..10).all(|_| addresses.admit(address("10.0.0.1"))));
        assert!(addresses.counts.lock().unwrap().is_empty());
        assert!(Addresses::new(1).admit(None));
    }
}
