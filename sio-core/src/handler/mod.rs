//! What users register and what runs it: handlers, their parameters, their replies.
//!
//! Step 6 and 7 of a packet's way. A handler is erased to a [`HandlerFn`] that reads its arguments
//! from the packet text and gives a [`Dispatch`]: a finished reply, or a future of one.
//! Nothing here sees a session or a transport.

pub(crate) mod ack_scope;
mod closure;
mod context;
mod error;
mod reply;

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;

use crate::close::DisconnectReason;
use crate::packet::{ArgCursor, ArgError, DecodeError};
use crate::server::Socket;

pub use closure::{ContextHandler, Handler, Param};
pub use context::{Auth, EventName, FromContext, State};
pub use error::{EventError, IntoEventError};
pub use reply::{EncodedArgs, IntoReply, Reply};

pub(crate) use closure::{erase, erase_context};

/// Types that tell implementations apart during inference; users never write them.
pub mod marker {
    pub use super::closure::{IsArgument, IsAsync, IsContext, IsPlain};
    pub use super::reply::{IsResult, IsValue};
}

/// A future that stays on the thread it was made on.
pub type LocalBoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// An erased event handler.
pub type HandlerFn = dyn for<'a> Fn(&EventCx<'a>, ArgCursor<'a>) -> Dispatch + Send + Sync;

/// An erased handler of a connection's life: it takes context, no arguments.
pub type ContextFn = dyn for<'a> Fn(&EventCx<'a>) -> Dispatch + Send + Sync;

/// What calling a handler gave.
#[expect(missing_debug_implementations, reason = "futures have no useful form")]
#[expect(clippy::exhaustive_enums, reason = "the dispatcher handles every outcome")]
pub enum Dispatch {
    /// The handler is done.
    Ready(Reply),
    /// The handler has to be polled.
    Pending(LocalBoxFuture<Reply>),
    /// The packet itself is broken; the handler was not called and the session has to end.
    Malformed(DecodeError),
}

impl From<ArgError> for Dispatch {
    fn from(error: ArgError) -> Self {
        match error {
            ArgError::Malformed(error) => Self::Malformed(error),
            other => Self::Ready(Reply::Err(EventError::from_argument(&other))),
        }
    }
}

/// What a handler's parameters are taken from.
#[derive(Debug)]
pub struct EventCx<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) event: &'a str,
    pub(crate) ack: Option<u64>,
    pub(crate) reason: Option<DisconnectReason>,
    /// A parameter took over the ack; the dispatcher must not answer.
    pub(crate) manual_ack: Cell<bool>,
}

impl<'a> EventCx<'a> {
    pub(crate) const fn new(socket: &'a Socket, event: &'a str, ack: Option<u64>) -> Self {
        Self { socket, event, ack, reason: None, manual_ack: Cell::new(false) }
    }

    /// The socket the event came from.
    #[must_use]
    pub const fn socket(&self) -> &Socket {
        self.socket
    }

    /// Name of the event; empty for connection and disconnection.
    #[must_use]
    pub const fn event(&self) -> &str {
        self.event
    }

    /// The client asked for an ack and nobody took it over.
    #[must_use]
    pub const fn wants_ack(&self) -> bool {
        self.ack.is_some() && !self.manual_ack.get()
    }
}
