//! The task of one connection: TLS, then actix's HTTP dispatcher, then perhaps a WebSocket on the bare stream.
//!
//! Whatever is large lies behind a pointer and is dropped when the next begins: what an idle WebSocket costs
//! is its session and not the dispatcher that answered its handshake.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::Protocol;
use bytes::BytesMut;

use super::goodbye::LastCall;
use super::heads::HeadTimer;
use super::listen::Listening;
use super::stream::Stream;
use super::takeover::{Slot, TakeIo};
use crate::transport::websocket::{Carried, Closing, Ended, RawConnection, SharedConnection};

#[cfg(any(feature = "http2", feature = "rustls-0_23", feature = "openssl"))]
/// What a TLS handshake or a look at the first bytes leads to; errors are the client's affair.
pub(super) type Accepting = Pin<Box<dyn Future<Output = Option<(Stream, Protocol)>>>>;
/// actix's dispatcher.
pub(super) type Dispatching =
    Pin<Box<dyn Future<Output = Result<(), actix_http::error::DispatchError>>>>;

/// The future of a connection, three words at rest.
pub(super) enum ConnectionTask {
    #[cfg(any(feature = "http2", feature = "rustls-0_23", feature = "openssl"))]
    Accepting(Accepting, Rc<Listening>),
    Http(Box<Http>),
    WebSocket(Rc<SharedConnection>),
    Closing(Box<Closing>),
    Done,
}

/// A connection while actix serves it.
pub(super) struct Http {
    dispatcher: Dispatching,
    /// `None`: HTTP/2.
    slot: Option<Rc<Slot>>,
    /// `None`: HTTP/2, as before.
    heads: Option<HeadTimer>,
    last_call: LastCall,
    /// How long the peer of a closed WebSocket has to close its half.
    linger: Duration,
}

impl ConnectionTask {
    /// Hands a connection to actix.
    pub(super) fn http(listening: &Listening, stream: Stream, protocol: Protocol) -> Self {
        let peer = stream.tcp().and_then(|tcp| tcp.peer_addr().ok());
        if let Some(tcp) = stream.tcp()
            && let Err(error) = tcp.set_nodelay(listening.tcp_nodelay)
        {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let slot = matches!(protocol, Protocol::Http1).then(Rc::<Slot>::default);
        let io = TakeIo::new(stream, slot.clone(), listening.write_timeout);
        let dispatcher = listening.dispatch((io, protocol, peer));
        let timer = |slot: &Rc<Slot>| HeadTimer::new(Rc::clone(&slot.heads), listening.head_time);
        let heads = slot.as_ref().map(timer);
        // actix wakes the dispatchers of HTTP/1 when the server ends.
        let last_call = LastCall::new(&listening.goodbye, slot.is_none());
        let linger = listening.linger;
        Self::Http(Box::new(Http { dispatcher, slot, heads, last_call, linger }))
    }
}

impl Http {
    /// Runs the dispatcher; `Some`: the connection goes on as a WebSocket.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Stream, Carried)>> {
        let finished = self.dispatcher.as_mut().poll(cx).is_ready();
        let taken = self.slot.as_ref().and_then(|slot| slot.take());
        let Some((stream, mut carried)) = taken else {
            let late = self.heads.as_mut().is_some_and(|heads| heads.is_over(cx));
            let over = finished || late || self.last_call.is_over(cx);
            return if over { Poll::Ready(None) } else { Poll::Pending };
        };
        // What came behind the handshake waits in the payload, and if it is much, in the dispatcher, which
        // cannot read more: its stream is gone. It goes on where the payload has room again.
        let mut early = BytesMut::new();
        while carried.drain(&mut early) && !finished {
            if self.dispatcher.as_mut().poll(cx).is_ready() {
                carried.drain(&mut early);
                break;
            }
        }
        carried.put_early(early.freeze());
        Poll::Ready(Some((stream, carried)))
    }
}

impl Future for ConnectionTask {
    type Output = Result<(), ()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            *this = match this {
                #[cfg(any(feature = "http2", feature = "rustls-0_23", feature = "openssl"))]
                Self::Accepting(accepting, listening) => {
                    match ready!(accepting.as_mut().poll(cx)) {
                        Some((stream, protocol)) => Self::http(listening, stream, protocol),
                        None => Self::Done,
                    }
                }
                Self::Http(http) => match ready!(http.poll(cx)) {
                    Some((stream, carried)) => {
                        let socket = RawConnection::new(stream, carried, http.linger);
                        Self::WebSocket(SharedConnection::new(socket))
                    }
                    None => Self::Done,
                },
                Self::WebSocket(socket) => match ready!(socket.poll(cx)) {
                    Ended::Gone => Self::Done,
                    Ended::Closed => {
                        let Self::WebSocket(socket) = std::mem::replace(this, Self::Done) else {
                            return Poll::Ready(Ok(()));
                        };
                        let closing = socket.close();
                        closing.map_or(Self::Done, |closing| Self::Closing(Box::new(closing)))
                    }
                },
                Self::Closing(closing) => {
                    ready!(closing.poll(cx));
                    Self::Done
                }
                Self::Done => return Poll::Ready(Ok(())),
            };
        }
    }
}
