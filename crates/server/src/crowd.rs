//! How many connections each address has: nobody alone may take all that there are.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Everybody who is connected.
pub struct Crowd {
    /// Connections of one address; 0 for as many as there are.
    most: u64,
    counts: Mutex<HashMap<IpAddr, u64>>,
}

/// Somebody who is connected, until this is dropped.
pub struct Guest {
    crowd: Arc<Crowd>,
    from: IpAddr,
}

impl Crowd {
    /// With so many connections of one address at most.
    pub fn new(most: u64) -> Self {
        Self { most, counts: Mutex::default() }
    }

    /// One more from an address, if it may have one more. This machine always may: whoever stands in front of the server, as a
    /// proxy does, comes from here.
    pub fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Guest> {
        let from = household(from);
        let mut counts = self.lock();
        let count = counts.entry(from).or_default();
        if self.most > 0 && *count >= self.most && !from.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Guest { crowd: self.clone(), from })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one household has: an address of version 4, or the first half of one of version 6.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut counts = self.crowd.lock();
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_share_and_this_machine_all() {
        let crowd = Arc::new(Crowd::new(2));
        let enter = |address: &str| crowd.enter(address.parse().unwrap());
        let guests = [enter("10.0.0.1"), enter("::ffff:10.0.0.1")];
        assert!(guests.iter().all(Option::is_some) && enter("10.0.0.1").is_none());
        assert!(enter("10.0.0.2").is_some());
        let neighbours = [enter("2001:db8::1"), enter("2001:db8::ffff")];
        assert!(neighbours.iter().all(Option::is_some) && enter("2001:db8::2").is_none());
        assert!(enter("2001:db8:0:1::1").is_some());
        let own: Vec<_> = ["127.0.0.1", "::1"].repeat(3).into_iter().map(enter).collect();
        assert!(own.iter().all(Option::is_some));
        drop((guests, neighbours, own));
        assert!(crowd.lock().is_empty() && enter("10.0.0.1").is_some());
        let crowd = Arc::new(Crowd::new(0));
        let all: Vec<_> = (0..9).map(|_| crowd.enter("10.0.0.1".parse().unwrap())).collect();
        assert!(all.iter().all(Option::is_some));
    }
}
