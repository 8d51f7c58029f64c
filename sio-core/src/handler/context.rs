//! Handler parameters that come from the connection, not from the packet.

use std::ops::Deref;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::close::DisconnectReason;
use crate::server::{AckSender, Handshake, Io, Socket};

use super::EventCx;
use super::error::EventError;

/// Types a handler takes from the connection; implement it for your own.
///
/// Extraction does not wait: what needs a database belongs into a connect guard, which leaves its
/// result in [`State`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken from a connection",
    label = "not a context type",
    note = "implement `FromContext for {Self}`, or use `Socket`, `Io`, `State<T>`, `Auth<T>`, …"
)]
pub trait FromContext: Sized {
    /// Takes the value.
    ///
    /// # Errors
    ///
    /// What the client is told instead of the handler being called.
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError>;
}

impl FromContext for Socket {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(cx.socket.clone())
    }
}

impl FromContext for Io {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(cx.socket.io())
    }
}

impl FromContext for Arc<Handshake> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(Self::clone(cx.socket.handshake()))
    }
}

impl FromContext for AckSender {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        cx.manual_ack.set(true);
        Ok(Self::new(cx.socket.clone(), cx.ack))
    }
}

impl FromContext for DisconnectReason {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        cx.reason.ok_or_else(|| EventError::internal("only a disconnect handler has a reason"))
    }
}

/// Name of the event that is handled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct EventName(pub String);

impl FromContext for EventName {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(Self(cx.event.to_owned()))
    }
}

/// A value stored on the socket with [`Socket::set_state`]; one per type.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct State<T>(pub Arc<T>);

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Send + Sync + 'static> FromContext for State<T> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        cx.socket.state::<T>().map(Self).ok_or_else(|| {
            EventError::internal(format!("no state of type {}", std::any::type_name::<T>()))
        })
    }
}

/// The CONNECT payload of the socket's namespace, read as `T`; an absent one reads as `{}`.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "an extractor is destructured in parameters")]
pub struct Auth<T>(pub T);

impl<T: DeserializeOwned> FromContext for Auth<T> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        cx.socket
            .auth()
            .map(Self)
            .map_err(|error| EventError::new("bad_auth", cut(error.to_string())))
    }
}

/// Bounds what a client can have repeated to it: serde quotes the input.
fn cut(mut message: String) -> String {
    const MAX: usize = 200;
    let end = (0..=MAX).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
    message.truncate(end.min(message.len()));
    message
}

impl<C: FromContext> FromContext for Option<C> {
    fn from_context(cx: &EventCx<'_>) -> Result<Self, EventError> {
        Ok(C::from_context(cx).ok())
    }
}
