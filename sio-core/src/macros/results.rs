//! What a method gave back, and where it goes: found by its type, as parameters are.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use futures_core::Stream;
use serde::Serialize;

use crate::handler::{
    Dispatch, EncodedArgs, EventCx, EventError, IntoEventError, Reply, Rules, ServerSideCx,
};
use crate::server::{Gate, Socket, drive};

/// Where the value of a method goes.
pub trait Outlet {
    /// Somebody waits for the value, so it has to be encoded.
    fn wants(&self) -> bool;
}

/// Where the items of a stream go.
#[diagnostic::on_unimplemented(
    message = "a handler that returns a stream needs an event for its items",
    label = "this stream goes nowhere",
    note = "add `#[emit(\"event\")]` or `#[broadcast(\"event\")]` to the method"
)]
pub trait ItemOutlet {
    #[doc(hidden)]
    fn emitter(self) -> Emitter;
}

/// The ack, if the client asked for one.
#[derive(Debug, Clone, Copy)]
pub struct AckOnly(bool);

impl Outlet for AckOnly {
    fn wants(&self) -> bool {
        self.0
    }
}

/// The ack, and the method's `#[emit]` and `#[broadcast]` events.
#[derive(Debug)]
pub struct Emitter {
    pub(crate) socket: Socket,
    pub(crate) rules: Arc<Rules>,
    pub(crate) gate: Option<Rc<Gate>>,
}

impl Outlet for Emitter {
    fn wants(&self) -> bool {
        true
    }
}

impl ItemOutlet for Emitter {
    fn emitter(self) -> Emitter {
        self
    }
}

/// As [`Emitter`], while the event is at hand: nothing is shared for a value, which is encoded at once.
#[derive(Debug)]
#[non_exhaustive]
pub enum Lent<'a> {
    /// The method runs where its event is dispatched.
    Now(&'a EventCx<'a>),
    /// It runs behind a middleware.
    Later(Emitter),
}

impl Outlet for Lent<'_> {
    #[inline]
    fn wants(&self) -> bool {
        true
    }
}

impl ItemOutlet for Lent<'_> {
    fn emitter(self) -> Emitter {
        match self {
            Self::Now(cx) => cx.outlet(),
            Self::Later(emitter) => emitter,
        }
    }
}

impl EventCx<'_> {
    #[doc(hidden)]
    #[inline]
    pub fn ack_only(&self) -> AckOnly {
        // Emissions may have been added to the method's registration by hand.
        AckOnly(self.wants_reply())
    }

    #[doc(hidden)]
    pub fn outlet(&self) -> Emitter {
        Emitter {
            socket: self.socket().clone(),
            rules: Arc::clone(self.rules()),
            gate: self.gate(),
        }
    }
}

impl ServerSideCx<'_> {
    #[doc(hidden)]
    #[must_use]
    pub const fn ack_only(&self) -> AckOnly {
        AckOnly(self.wants_answer())
    }
}

/// A result of type `T`, by its type only.
pub struct Ret<T>(PhantomData<fn() -> T>);

impl<T> fmt::Debug for Ret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ret")
    }
}

impl<T> Ret<T> {
    #[inline]
    #[must_use]
    pub const fn of(_: &T) -> Self {
        Self(PhantomData)
    }
}

// ---- Result or not --------------------------------------------------------------------------------

impl<T, E> Ret<Result<T, E>> {
    #[inline]
    pub fn split(self, result: Result<T, E>) -> Result<T, EventError>
    where
        E: IntoEventError,
    {
        result.map_err(IntoEventError::into_event_error)
    }
}

/// Everything that is no `Result`.
pub trait SplitValue<T> {
    /// The value.
    ///
    /// # Errors
    ///
    /// Never.
    fn split(self, value: T) -> Result<T, EventError>;
}

impl<T> SplitValue<T> for Ret<T> {
    #[inline]
    fn split(self, value: T) -> Result<T, EventError> {
        Ok(value)
    }
}

// ---- values ---------------------------------------------------------------------------------------

macro_rules! known {
    ($([$($generics:tt)*] $type:ty, |$value:ident| $reply:expr;)*) => {$(
        impl<$($generics)*> Ret<$type> {
            #[inline]
            pub fn finish(&self, $value: $type, outlet: impl Outlet) -> Dispatch {
                Dispatch::Ready(if outlet.wants() { $reply } else { Reply::Nothing })
            }

            #[inline]
            pub fn run(&self, $value: $type, outlet: impl Outlet) -> Ready<Reply> {
                ready(if outlet.wants() { $reply } else { Reply::Nothing })
            }
        }
    )*};
}

known! {
    [] (), |_value| Reply::Unit;
    [T: Serialize] Option<T>, |value| match value {
        Some(value) => Reply::from_value(&value),
        None => Reply::Null,
    };
    // To serde an array is a tuple, which would be several arguments.
    [T: Serialize, const N: usize] [T; N], |value| Reply::from_value(&(value.as_slice(),));
}

