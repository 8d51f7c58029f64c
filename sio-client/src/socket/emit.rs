//! Sending: events, events that may be dropped, and events with an answer.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sio_core::handler::EncodedArgs;
use sio_core::packet::EventArg;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Socket;
use crate::args::RawArgs;
use crate::error::{AckError, EmitError};
use crate::namespace::{NotSent, SocketCore};

/// Forgets an ack that nobody waits for any more.
struct PendingAck<'a> {
    core: &'a SocketCore,
    id: u64,
}

impl Drop for PendingAck<'_> {
    fn drop(&mut self) {
        self.core.forget_ack(self.id);
    }
}

impl Socket {
    /// Sends an event: a tuple is the argument list, `()` is none, anything else is one argument.
    ///
    /// Waits while the connection has much to send. Without a connection the event waits in a bounded
    /// buffer.
    ///
    /// # Errors
    ///
    /// See [`EmitError`]; nothing was sent then.
    ///
    /// # Cancel safety
    ///
    /// The event is sent entirely or, if the future is dropped before it completes, not at all.
    pub fn emit(
        &self,
        event: &str,
        args: impl Serialize,
    ) -> impl Future<Output = Result<(), EmitError>> + Send {
        let group =
            EncodedArgs::encode(&args).and_then(|args| self.core().event_group(None, event, &args));
        drop(args);
        let core = Arc::clone(self.core());
        async move { core.send(group?, None).await }
    }

    /// As [`Self::emit`], but an error instead of waiting; for listeners.
    ///
    /// # Errors
    ///
    /// As [`Self::emit`], and [`EmitError::Busy`].
    pub fn try_emit(&self, event: &str, args: impl Serialize) -> Result<(), EmitError> {
        let args = EncodedArgs::encode(&args)?;
        let group = self.core().event_group(None, event, &args)?;
        self.core().try_send(group, None).map_err(|error| match error {
            NotSent::Failed(error) => error,
            NotSent::Full(_) => EmitError::Busy,
        })
    }

    /// Sends an event if the transport can take it at once; tells whether it did.
    ///
    /// # Errors
    ///
    /// The event cannot be encoded.
    pub fn emit_volatile(&self, event: &str, args: impl Serialize) -> Result<bool, EmitError> {
        let args = EncodedArgs::encode(&args)?;
        let group = self.core().event_group(None, event, &args)?;
        Ok(self.core().send_volatile(group))
    }

    /// Sends an event and waits for the server's answer, for as long as the client's `ack_timeout`.
    ///
    /// # Errors
    ///
    /// See [`AckError`]; an answer of the form `{"error":{"code","message"}}` is
    /// [`AckError::Remote`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped the event may have been sent; its answer is ignored.
    pub fn emit_with_ack<T: EventArg>(
        &self,
        event: &str,
        args: impl Serialize,
    ) -> impl Future<Output = Result<T, AckError>> + Send {
        let answer = self.emit_with_ack_raw(event, args, None);
        async move { read_answer(&answer.await?) }
    }

    /// As [`Self::emit_with_ack`], waiting as long as the call says.
    ///
    /// # Errors
    ///
    /// As [`Self::emit_with_ack`].
    ///
    /// # Cancel safety
    ///
    /// As [`Self::emit_with_ack`].
    pub fn emit_with_ack_within<T: EventArg>(
        &self,
        limit: Duration,
        event: &str,
        args: impl Serialize,
    ) -> impl Future<Output = Result<T, AckError>> + Send {
        let answer = self.emit_with_ack_raw(event, args, Some(limit));
        async move { read_answer(&answer.await?) }
    }

    /// As [`Self::emit_with_ack`], giving the answer as it came, be it an error object or not.
    /// `limit` is the client's `ack_timeout` if absent.
    ///
    /// # Errors
    ///
    /// As [`Self::emit_with_ack`] but for [`AckError::Remote`] and [`AckError::Invalid`].
    ///
    /// # Cancel safety
    ///
    /// As [`Self::emit_with_ack`].
    pub fn emit_with_ack_raw(
        &self,
        event: &str,
        args: impl Serialize,
        limit: Option<Duration>,
    ) -> impl Future<Output = Result<RawArgs, AckError>> + Send {
        let encoded = EncodedArgs::encode(&args).map_err(EmitError::from);
        drop(args);
        let core = Arc::clone(self.core());
        let event = event.to_owned();
        async move {
            let encoded = encoded?;
            let limit = limit.unwrap_or(core.client.config.ack_timeout);
            let (sender, receiver) = oneshot::channel();
            let id = core.expect_ack(sender)?;
            let _pending = PendingAck { core: &core, id };
            let group = core.event_group(Some(id), &event, &encoded).map_err(EmitError::from)?;
            let answer = async {
                core.send(group, Some(id)).await?;
                receiver.await.unwrap_or(Err(AckError::Disconnected))
            };
            timeout(limit, answer).await.unwrap_or(Err(AckError::Timeout))
        }
    }
}

#[derive(serde::Deserialize)]
struct ErrorAnswer {
    error: ErrorBody,
}

#[derive(serde::Deserialize)]
struct ErrorBody {
    code: String,
    message: String,
    data: Option<serde_json::Value>,
}

/// Reads an answer; the error object of a server is an error.
pub(crate) fn read_answer<T: EventArg>(args: &RawArgs) -> Result<T, AckError> {
    let looks_like_error = args.json().trim_start().starts_with("{\"error\"");
    if looks_like_error && let Ok(ErrorAnswer { error }) = args.read() {
        let ErrorBody { code, message, data } = error;
        return Err(AckError::Remote { code, message, data });
    }
    Ok(args.read()?)
}
