//! Closures and functions as handlers: `async move |s: Socket, a: i64| …`.
//!
//! The kind of each parameter (context or argument) and of the closure (plain or async) is found by
//! inference of marker types that users never write.

use std::sync::Arc;

use crate::packet::{ArgCursor, EventArg};

use super::admission::{Admission, admit};
use super::context::FromContext;
use super::cx::EventCx;
use super::reply::IntoReply;
use super::requirements::Requirements;
use super::{ContextFn, Dispatch, HandlerFn};

/// A parameter that is taken from the connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct IsContext;
/// A parameter that is the next argument of the event.
#[derive(Debug)]
#[non_exhaustive]
pub struct IsArgument;
/// A closure that returns its value.
#[derive(Debug)]
#[non_exhaustive]
pub struct IsPlain;
/// A closure that returns a future.
#[derive(Debug)]
#[non_exhaustive]
pub struct IsAsync;

/// A parameter of a handler: a context type or an event argument; `M` is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of an event handler",
    label = "neither an event argument nor a context type",
    note = "an event argument needs `serde::Deserialize` and must own its data",
    note = "a value taken from the connection needs `impl FromContext for {Self}`"
)]
pub trait Param<M>: Sized {
    /// Takes the parameter.
    ///
    /// # Errors
    ///
    /// What happens instead of the handler being called.
    fn take(cx: &EventCx<'_>, args: &mut ArgCursor<'_>) -> Result<Self, Dispatch>;

    /// Declares what the parameter needs.
    fn requirements(_: &mut Requirements) {}
}

impl<T: FromContext> Param<IsContext> for T {
    fn take(cx: &EventCx<'_>, _args: &mut ArgCursor<'_>) -> Result<Self, Dispatch> {
        T::from_context(cx).map_err(Dispatch::failed)
    }

    fn requirements(requirements: &mut Requirements) {
        T::requirements(requirements);
    }
}

impl<T: EventArg> Param<IsArgument> for T {
    #[inline]
    fn take(_cx: &EventCx<'_>, args: &mut ArgCursor<'_>) -> Result<Self, Dispatch> {
        T::read(args).map_err(Dispatch::from)
    }
}

/// A closure or function that handles an event; `M` is inferred.
///
/// Up to eight parameters in any order: context types take nothing from the argument list, everything
/// else is the next argument. Plain closures and `async` ones.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event handler",
    label = "expected a closure such as `async move |s: Socket, a: i64| a + 1`",
    note = "parameters: context types (`Socket`, `AckSender`, `State<T>`, …) and `serde::Deserialize` arguments, at most eight",
    note = "result: `()`, a `serde::Serialize` value or `Result<_, EventError>`"
)]
pub trait Handler<M>: Send + Sync + 'static {
    /// Reads the parameters and calls the closure.
    fn call(self: &Arc<Self>, cx: &EventCx<'_>, args: ArgCursor<'_>) -> Dispatch;

    /// Declares what the parameters need.
    fn requirements(requirements: &mut Requirements);
}

/// A closure or function that handles a connection or its end: context types only; `M` is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a connection handler",
    label = "expected a closure such as `async move |s: Socket| …`",
    note = "parameters: context types only (`Socket`, `Auth<T>`, `DisconnectReason`, …), at most eight"
)]
pub trait ContextHandler<M>: Send + Sync + 'static {
    /// Reads the parameters and calls the closure.
    fn call(self: &Arc<Self>, cx: &EventCx<'_>) -> Dispatch;

    /// Declares what the parameters need.
    fn requirements(requirements: &mut Requirements);
}

/// A closure or function that may refuse a socket before CONNECT is answered; `M` is inferred.
///
/// It gives back an [`Admission`]; what it found out about the client goes into `State`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a connect guard",
    label = "expected a closure such as `async move |auth: Auth<Token>| -> Result<State<User>, ConnectError>`",
    note = "parameters: context types only (`Socket`, `Auth<T>`, `Query<T>`, …), at most eight"
)]
pub trait ConnectGuardHandler<M>: Send + Sync + 'static {
    /// Reads the parameters and calls the closure.
    fn call(self: &Arc<Self>, cx: &EventCx<'_>) -> Dispatch;

    /// Declares what the parameters need.
    fn requirements(requirements: &mut Requirements);
}

/// Erases the type of an event handler.
pub(crate) fn erase<M, H: Handler<M>>(handler: H) -> Box<HandlerFn> {
    let handler = Arc::new(handler);
    Box::new(move |cx, args| handler.call(cx, args))
}

/// Erases the type of a connection handler.
pub(crate) fn erase_context<M, H: ContextHandler<M>>(handler: H) -> Box<ContextFn> {
    let handler = Arc::new(handler);
    Box::new(move |cx| handler.call(cx))
}

/// Erases the type of a connect guard.
pub(crate) fn erase_guard<M, H: ConnectGuardHandler<M>>(guard: H) -> Box<ContextFn> {
    let guard = Arc::new(guard);
    Box::new(move |cx| guard.call(cx))
}

macro_rules! take {
    ($cx:ident, $args:ident, $($param:ident: $marker:ident),*) => {
        $(
            #[allow(non_snake_case, reason = "the parameter is named after its type")]
            let $param = match <$param as Param<$marker>>::take($cx, &mut $args) {
                Ok(value) => value,
                Err(outcome) => return outcome,
            };
        )*
        // The rest of the packet is checked before the handler acts on its front.
        if let Err(error) = $args.finish() {
            return error.into();
        }
    };
}

