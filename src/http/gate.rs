//! Counts connections, altogether and by address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;

/// Lets connections in until there are too many.
#[derive(Debug, Clone)]
pub(super) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    most_per_address: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place among the connections, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Gate,
    address: IpAddr,
}

impl Gate {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Inner {
            most: limits.connections,
            most_per_address: limits.connections_per_address,
            counts: Mutex::default(),
        }))
    }

    /// A place for a connection from `address`, if there is one.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Pass> {
        let address = one_party(address);
        let mut counts = self.counts();
        let here = counts.by_address.get(&address).copied().unwrap_or(0);
        let crowd = here >= self.0.most_per_address && !address.is_loopback();
        if counts.all >= self.0.most || crowd {
            return None;
        }
        counts.all += 1;
        counts.by_address.insert(address, here + 1);
        Some(Pass { gate: self.clone(), address })
    }

    /// Plain counting cannot panic half-way, so a poisoned count is still true.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut counts = self.gate.counts();
        counts.all = counts.all.saturating_sub(1);
        let left = counts.by_address.get(&self.address).map_or(0, |here| here.saturating_sub(1));
        if left == 0 {
            counts.by_address.remove(&self.address);
        } else {
            counts.by_address.insert(self.address, left);
        }
    }
}

/// Whoever has an IPv6 address has its whole /64.
pub(super) fn one_party(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(connections: usize, connections_per_address: usize) -> Gate {
        Gate::new(&Limits { connections, connections_per_address, ..Limits::default() })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_cannot_take_all_places_and_gives_back_what_it_took() {
        let gate = gate(100, 2);
        let here = address("192.0.2.1");
        let first = gate.admit(here);
        let second = gate.admit(here);
        assert!(first.is_some() && second.is_some());
        assert!(gate.admit(here).is_none());
        assert!(gate.admit(address("::ffff:192.0.2.1")).is_none(), "the same in other words");
        assert!(gate.admit(address("192.0.2.2")).is_some());
        drop(first);
        assert!(gate.admit(here).is_some());
    }

    #[test]
    fn a_whole_ipv6_network_is_one_party() {
        let gate = gate(100, 1);
        let _first = gate.admit(address("2001:db8::1"));
        assert!(gate.admit(address("2001:db8::2")).is_none());
        assert!(gate.admit(address("2001:db8:0:1::2")).is_some());
    }

    #[test]
    fn loopback_is_bounded_only_together_with_all_others() {
        let gate = gate(3, 1);
        let passes: Vec<_> = (0..3).map(|_| gate.admit(address("127.0.0.1"))).collect();
        assert!(passes.iter().all(Option::is_some));
        assert!(gate.admit(address("127.0.0.1")).is_none());
        assert!(gate.admit(address("192.0.2.1")).is_none());
        drop(passes);
        assert!(gate.counts().by_address.is_empty());
    }
}
