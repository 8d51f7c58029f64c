//! What handlers saw, in order, for the test's thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};

use crate::wire::DEADLINE;

/// A list of lines that handlers append to and the test takes from.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<(Mutex<VecDeque<String>>, Condvar)>);

impl Journal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a line.
    pub fn note(&self, line: impl Into<String>) {
        self.0.0.lock().unwrap().push_back(line.into());
        self.0.1.notify_all();
    }

    /// Takes the next line, or fails after the deadline.
    #[track_caller]
    pub fn next(&self) -> String {
        let (lines, changed) = &*self.0;
        let (mut lines, _) = changed
            .wait_timeout_while(lines.lock().unwrap(), DEADLINE, |lines| lines.is_empty())
            .unwrap();
        match lines.pop_front() {
            Some(line) => line,
            None => panic!("no line in the journal within {DEADLINE:?}"),
        }
    }

    /// The next line is this one.
    #[track_caller]
    pub fn expect(&self, line: &str) {
        assert_eq!(self.next(), line);
    }

    /// Takes all lines that are there.
    pub fn drain(&self) -> Vec<String> {
        self.0.0.lock().unwrap().drain(..).collect()
    }
}
