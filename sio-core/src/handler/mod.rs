//! What users register and what runs it: handlers, their parameters, their replies.
//!
//! Step 6 and 7 of a packet's way. A handler is erased to a [`HandlerFn`] that reads its arguments
//! from the packet text and gives a [`Dispatch`]: a finished reply, or a future of one.
//! Nothing here sees a session or a transport.

pub(crate) mod ack_scope;
mod admission;
mod closure;
mod context;
mod controller;
mod cx;
mod emission;
mod error;
mod guard;
mod middleware;
mod pairs;
mod reply;
mod requirements;
mod rules;
mod server_side;
mod socket_middleware;
mod valid;

use std::future::Future;
use std::pin::Pin;

use crate::packet::{ArgCursor, ArgError, DecodeError};

pub use admission::Admission;
#[doc(hidden)]
pub use admission::admit;
pub use closure::{ConnectGuardHandler, ContextHandler, Handler, Param};
pub use context::{
    Auth, EventName, Extension, FromContext, Header, NamespaceParam, Query, RawArgs, State,
};
pub use controller::{ConnectionController, Controller, ControllerPath};
pub use cx::{EventCx, Phase};
pub use emission::Emission;
pub use error::{ErrorHook, EventError, IntoEventError};
#[doc(hidden)]
pub use guard::ErasedGuard;
pub use guard::{EventGuard, Guard, GuardResult, OnEvents, on_events};
pub use middleware::{Middleware, Next, ReplyFuture};
pub(crate) use reply::PooledBuffer;
pub use reply::{EncodedArgs, IntoReply, Reply};
pub use requirements::{Fault, Requirements};
pub use server_side::{
    FromServerSide, ServerSideArg, ServerSideCx, ServerSideHandler, ServerSideParam,
};
#[doc(hidden)]
pub use socket_middleware::ErasedSocketMiddleware;
pub use socket_middleware::SocketMiddleware;
#[cfg(feature = "garde")]
pub use valid::Valid;

pub(crate) use closure::{erase, erase_context, erase_guard};
pub(crate) use cx::OwnedCx;
pub(crate) use emission::Audience;
pub(crate) use error::ErrorAck;
pub(crate) use middleware::{chain, run_hooks};
pub(crate) use requirements::FitsNamespace;
pub(crate) use rules::Rules;
pub(crate) use server_side::erase_server_side;

/// Types that tell implementations apart during inference; users never write them.
pub mod marker {
    pub use super::closure::{IsArgument, IsAsync, IsContext, IsPlain};
    pub use super::guard::{IsAsyncGuard, IsGuardValue, IsSyncGuard};
    pub use super::reply::{IsResult, IsValue};
}

/// A future that stays on the thread it was made on.
pub type LocalBoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// An erased event handler.
pub type HandlerFn = dyn for<'a> Fn(&EventCx<'a>, ArgCursor<'a>) -> Dispatch + Send + Sync;

/// An erased handler of an event that another server has sent.
pub type ServerSideFn = dyn for<'a> Fn(&ServerSideCx<'a>, ArgCursor<'a>) -> Dispatch + Send + Sync;

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
    /// The packet itself is broken; the handler was not called, and a session that sent it has to end.
    Malformed(DecodeError),
}

impl Dispatch {
    /// The handler, or something before it, gave an error.
    #[must_use]
    pub const fn failed(error: EventError) -> Self {
        Self::Ready(Reply::Err(error))
    }

    /// A call that has to wait for a middleware.
    pub(crate) fn deferred(call: impl FnOnce() -> Self + 'static) -> Self {
        Self::Pending(Box::pin(async move { call().finished().await }))
    }

    /// Waits for the reply; a broken packet has been dealt with before anything could wait.
    pub(crate) async fn finished(self) -> Reply {
        match self {
            Self::Ready(reply) => reply,
            Self::Pending(future) => future.await,
            Self::Malformed(error) => Reply::Err(EventError::internal(error.to_string())),
        }
    }
}

impl From<ArgError> for Dispatch {
    fn from(error: ArgError) -> Self {
        match error {
            ArgError::Malformed(error) => Self::Malformed(error),
            other => Self::Ready(Reply::Err(EventError::from_argument(&other))),
        }
    }
}
