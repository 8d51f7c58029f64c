//! What waits where it can be dropped: handlers that a newer event or their socket's end replaces, and decisions
//! about a socket.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::future::{AbortHandle, Abortable};

use crate::handler::{EventError, LocalBoxFuture, Reply, Rules};

use super::socket::Socket;

/// Which of the handlers that can be dropped an event has become; `None`: it has not waited yet.
pub(super) type Place = Rc<Cell<Option<u64>>>;

/// Makes a waiting handler one that can be dropped, if its rules ask for it.
pub(super) fn cancellable(
    socket: &Socket,
    rules: &Arc<Rules>,
    latest: bool,
    place: Option<&Place>,
    future: LocalBoxFuture<Reply>,
) -> LocalBoxFuture<Reply> {
    if !latest && !rules.cancel_on_disconnect {
        return future;
    }
    let (abort, registration) = AbortHandle::new_pair();
    let slot =
        socket.add_cancellable(rules.address(), latest, rules.cancel_on_disconnect, abort.clone());
    if let (Some(place), Some(slot)) = (place, &slot) {
        place.set(Some(slot.id));
    }
    if slot.is_none() && rules.cancel_on_disconnect {
        abort.abort();
    }
    let future = Abortable::new(future, registration);
    Box::pin(async move {
        let _slot = slot;
        future.await.unwrap_or_else(|_aborted| Reply::Err(EventError::cancelled()))
    })
}

/// As [`until_end`], in place of the future.
pub(super) fn while_open(
    socket: &Socket,
    deciding: LocalBoxFuture<Reply>,
) -> LocalBoxFuture<Reply> {
    let socket = socket.clone();
    Box::pin(async move { until_end(&socket, deciding).await.unwrap_or_else(Reply::Err) })
}

/// Drops what decides about a socket or its event where it waits, when the socket ends: nobody has a use for
/// the decision any more.
pub(super) async fn until_end<T>(
    socket: &Socket,
    deciding: impl Future<Output = T>,
) -> Result<T, EventError> {
    let (abort, registration) = AbortHandle::new_pair();
    let Some(_slot) = socket.add_cancellable(0, false, true, abort) else {
        return Err(EventError::cancelled());
    };
    Abortable::new(deciding, registration).await.map_err(|_aborted| EventError::cancelled())
}
