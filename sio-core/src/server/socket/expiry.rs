//! Sockets that are connected for a time only, as the credentials are good for that they connected with.

use std::time::Instant;

use super::super::listeners::heed;
use super::super::sessions::SessionOp;
use super::{Socket, lock};

impl Socket {
    /// Disconnects the socket at a moment, as [`Self::disconnect`] without `close` does then; `None` takes
    /// that back.
    ///
    /// For credentials that expire: a connect guard says it, and
    /// [`NamespaceBuilder::reauthenticate`](super::super::NamespaceBuilder::reauthenticate) moves it. What was
    /// emitted before is delivered first; the reason is `server namespace disconnect`. A moment that has passed
    /// is now, and a socket that has ended stays as it is.
    ///
    /// A client that comes back by connection state recovery has the rest of its time. With a log that all
    /// nodes share, a socket with such a moment is not recovered: its client connects anew and its guards are
    /// asked.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// use sio_core::server::{Io, Socket};
    ///
    /// let server = Io::builder().namespace("/", |ns| {
    ///     ns.connect_guard(|socket: Socket| {
    ///         socket.disconnect_at(Instant::now() + Duration::from_secs(3600));
    ///     });
    /// });
    /// # drop(server);
    /// ```
    pub fn disconnect_at(&self, at: impl Into<Option<Instant>>) {
        let at = at.into();
        let before = self.disconnects_at();
        self.set_expiry(at);
        // A later moment needs no timer of its own: what was set for the earlier one looks again.
        let sooner = at.is_some_and(|at| before.is_none_or(|before| at < before));
        if sooner && self.route(SessionOp::Rearm).is_err() {
            // The next heartbeat looks.
            tracing::warn!("a worker's queue is full; a socket is disconnected a little late");
        }
    }

    /// When [`Self::disconnect_at`] ends the socket.
    #[must_use]
    pub fn disconnects_at(&self) -> Option<Instant> {
        if self.heeds(heed::EXPIRY) { lock(&self.0.extras).as_ref()?.expiry } else { None }
    }

    pub(super) fn set_expiry(&self, at: Option<Instant>) {
        let mut extras = lock(&self.0.extras);
        let extras = extras.get_or_insert_default();
        extras.expiry = at;
        self.0.note_heeds(extras);
    }

    /// The earliest moment at which its worker has to look at it.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.next_ack_deadline().into_iter().chain(self.disconnects_at()).min()
    }

    /// Ends the socket if its time is over.
    pub(crate) fn expire(&self, now: Instant) {
        if self.disconnects_at().is_some_and(|at| at <= now) {
            // Once, also if its end has to wait behind what others say.
            self.set_expiry(None);
            self.disconnect(false);
        }
    }
}
