//! The entries of this node, from when they are said until they come back.
//!
//! One connection sends them, so they come back in the order in which they were said; what is found further behind
//! says that those before do not come any more. An event that is logged waits for its entry, which tells its offset.
//! If that takes too long it is given up, with all behind it, so that events never change their order: it is handed
//! back at once, and its entry is expected all the same, because it must not be taken for a later event of the same
//! content.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use sio_core::cluster::Message;
use tokio::time::Instant;

/// Entries that are expected at most. Only those of an outage can be so many; which of them come is not known.
const MOST: usize = 131_072;

/// The number of an entry, in the order in which they were said.
pub(super) type Ticket = u64;

pub(super) struct Own {
    hasher: RandomState,
    expected: VecDeque<Expected>,
    unlogged: VecDeque<(Arc<str>, Message)>,
    next: Ticket,
    /// How many of the expected wait.
    waiting: usize,
    /// None before this one waits. In an outage there are many of these.
    settled: Ticket,
    /// The stream has not kept up: what is said now does not wait, until it answers again.
    pub(super) is_late: bool,
}

struct Expected {
    ticket: Ticket,
    /// Of its content, which is not kept a second time.
    digest: u64,
    /// What its entry is waited for with; an entry without comes and goes unnoticed.
    waits: Option<Waits>,
}

struct Waits {
    namespace: Arc<str>,
    message: Message,
    deadline: Instant,
}

