//! Random bits for ids, from the operating system.

use std::sync::{Mutex, PoisonError};

use sio_core::sid::{SID_BYTES, SidSource};

/// Ids drawn with one call to the operating system.
const BATCH: usize = 64;

/// Draws from the operating system's generator, several ids at a time.
#[derive(Debug, Default)]
pub(crate) struct OsSids {
    pool: Mutex<Vec<[u8; SID_BYTES]>>,
}

impl SidSource for OsSids {
    fn fill(&self, bytes: &mut [u8; SID_BYTES]) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.is_empty() {
            let mut random = [0; SID_BYTES * BATCH];
            // Without randomness no id is safe, and the process must not go on with guessable ones.
            #[expect(
                clippy::expect_used,
                reason = "a system without randomness cannot run a server"
            )]
            getrandom::fill(&mut random).expect("the operating system gives random bytes");
            pool.extend(random.as_chunks::<SID_BYTES>().0);
        }
        if let Some(id) = pool.pop() {
            *bytes = id;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use sio_core::sid::Sid;

    use super::*;

    #[test]
    fn ids_do_not_repeat() {
        let sids = OsSids::default();
        let drawn: HashSet<Sid> = (0..1_000).map(|_| Sid::random(&sids)).collect();
        assert_eq!(drawn.len(), 1_000);
    }
}
