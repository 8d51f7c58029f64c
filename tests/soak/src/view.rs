//! What one client has got, compared with what it must have got.

use std::collections::HashMap;

use bytes::Bytes;
use sio_client::{ArgError, Args, RawArgs, Value};

use crate::hall::{filling, is_binary};

/// A client's side of the promises. What it must get is known from the numbers that the server draws:
///
/// - a member of a room gets every message that is said there, from the one after it joined on, once and in
///   order (and the same after a recovery, be it as long as it may);
/// - what the server tells the socket alone comes complete and in order;
/// - what is volatile may be missing, but comes once and in order;
/// - who is no member gets nothing.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// By room, the number of the next message.
    rooms: HashMap<usize, u64>,
    whispers: HashMap<usize, u64>,
    mail: u64,
    greeted: bool,
    pub(crate) wrong: Vec<String>,
    pub(crate) messages: u64,
    pub(crate) recoveries: u64,
    pub(crate) connections: u64,
}

impl View {
    /// Takes an event as it comes.
    pub(crate) fn event(&mut self, name: &str, args: &RawArgs) {
        self.messages += 1;
        let wrong = match name {
            "hello" => args.read().map(|recovered| self.hello(recovered)),
            "mail" => args.read().map(|number| self.mail(number)),
            "joined" => args.read().map(|Args((room, said)): Args<(usize, u64)>| {
                self.rooms.insert(room, said + 1);
                None
            }),
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
            Ok(Some(wrong)) => self.wrong(wrong),
            Err(error) => self.wrong(format!("{name} with other arguments: {error}")),
        }
    }

    pub(crate) fn wrong(&mut self, what: String) {
        if self.wrong.len() < 10 {
            self.wrong.push(what);
        }
    }

    fn hello(&mut self, recovered: bool) -> Option<String> {
        self.connections += 1;
        if recovered {
            self.recoveries += 1;
            return (!self.greeted).then(|| "recovered without having been there".to_owned());
        }
        self.rooms.clear();
        self.mail = 0;
        self.greeted = true;
        None
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
    fn mails_and_whispers_are_numbered() {
        let mut view = member();
        assert_eq!((view.mail(1), view.mail(2)), (None, None));
        assert!(view.mail(4).is_some());
        assert_eq!((view.whispered(1, 3), view.whispered(1, 9)), (None, None));
        assert!(view.whispered(1, 9).is_some());
    }
}
