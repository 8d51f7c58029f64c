//! Rooms, people and lines: the state of the chat on one node, without sockets and without a clock.
//!
//! In a cluster each node has the people who are connected to it, and the lines they said; what other nodes
//! have of a room comes in as a [`Part`]. Every change gives back what has to be told, and to whom is `chat`'s business. What nobody is there
//! for any more is bounded: [`HISTORY`] lines in a room, [`MAX_ROOMS`] rooms.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

/// Lines that are kept of a room.
pub(crate) const HISTORY: usize = 50;
/// Above this number of rooms, the one that has been empty for longest is forgotten. A room with people
/// in it never is: those are bounded by the connections.
pub(crate) const MAX_ROOMS: usize = 1_000;

const NICK_CHARS: usize = 24;
const ROOM_CHARS: usize = 32;
const TEXT_CHARS: usize = 2_000;
/// Numbers that nodes can have in the ids of lines; two with the same one only matter within a millisecond.
const NODES: u64 = 1_024;

/// One line of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Rises over all rooms of a node, and with the time over all nodes. JavaScript can count as far.
    pub(crate) id: u64,
    /// Milliseconds since the epoch.
    pub(crate) at: u64,
    /// Who said it, or whom it is about; nobody for a notice.
    pub(crate) nick: String,
    pub(crate) text: String,
    /// Said by the server.
    pub(crate) system: bool,
}

/// Who somebody is, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) nick: String,
    pub(crate) room: String,
}

/// What somebody finds in a room: its lines and its people at one moment.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Snapshot {
    pub(crate) nick: String,
    pub(crate) room: String,
    /// The name of this node.
    pub(crate) node: String,
    /// Of all nodes.
    pub(crate) history: Vec<Line>,
    /// People on this node.
    pub(crate) members: Vec<String>,
    /// People on the others.
    pub(crate) elsewhere: BTreeMap<String, Vec<String>>,
}

/// What one node has of a room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The name of the node.
    pub(crate) node: String,
    pub(crate) members: Vec<String>,
    pub(crate) history: Vec<Line>,
}

/// Somebody joined a room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    /// The room they were in before.
    pub(crate) left: Option<Left>,
    /// With themselves among the members, and without the line that tells the others.
    pub(crate) snapshot: Snapshot,
    /// That line; none if they were there already, under the same nickname.
    pub(crate) line: Option<Line>,
}

/// Somebody left a room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) room: String,
    pub(crate) line: Line,
    pub(crate) members: Vec<String>,
}

/// A line and its room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) room: String,
    pub(crate) line: Line,
}

/// A room and how many are in it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) room: String,
    pub(crate) members: usize,
}

/// Why something was not done; where a number of characters is at fault, that number.
///
/// Not a `std::error::Error`: those are kept from clients, and this is meant for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Nick(usize),
    Room(usize),
    NickTaken,
    NotJoined,
    Text(usize),
    UnknownRoom,
}

impl Refusal {
    /// The code that the page knows.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Nick(_) => "invalid_nick",
            Self::Room(_) => "invalid_room",
            Self::NickTaken => "nick_taken",
            Self::NotJoined => "not_joined",
            Self::Text(_) => "invalid_text",
            Self::UnknownRoom => "unknown_room",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, max, chars) = match self {
            Self::Nick(chars) => ("nickname", NICK_CHARS, chars),
            Self::Room(chars) => ("room name", ROOM_CHARS, chars),
            Self::Text(chars) => ("text", TEXT_CHARS, chars),
            Self::NickTaken => return f.write_str("somebody in this room has that nickname"),
            Self::NotJoined => return f.write_str("join a room first"),
            Self::UnknownRoom => return f.write_str("there is no such room"),
        };
        write!(f, "a {what} has 1 to {max} characters, not {chars}")
    }
}

#[derive(Debug, Default)]
struct Room {
    members: BTreeSet<String>,
    history: VecDeque<Line>,
    /// Its place in [`Rooms::empty`], if it is empty.
    empty_since: Option<u64>,
}

