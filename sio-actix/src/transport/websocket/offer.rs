//! The answer to a handshake on a connection whose stream can be had.

use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use bytes::{Bytes, BytesMut};
use futures_core::Stream as _;

use super::body::BodyConnection;
use super::protocol::Protocol;
use crate::server::Offer;

/// A response body that asks for the stream as soon as it has nothing more to say at once.
///
/// Until then it is what it is anywhere else, so that the open packet leaves in one write with the answer.
pub(super) struct OfferedBody {
    offer: Offer,
    /// `None`: handed over.
    body: Option<BodyConnection>,
}

impl OfferedBody {
    pub(super) const fn new(offer: Offer, body: BodyConnection) -> Self {
        Self { offer, body: Some(body) }
    }
}

impl MessageBody for OfferedBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        let polled = match &mut this.body {
            Some(body) => Pin::new(body).poll_next(cx),
            None => Poll::Pending,
        };
        if polled.is_pending()
            && let Some(body) = this.body.take()
        {
            this.offer.accept(body.into_carried());
        }
        polled
    }
}

/// A WebSocket on its way from one carrier to the other.
pub(crate) struct Carried {
    pub(super) protocol: Protocol,
    /// What came with the request or behind it.
    payload: Payload,
    /// What of it is to be read first.
    pub(super) early: Bytes,
}

impl Carried {
    pub(super) const fn new(protocol: Protocol, payload: Payload, early: Bytes) -> Self {
        Self { protocol, payload, early }
    }

    /// Takes what the payload has; `false`: nothing. An end is not taken from it, the stream will tell.
    pub(crate) fn drain(&mut self, into: &mut BytesMut) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        let before = into.len();
        while let Poll::Ready(Some(Ok(chunk))) = Pin::new(&mut self.payload).poll_next(&mut cx) {
            into.extend_from_slice(&chunk);
        }
        into.len() > before
    }

    /// What was drained comes behind what was there.
    pub(crate) fn put_early(&mut self, drained: Bytes) {
        let first = mem::replace(&mut self.early, drained);
        if !first.is_empty() {
            self.early = [first, mem::take(&mut self.early)].concat().into();
        }
    }
}
