//! How long a client may take for the head of each request.
//!
//! actix bounds that of a connection's first request; for later ones a client could take as long as it likes, and
//! hold the connection. So the stream notes when bytes come between two requests, the application's service
//! when a head is complete, and the end of an answer's body that there may be the next.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// What came behind a request with a body may be the rest of that, which actix reads until it ends: it has as
/// much time as a push has.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Where a connection is between its requests.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// Requests that have not been answered to the end.
    open: Cell<u32>,
    /// There was one, so that actix does not look any more.
    later: Cell<bool>,
    /// The last of them had a body.
    had_body: Cell<bool>,
    /// Something came behind the last answer.
    began: Cell<bool>,
}

impl Heads {
    /// Bytes came.
    pub(super) fn read(&self) {
        if self.later.get() && self.open.get() == 0 {
            self.began.set(true);
        }
    }

    /// How long what began may take until it is a head; `None`: nothing has begun.
    fn awaited(&self, head_time: Duration) -> Option<Duration> {
        let time = if self.had_body.get() { head_time.max(BODY_TIME) } else { head_time };
        (self.began.get() && !head_time.is_zero()).then_some(time)
    }
}

/// A request that is being answered, until its drop.
pub(super) struct Answering(Rc<Heads>);

impl Answering {
    pub(super) fn new(heads: Rc<Heads>, has_body: bool) -> Self {
        heads.open.set(heads.open.get() + 1);
        heads.later.set(true);
        heads.had_body.set(has_body);
        heads.began.set(false);
        Self(heads)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get().saturating_sub(1));
    }
}

/// The time that a head has, while one is awaited.
#[derive(Debug)]
pub(super) struct HeadTimer {
    heads: Rc<Heads>,
    time: Duration,
    running: Option<Pin<Box<Sleep>>>,
}

impl HeadTimer {
    /// `time` zero: no bound.
    pub(super) const fn new(heads: Rc<Heads>, time: Duration) -> Self {
        Self { heads, time, running: None }
    }

    /// A head has taken too long; to be asked whenever the connection has had its turn.
    pub(super) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(time) = self.heads.awaited(self.time) else {
            self.running = None;
            return false;
        };
        let running = self.running.get_or_insert_with(|| Box::pin(sleep(time)));
        running.as_mut().poll(cx).is_ready()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(5);

    #[test]
    fn only_what_comes_between_two_requests_has_to_become_a_head() {
        let heads = Rc::new(Heads::default());
        // actix looks after the first.
        heads.read();
        assert_eq!(heads.awaited(TIME), None);
        let answering = Answering::new(Rc::clone(&heads), false);
        heads.read();
        assert_eq!(heads.awaited(TIME), None);
        drop(answering);
        assert_eq!(heads.awaited(TIME), None);
        heads.read();
        assert_eq!(heads.awaited(TIME), Some(TIME));
        assert_eq!(heads.awaited(Duration::ZERO), None);
        let _answering = Answering::new(Rc::clone(&heads), false);
        assert_eq!(heads.awaited(TIME), None);
    }

    #[test]
    fn the_rest_of_a_body_has_the_time_of_one() {
        let heads = Rc::new(Heads::default());
        drop(Answering::new(Rc::clone(&heads), true));
        heads.read();
        assert_eq!(heads.awaited(TIME), Some(BODY_TIME));
        assert_eq!(heads.awaited(2 * BODY_TIME), Some(2 * BODY_TIME));
    }
}
