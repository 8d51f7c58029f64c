//! A middleware that bounds how long a handler may take.

use std::time::Duration;

use sio_core::handler::{EventCx, EventError, Middleware, Next, Reply, ReplyFuture};

/// A bound on a handler's time; made by [`timeout`].
#[derive(Debug, Clone, Copy)]
pub struct Timeout(Duration);

/// A middleware that drops a handler that takes longer than `limit`; its client gets an error with the
/// code `timeout`.
#[must_use]
pub const fn timeout(limit: Duration) -> Timeout {
    Timeout(limit)
}

impl Middleware for Timeout {
    fn run<'a>(&'a self, _cx: &'a EventCx<'a>, next: Next) -> ReplyFuture<'a> {
        Box::pin(async move {
            match tokio::time::timeout(self.0, next.run()).await {
                Ok(reply) => reply,
                Err(_elapsed) => {
                    Reply::Err(EventError::new("timeout", "the handler took too long"))
                }
            }
        })
    }
}
