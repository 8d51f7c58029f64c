//! Signatures: they show that who speaks has the cluster's key, when it was said, and that it is said once.
//!
//! A signature is a time stamp, the number of the sender, the number of what it says, and a MAC over these, what
//! kind of thing is signed, where it belongs and what it is. A channel's message has it in front, an entry of a
//! stream beside its other fields, a kept session in front as text.
//! Times are compared with the clock of who reads; those of entries with the times that Redis gave them, because
//! a node may read them much later.

mod key;
mod seen;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::Mac as _;

use crate::wire::MAX_MESSAGE;

pub use key::SigningKey;
pub(crate) use seen::Seen;

/// What may lie between two clocks and between saying and hearing, in milliseconds.
const WINDOW: u64 = 30_000;

/// Begins signed messages: no value begins with it, in JSON or in MessagePack.
const MARK: u8 = 0xc1;

/// Time stamp, sender, number.
const CLAIM: usize = 24;

/// A whole signature.
const LEN: usize = CLAIM + 32;

/// A whole signature as text.
const TEXT_LEN: usize = LEN.div_ceil(3) * 4;

/// What a signed message has more than one without.
pub(crate) const OVERHEAD: usize = LEN + 1;

/// What is signed: one is never taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Message = 1,
    Entry = 2,
    Session = 3,
}

/// What a valid signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Milliseconds since 1970; of a session: until when it may be taken.
    pub(crate) time: u64,
    /// Drawn by each sender at its start.
    pub(crate) sender: u64,
    /// Each number is given once by a sender.
    pub(crate) number: u64,
}

/// Why something is not taken for what a node of the cluster has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Forgery {
    #[error("it is not signed")]
    Unsigned,
    #[error("it is not signed with the key of this cluster")]
    Wrong,
    #[error("its time is {0} ms away")]
    Time(u64),
    #[error("it was said before")]
    Repeated,
    #[error("{0} bytes are too many")]
    TooLarge(usize),
}

/// An entry of a stream, as far as it is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedEntry<'a> {
    pub(crate) stream: &'a str,
    pub(crate) from: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) data: &'a str,
}

impl<'a> SignedEntry<'a> {
    fn parts(self) -> [&'a [u8]; 5] {
        let Self { stream, from, namespace, kind, data } = self;
        [stream, from, namespace, kind, data].map(str::as_bytes)
    }
}

/// Signs and checks. One for all that a node or an emitter says, so that no number comes twice.
#[derive(Debug)]
pub(crate) struct Seal {
    key: SigningKey,
    sender: u64,
    next: AtomicU64,
}

impl Seal {
    pub(crate) fn new(key: &SigningKey) -> Self {
        // Without randomness from the system nothing else would have started either.
        let sender = getrandom::u64().unwrap_or_else(|_error| now());
        Self { key: key.clone(), sender, next: AtomicU64::new(0) }
    }

    /// A message for a channel, signed now.
    pub(crate) fn message(&self, channel: &str, payload: &[u8]) -> Vec<u8> {
        let signature = self.sign(Purpose::Message, now(), &[channel.as_bytes(), payload]);
        let mut signed = Vec::with_capacity(OVERHEAD + payload.len());
        signed.push(MARK);
        signed.extend_from_slice(&signature);
        signed.extend_from_slice(payload);
        signed
    }

    /// What was signed by [`Self::message`] for this channel, not long ago.
    pub(crate) fn open(
        &self,
        channel: &str,
        signed: &Bytes,
        now: u64,
    ) -> Result<(Claim, Bytes), Forgery> {
        // Also that nobody makes us compute over as much as Redis lets through.
        if signed.len() > MAX_MESSAGE + OVERHEAD {
            return Err(Forgery::TooLarge(signed.len()));
        }
        let Some(([MARK, signature @ ..], payload)) = signed.split_at_checked(OVERHEAD) else {
            return Err(Forgery::Unsigned);
        };
        let claim = self.check(Purpose::Message, signature, &[channel.as_bytes(), payload])?;
        claim.is_of(now)?;
        Ok((claim, signed.slice(OVERHEAD..)))
    }