impl Ret<Reply> {
    #[inline]
    pub fn finish(&self, reply: Reply, _outlet: impl Outlet) -> Dispatch {
        Dispatch::Ready(reply)
    }

    #[inline]
    pub fn run(&self, reply: Reply, _outlet: impl Outlet) -> Ready<Reply> {
        ready(reply)
    }
}

/// A value a handler can return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned from an event handler",
    label = "cannot be sent to the client",
    note = "return `()`, a `serde::Serialize` value, `Option`/`Result` of one, a tuple (several arguments) or a `Stream`"
)]
pub trait EventValue {
    #[doc(hidden)]
    fn reply(&self) -> Reply;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> EventValue for T {
    #[inline]
    fn reply(&self) -> Reply {
        Reply::from_value(self)
    }
}

/// Tells developers about a result that goes nowhere.
#[inline]
fn unwanted<T>() -> Reply {
    if cfg!(debug_assertions) {
        let value = std::any::type_name::<T>();
        tracing::debug!(
            value,
            "a handler's result goes nowhere: no ack was asked for, and no event carries it"
        );
    }
    Reply::Nothing
}

/// Everything else: one argument, or several if it is a tuple.
pub trait FromValue<T> {
    #[inline]
    fn finish(&self, value: T, outlet: impl Outlet) -> Dispatch
    where
        T: EventValue,
    {
        Dispatch::Ready(if outlet.wants() { value.reply() } else { unwanted::<T>() })
    }

    #[inline]
    fn run(&self, value: T, outlet: impl Outlet) -> Ready<Reply>
    where
        T: EventValue,
    {
        ready(if outlet.wants() { value.reply() } else { unwanted::<T>() })
    }
}

impl<T> FromValue<T> for Ret<T> {}

// ---- streams --------------------------------------------------------------------------------------

fn encode<T: Serialize>(item: T) -> Result<EncodedArgs, EventError> {
    Ok(EncodedArgs::encode(&item)?)
}

/// Streams of values.
pub trait FromItems<S: Stream> {
    fn finish(&self, stream: S, outlet: impl ItemOutlet) -> Dispatch
    where
        S: 'static,
        S::Item: Serialize,
    {
        pending(drive(stream, outlet.emitter(), encode))
    }

    fn run(&self, stream: S, outlet: impl ItemOutlet) -> impl Future<Output = Reply>
    where
        S::Item: Serialize,
    {
        drive(stream, outlet.emitter(), encode)
    }
}

impl<S: Stream> FromItems<S> for &Ret<S> {}

/// Streams of results; the first error ends one.
pub trait FromResults<S, T, E>
where
    S: Stream<Item = Result<T, E>>,
{
    fn finish(&self, stream: S, outlet: impl ItemOutlet) -> Dispatch
    where
        S: 'static,
        T: Serialize,
        E: IntoEventError,
    {
        pending(drive(stream, outlet.emitter(), |item: Result<T, E>| {
            encode(item.map_err(IntoEventError::into_event_error)?)
        }))
    }

    fn run(&self, stream: S, outlet: impl ItemOutlet) -> impl Future<Output = Reply>
    where
        T: Serialize,
        E: IntoEventError,
    {
        drive(stream, outlet.emitter(), |item: Result<T, E>| {
            encode(item.map_err(IntoEventError::into_event_error)?)
        })
    }
}

impl<S, T, E> FromResults<S, T, E> for &&Ret<S> where S: Stream<Item = Result<T, E>> {}

// ---- calls ----------------------------------------------------------------------------------------

/// Calls a plain method now, or behind a middleware.
#[inline]
pub fn run_sync<C, F>(cx: &EventCx<'_>, this: &Arc<C>, call: F) -> Dispatch
where
    C: ?Sized + 'static,
    F: FnOnce(&Arc<C>) -> Dispatch + 'static,
{
    if cx.is_deferred() {
        let this = Arc::clone(this);
        return Dispatch::deferred(move || call(&this));
    }
    call(this)
}

/// As [`run_sync`], for a method whose result is emitted.
#[inline]
pub fn run_emitting<C, F>(cx: &EventCx<'_>, this: &Arc<C>, call: F) -> Dispatch
where
    C: ?Sized + 'static,
    F: FnOnce(&Arc<C>, Lent<'_>) -> Dispatch + 'static,
{
    if cx.is_deferred() {
        let (this, emitter) = (Arc::clone(this), cx.outlet());
        return Dispatch::deferred(move || call(&this, Lent::Later(emitter)));
    }
    call(this, Lent::Now(cx))
}

/// A method that has to be polled.
#[inline]
pub fn pending(future: impl Future<Output = Reply> + 'static) -> Dispatch {
    Dispatch::Pending(Box::pin(future))
}

/// A method that gave an error.
#[must_use]
pub fn failed(error: EventError) -> Dispatch {
    Dispatch::failed(error)
}
