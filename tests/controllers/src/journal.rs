//! What handlers, guards and middleware did, in order.

use std::sync::Arc;

use actix_web::web;
use sio_actix::EventCx;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::DEADLINE;

/// Lines written by handlers; clones are the same journal.
#[derive(Debug, Clone)]
pub struct Journal(Arc<watch::Sender<Vec<String>>>);

impl Default for Journal {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Vec::new())))
    }
}

impl Journal {
    /// Writes a line.
    pub fn note(&self, line: impl Into<String>) {
        self.0.send_modify(|lines| lines.push(line.into()));
    }

    /// Everything so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// How often a line was written.
    pub fn count(&self, line: &str) -> usize {
        self.0.borrow().iter().filter(|one| *one == line).count()
    }

    /// Waits until a line is there.
    pub async fn wait(&self, line: &str) -> Vec<String> {
        self.until(line, |lines| lines.iter().any(|one| one == line)).await
    }

    /// Waits until there are as many lines.
    pub async fn wait_len(&self, len: usize) -> Vec<String> {
        self.until(&format!("{len} lines"), |lines| lines.len() >= len).await
    }

    /// Waits until the lines are as wanted.
    pub async fn until(
        &self,
        wanted: &str,
        mut done: impl FnMut(&[String]) -> bool,
    ) -> Vec<String> {
        let mut receiver = self.0.subscribe();
        let found = timeout(DEADLINE, receiver.wait_for(|lines| done(lines))).await;
        match found {
            Ok(Ok(lines)) => lines.clone(),
            _ => panic!("the journal never had: {wanted}; it has {:?}", self.lines()),
        }
    }

    /// Writes a line when the value is dropped.
    pub fn on_drop(&self, line: &'static str) -> OnDrop {
        OnDrop(self.clone(), line)
    }

    /// For the builder's `data`, so that functions can write with [`note`].
    pub fn data(&self) -> web::Data<Self> {
        web::Data::new(self.clone())
    }
}

/// Made by [`Journal::on_drop`].
#[derive(Debug)]
pub struct OnDrop(Journal, &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

/// Writes a line into the journal that was given to the builder's `data`.
pub fn note(cx: &EventCx<'_>, line: impl Into<String>) {
    cx.data::<web::Data<Journal>>().expect("the builder has the journal").note(line);
}
