//! The orderly end of a server: no new sessions, time for what runs, then goodbye.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::Io;

/// Clients that poll come back for their goodbye within this time, if they come back at all.
const GOODBYE: Duration = Duration::from_secs(1);
/// Into how many parts the sessions are divided that end one after another.
const PARTS: usize = 20;
/// How often is looked whether anything still runs.
const TICK: Duration = Duration::from_millis(10);

/// What [`Io::on_shutdown`] gives handlers and clients before it closes the server.
///
/// By default nothing: handlers that wait are answered for with the code `unavailable` at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drain {
    /// Time for handlers to finish while new sessions are refused with 503; no longer than they need.
    pub deadline: Duration,
    /// Name of an event without arguments that every socket gets at the beginning.
    pub hint: Option<String>,
    /// Time over which the ends of sessions are spread, so that not all clients come to other servers at once.
    pub spread: Duration,
}

impl Drain {
    /// Gives handlers this time to finish.
    #[must_use]
    pub const fn within(deadline: Duration) -> Self {
        Self { deadline, hint: None, spread: Duration::ZERO }
    }

    /// Spreads the ends of sessions over this time, which begins when handlers have had theirs.
    #[must_use]
    pub const fn spread(mut self, time: Duration) -> Self {
        self.spread = time;
        self
    }

    /// Tells every socket of this node by an event.
    #[must_use]
    pub fn hint(mut self, event: impl Into<String>) -> Self {
        self.hint = Some(event.into());
        self
    }

    /// Refuses new sessions and waits for handlers.
    async fn wait(&self, io: &Io) {
        io.refuse_sessions();
        if let Some(hint) = &self.hint {
            for namespace in io.namespaces() {
                if let Err(error) = io.of(&namespace).local().emit(hint, ()) {
                    tracing::warn!(%error, namespace, "the hint before the end was not sent");
                }
            }
        }
        let finished = async {
            let mut tick = tokio::time::interval(TICK);
            loop {
                let left = io.inventory().await;
                // The end drops events that wait: the hint is taken first, by clients that take anything.
                if left.handlers == 0 && (self.hint.is_none() || left.queued_packets == 0) {
                    return;
                }
                tick.tick().await;
            }
        };
        if !self.deadline.is_zero() && tokio::time::timeout(self.deadline, finished).await.is_err()
        {
            tracing::info!(deadline = ?self.deadline, "handlers did not finish in time");
        }
    }
}

impl Drain {
    /// Ends the sessions part by part.
    async fn end_gradually(&self, io: &Io) {
        if self.spread.is_zero() {
            return;
        }
        let begin = Instant::now();
        for part in 0..PARTS {
            if io.session_count() == 0 {
                return;
            }
            io.close_part(part, PARTS);
            let share = self.spread.mul_f64((part + 1) as f64 / PARTS as f64);
            sleep_until(begin + share).await;
        }
    }
}

/// Ends a server in order.
pub(crate) async fn run(drain: &Drain, io: &Io) {
    drain.wait(io).await;
    drain.end_gradually(io).await;
    io.close();
    let told = async {
        let mut tick = tokio::time::interval(TICK);
        // Twice in a row, because the ends of its sockets follow a session.
        let mut quiet = 0;
        while quiet < 2 {
            tick.tick().await;
            let is_quiet = io.session_count() == 0 && !io.has_more_to_say();
            quiet = if is_quiet { quiet + 1 } else { 0 };
        }
    };
    if tokio::time::timeout(GOODBYE, told).await.is_err() {
        tracing::info!(left = io.session_count(), "clients left without a goodbye");
    }
    // What the ends of sockets said to other nodes is on its way by now.
    io.leave_cluster().await;
}
