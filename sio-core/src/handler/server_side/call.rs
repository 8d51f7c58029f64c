//! Closures and functions as handlers of server-side events.

use std::sync::Arc;

use crate::handler::closure::{IsArgument, IsAsync, IsContext, IsPlain};
use crate::handler::reply::IntoReply;
use crate::handler::requirements::Requirements;
use crate::handler::{Dispatch, ServerSideFn};
use crate::packet::ArgCursor;

use super::{FromServerSide, ServerSideArg, ServerSideCx};

/// A parameter of a handler of server-side events: a context type or an argument; `M` is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a handler of server-side events",
    label = "neither an event argument nor there without a socket",
    note = "another server has sent the event: there is no socket, and nothing that belongs to one"
)]
pub trait ServerSideParam<M>: Sized {
    /// Takes the parameter.
    ///
    /// # Errors
    ///
    /// What happens instead of the handler being called.
    fn take(cx: &ServerSideCx<'_>, args: &mut ArgCursor<'_>) -> Result<Self, Dispatch>;

    /// Declares what the parameter needs.
    fn requirements(_: &mut Requirements) {}
}

impl<T: FromServerSide> ServerSideParam<IsContext> for T {
    fn take(cx: &ServerSideCx<'_>, _args: &mut ArgCursor<'_>) -> Result<Self, Dispatch> {
        T::from_server_side(cx).map_err(Dispatch::failed)
    }

    fn requirements(requirements: &mut Requirements) {
        <T as FromServerSide>::requirements(requirements);
    }
}

impl<T: ServerSideArg> ServerSideParam<IsArgument> for T {
    fn take(_cx: &ServerSideCx<'_>, args: &mut ArgCursor<'_>) -> Result<Self, Dispatch> {
        T::read_server_side(args).map_err(Dispatch::from)
    }
}

/// A closure or function that handles an event of another server; `M` is inferred.
///
/// Up to eight parameters in any order, as for [`Handler`](crate::handler::Handler), but none that belongs to
/// a socket. Plain closures and `async` ones.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of server-side events",
    label = "expected a closure such as `async move |io: Io, a: i64| …`",
    note = "parameters: `Io`, `NamespaceRef`, `EventName`, … and `serde::Deserialize` arguments, at most eight; there is no `Socket`",
    note = "result: `()`, a `serde::Serialize` value or `Result<_, EventError>`"
)]
pub trait ServerSideHandler<M>: Send + Sync + 'static {
    /// Reads the parameters and calls the closure.
    fn call(self: &Arc<Self>, cx: &ServerSideCx<'_>, args: ArgCursor<'_>) -> Dispatch;

    /// Declares what the parameters need.
    fn requirements(requirements: &mut Requirements);
}

/// Erases the type of a handler.
pub(crate) fn erase_server_side<M, H: ServerSideHandler<M>>(handler: H) -> Box<ServerSideFn> {
    let handler = Arc::new(handler);
    Box::new(move |cx, args| handler.call(cx, args))
}

macro_rules! take {
    ($cx:ident, $args:ident, $($param:ident: $marker:ident),*) => {
        $(
            #[allow(non_snake_case, reason = "the parameter is named after its type")]
            let $param = match <$param as ServerSideParam<$marker>>::take($cx, &mut $args) {
                Ok(value) => value,
                Err(outcome) => return outcome,
            };
        )*
        // The rest of the event is checked before the handler acts on its front.
        if let Err(error) = $args.finish() {
            return error.into();
        }
    };
}

macro_rules! handlers {
    ($($param:ident: $marker:ident),*) => {
        impl<F, Ret, RetMarker, $($param, $marker),*>
            ServerSideHandler<(IsPlain, Ret, RetMarker, $(($param, $marker)),*)> for F
        where
            F: Fn($($param),*) -> Ret + Send + Sync + 'static,
            Ret: IntoReply<RetMarker>,
            $($param: ServerSideParam<$marker> + 'static,)*
        {
            #[allow(unused_mut, reason = "not every arity uses all")]
            fn call(self: &Arc<Self>, cx: &ServerSideCx<'_>, mut args: ArgCursor<'_>) -> Dispatch {
                take!(cx, args, $($param: $marker),*);
                Dispatch::Ready(self($($param),*).into_reply(cx.wants_answer()))
            }

            #[allow(unused_variables, reason = "not every arity uses all")]
            fn requirements(requirements: &mut Requirements) {
                $(<$param as ServerSideParam<$marker>>::requirements(requirements);)*
            }
        }

        impl<F, Ret, RetMarker, $($param, $marker),*>
            ServerSideHandler<(IsAsync, Ret, RetMarker, $(($param, $marker)),*)> for F
        where
            F: AsyncFn($($param),*) -> Ret + Send + Sync + 'static,
            Ret: IntoReply<RetMarker> + 'static,
            $($param: ServerSideParam<$marker> + 'static,)*
        {
            #[allow(unused_mut, reason = "not every arity uses all")]
            fn call(self: &Arc<Self>, cx: &ServerSideCx<'_>, mut args: ArgCursor<'_>) -> Dispatch {
                take!(cx, args, $($param: $marker),*);
                let wanted = cx.wants_answer();
                let this = Arc::clone(self);
                Dispatch::Pending(Box::pin(async move {
                    this($($param),*).await.into_reply(wanted)
                }))
            }

            #[allow(unused_variables, reason = "not every arity uses all")]
            fn requirements(requirements: &mut Requirements) {
                $(<$param as ServerSideParam<$marker>>::requirements(requirements);)*
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
