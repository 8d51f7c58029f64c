//! What one client has got, compared with what it must have got.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use sio_client::{ArgError, Args, RawArgs, Value};

use crate::hall::{filling, is_binary};

/// How many events are remembered.
const RECENT: usize = 40;

/// A client's side of the promises. What it must get is known from the numbers that the server draws:
///
/// - a member of a room gets every message that is said there, from the one after it joined on, once and in
///   order (and the same after a recovery, be it as long as it may);
/// - what the server tells the socket alone comes complete and in order;
/// - what is volatile may be missing, but comes once and in order;
/// - who is no member gets nothing, but for this: what is sent again after a recovery goes by the rooms at the
///   end of the old connection, so it may have been said before the socket came into the room; what tells
///   of that comes behind it then.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// By room, the number of the next message.
    rooms: HashMap<usize, u64>,
    whispers: HashMap<usize, u64>,
    /// By room, the last message that was sent again before the client knew of having joined.
    early: HashMap<usize, u64>,
    /// The connection is back, and what was missed comes.
    coming_back: bool,
    generation: u64,
    mail: u64,
    greeted: bool,
    /// What came last, for whoever has to find out why something is wrong.
    recent: VecDeque<String>,
    pub(crate) wrong: Vec<String>,
    pub(crate) messages: u64,
    pub(crate) recoveries: u64,
    pub(crate) connections: u64,
}

impl View {
    /// Takes an event as it comes.
    pub(crate) fn event(&mut self, name: &str, args: &RawArgs) {
        self.messages += 1;
        if name != "said" {
            self.note(format!("{name} {:.40}", args.json()));
        }
        let wrong = match name {
            "hello" => args.read().map(|recovered| self.hello(recovered)),
            "mail" => args.read().map(|number| self.mail(number)),
            "joined" => args.read().map(|Args((room, said))| self.joined(room, said)),
            "left" => args.read().map(|room: usize| {
                self.rooms.remove(&room);
                None
            }),
            "said" => numbers(args).map(|(room, k)| self.said(room, k, args)),
            "whispered" => args.read().map(|Args((room, w))| self.whispered(room, w)),
            other => Ok(Some(format!("an event {other:?}"))),
        };
        match wrong {
            Ok(None) => {}
            Ok(Some(wrong)) => self.wrong(&wrong),
            Err(error) => self.wrong(&format!("{name} with other arguments: {error}")),
        }
    }

    /// Something happened that is no event.
    pub(crate) fn note(&mut self, what: String) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(what);
    }

    pub(crate) fn wrong(&mut self, what: &str) {
        if self.wrong.len() < 3 {
            let recent: Vec<&str> = self.recent.iter().map(String::as_str).collect();
            self.wrong.push(format!("{what}; lately: {}", recent.join(" | ")));
        }
    }

    /// The connection is there, for the first time or again.
    pub(crate) const fn connected(&mut self) {
        self.coming_back = true;
        self.generation += 1;
    }

    /// Which connection this is.
    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// An answer has come to what was sent on this connection: everything that is sent again is there.
    pub(crate) fn settled(&mut self, generation: u64) {
        if generation != self.generation {
            return;
        }
        self.coming_back = false;
        if !self.early.is_empty() {
            let rooms = std::mem::take(&mut self.early);
            self.wrong(&format!("messages of rooms where it is no member: {rooms:?}"));
        }
    }

    fn joined(&mut self, room: usize, said: u64) -> Option<String> {
        self.rooms.insert(room, said + 1);
        let early = self.early.remove(&room).filter(|early| *early > said);
        early.map(|early| format!("message {early} of room {room} before the one after {said}"))
    }

    fn hello(&mut self, recovered: bool) -> Option<String> {
        self.connections += 1;
        if recovered {
            self.recoveries += 1;
            return (!self.greeted).then(|| "recovered without having been there".to_owned());
        }
        self.rooms.clear();
        self.coming_back = false;
        self.mail = 0;
        self.greeted = true;
        let rooms = std::mem::take(&mut self.early);
        (!rooms.is_empty()).then(|| format!("messages of rooms where it is no member: {rooms:?}"))
    }

    fn mail(&mut self, number: u64) -> Option<String> {
        let expected = self.mail + 1;
        self.mail = number;
        (number != expected).then(|| format!("mail {number}, not {expected}"))
    }

    fn said(&mut self, room: usize, k: u64, args: &RawArgs) -> Option<String> {
        let text = if is_binary(room) {
            args.read().map(|Args((_, _, bytes)): Args<(usize, u64, Bytes)>| bytes)
        } else {
            args.read().map(|Args((_, _, text)): Args<(usize, u64, String)>| Bytes::from(text))
        };
        if !text.is_ok_and(|text| text == filling(room, k).as_bytes()) {
            return Some(format!("message {k} of room {room} is not what was said"));
        }
        self.comes(room, k)
    }

    /// A message of a room, by its number.
    fn comes(&mut self, room: usize, k: u64) -> Option<String> {
        let Some(expected) = self.rooms.insert(room, k + 1) else {
            self.rooms.remove(&room);
            if self.coming_back {
                let before = self.early.insert(room, k).filter(|before| *before >= k);
                return before.map(|before| format!("message {k} of room {room} after {before}"));
            }
            self.note(format!("said {room} {k}"));
            return Some(format!("message {k} of room {room}, where it is no member"));
        };
        (k != expected).then(|| format!("message {k} of room {room}, not {expected}"))
    }

    fn whispered(&mut self, room: usize, w: u64) -> Option<String> {
        let last = self.whispers.insert(room, w).unwrap_or(0);
        (w <= last).then(|| format!("whisper {w} of room {room} after {last}"))
    }

    /// Rooms whose last message, by number, has not come; empty when nothing is missing.
    pub(crate) fn missing(&self, last: &[u64]) -> Vec<String> {
        let behind = self.rooms.iter().filter_map(|(room, next)| {
            let last = last.get(*room).copied().unwrap_or(0);
            (*next != last + 1).then(|| format!("room {room}: at {next}, not behind {last}"))
        });
        behind.collect()
    }
}

