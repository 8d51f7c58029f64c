//! What a test client received, in order.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sio_core::packet::Value;
use tokio::sync::Notify;

use crate::args::RawArgs;
use crate::life::{DisconnectReason, LifeEvent};

/// Events that are kept; the oldest go first.
const KEPT: usize = 10_000;
/// Events and characters that an error shows.
const SHOWN: usize = 20;
const SHOWN_CHARS: usize = 80;

/// One received event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Received {
    /// Its name.
    pub event: String,
    /// Its arguments.
    pub args: Vec<Value>,
}

struct Entry {
    event: String,
    args: RawArgs,
    /// `next` gave it away.
    taken: bool,
    /// `once` or a stream gave it away.
    noticed: bool,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    /// Number of all events ever.
    total: u64,
    /// Names of events that listeners hear.
    heard: HashSet<String>,
    ended: Option<DisconnectReason>,
}

#[derive(Default)]
pub(crate) struct Log {
    state: Mutex<State>,
    pub(crate) changed: Notify,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn event(&self, event: &str, args: &RawArgs) {
        {
            let mut state = self.lock();
            state.total += 1;
            if state.entries.len() == KEPT {
                state.entries.pop_front();
            }
            let entry =
                Entry { event: event.to_owned(), args: args.clone(), taken: false, noticed: false };
            state.entries.push_back(entry);
        }
        self.changed.notify_waiters();
    }

    pub(crate) fn life(&self, event: &LifeEvent) {
        match event {
            LifeEvent::Disconnect(reason) => self.lock().ended = Some(*reason),
            LifeEvent::Connect { .. } => self.lock().ended = None,
            _ => {}
        }
        self.changed.notify_waiters();
    }

    pub(crate) fn ended(&self) -> Option<DisconnectReason> {
        self.lock().ended
    }

    /// Takes the oldest event of a name that was not taken yet.
    pub(crate) fn take(&self, event: &str) -> Option<RawArgs> {
        let mut state = self.lock();
        let entry = state.entries.iter_mut().find(|one| !one.taken && one.event == event)?;
        entry.taken = true;
        Some(entry.args.clone())
    }

    /// `once` or a stream gave an event of this name away.
    pub(crate) fn notice(&self, event: &str) {
        let mut state = self.lock();
        let entry = state.entries.iter_mut().find(|one| !one.noticed && one.event == event);
        if let Some(entry) = entry {
            entry.noticed = true;
        }
    }

    /// A listener hears events of this name: they are no surprise later.
    pub(crate) fn hear(&self, event: &str) {
        self.lock().heard.insert(event.to_owned());
    }

    /// Number of events so far.
    pub(crate) fn total(&self) -> u64 {
        self.lock().total
    }

    /// The first event of the given name, or of any, that came behind number `total`, or before that and
    /// was noticed by nobody.
    pub(crate) fn first_surprise(&self, total: u64, event: Option<&str>) -> Option<String> {
        let state = self.lock();
        let new = usize::try_from(state.total.saturating_sub(total)).unwrap_or(usize::MAX);
        let old = state.entries.len().saturating_sub(new);
        let is_surprise = |(index, entry): &(usize, &Entry)| {
            let unnoticed = !entry.taken && !entry.noticed && !state.heard.contains(&entry.event);
            event.is_none_or(|event| entry.event == event) && (*index >= old || unnoticed)
        };
        let found = state.entries.iter().enumerate().find(is_surprise);
        found.map(|(_, entry)| entry.to_string())
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        let state = self.lock();
        let copy = |one: &Entry| Received { event: one.event.clone(), args: one.args.values() };
        state.entries.iter().map(copy).collect()
    }

    /// What arrived so far, for the text of an error.
    pub(crate) fn summary(&self) -> String {
        let state = self.lock();
        let mut text = match state.total {
            0 => "no event arrived".to_owned(),
            1 => "1 event arrived: ".to_owned(),
            total => format!("{total} events arrived: "),
        };
        let first = state.entries.len().saturating_sub(SHOWN);
        if first > 0 {
            text.push_str("…, ");
        }
        let shown: Vec<String> = state.entries.iter().skip(first).map(Entry::to_string).collect();
        text.push_str(&shown.join(", "));
        if let Some(reason) = state.ended {
            text.push_str(&format!("; then disconnected: {reason}"));
        }
        text
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = self.args.json();
        let args: String = json.chars().take(SHOWN_CHARS).collect();
        let more = if args.len() < json.len() { "…" } else { "" };
        write!(f, "`{}`({args}{more})", self.event)
    }
}
