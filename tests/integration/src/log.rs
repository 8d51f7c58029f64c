//! What a server in this process logs, as a subscriber with a filter writes it.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::wire::DEADLINE;

/// The lines of this process's log.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<(Mutex<Vec<u8>>, Condvar)>);

impl Log {
    /// Begins to listen with a filter such as `RUST_LOG` has, once per process.
    pub fn capture(filter: &str) -> Self {
        let log = Self::default();
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_ansi(false)
            .without_time()
            .with_writer(log.clone())
            .init();
        log
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.0.lock().unwrap().clone())
            .unwrap()
            .split_terminator('\n')
            .map(str::to_owned)
            .collect()
    }

    /// The first line that has all of these parts, or fails after the deadline.
    #[track_caller]
    pub fn expect(&self, parts: &[&str]) -> String {
        let find = |lines: &[u8]| {
            let text = String::from_utf8_lossy(lines);
            let line = text.lines().find(|line| parts.iter().all(|part| line.contains(part)));
            line.map(str::to_owned)
        };
        let (lines, changed) = &*self.0;
        let (lines, _) = changed
            .wait_timeout_while(lines.lock().unwrap(), DEADLINE, |lines| find(lines).is_none())
            .unwrap();
        match find(&lines) {
            Some(line) => line,
            None => panic!("no line with {parts:?} in\n{}", String::from_utf8_lossy(&lines)),
        }
    }

    /// How many lines have this part.
    pub fn count(&self, part: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(part)).count()
    }
}

impl Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.0.lock().unwrap().extend_from_slice(bytes);
        self.0.1.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}