/// The first two of three arguments.
fn numbers(args: &RawArgs) -> Result<(usize, u64), ArgError> {
    args.read().map(|Args((room, k, _)): Args<(usize, u64, Value)>| (room, k))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A member of room 1 that has got nothing yet, where five messages were said before it came.
    fn member() -> View {
        let mut view = View::default();
        assert_eq!(view.hello(false), None);
        view.rooms.insert(1, 6);
        view
    }

    #[test]
    fn what_is_lost_or_repeated_or_overtaken_is_seen() {
        for (numbers, seen) in [
            ([6, 7, 8], false),
            ([6, 8, 9], true),
            ([6, 6, 7], true),
            ([7, 6, 8], true),
            ([5, 6, 7], true),
        ] {
            let mut view = member();
            let wrong: Vec<_> = numbers.iter().filter_map(|k| view.comes(1, *k)).collect();
            assert_eq!(!wrong.is_empty(), seen, "{numbers:?}: {wrong:?}");
        }
    }

    #[test]
    fn what_never_comes_is_missing_at_the_end() {
        let mut view = member();
        assert_eq!(view.missing(&[0, 5]), Vec::<String>::new());
        assert_eq!(view.missing(&[0, 6]), ["room 1: at 6, not behind 6"]);
        assert_eq!(view.comes(1, 6), None);
        assert_eq!(view.missing(&[0, 6]), Vec::<String>::new());
    }

    #[test]
    fn only_members_hear_and_recovery_keeps_what_must_come() {
        let mut view = member();
        assert!(view.comes(2, 1).is_some());
        assert_eq!(view.hello(true), None);
        assert!(view.comes(1, 7).is_some(), "6 is missing");
        assert_eq!(view.hello(false), None);
        assert!(view.comes(1, 8).is_some(), "it is no member any more");
        assert!(View::default().hello(true).is_some());
    }

    #[test]
    fn what_was_said_before_it_joined_may_only_be_sent_again() {
        let back = || {
            let mut view = member();
            view.connected();
            assert_eq!((view.comes(2, 3), view.comes(2, 4)), (None, None));
            view
        };
        let mut view = back();
        assert_eq!((view.joined(2, 4), view.hello(true)), (None, None));
        view.settled(view.generation());
        assert!(view.wrong.is_empty() && view.comes(3, 1).is_some());
        assert!(back().joined(2, 3).is_some(), "4 is what comes next");
        assert!(back().comes(2, 4).is_some(), "twice");
        let mut view = back();
        view.settled(0);
        assert!(view.wrong.is_empty(), "an answer of another connection");
        view.settled(view.generation());
        assert!(!view.wrong.is_empty(), "it has never joined");
    }

    #[test]
    fn mails_and_whispers_are_numbered() {
        let mut view = member();
        assert_eq!((view.mail(1), view.mail(2)), (None, None));
        assert!(view.mail(4).is_some());
        assert_eq!((view.whispered(1, 3), view.whispered(1, 9)), (None, None));
        assert!(view.whispered(1, 9).is_some());
    }
}