impl Own {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            expected: VecDeque::new(),
            unlogged: VecDeque::new(),
            next: 0,
            waiting: 0,
            settled: 0,
            is_late: false,
        }
    }

    pub(super) fn digest(&self, namespace: &str, kind: u64, data: &str) -> u64 {
        self.hasher.hash_one((namespace, kind, data))
    }

    /// An entry is under way. Says its number, and whether somebody has to look after it now.
    pub(super) fn add(
        &mut self,
        namespace: &str,
        digest: u64,
        message: Option<Message>,
        deadline: Instant,
        is_down: bool,
    ) -> (Ticket, bool) {
        let ticket = self.next;
        self.next += 1;
        let was_waiting = self.waiting > 0;
        let waits = message.map(|message| Waits { namespace: namespace.into(), message, deadline });
        let does_wait = waits.is_some();
        self.waiting += usize::from(does_wait);
        self.expected.push_back(Expected { ticket, digest, waits });
        let gives_up = does_wait && (self.is_late || is_down);
        if gives_up {
            self.give_up_all();
        }
        while self.expected.len() > MOST {
            self.forget_first();
        }
        (ticket, does_wait && (gives_up || !was_waiting))
    }

    /// An event that has no form in a stream.
    pub(super) fn cannot_be_written(&mut self, namespace: &str, message: Message) {
        self.give_up_all();
        self.unlogged.push_back((namespace.into(), message));
    }

    /// An entry has come back: gives the event that waits for it.
    pub(super) fn take(&mut self, digest: u64) -> Option<Message> {
        let at = self.expected.iter().position(|expected| expected.digest == digest)?;
        for _ in 0..at {
            self.forget_first();
        }
        let waits = self.expected.pop_front()?.waits?;
        self.waiting -= 1;
        Some(waits.message)
    }

    /// The server does not want an entry.
    pub(super) fn refused(&mut self, ticket: Ticket) {
        self.in_doubt(ticket);
        if let Ok(at) = self.expected.binary_search_by_key(&ticket, |expected| expected.ticket) {
            self.expected.remove(at);
        }
    }

    /// It is not known whether the server has got an entry.
    pub(super) fn in_doubt(&mut self, ticket: Ticket) {
        self.give_up(ticket + 1);
    }

    /// The time is over for the first that waits, and with it for all.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.is_late = true;
            self.give_up_all();
        }
    }

    pub(super) fn give_up_all(&mut self) {
        self.give_up(self.next);
    }

    /// Gives up all that wait before the number `end`.
    fn give_up(&mut self, end: Ticket) {
        let from = self.first_unsettled();
        for expected in self.expected.range_mut(from..) {
            if self.waiting == 0 || expected.ticket >= end {
                break;
            }
            if let Some(Waits { namespace, message, .. }) = expected.waits.take() {
                self.waiting -= 1;
                self.unlogged.push_back((namespace, message));
            }
        }
        self.settled = self.settled.max(end);
    }

    fn first_unsettled(&self) -> usize {
        self.expected.partition_point(|expected| expected.ticket < self.settled)
    }

    fn forget_first(&mut self) {
        if let Some(Expected { waits: Some(waits), .. }) = self.expected.pop_front() {
            self.waiting -= 1;
            self.unlogged.push_back((waits.namespace, waits.message));
        }
    }

    /// When the first that waits is to be given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.waiting == 0 {
            return None;
        }
        let unsettled = self.expected.range(self.first_unsettled()..);
        unsettled.into_iter().find_map(|expected| Some(expected.waits.as_ref()?.deadline))
    }

    /// The next event that was given up.
    pub(super) fn next_unlogged(&mut self) -> Option<(Arc<str>, Message)> {
        self.unlogged.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sio_core::adapter::BroadcastOptions;
    use sio_core::cluster::Data;

    use super::*;

    fn event(name: &str) -> Message {
        Message::Broadcast {
            data: Data { json: name.into(), attachments: Vec::new() },
            id: None,
            options: BroadcastOptions::default(),
            request: None,
        }
    }

    struct Play {
        own: Own,
        start: Instant,
    }

    impl Play {
        fn new() -> Self {
            Self { own: Own::new(), start: Instant::now() }
        }

        fn append(&mut self, name: &str, millis: u64) -> Ticket {
            let digest = self.own.digest("/", 3, name);
            let deadline = self.start + Duration::from_millis(millis);
            self.own.add("/", digest, Some(event(name)), deadline, false).0
        }

        fn publish(&mut self, name: &str) {
            let digest = self.own.digest("/", 3, name);
            self.own.add("/", digest, None, self.start, false);
        }

        /// Whether an event comes back logged.
        fn comes(&mut self, name: &str) -> bool {
            let digest = self.own.digest("/", 3, name);
            match self.own.take(digest) {
                Some(message) => {
                    assert_eq!(message, event(name));
                    true
                }
                None => false,
            }
        }

        fn expire(&mut self, millis: u64) {
            self.own.expire(self.start + Duration::from_millis(millis));
        }

        fn unlogged(&mut self) -> Vec<String> {
            let next = || self.own.next_unlogged();
            std::iter::from_fn(next)
                .map(|(namespace, message)| match message {
                    Message::Broadcast { data, .. } if *namespace == *"/" => data.json.into(),
                    other => panic!("{other:?}"),
                })
                .collect()
        }
    }

    #[test]
    fn what_comes_in_time_is_logged_once() {
        let mut play = Play::new();
        play.append("a", 100);
        play.append("b", 101);
        assert!(play.comes("a"));
        assert!(!play.comes("a"));
        assert!(play.comes("b"));
        play.expire(1000);
        assert!(play.unlogged().is_empty());
        assert_eq!(play.own.deadline(), None);
    }

    #[test]
    fn what_is_late_takes_all_behind_it_along_and_is_not_logged_afterwards() {
        let mut play = Play::new();
        play.append("a", 100);
        play.append("b", 200);
        play.expire(99);
        assert!(play.unlogged().is_empty());
        play.expire(100);
        assert_eq!(play.unlogged(), ["a", "b"]);
        assert!(!play.comes("a"));
        assert!(!play.comes("b"));
    }

    #[test]
    fn while_the_stream_is_late_nothing_waits() {
        let mut play = Play::new();
        play.append("a", 100);
        play.expire(100);
        play.append("b", 300);
        assert_eq!(play.unlogged(), ["a", "b"]);
        play.own.is_late = false;
        play.append("c", 300);
        assert!(play.unlogged().is_empty());
        assert!(!play.comes("b"));
        assert!(play.comes("c"));
    }

    #[test]
    fn an_entry_that_was_given_up_is_not_taken_for_a_later_one_of_the_same_content() {
        let mut play = Play::new();
        play.append("tick", 100);
        play.expire(100);
        play.own.is_late = false;
        play.append("tick", 200);
        assert_eq!(play.unlogged(), ["tick"]);
        assert!(!play.comes("tick"));
        assert!(play.comes("tick"));
    }

    #[test]
    fn what_was_not_logged_passes_between_what_was() {
        let mut play = Play::new();
        play.append("tick", 100);
        play.publish("tick");
        play.append("tick", 100);
        assert!(play.comes("tick"));
        assert!(!play.comes("tick"));
        assert!(play.comes("tick"));
    }

    #[test]
    fn an_entry_that_got_lost_is_given_up_when_a_later_one_comes() {
        let mut play = Play::new();
        play.append("a", 100);
        play.append("b", 100);
        play.append("c", 100);
        assert!(play.comes("b"));
        assert_eq!(play.unlogged(), ["a"]);
        assert!(!play.comes("a"));
        assert!(play.comes("c"));
    }

    #[test]
    fn a_refused_entry_is_given_up_at_once_and_not_expected() {
        let mut play = Play::new();
        play.append("a", 100);
        let b = play.append("tick", 100);
        play.append("tick", 100);
        play.own.refused(b);
        assert_eq!(play.unlogged(), ["a", "tick"]);
        assert!(play.comes("tick"));
    }

    #[test]
    fn an_entry_in_doubt_is_given_up_at_once_and_expected() {
        let mut play = Play::new();
        let a = play.append("tick", 100);
        play.append("tick", 100);
        play.own.in_doubt(a);
        assert_eq!(play.unlogged(), ["tick"]);
        assert!(!play.comes("tick"));
        assert!(play.comes("tick"));
    }

    #[test]
    fn without_a_connection_nothing_waits() {
        let mut play = Play::new();
        let digest = play.own.digest("/", 3, "a");
        let (_, wake) = play.own.add("/", digest, Some(event("a")), play.start, true);
        assert!(wake);
        assert_eq!(play.unlogged(), ["a"]);
    }

    #[test]
    fn an_endless_outage_does_not_fill_the_memory() {
        let mut play = Play::new();
        play.own.is_late = true;
        for number in 0..MOST + 10 {
            play.append(&number.to_string(), 100);
            assert_eq!(play.unlogged().len(), 1);
        }
        assert_eq!(play.own.expected.len(), MOST);
    }
}
