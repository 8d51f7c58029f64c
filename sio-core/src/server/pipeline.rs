//! What runs around a handler: guards that wait, and middleware.
//!
//! Handlers without either never come here. The arguments are read after the guards and before the
//! middleware; their text is checked first, so that a broken packet ends the session where it stands
//! among the others.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;

use crate::handler::{
    Dispatch, EventCx, EventError, LocalBoxFuture, OwnedCx, Phase, Reply, Rules, chain, run_hooks,
};
use crate::packet::ArgCursor;

use super::cancelling::{Place, until_end};
use super::life::panicked;
use super::namespace::{ConnectScope, EventEntry, LifeEntry, Step};
use super::socket::Socket;

/// The arguments of an event, kept while its guards wait.
pub(crate) struct OwnedArgs {
    pub(crate) text: Box<str>,
    pub(crate) attachments: Vec<Bytes>,
}

/// An event whose guards or middleware may wait.
pub(super) fn event(
    owned: OwnedCx,
    entry: &Arc<EventEntry>,
    args: OwnedArgs,
    place: Place,
) -> LocalBoxFuture<Reply> {
    let entry = Arc::clone(entry);
    Box::pin(async move {
        let handler = {
            let cx = owned.borrow().deferred();
            let guards = async {
                for guard in &entry.rules.guards {
                    guard.ask(&cx).await?;
                }
                Ok(())
            };
            if !entry.rules.guards.is_empty()
                && let Err(error) = until_end(owned.socket(), guards).await.flatten()
            {
                return Reply::Err(error);
            }
            match (entry.run)(&cx, ArgCursor::new(&args.text, &args.attachments)) {
                Dispatch::Pending(handler) => handler,
                other => return other.finished().await,
            }
        };
        drop(args);
        if entry.rules.latest {
            owned.socket().supersede(&entry.rules, place.get());
        }
        let middleware = entry.rules.middleware.clone();
        if middleware.is_empty() {
            return handler.await;
        }
        let socket = owned.socket().clone();
        // Middleware may wait before it goes on to the handler.
        let handler = Box::pin(async move {
            if socket.has_ended() {
                return Reply::Err(EventError::cancelled());
            }
            handler.await
        });
        chain(owned, middleware, handler).await
    })
}

/// A handler of a connection or its end behind middleware.
pub(super) fn life(cx: &EventCx<'_>, entry: &Arc<LifeEntry>) -> LocalBoxFuture<Reply> {
    let owned = cx.to_owned();
    let entry = Arc::clone(entry);
    Box::pin(async move {
        let outcome = {
            let cx = owned.borrow().deferred();
            (entry.run)(&cx)
        };
        match outcome {
            Dispatch::Pending(handler) => {
                let middleware = entry.rules.middleware.clone();
                chain(owned, middleware, handler).await
            }
            other => other.finished().await,
        }
    })
}

/// Everything that decides about a CONNECT: what is global, then the namespace's scopes in order.
pub(super) fn connect(socket: &Socket) -> LocalBoxFuture<Reply> {
    if socket.skips_guards() {
        let socket = socket.clone();
        return Box::pin(async move { scopes(&socket).await });
    }
    let global = socket.hub().global_connect.as_ref();
    let global = global.filter(|_| !socket.handlers().apart).cloned();
    let socket = socket.clone();
    let Some(global) = global else {
        return Box::pin(async move { scopes(&socket).await });
    };
    let rules = Arc::clone(&global.rules);
    let waiting = socket.clone();
    let inner = Box::pin(async move {
        match steps(&socket, &global).await {
            Reply::Err(error) => Reply::Err(error),
            _ => scopes(&socket).await,
        }
    });
    in_scope(waiting, rules, inner)
}

async fn scopes(socket: &Socket) -> Reply {
    for scope in &socket.handlers().connect {
        let (inner_socket, inner_scope) = (socket.clone(), Arc::clone(scope));
        let inner = Box::pin(async move { steps(&inner_socket, &inner_scope).await });
        let reply = in_scope(socket.clone(), Arc::clone(&scope.rules), inner).await;
        if reply.is_err() {
            return reply;
        }
    }
    Reply::Unit
}

/// Runs the decision of a scope inside of its middleware, and shows a refusal to its hooks.
fn in_scope(
    socket: Socket,
    rules: Arc<Rules>,
    inner: LocalBoxFuture<Reply>,
) -> LocalBoxFuture<Reply> {
    Box::pin(async move {
        let owned = EventCx::of_life(&socket, Phase::Connect, None, &rules).to_owned();
        let middleware = if socket.skips_guards() { Vec::new() } else { rules.middleware.clone() };
        let decided = AssertUnwindSafe(chain(owned, middleware, inner)).catch_unwind().await;
        let mut reply = decided.unwrap_or_else(|_panic| Reply::Err(panicked()));
        if let Reply::Err(error) = &mut reply {
            run_hooks(&rules, error, &EventCx::of_life(&socket, Phase::Connect, None, &rules));
        }
        reply
    })
}

async fn steps(socket: &Socket, scope: &ConnectScope) -> Reply {
    let cx = EventCx::of_life(socket, Phase::Connect, None, &scope.rules);
    let skips = socket.skips_guards();
    for step in &scope.steps {
        match step {
            Step::Guard(_) | Step::Run(_) if skips => {}
            Step::Guard(guard) => {
                if let Err(error) = guard.ask(&cx).await {
                    return Reply::Err(error);
                }
            }
            Step::Run(run) | Step::Create(run) => {
                let reply = run(&cx).finished().await;
                if reply.is_err() {
                    return reply;
                }
            }
        }
    }
    Reply::Unit
}
