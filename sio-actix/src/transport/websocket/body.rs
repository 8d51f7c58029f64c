//! The response body that is the connection: the carrier under any `HttpServer`.
//!
//! actix polls the body on the connection's own task: after it has fed what came in, and while there is
//! room to write. So one poll reads everything that is there, runs the handlers, and yields everything
//! they said as one chunk, which leaves in one write. No task, no channel and no lock per message.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use bytes::{Buf as _, Bytes};
use futures_core::Stream as _;

use super::offer::Carried;
use super::protocol::{Input, Next, Protocol, let_others};

/// actix copies what a body yields into its write buffer as a whole, so large frames go in slices.
const SLICE: usize = 32 * 1024;

/// What comes with the request that was upgraded.
struct PayloadInput {
    payload: Payload,
    /// Waker of the task that made the body: if the same task polls it, what the payload says needs no
    /// waker of its own, because the task polls the body after feeding the payload.
    task: Option<Waker>,
    /// What was read and not yet parsed.
    chunk: Bytes,
}

impl Input for PayloadInput {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<&[u8]>> {
        while self.chunk.is_empty() {
            let silent = self.task.as_ref().is_some_and(|task| cx.waker().will_wake(task));
            let polled = if silent {
                Pin::new(&mut self.payload).poll_next(&mut Context::from_waker(Waker::noop()))
            } else {
                Pin::new(&mut self.payload).poll_next(cx)
            };
            match ready!(polled) {
                Some(Ok(chunk)) => self.chunk = chunk,
                Some(Err(_)) | None => return Poll::Ready(None),
            }
        }
        Poll::Ready(Some(&self.chunk))
    }

    fn consume(&mut self, used: usize) {
        self.chunk.advance(used);
    }
}

pub(super) struct BodyConnection {
    protocol: Protocol,
    input: PayloadInput,
    /// The bytes of the last turn were yielded, but not yet what follows them.
    said: bool,
}

impl BodyConnection {
    pub(super) fn new(protocol: Protocol, payload: Payload, task: Waker) -> Self {
        // Only the plain HTTP/1 payload is fed by the task that polls the body.
        let task = matches!(payload, Payload::H1 { .. }).then_some(task);
        Self { protocol, input: PayloadInput { payload, task, chunk: Bytes::new() }, said: false }
    }

    /// What another carrier goes on with, when this one has nothing more to say at once.
    pub(super) fn into_carried(self) -> Carried {
        let PayloadInput { payload, chunk, .. } = self.input;
        Carried::new(self.protocol, payload, chunk)
    }
}

impl MessageBody for BodyConnection {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let Self { protocol, input, said } = self.get_mut();
        if protocol.is_finished() {
            return Poll::Ready(None);
        }
        let mut turned = false;
        loop {
            if !*said {
                ready!(protocol.poll_pause(cx));
                if let Some(bytes) = protocol.ready(cx, input) {
                    *said = true;
                    return Poll::Ready(Some(Ok(bytes)));
                }
                let mut buffer = protocol.turn(cx, input);
                (*said, turned) = (true, true);
                let bytes = buffer.split().freeze();
                protocol.keep_buffer(buffer);
                if !bytes.is_empty() {
                    return Poll::Ready(Some(Ok(bytes)));
                }
            }
            match protocol.next(cx, SLICE) {
                Next::Write(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Next::End(last) if last.is_empty() => return Poll::Ready(None),
                Next::End(last) => return Poll::Ready(Some(Ok(last))),
                Next::Turn => *said = false,
                Next::Yield => {
                    *said = false;
                    return let_others(cx);
                }
                Next::Wait => {
                    *said = false;
                    // More may have come since the turn whose bytes were taken last.
                    if turned || input.poll_chunk(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}
