//! How one emit of a socket is sent: flags that belong to the emit, not to the socket.

use std::time::Duration;

use futures_channel::oneshot;
use serde::Serialize;

use crate::packet::EventArg;

use super::super::ack::AckFuture;
use super::{EmitError, Socket};

/// Flags of one emit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct EmitFlags {
    /// Dropped if the transport cannot take it at that moment.
    pub(crate) volatile: bool,
    /// Transports must not compress it.
    pub(crate) uncompressed: bool,
}

impl EmitFlags {
    pub(crate) const fn volatile(volatile: bool) -> Self {
        Self { volatile, uncompressed: false }
    }
}

/// A socket with flags for what is emitted through this; the socket itself has none.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use sio_core::server::{AckError, Io, Socket};
///
/// let server = Io::builder().namespace("/", |ns| {
///     ns.on("where", async |socket: Socket| {
///         // Drop it rather than be late.
///         socket.volatile().compress(false).emit("tick", 1)?;
///         socket.timeout(Duration::from_secs(5)).emit_with_ack::<(f64, f64)>("position", ()).await
///     });
/// });
/// # drop(server);
/// ```
#[derive(Debug, Clone)]
#[must_use = "flags do nothing until something is emitted with them"]
pub struct EmitOperator {
    socket: Socket,
    flags: EmitFlags,
    timeout: Option<Duration>,
}

impl Socket {
    fn operator(&self) -> EmitOperator {
        EmitOperator { socket: self.clone(), flags: EmitFlags::default(), timeout: None }
    }

    pub(super) fn send_question<T: EventArg>(
        &self,
        event: &str,
        args: &impl Serialize,
        timeout: Option<Duration>,
        flags: EmitFlags,
    ) -> AckFuture<T> {
        let (waiter, receiver) = oneshot::channel();
        match self.send_event(event, args, Some((waiter.into(), timeout)), flags) {
            Ok(()) => AckFuture::waiting(receiver),
            Err(error) => AckFuture::failed(error.into()),
        }
    }

    /// Emits through this are dropped if the transport cannot take them at that moment.
    pub fn volatile(&self) -> EmitOperator {
        self.operator().volatile()
    }

    /// Whether transports that compress may compress what is emitted through this, as they may by default.
    pub fn compress(&self, compress: bool) -> EmitOperator {
        self.operator().compress(compress)
    }

    /// Acks of emits through this have to come within a time; see [`Self::emit_with_ack`].
    pub fn timeout(&self, timeout: Duration) -> EmitOperator {
        self.operator().timeout(timeout)
    }
}

impl EmitOperator {
    /// Emits are dropped if the transport cannot take them at that moment.
    pub const fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether transports that compress may compress emits, as they may by default.
    pub const fn compress(mut self, compress: bool) -> Self {
        self.flags.uncompressed = !compress;
        self
    }

    /// Acks have to come within a time; zero has passed before any answer.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends an event.
    ///
    /// # Errors
    ///
    /// As [`Socket::emit`].
    pub fn emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        self.socket.send_event(event, &args, None, self.flags)
    }

    /// Sends an event named `message`.
    ///
    /// # Errors
    ///
    /// As [`Socket::emit`].
    pub fn send(&self, args: impl Serialize) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Sends an event at once and waits for the client's ack, without a limit unless [`Self::timeout`] set
    /// one.
    ///
    /// A volatile event that is dropped is not answered: it should have a timeout.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future forgets the ack; the event is sent all the same.
    pub fn emit_with_ack<T: EventArg>(&self, event: &str, args: impl Serialize) -> AckFuture<T> {
        self.socket.send_question(event, &args, self.timeout, self.flags)
    }
}