    /// The signature of an entry, as text.
    pub(crate) fn entry(&self, entry: SignedEntry<'_>) -> String {
        STANDARD.encode(self.sign(Purpose::Entry, now(), &entry.parts()))
    }

    /// Whether an entry was signed by [`Self::entry`] shortly before Redis took it.
    pub(crate) fn check_entry(
        &self,
        entry: SignedEntry<'_>,
        signature: Option<&str>,
        taken: u64,
    ) -> Result<Claim, Forgery> {
        if entry.data.len() > MAX_MESSAGE {
            return Err(Forgery::TooLarge(entry.data.len()));
        }
        let signature = from_text(signature.ok_or(Forgery::Unsigned)?)?;
        let claim = self.check(Purpose::Entry, &signature, &entry.parts())?;
        claim.is_of(taken)?;
        Ok(claim)
    }

    /// A session to keep under a key, for so long.
    pub(crate) fn session(&self, key: &str, text: &str, keep: Duration) -> String {
        let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
        let until = now().saturating_add(keep);
        let parts = [key.as_bytes(), text.as_bytes()];
        let mut signed = STANDARD.encode(self.sign(Purpose::Session, until, &parts));
        signed.push_str(text);
        signed
    }

    /// What was signed by [`Self::session`] for this key, and is still to be kept.
    pub(crate) fn open_session<'a>(
        &self,
        key: &str,
        signed: &'a str,
        now: u64,
    ) -> Result<&'a str, Forgery> {
        if signed.len() > MAX_MESSAGE + TEXT_LEN {
            return Err(Forgery::TooLarge(signed.len()));
        }
        let (signature, text) = signed.split_at_checked(TEXT_LEN).ok_or(Forgery::Unsigned)?;
        let parts = [key.as_bytes(), text.as_bytes()];
        let claim = self.check(Purpose::Session, &from_text(signature)?, &parts)?;
        match now.saturating_sub(claim.time) {
            over if over > WINDOW => Err(Forgery::Time(over)),
            _ => Ok(text),
        }
    }

    fn sign(&self, purpose: Purpose, time: u64, parts: &[&[u8]]) -> [u8; LEN] {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut signature = [0; LEN];
        let claim = [time, self.sender, number].into_iter().flat_map(u64::to_be_bytes);
        for (to, byte) in signature.iter_mut().zip(claim) {
            *to = byte;
        }
        if let Some((claim, mac)) = signature.split_first_chunk_mut::<CLAIM>() {
            mac.copy_from_slice(&self.mac(purpose, claim, parts).finalize().into_bytes());
        }
        signature
    }

    fn check(&self, purpose: Purpose, signature: &[u8], parts: &[&[u8]]) -> Result<Claim, Forgery> {
        let (claim, mac) = signature.split_first_chunk::<CLAIM>().ok_or(Forgery::Unsigned)?;
        // In constant time, so that nobody finds it out byte by byte.
        self.mac(purpose, claim, parts).verify_slice(mac).map_err(|_error| Forgery::Wrong)?;
        let mut numbers = claim.as_chunks::<8>().0.iter().map(|number| u64::from_be_bytes(*number));
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(time), Some(sender), Some(number)) => Ok(Claim { time, sender, number }),
            _ => Err(Forgery::Unsigned),
        }
    }

    /// Each part goes in with its length, so that nothing moves from one part to another.
    fn mac(&self, purpose: Purpose, claim: &[u8; CLAIM], parts: &[&[u8]]) -> key::HmacSha256 {
        let mut mac = self.key.mac();
        mac.update(&[purpose as u8]);
        mac.update(claim);
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl Claim {
    fn is_of(self, now: u64) -> Result<(), Forgery> {
        match self.time.abs_diff(now) {
            away if away > WINDOW => Err(Forgery::Time(away)),
            _ => Ok(()),
        }
    }
}

fn from_text(signature: &str) -> Result<Vec<u8>, Forgery> {
    if signature.len() != TEXT_LEN {
        return Err(Forgery::Unsigned);
    }
    STANDARD.decode(signature).map_err(|_error| Forgery::Unsigned)
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// From where on Redis may have taken an entry whose copy it takes at `millis` or later.
pub(crate) const fn first_of_copies(millis: u64) -> u64 {
    millis.saturating_sub(2 * WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a key of thirty-two bytes or so!";

    fn seal(key: &str) -> Seal {
        Seal::new(&SigningKey::new(key).unwrap())
    }

    fn entry(data: &str) -> SignedEntry<'_> {
        SignedEntry { stream: "s", from: "a", namespace: "/", kind: "3", data }
    }

    #[test]
    fn what_is_not_signed_or_signed_otherwise_is_refused() {
        let (ours, theirs) = (seal(KEY), seal("another key of thirty-two bytes!"));
        let signed = Bytes::from(ours.message("c", b"hello"));
        for cut in 0..signed.len() {
            assert!(ours.open("c", &signed.slice(..cut), now()).is_err());
            let mut bent = signed.to_vec();
            bent[cut] ^= 1;
            assert!(ours.open("c", &bent.into(), now()).is_err(), "byte {cut}");
        }
        let open =
            |seal: &Seal, channel, signed: &Bytes| seal.open(channel, signed, now()).unwrap_err();
        assert_eq!(open(&ours, "c", &Bytes::from_static(b"{}")), Forgery::Unsigned);
        assert_eq!(open(&ours, "d", &signed), Forgery::Wrong);
        assert_eq!(open(&theirs, "c", &signed), Forgery::Wrong);
        let large = Bytes::from(vec![MARK; MAX_MESSAGE + OVERHEAD + 1]);
        assert_eq!(open(&ours, "c", &large), Forgery::TooLarge(large.len()));
        assert_eq!(ours.open("c", &signed, now()).unwrap().1, "hello");
    }

    #[test]
    fn what_is_said_longer_ago_than_the_window_is_refused_and_what_is_from_the_future_too() {
        let seal = seal(KEY);
        let signed = Bytes::from(seal.message("c", b"hello"));
        let said = seal.open("c", &signed, now()).unwrap().0.time;
        for near in [said - WINDOW, said + WINDOW] {
            assert!(seal.open("c", &signed, near).is_ok());
        }
        for far in [said - WINDOW - 1, said + WINDOW + 1] {
            assert_eq!(seal.open("c", &signed, far).unwrap_err(), Forgery::Time(WINDOW + 1));
        }
    }

    #[test]
    fn nothing_moves_from_one_part_of_an_entry_to_another() {
        let seal = seal(KEY);
        let signature = seal.entry(entry("data"));
        let check = |entry| seal.check_entry(entry, Some(&signature), now());
        assert!(check(entry("data")).is_ok());
        let moved = [
            SignedEntry { kind: "3d", data: "ata", ..entry("") },
            SignedEntry { stream: "", from: "sa", ..entry("data") },
            SignedEntry { namespace: "/other", ..entry("data") },
        ];
        for entry in moved {
            assert_eq!(check(entry).unwrap_err(), Forgery::Wrong);
        }
        assert_eq!(seal.check_entry(entry("data"), None, now()).unwrap_err(), Forgery::Unsigned);
        let late = seal.check_entry(entry("data"), Some(&signature), now() + 2 * WINDOW);
        assert!(matches!(late, Err(Forgery::Time(_))), "{late:?}");
        // A message is no entry.
        let message = seal.sign(Purpose::Message, now(), &entry("data").parts());
        let message = STANDARD.encode(message);
        let wrong = seal.check_entry(entry("data"), Some(&message), now());
        assert_eq!(wrong.unwrap_err(), Forgery::Wrong);
    }

    #[test]
    fn a_session_belongs_to_its_key_and_ends_with_its_time() {
        let seal = seal(KEY);
        let signed = seal.session("k", "text", Duration::from_secs(120));
        let open = |key, now| seal.open_session(key, &signed, now);
        assert_eq!(open("k", now()), Ok("text"));
        assert_eq!(open("k", now() + 119_000), Ok("text"));
        assert_eq!(open("l", now()), Err(Forgery::Wrong));
        assert!(matches!(open("k", now() + 120_000 + 2 * WINDOW), Err(Forgery::Time(_))));
        assert_eq!(seal.open_session("k", "text", now()), Err(Forgery::Unsigned));
        assert_eq!(seal.open_session("k", &"ä".repeat(TEXT_LEN), now()), Err(Forgery::Unsigned));
    }
}
