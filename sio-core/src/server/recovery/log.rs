//! The events of a namespace that clients may have missed.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::adapter::{BroadcastOptions, Room};
use crate::frame::FrameGroup;
use crate::packet::EncodeError;
use crate::sid::{SID_BYTES, SidSource};

use super::super::bus::QueueFull;
use super::super::socket::EmitError;
use super::offset::{self, OffsetText, TAG};
use super::{Budget, lock};

/// What an entry takes besides its frames and the names of its rooms.
pub(super) const OVERHEAD: usize = 128;
/// What a room name takes besides its letters.
pub(super) const ROOM_OVERHEAD: usize = 32;

/// Whom an event is for.
#[derive(Debug)]
pub(crate) enum Addressees {
    /// The socket with this id.
    One(Room),
    /// Everybody, or the members of rooms.
    Selected { rooms: Vec<Room>, except: Vec<Room> },
}

impl Addressees {
    pub(crate) fn of(options: &BroadcastOptions) -> Self {
        Self::Selected { rooms: options.rooms.clone(), except: options.except.clone() }
    }

    fn include(&self, rooms: &HashSet<&str>) -> bool {
        match self {
            Self::One(id) => rooms.contains(&**id),
            Self::Selected { rooms: to, except } => {
                (to.is_empty() || to.iter().any(|room| rooms.contains(&**room)))
                    && !except.iter().any(|room| rooms.contains(&**room))
            }
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Selected { rooms, except } => {
                rooms.iter().chain(except).map(|room| room.len() + ROOM_OVERHEAD).sum()
            }
        }
    }
}

#[derive(Debug)]
struct Entry {
    to: Addressees,
    group: FrameGroup,
    size: usize,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the newest entry; the oldest is `last - entries.len() + 1`.
    last: u64,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Moments, and the newest entry at each: it and those before it are at least that old.
    marks: VecDeque<(Instant, u64)>,
}

impl State {
    /// The newest entry that is gone.
    fn floor(&self) -> u64 {
        self.last - self.entries.len() as u64
    }

    fn pop(&mut self, budget: &Budget) -> Option<Entry> {
        let oldest = self.entries.pop_front()?;
        self.bytes -= oldest.size;
        budget.total.fetch_sub(oldest.size, Ordering::Relaxed);
        Some(oldest)
    }
}

/// What a client has missed, in order.
#[derive(Debug)]
pub(super) struct Missed {
    pub(super) groups: Vec<FrameGroup>,
    /// The newest entry at that moment.
    pub(super) last: u64,
    /// The newest entry among those that were missed.
    pub(super) newest: u64,
}

/// The log of one namespace, bounded in entries, bytes and age.
#[derive(Debug)]
pub(crate) struct PacketLog {
    tag: [u8; TAG],
    budget: Arc<Budget>,
    state: Mutex<State>,
}

impl PacketLog {
    pub(super) fn new(budget: &Arc<Budget>, sids: &dyn SidSource) -> Self {
        let mut random = [0; SID_BYTES];
        sids.fill(&mut random);
        Self { tag: offset::tag(&random), budget: Arc::clone(budget), state: Mutex::default() }
    }

    /// Encodes an event with its offset, queues it for its receivers and keeps it, all in one step: the
    /// order of the log is the order in which every receiver gets the events.
    ///
    /// The log is locked while `encode` and `send` run. `send` gets the event's number, which is above
    /// zero, and gives who has to be woken.
    pub(crate) fn publish<W: IntoIterator<Item = Waker>>(
        &self,
        to: Addressees,
        encode: impl FnOnce(&str) -> Result<FrameGroup, EncodeError>,
        send: impl FnOnce(&FrameGroup, u64) -> Result<W, QueueFull>,
    ) -> Result<(), EmitError> {
        let mut trimmed = Vec::new();
        let wakers = {
            let mut state = lock(&self.state);
            let number = state.last + 1;
            let group = encode(OffsetText::new(self.tag, number).as_str())?;
            let wakers = send(&group, number)?;
            let size = OVERHEAD + group.byte_len() + to.size();
            state.last = number;
            state.bytes += size;
            self.budget.total.fetch_add(size, Ordering::Relaxed);
            state.entries.push_back(Entry { to, group, size });
            while self.budget.is_exceeded(state.entries.len(), state.bytes) {
                let Some(oldest) = state.pop(&self.budget) else { break };
                trimmed.push(oldest);
            }
            wakers
        };
        self.budget.note_use();
        // Attachments may be of a type of the user's, which is dropped without the lock.
        drop(trimmed);
        wakers.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Runs something while nothing can be logged; gets the number of the newest entry.
    pub(super) fn while_locked<R>(&self, call: impl FnOnce(u64) -> R) -> R {
        let state = lock(&self.state);
        call(state.last)
    }

    /// The number of the newest entry.
    pub(crate) fn last(&self) -> u64 {
        lock(&self.state).last
    }

    /// The number of an offset that this log has given.
    pub(super) fn number_of(&self, offset: &str) -> Option<u64> {
        offset::parse(self.tag, offset).filter(|number| *number > 0 && *number <= self.last())
    }

    /// Nothing behind `number` is gone.
    pub(super) fn reaches(&self, number: u64) -> bool {
        lock(&self.state).floor() <= number
    }

    /// What is for a socket in these rooms, behind `from`. `None`: some of it may be gone.
    pub(super) fn missed(&self, from: u64, rooms: &HashSet<&str>) -> Option<Missed> {
        let state = lock(&self.state);
        let known = usize::try_from(from.checked_sub(state.floor())?).ok()?;
        let mut missed = Missed { groups: Vec::new(), last: state.last, newest: 0 };
        for (number, entry) in (from + 1..).zip(state.entries.iter().skip(known)) {
            if entry.to.include(rooms) {
                missed.groups.push(entry.group.clone());
                missed.newest = number;
            }
        }
        Some(missed)
    }

    /// Forgets what is older than `age`, never too early; `true` if anything is left.
    pub(super) fn expire(&self, now: Instant, age: Duration) -> bool {
        let mut expired = Vec::new();
        let left = {
            let mut state = lock(&self.state);
            let is_old =
                |(moment, _): &(Instant, u64)| now.saturating_duration_since(*moment) > age;
            while let Some((_, number)) = state.marks.front().copied().filter(is_old) {
                state.marks.pop_front();
                while state.floor() < number {
                    expired.extend(state.pop(&self.budget));
                }
            }
            let last = state.last;
            if !state.entries.is_empty() && state.marks.back().is_none_or(|(_, n)| *n < last) {
                state.marks.push_back((now, last));
            }
            if state.entries.is_empty() {
                state.marks = VecDeque::new();
                state.entries = VecDeque::new();
            }
            !state.entries.is_empty()
        };
        drop(expired);
        left
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let mut gone = Vec::new();
        {
            let mut state = lock(&self.state);
            while let Some(entry) = state.pop(&self.budget) {
                gone.push(entry);
            }
            state.marks = VecDeque::new();
        }
        drop(gone);
    }
}

impl Drop for PacketLog {
    fn drop(&mut self) {
        self.clear();
    }
}