macro_rules! take_context {
    ($cx:ident, $($param:ident),*) => {
        $(
            #[allow(non_snake_case, reason = "the parameter is named after its type")]
            let $param = match <$param as FromContext>::from_context($cx) {
                Ok(value) => value,
                Err(error) => return Dispatch::failed(error),
            };
        )*
    };
}

macro_rules! handlers {
    ($($param:ident: $marker:ident),*) => {
        impl<F, Ret, RetMarker, $($param, $marker),*>
            Handler<(IsPlain, Ret, RetMarker, $(($param, $marker)),*)> for F
        where
            F: Fn($($param),*) -> Ret + Send + Sync + 'static,
            Ret: IntoReply<RetMarker>,
            $($param: Param<$marker> + 'static,)*
        {
            #[allow(unused_mut, unused_variables, reason = "not every arity uses all")]
            fn call(self: &Arc<Self>, cx: &EventCx<'_>, mut args: ArgCursor<'_>) -> Dispatch {
                take!(cx, args, $($param: $marker),*);
                let wanted = cx.wants_reply();
                if cx.is_deferred() {
                    let this = Arc::clone(self);
                    return Dispatch::deferred(move || {
                        Dispatch::Ready(this($($param),*).into_reply(wanted))
                    });
                }
                Dispatch::Ready(self($($param),*).into_reply(wanted))
            }

            #[allow(unused_variables, reason = "not every arity uses all")]
            fn requirements(requirements: &mut Requirements) {
                $(<$param as Param<$marker>>::requirements(requirements);)*
            }
        }

        impl<F, Ret, RetMarker, $($param, $marker),*>
            Handler<(IsAsync, Ret, RetMarker, $(($param, $marker)),*)> for F
        where
            F: AsyncFn($($param),*) -> Ret + Send + Sync + 'static,
            Ret: IntoReply<RetMarker> + 'static,
            $($param: Param<$marker> + 'static,)*
        {
            #[allow(unused_mut, unused_variables, reason = "not every arity uses all")]
            fn call(self: &Arc<Self>, cx: &EventCx<'_>, mut args: ArgCursor<'_>) -> Dispatch {
                take!(cx, args, $($param: $marker),*);
                let wanted = cx.wants_reply();
                let this = Arc::clone(self);
                Dispatch::Pending(Box::pin(async move {
                    this($($param),*).await.into_reply(wanted)
                }))
            }

            #[allow(unused_variables, reason = "not every arity uses all")]
            fn requirements(requirements: &mut Requirements) {
                $(<$param as Param<$marker>>::requirements(requirements);)*
            }
        }

        life_handlers!(ContextHandler, ($($param),*),
            [Ret: IntoReply<RetMarker>], (Ret, RetMarker,),
            |cx, ret| { let wanted = cx.wants_reply(); ret.into_reply(wanted) });
        life_handlers!(ConnectGuardHandler, ($($param),*),
            [Ret: Admission], (Ret,),
            |cx, ret| { let socket = cx.socket().clone(); admit(&socket, ret) });
    };
}

/// Handlers without arguments; `$keep` is taken from the context before the call, `$reply` made after.
macro_rules! life_handlers {
    (
        $handler:ident, ($($param:ident),*), [$ret:ident: $($bound:tt)*], ($($marker:ident,)*),
        |$cx:ident, $value:ident| { let $kept:ident = $keep:expr; $reply:expr }
    ) => {
        impl<F, $($marker,)* $($param),*> $handler<(IsPlain, $($marker,)* $($param),*)> for F
        where
            F: Fn($($param),*) -> $ret + Send + Sync + 'static,
            $ret: $($bound)*,
            $($param: FromContext + 'static,)*
        {
            #[allow(unused_variables, reason = "not every arity uses all")]
            fn call(self: &Arc<Self>, $cx: &EventCx<'_>) -> Dispatch {
                take_context!($cx, $($param),*);
                let $kept = $keep;
                let this = Arc::clone(self);
                $cx.call(move || {
                    let $value = this($($param),*);
                    Dispatch::Ready($reply)
                })
            }

            #[allow(unused_variables, reason = "not every arity uses all")]
            fn requirements(requirements: &mut Requirements) {
                $(<$param as FromContext>::requirements(requirements);)*
            }
        }

        impl<F, $($marker,)* $($param),*> $handler<(IsAsync, $($marker,)* $($param),*)> for F
        where
            F: AsyncFn($($param),*) -> $ret + Send + Sync + 'static,
            $ret: $($bound)*,
            $ret: 'static,
            $($param: FromContext + 'static,)*
        {
            #[allow(unused_variables, reason = "not every arity uses all")]
            fn call(self: &Arc<Self>, $cx: &EventCx<'_>) -> Dispatch {
                take_context!($cx, $($param),*);
                let $kept = $keep;
                let this = Arc::clone(self);
                Dispatch::Pending(Box::pin(async move {
                    let $value = this($($param),*).await;
                    $reply
                }))
            }

            #[allow(unused_variables, reason = "not every arity uses all")]
            fn requirements(requirements: &mut Requirements) {
                $(<$param as FromContext>::requirements(requirements);)*
            }
        }
    };
}

handlers!();
handlers!(A: MA);
handlers!(A: MA, B: MB);
handlers!(A: MA, B: MB, C: MC);
handlers!(A: MA, B: MB, C: MC, D: MD);
handlers!(A: MA, B: MB, C: MC, D: MD, E: ME);
handlers!(A: MA, B: MB, C: MC, D: MD, E: ME, G: MG);
handlers!(A: MA, B: MB, C: MC, D: MD, E: ME, G: MG, H: MH);
handlers!(A: MA, B: MB, C: MC, D: MD, E: ME, G: MG, H: MH, I: MI);
