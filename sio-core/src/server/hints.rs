//! Names that were perhaps mistyped: which of those that exist a developer may have meant.
//!
//! Clients choose the names that are asked about, so that each is looked at once, and not all of very many.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Names that are looked at in the life of a server.
const MOST: usize = 256;
/// Bytes above which a name is nobody's mistake.
const LONGEST: usize = 64;

/// The names that were looked at.
#[derive(Debug, Default)]
pub(crate) struct Hints(Mutex<HashSet<Box<str>, ahash::RandomState>>);

impl Hints {
    /// Of the known names the one that an unknown one may have been meant to be, if there is one, and the first
    /// time that it is asked about; `scope` tells equal names of several places apart.
    pub(crate) fn nearest<'a>(
        &self,
        scope: &str,
        unknown: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Option<&'a str> {
        if unknown.len() > LONGEST || scope.len() > LONGEST || !self.is_new(scope, unknown) {
            return None;
        }
        let rated = known.filter_map(|name| Some((rate(name, unknown)?, name)));
        rated.min().map(|(_, name)| name)
    }

    fn is_new(&self, scope: &str, unknown: &str) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < MOST && seen.insert(format!("{scope} {unknown}").into())
    }
}

/// How far an unknown name is from a known one; `None`: too far for a mistake.
fn rate(known: &str, unknown: &str) -> Option<usize> {
    if known.len() > LONGEST {
        return None;
    }
    let (known, unknown) = (parts(known), parts(unknown));
    if known.is_empty() || unknown.is_empty() {
        return None;
    }
    // `chatSay` and `chat:say`.
    if known.concat() == unknown.concat() {
        return Some(0);
    }
    // `say` and `chat:say`.
    if known.last() == unknown.last() && (known.len() == 1 || unknown.len() == 1) {
        return Some(1);
    }
    let (known, unknown) = (known.concat(), unknown.concat());
    let far = distance(&known, &unknown);
    let forgivable = match known.len().max(unknown.len()) {
        0..=3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    (far <= forgivable && far < known.len().min(unknown.len())).then_some(1 + far)
}

/// The letters and digits of a name's parts, in lower case.
fn parts(name: &str) -> Vec<Vec<char>> {
    let letters = |part: &str| -> Vec<char> {
        part.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    name.split([':', '.', '/']).map(letters).filter(|part| !part.is_empty()).collect()
}

/// How many letters have to be put in, taken out or replaced.
fn distance(a: &[char], b: &[char]) -> usize {
    // What it takes from the letters of `a` so far to each beginning of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, letter) in a.iter().enumerate() {
        let (mut diagonal, mut left) = (index, index + 1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (place, other) in row.iter_mut().skip(1).zip(b) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *place;
            left = replaced.min(diagonal + 1).min(left + 1);
            *place = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["say", "chat:join", "leave_room", "/orders", "/org/{org}"];

    fn hint(unknown: &str) -> Option<&'static str> {
        Hints::default().nearest("/", unknown, KNOWN.into_iter())
    }

    #[test]
    fn what_is_too_far_is_no_mistake() {
        for far in ["", ":", "x", "set", "hello", "chat:part", "room", &"say".repeat(30)] {
            assert_eq!(hint(far), None, "{far}");
        }
    }

    #[test]
    fn mistakes_are_found() {
        for (unknown, meant) in [
            ("sy", "say"),
            ("Say", "say"),
            ("says", "say"),
            ("chat:say", "say"),
            ("join", "chat:join"),
            ("chatJoin", "chat:join"),
            ("chat.join", "chat:join"),
            ("leaveRoom", "leave_room"),
            ("leve_rooms", "leave_room"),
            ("/order", "/orders"),
            ("orders", "/orders"),
        ] {
            assert_eq!(hint(unknown), Some(meant), "{unknown}");
        }
    }

    #[test]
    fn the_nearest_of_several_is_told() {
        let known = ["stop", "store", "start"].into_iter();
        assert_eq!(Hints::default().nearest("/", "stor", known), Some("stop"));
        let known = ["store", "start", "chat:stor"].into_iter();
        assert_eq!(Hints::default().nearest("/", "stor", known), Some("chat:stor"));
    }

    #[test]
    fn each_name_is_looked_at_once_and_no_more_than_256_of_them() {
        let hints = Hints::default();
        let ask = |scope: &str, name: &str| hints.nearest(scope, name, KNOWN.into_iter());
        assert_eq!(ask("/", "sy"), Some("say"));
        assert_eq!(ask("/", "sy"), None);
        assert_eq!(ask("/a", "sy"), Some("say"));
        for number in 0..254 {
            assert_eq!(ask("/", &format!("unknown {number}")), None);
        }
        assert_eq!(ask("/", "says"), None);
        assert_eq!(hints.0.lock().unwrap().len(), 256);
    }
}
