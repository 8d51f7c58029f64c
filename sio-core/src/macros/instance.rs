//! Controllers of which each connection has its own.
//!
//! The instance is kept on the socket behind a lock that is never contended between events, because those
//! are ordered; the end of the socket waits for a handler that is still running.

use std::fmt;
use std::sync::Arc;

use futures_util::lock::{Mutex, MutexGuard};

use crate::handler::{Dispatch, EventCx, EventError, IntoEventError, Reply};
use crate::server::Socket;

/// The controller of one connection.
pub struct Instance<C>(Arc<Mutex<C>>);

impl<C> fmt::Debug for Instance<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instance")
    }
}

impl<C> Instance<C> {
    /// Waits for a handler that still runs.
    pub async fn lock(&self) -> MutexGuard<'_, C> {
        self.0.lock().await
    }
}

impl EventCx<'_> {
    #[doc(hidden)]
    pub fn instance<C: Send + 'static>(&self) -> Result<Instance<C>, Dispatch> {
        self.socket().instance::<Mutex<C>>().map(Instance).ok_or_else(|| {
            let detail = format!("no instance of {}", std::any::type_name::<C>());
            Dispatch::failed(EventError::internal(detail))
        })
    }
}

/// What `#[create]` gives back: the controller, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "`#[create]` has to return `{C}`, or a `Result` of it",
    label = "not `{C}`",
    note = "the error type of the `Result` needs `IntoEventError`, for instance `ConnectError`"
)]
pub trait IntoInstance<C> {
    /// The instance.
    ///
    /// # Errors
    ///
    /// The socket is refused.
    fn into_instance(self) -> Result<C, EventError>;
}

impl<C> IntoInstance<C> for C {
    fn into_instance(self) -> Result<C, EventError> {
        Ok(self)
    }
}

impl<C, E: IntoEventError> IntoInstance<C> for Result<C, E> {
    fn into_instance(self) -> Result<C, EventError> {
        self.map_err(IntoEventError::into_event_error)
    }
}

/// Keeps a new instance on its socket.
pub fn created<C: Send + 'static, R: IntoInstance<C>>(socket: &Socket, created: R) -> Reply {
    match created.into_instance() {
        Ok(instance) => {
            socket.add_instance(Arc::new(Mutex::new(instance)));
            Reply::Unit
        }
        Err(error) => Reply::Err(error),
    }
}

/// A controller that can be made without anything.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made for a connection",
    label = "each connection needs an instance of its own",
    note = "mark an associated function that returns one with `#[create]`, or derive `Default`"
)]
pub trait ConnectionDefault {
    #[doc(hidden)]
    fn make() -> Self;
}

#[diagnostic::do_not_recommend]
impl<C: Default> ConnectionDefault for C {
    fn make() -> Self {
        Self::default()
    }
}

/// The instance of a controller without `#[create]`.
#[must_use]
pub fn default_instance<C: ConnectionDefault>() -> C {
    C::make()
}
