//! Handlers of events that other servers have sent: there is no socket.
//!
//! They have a context of their own, so that a handler that asks for a socket does not compile.

mod call;

use std::any::Any;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::packet::{ArgCursor, ArgError, EventArg};
use crate::server::{Hub, Io, Namespace, NamespaceRef};

use super::context::{EventName, NamespaceParam, misfit, namespace_param};
use super::error::EventError;
use super::requirements::Requirements;

pub(crate) use call::erase_server_side;
pub use call::{ServerSideHandler, ServerSideParam};

/// What the parameters of a handler of server-side events are taken from.
#[derive(Debug)]
pub struct ServerSideCx<'a> {
    hub: &'a Arc<Hub>,
    namespace: &'a Arc<Namespace>,
    event: &'a str,
    wants_answer: bool,
}

impl<'a> ServerSideCx<'a> {
    pub(crate) const fn new(
        hub: &'a Arc<Hub>,
        namespace: &'a Arc<Namespace>,
        event: &'a str,
        wants_answer: bool,
    ) -> Self {
        Self { hub, namespace, event, wants_answer }
    }

    /// This server.
    #[must_use]
    pub fn io(&self) -> Io {
        self.hub.io()
    }

    /// The namespace the event was sent in.
    #[must_use]
    pub const fn namespace(&self) -> &Arc<Namespace> {
        self.namespace
    }

    /// Name of the event.
    #[must_use]
    pub const fn event(&self) -> &str {
        self.event
    }

    /// A value given to the builder's `data`.
    #[must_use]
    pub fn data<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.hub.data()
    }

    /// The other server asked for an answer, and this handler gives it.
    #[must_use]
    pub const fn wants_answer(&self) -> bool {
        self.wants_answer
    }
}

/// Types that a handler of server-side events takes from its server; implement it for your own.
///
/// # Examples
///
/// ```
/// use sio_core::handler::{EventError, FromServerSide, ServerSideCx};
/// use sio_core::server::Io;
///
/// /// How many sockets are connected here.
/// struct Crowd(usize);
///
/// impl FromServerSide for Crowd {
///     fn from_server_side(cx: &ServerSideCx<'_>) -> Result<Self, EventError> {
///         Ok(Self(cx.namespace().socket_count()))
///     }
/// }
///
/// let server = Io::builder().namespace("/", |ns| {
///     ns.on_server_side("count", |Crowd(sockets): Crowd| sockets);
/// });
/// # drop(server);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken from a server-side event",
    label = "not there without a socket",
    note = "implement `FromServerSide for {Self}`, or use `Io`, `NamespaceRef`, `EventName`, …"
)]
pub trait FromServerSide: Sized {
    /// Takes the value.
    ///
    /// # Errors
    ///
    /// What the other server is told instead of the handler being called.
    fn from_server_side(cx: &ServerSideCx<'_>) -> Result<Self, EventError>;

    /// Declares what the type needs, so that its absence is found when the server is built.
    fn requirements(_: &mut Requirements) {}
}

impl FromServerSide for Io {
    fn from_server_side(cx: &ServerSideCx<'_>) -> Result<Self, EventError> {
        Ok(cx.io())
    }
}

impl FromServerSide for NamespaceRef {
    fn from_server_side(cx: &ServerSideCx<'_>) -> Result<Self, EventError> {
        Ok(cx.io().of_namespace(cx.namespace()))
    }
}

impl FromServerSide for Arc<Namespace> {
    fn from_server_side(cx: &ServerSideCx<'_>) -> Result<Self, EventError> {
        Ok(Self::clone(cx.namespace()))
    }
}

impl FromServerSide for EventName {
    fn from_server_side(cx: &ServerSideCx<'_>) -> Result<Self, EventError> {
        Ok(Self(cx.event().to_owned()))
    }
}

impl<T: DeserializeOwned> FromServerSide for NamespaceParam<T> {
    fn from_server_side(cx: &ServerSideCx<'_>) -> Result<Self, EventError> {
        let read = namespace_param(cx.namespace());
        read.map(Self).map_err(|error| misfit("bad_namespace", &error))
    }

    fn requirements(requirements: &mut Requirements) {
        requirements.namespace_param(|namespace| namespace_param::<T>(namespace).is_ok());
    }
}

/// `None` where there is nothing; what is there and does not fit is still an error.
impl<C: FromServerSide> FromServerSide for Option<C> {
    fn from_server_side(cx: &ServerSideCx<'_>) -> Result<Self, EventError> {
        match C::from_server_side(cx) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// An argument of a server-side event: every [`EventArg`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a handler of server-side events",
    label = "neither an event argument nor there without a socket",
    note = "another server has sent the event: there is no socket, and nothing that belongs to one",
    note = "take `Io`, `NamespaceRef`, `EventName`, `web::Data<T>`, your own `FromServerSide`, or arguments that implement `serde::Deserialize`"
)]
pub trait ServerSideArg: Sized {
    /// Takes the value from the argument list.
    ///
    /// # Errors
    ///
    /// The arguments at the cursor do not fit the type.
    fn read_server_side(args: &mut ArgCursor<'_>) -> Result<Self, ArgError>;
}

#[diagnostic::do_not_recommend]
impl<T: EventArg> ServerSideArg for T {
    fn read_server_side(args: &mut ArgCursor<'_>) -> Result<Self, ArgError> {
        T::read(args)
    }
}