impl Room {
    fn keep(&mut self, line: &Line) {
        if self.history.len() >= HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(line.clone());
    }

    fn members(&self) -> Vec<String> {
        self.members.iter().cloned().collect()
    }
}

/// All rooms; `Id` tells people apart.
#[derive(Debug)]
pub(crate) struct Rooms<Id> {
    /// The name of this node.
    node: String,
    rooms: HashMap<String, Room>,
    people: HashMap<Id, Place>,
    /// The empty ones, by the number of their last person's last line: the oldest first.
    empty: BTreeMap<u64, String>,
    ids: LineIds,
}

impl<Id: Eq + Hash + Clone> Rooms<Id> {
    /// No rooms yet, on the node of that name.
    pub(crate) fn new(node: &str) -> Self {
        Self {
            node: node.to_owned(),
            rooms: HashMap::new(),
            people: HashMap::new(),
            empty: BTreeMap::new(),
            ids: LineIds::new(node),
        }
    }

    /// Puts somebody into a room, and out of the one they are in. Refused, nothing changes.
    pub(crate) fn join(
        &mut self,
        id: &Id,
        nick: &str,
        room: &str,
        others: &[Part],
        at: u64,
    ) -> Result<Joined, Refusal> {
        let place =
            Place { nick: fitting(nick, NICK_CHARS).map_err(Refusal::Nick)?, room: name(room)? };
        let stays = self.people.get(id) == Some(&place);
        let target = self.rooms.get(&place.room);
        let here = target.is_some_and(|room| room.members.contains(&place.nick));
        let there = || others.iter().any(|part| part.members.contains(&place.nick));
        if !stays && (here || there()) {
            return Err(Refusal::NickTaken);
        }
        let left = if stays { None } else { self.depart(id, at) };
        let room = self.rooms.entry(place.room.clone()).or_default();
        if let Some(since) = room.empty_since.take() {
            self.empty.remove(&since);
        }
        room.members.insert(place.nick.clone());
        let snapshot = Snapshot {
            nick: place.nick.clone(),
            room: place.room.clone(),
            node: self.node.clone(),
            history: merged(&room.history, others),
            members: room.members(),
            elsewhere: others.iter().map(|p| (p.node.clone(), p.members.clone())).collect(),
        };
        let line = (!stays).then(|| {
            let text = format!("{} joined", place.nick);
            let line = self.ids.line(&place.nick, text, true, at);
            room.keep(&line);
            line
        });
        self.people.insert(id.clone(), place);
        self.forget();
        Ok(Joined { left, snapshot, line })
    }

    /// Takes somebody out of their room, if they are in one.
    pub(crate) fn leave(&mut self, id: &Id, at: u64) -> Option<Left> {
        let left = self.depart(id, at);
        self.forget();
        left
    }

    /// Adds what somebody says to their room.
    pub(crate) fn say(&mut self, id: &Id, text: &str, at: u64) -> Result<Said, Refusal> {
        let place = self.people.get(id).ok_or(Refusal::NotJoined)?;
        let room = self.rooms.get_mut(&place.room).ok_or(Refusal::NotJoined)?;
        let text = fitting(text, TEXT_CHARS).map_err(Refusal::Text)?;
        let line = self.ids.line(&place.nick, text, false, at);
        room.keep(&line);
        Ok(Said { room: place.room.clone(), line })
    }

    /// Adds what the server says to a room that exists, here or among what the others have.
    pub(crate) fn notice(
        &mut self,
        room: &str,
        text: &str,
        others: &[Part],
        at: u64,
    ) -> Result<Said, Refusal> {
        let name = name(room)?;
        let text = fitting(text, TEXT_CHARS).map_err(Refusal::Text)?;
        let there = others.iter().any(|part| !part.history.is_empty());
        if !there && !self.rooms.contains_key(&name) {
            return Err(Refusal::UnknownRoom);
        }
        let line = self.ids.line("", text, true, at);
        let room = self.rooms.entry(name.clone()).or_default();
        room.keep(&line);
        if room.members.is_empty() && room.empty_since.is_none() {
            room.empty_since = Some(line.id);
            self.empty.insert(line.id, name.clone());
        }
        self.forget();
        Ok(Said { room: name, line })
    }

