//! Streams as results: items become events, as fast as the client takes them.
//!
//! The stream is driven inside of its handler's future, so it may borrow what the handler owns. It is
//! pulled only while the socket's queue has room, and dropped when the socket ends.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures_core::Stream;
use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Abortable};

use crate::handler::{EncodedArgs, EventError, Reply};
use crate::macros::Emitter;

/// Items taken in one go; then others have their turn.
const BURST: usize = 64;

/// Emits the items of a stream; gives an empty ack when it has ended, or its first error.
pub(crate) async fn drive<S: Stream>(
    stream: S,
    out: Emitter,
    encode: impl Fn(S::Item) -> Result<EncodedArgs, EventError>,
) -> Reply {
    let socket = &out.socket;
    // A stream of a connection handler may last as long as the connection.
    if let Some(gate) = &out.gate {
        gate.open();
    }
    let (abort, registration) = AbortHandle::new_pair();
    let Some(_slot) = socket.add_cancellable(0, false, true, abort) else {
        return Reply::Nothing;
    };
    let items = async {
        let mut stream = pin!(stream);
        let mut taken = 0_usize;
        loop {
            poll_fn(|cx| socket.poll_room(cx)).await;
            let Some(item) = stream.next().await else {
                return Reply::Unit;
            };
            match encode(item) {
                Ok(args) => {
                    socket.emit_all(&out.rules.emissions, &args, false);
                    socket.has_streamed();
                }
                Err(error) => return Reply::Err(error),
            }
            taken += 1;
            if taken.is_multiple_of(BURST) {
                yield_now().await;
            }
        }
    };
    // An end of the socket leaves nobody to answer.
    Abortable::new(items, registration).await.unwrap_or(Reply::Nothing)
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
