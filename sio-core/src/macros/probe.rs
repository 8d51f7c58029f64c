//! Which kind a parameter is: found by its type, through the order in which methods are looked up.
//!
//! `(&&&Probe::<T>::new()).pick()` finds the implementation behind the most references first: context
//! types of this crate, then those of the web framework's crate, then event arguments. The last step
//! takes every type and demands the bound afterwards, so that an error names the trait.

use std::fmt;
use std::marker::PhantomData;

use crate::handler::{
    Dispatch, EventCx, FromContext, FromServerSide, Requirements, ServerSideArg, ServerSideCx,
};
use crate::packet::{ArgCursor, EventArg};

/// Asks what kind of parameter `T` is.
pub struct Probe<T>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    #[must_use]
    #[expect(clippy::new_without_default, reason = "the expansion calls nothing else")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

macro_rules! kinds {
    ($($kind:ident)*) => {$(
        /// A kind of parameter, found by [`Probe`].
        pub struct $kind<T>(PhantomData<fn() -> T>);

        impl<T> fmt::Debug for $kind<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($kind))
            }
        }
    )*};
}

kinds!(Argument Context LifeContext ServerSideArgument ServerSideContext);

impl<T> fmt::Debug for Probe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

/// Context types, in handlers of events.
pub trait PickContext<T> {
    fn pick(&self) -> Context<T> {
        Context(PhantomData)
    }
}

impl<T: FromContext> PickContext<T> for &&Probe<T> {}

/// Everything else, in handlers of events.
pub trait PickArgument<T> {
    fn pick(&self) -> Argument<T> {
        Argument(PhantomData)
    }
}

impl<T> PickArgument<T> for Probe<T> {}

/// Context types, in handlers of a socket's life.
pub trait PickLifeContext<T> {
    fn pick_context(&self) -> LifeContext<T> {
        LifeContext(PhantomData)
    }
}

impl<T: FromContext> PickLifeContext<T> for &&Probe<T> {}

/// Everything else, in handlers of a socket's life: an error, told by the missing bound.
pub trait PickLife<T> {
    fn pick_context(&self) -> LifeContext<T> {
        LifeContext(PhantomData)
    }
}

impl<T> PickLife<T> for Probe<T> {}

/// Context types, in handlers of server-side events.
pub trait PickServerSideContext<T> {
    fn pick_server_side(&self) -> ServerSideContext<T> {
        ServerSideContext(PhantomData)
    }
}

impl<T: FromServerSide> PickServerSideContext<T> for &&Probe<T> {}

/// Everything else, in handlers of server-side events.
pub trait PickServerSideArgument<T> {
    fn pick_server_side(&self) -> ServerSideArgument<T> {
        ServerSideArgument(PhantomData)
    }
}

impl<T> PickServerSideArgument<T> for Probe<T> {}

/// A parameter that `#[ctx]` says is context.
#[must_use]
pub const fn forced_context<T: FromContext>() -> Context<T> {
    Context(PhantomData)
}

/// A parameter that `#[arg]` says is an argument.
#[must_use]
pub const fn forced_argument<T: EventArg>() -> Argument<T> {
    Argument(PhantomData)
}

/// As [`forced_context`], without a socket.
#[must_use]
pub const fn forced_server_side_context<T: FromServerSide>() -> ServerSideContext<T> {
    ServerSideContext(PhantomData)
}

/// As [`forced_argument`], without a socket.
#[must_use]
pub const fn forced_server_side_argument<T: ServerSideArg>() -> ServerSideArgument<T> {
    ServerSideArgument(PhantomData)
}

impl<T> Context<T> {
    #[inline]
    pub fn take(&self, cx: &EventCx<'_>, _args: &mut ArgCursor<'_>) -> Result<T, Dispatch>
    where
        T: FromContext,
    {
        T::from_context(cx).map_err(Dispatch::failed)
    }

    pub fn require(&self, requirements: &mut Requirements)
    where
        T: FromContext,
    {
        T::requirements(requirements);
    }
}

impl<T> LifeContext<T> {
    #[inline]
    pub fn take(&self, cx: &EventCx<'_>) -> Result<T, Dispatch>
    where
        T: FromContext,
    {
        T::from_context(cx).map_err(Dispatch::failed)
    }

    /// Demands nothing: [`Self::take`] does, once.
    pub fn require(&self, requirements: &mut Requirements)
    where
        T: FromContext,
    {
        T::requirements(requirements);
    }
}

impl<T> Argument<T> {
    #[inline]
    pub fn take(&self, _cx: &EventCx<'_>, args: &mut ArgCursor<'_>) -> Result<T, Dispatch>
    where
        T: EventArg,
    {
        T::read(args).map_err(Dispatch::from)
    }

    /// An argument needs nothing of the server.
    pub const fn require(&self, _requirements: &mut Requirements) {}
}

impl<T> ServerSideContext<T> {
    pub fn take(&self, cx: &ServerSideCx<'_>, _args: &mut ArgCursor<'_>) -> Result<T, Dispatch>
    where
        T: FromServerSide,
    {
        T::from_server_side(cx).map_err(Dispatch::failed)
    }

    pub fn require(&self, requirements: &mut Requirements)
    where
        T: FromServerSide,
    {
        T::requirements(requirements);
    }
}

impl<T> ServerSideArgument<T> {
    pub fn take(&self, _cx: &ServerSideCx<'_>, args: &mut ArgCursor<'_>) -> Result<T, Dispatch>
    where
        T: ServerSideArg,
    {
        T::read_server_side(args).map_err(Dispatch::from)
    }

    /// An argument needs nothing of the server.
    pub const fn require(&self, _requirements: &mut Requirements) {}
}

/// The rest of the packet is checked before the handler acts on its front.
#[inline]
pub fn finish(args: &mut ArgCursor<'_>) -> Result<(), Dispatch> {
    args.finish().map_err(Dispatch::from)
}

/// As [`finish`], and nothing may be left.
pub fn finish_strict(args: &mut ArgCursor<'_>) -> Result<(), Dispatch> {
    args.finish_strict().map_err(Dispatch::from)
}
