//! What was heard already, so that a copy of a signed message is not taken for another one.
//!
//! Of each sender the numbers that came are known, 65,536 back from the highest: one that is further behind counts
//! as heard. What is older than the window is refused for its time, so that a sender that is silent for longer can
//! be forgotten. If there are too many, the one that is silent for longest is, and the time of its last word
//! becomes the earliest at which one who is not known may have spoken.

use std::collections::{BTreeMap, HashMap};

use super::{Claim, Forgery, WINDOW};

/// Senders that are known.
const SENDERS: usize = 4_096;

/// Words of 64 numbers that are known of a sender.
const WORDS: u64 = 1_024;

/// The numbers of all senders that spoke lately.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    senders: HashMap<u64, Numbers>,
    /// Who is not known has not spoken until then.
    floor: u64,
    /// When it was last looked for silent ones.
    looked: u64,
}

#[derive(Debug, Default)]
struct Numbers {
    /// The time of its newest word.
    newest: u64,
    /// A bit for each number that came, in words that are not empty.
    words: BTreeMap<u64, u64>,
}

impl Seen {
    /// Takes note of something that was said in time.
    pub(crate) fn take(&mut self, claim: Claim, now: u64) -> Result<(), Forgery> {
        self.forget_silent(now);
        if !self.senders.contains_key(&claim.sender) {
            if claim.time <= self.floor {
                return Err(Forgery::Repeated);
            }
            if self.senders.len() >= SENDERS {
                self.forget_one();
            }
        }
        self.senders.entry(claim.sender).or_default().take(claim)
    }

    /// Now and then, for it costs a look at all.
    fn forget_silent(&mut self, now: u64) {
        if now.abs_diff(self.looked) > WINDOW {
            self.looked = now;
            self.senders.retain(|_, numbers| numbers.newest.abs_diff(now) <= 2 * WINDOW);
        }
    }

    fn forget_one(&mut self) {
        let oldest = self.senders.iter().min_by_key(|(_, numbers)| numbers.newest);
        if let Some((&sender, numbers)) = oldest {
            self.floor = self.floor.max(numbers.newest);
            self.senders.remove(&sender);
        }
    }
}

impl Numbers {
    fn take(&mut self, claim: Claim) -> Result<(), Forgery> {
        let (at, bit) = (claim.number / 64, 1 << (claim.number % 64));
        let last = self.words.last_key_value().map_or(0, |(at, _)| *at).max(at);
        let first = last.saturating_sub(WORDS - 1);
        if at < first {
            return Err(Forgery::Repeated);
        }
        let word = self.words.entry(at).or_default();
        if *word & bit != 0 {
            return Err(Forgery::Repeated);
        }
        *word |= bit;
        self.newest = self.newest.max(claim.time);
        while self.words.first_key_value().is_some_and(|(at, _)| *at < first) {
            self.words.pop_first();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn claim(sender: u64, number: u64, time: u64) -> Claim {
        Claim { time, sender, number }
    }

    #[test]
    fn each_number_comes_once_in_whatever_order() {
        let mut seen = Seen::default();
        for number in [1_000, 3, 64, 63, 999, 0, 65_000] {
            assert_eq!(seen.take(claim(1, number, NOW), NOW), Ok(()));
            assert_eq!(seen.take(claim(1, number, NOW), NOW), Err(Forgery::Repeated));
            assert_eq!(seen.take(claim(2, number, NOW), NOW), Ok(()));
        }
    }

    #[test]
    fn what_is_too_far_behind_counts_as_heard() {
        let mut seen = Seen::default();
        assert_eq!(seen.take(claim(1, 65_536, NOW), NOW), Ok(()));
        assert_eq!(seen.take(claim(1, 64, NOW), NOW), Ok(()));
        assert_eq!(seen.take(claim(1, 63, NOW), NOW), Err(Forgery::Repeated));
        assert_eq!(seen.take(claim(1, u64::MAX, NOW), NOW), Ok(()));
        assert_eq!(seen.take(claim(1, 65_537, NOW), NOW), Err(Forgery::Repeated));
        assert_eq!(seen.senders[&1].words.len(), 1);
    }

    #[test]
    fn more_senders_than_are_known_do_not_make_room_for_a_copy() {
        let mut seen = Seen::default();
        for sender in 0..10_000 {
            assert_eq!(seen.take(claim(sender, 0, NOW + sender), NOW), Ok(()));
        }
        assert_eq!(seen.senders.len(), SENDERS);
        for sender in 0..10_000 {
            assert_eq!(seen.take(claim(sender, 0, NOW + sender), NOW), Err(Forgery::Repeated));
        }
    }

    #[test]
    fn who_is_silent_is_forgotten_when_its_words_are_too_old() {
        let mut seen = Seen::default();
        assert_eq!(seen.take(claim(1, 0, NOW), NOW), Ok(()));
        let later = NOW + 2 * WINDOW + 1;
        assert_eq!(seen.take(claim(2, 0, later), later), Ok(()));
        assert_eq!(seen.senders.len(), 1);
    }
}