    /// What this node has of a room.
    pub(crate) fn part(&self, room: &str) -> Part {
        let room = self.rooms.get(room);
        Part {
            node: self.node.clone(),
            members: room.map(Room::members).unwrap_or_default(),
            history: room.map(|room| room.history.iter().cloned().collect()).unwrap_or_default(),
        }
    }

    /// The name of this node, and the rooms that have people on it with their names.
    pub(crate) fn occupied(&self) -> (&str, impl Iterator<Item = (&str, Vec<String>)>) {
        let occupied = self.rooms.iter().filter(|(_, room)| !room.members.is_empty());
        (&self.node, occupied.map(|(name, room)| (name.as_str(), room.members())))
    }

    /// The name of this node.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Where somebody is.
    pub(crate) fn place(&self, id: &Id) -> Option<&Place> {
        self.people.get(id)
    }

    /// All rooms by name.
    pub(crate) fn list(&self) -> Vec<Summary> {
        let summary = |(name, room): (&String, &Room)| Summary {
            room: name.clone(),
            members: room.members.len(),
        };
        let mut list: Vec<Summary> = self.rooms.iter().map(summary).collect();
        list.sort_unstable_by(|a, b| a.room.cmp(&b.room));
        list
    }

    fn depart(&mut self, id: &Id, at: u64) -> Option<Left> {
        let Place { nick, room: name } = self.people.remove(id)?;
        let room = self.rooms.get_mut(&name)?;
        room.members.remove(&nick);
        let line = self.ids.line(&nick, format!("{nick} left"), true, at);
        room.keep(&line);
        if room.members.is_empty() {
            room.empty_since = Some(line.id);
            self.empty.insert(line.id, name.clone());
        }
        let members = room.members();
        Some(Left { room: name, line, members })
    }

    fn forget(&mut self) {
        while self.rooms.len() > MAX_ROOMS
            && let Some((_, name)) = self.empty.pop_first()
        {
            self.rooms.remove(&name);
        }
    }
}

/// Makes the ids of lines: times, in which each node leaves its number.
#[derive(Debug)]
struct LineIds {
    last: u64,
    node: u64,
}

impl LineIds {
    fn new(node: &str) -> Self {
        // Any number will do that differs where names do, mostly; FNV-1a.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = node.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
        Self { last: 0, node: (hash >> 32) % NODES }
    }

    fn line(&mut self, nick: &str, text: String, system: bool, at: u64) -> Line {
        self.last = at.max(self.last + 1);
        Line { id: self.last * NODES + self.node, at, nick: nick.to_owned(), text, system }
    }
}

/// The last lines of all nodes.
fn merged(here: &VecDeque<Line>, others: &[Part]) -> Vec<Line> {
    let mut all: Vec<Line> =
        here.iter().chain(others.iter().flat_map(|part| &part.history)).cloned().collect();
    all.sort_by_key(|line| line.id);
    all.drain(..all.len().saturating_sub(HISTORY));
    all
}

/// The name of a room as everybody writes it.
pub(crate) fn name(room: &str) -> Result<String, Refusal> {
    fitting(room, ROOM_CHARS).map_err(Refusal::Room)
}

/// The text as the page trims it, or its length if that is not from 1 to `max` characters.
fn fitting(text: &str, max: usize) -> Result<String, usize> {
    // JavaScript's `trim` differs from Rust's in two characters. The page finds its own message by its
    // text, so both have to agree.
    let text = text.trim_matches(|c: char| c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}'));
    let chars = text.chars().count();
    if (1..=max).contains(&chars) { Ok(text.to_owned()) } else { Err(chars) }
}

#[cfg(test)]
mod tests;
