//! Lets only signed messages through, where a cluster signs what it says.

use std::sync::{Arc, Mutex};

use super::health::Health;
use super::server::poisoned;
use super::subscriber::{Delivery, Hear};
use crate::seal::{Claim, Forgery, Seal, Seen, SignedEntry, now};

/// The cluster's signature, and what was heard with it on channels.
#[derive(Debug)]
pub(crate) struct Guard {
    seal: Arc<Seal>,
    seen: Mutex<Seen>,
    health: Arc<Health>,
}

/// That a message is signed, and how it is told from its copies.
#[derive(Debug)]
pub(crate) struct Proof<'a> {
    claim: Claim,
    guard: &'a Guard,
}

impl Guard {
    pub(super) fn new(seal: Seal, health: Arc<Health>) -> Self {
        Self { seal: Arc::new(seal), seen: Mutex::default(), health }
    }

    pub(crate) const fn seal(&self) -> &Arc<Seal> {
        &self.seal
    }

    /// Stands before who hears: what is not signed is counted and goes no further.
    pub(super) fn before(self: Arc<Self>, hear: Hear) -> Hear {
        Arc::new(move |delivery| match self.seal.open(delivery.channel, &delivery.payload, now()) {
            Ok((claim, payload)) => {
                let proof = Some(Proof { claim, guard: &self });
                hear(Delivery { payload, proof, ..delivery });
            }
            Err(why) => self.health.forged(delivery.channel, &why),
        })
    }

    /// Whether an entry is signed, and none that was taken before it. What is not, is counted.
    ///
    /// `seen` are those that came before in the stream, `taken` is when Redis took it.
    pub(crate) fn admits(
        &self,
        seen: &mut Seen,
        entry: SignedEntry<'_>,
        signature: Option<&str>,
        taken: u64,
    ) -> bool {
        let checked = self.seal.check_entry(entry, signature, taken);
        self.counts(entry.stream, checked.and_then(|claim| seen.take(claim, taken)))
    }

    /// What is kept in a session, if it was signed.
    pub(crate) fn session<'a>(&self, key: &str, signed: &'a str) -> Option<&'a str> {
        let opened = self.seal.open_session(key, signed, now());
        opened.inspect_err(|why| self.health.forged("sessions", why)).ok()
    }

    fn counts(&self, place: &str, checked: Result<(), Forgery>) -> bool {
        checked.inspect_err(|why| self.health.forged(place, why)).is_ok()
    }
}

impl Proof<'_> {
    /// Takes the message; `false`: it was taken before, which is counted.
    pub(super) fn take(&self, channel: &str) -> bool {
        let taken = self.guard.seen.lock().unwrap_or_else(poisoned).take(self.claim, now());
        self.guard.counts(channel, taken)
    }
}
