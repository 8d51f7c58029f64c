//! What other threads ask of a session, and what they get.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_channel::oneshot;

use crate::adapter::Room;
use crate::budget::Share;
use crate::close::CloseReason;
use crate::engine::{HandshakeError, Payload};
use crate::frame::{Frame, FrameGroup};
use crate::handler::EventError;

use super::held::HeldEvent;
use super::hub::Candidate;
use super::recovery::Restored;
use super::running::HandlerSlot;
use super::socket::Socket;
use super::spans;

/// The answer to a poll. A receiver that is dropped unanswered means that the session is gone.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a carrier must handle every answer")]
pub enum PollReply {
    /// 200 with this body.
    Payload(Payload),
    /// An error with the reference's code.
    Refused(HandshakeError),
    /// 400 without a body: another poll was waiting.
    Overlap,
}

/// The answer to a push. A receiver that is dropped unanswered means that the session is gone.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a carrier must handle every answer")]
pub enum PushReply {
    /// 200 `ok`.
    Ok,
    /// An error with the reference's code.
    Refused(HandshakeError),
    /// 400 without a body: the body was no payload.
    Invalid,
    /// 503 without a body: it would have to wait, and all clients together leave too much unfinished.
    Exhausted,
}

/// What a request is told: known at once where the session lives here and nothing has to wait.
#[derive(Debug)]
pub struct Answer<T>(State<T>);

#[derive(Debug)]
enum State<T> {
    /// Known; `None` once it was taken.
    Known(Option<T>),
    Later(oneshot::Receiver<T>),
}

impl<T> Answer<T> {
    pub(super) const fn known(answer: T) -> Self {
        Self(State::Known(Some(answer)))
    }

    pub(super) const fn later(answer: oneshot::Receiver<T>) -> Self {
        Self(State::Later(answer))
    }

    /// Nobody will answer: the session is gone.
    pub(super) const fn never() -> Self {
        Self(State::Known(None))
    }

    /// Takes the answer if it is there; `None`: not yet.
    ///
    /// # Errors
    ///
    /// The session is gone, or the answer was taken.
    pub fn try_recv(&mut self) -> Result<Option<T>, oneshot::Canceled> {
        match &mut self.0 {
            State::Known(answer) => answer.take().map(Some).ok_or(oneshot::Canceled),
            State::Later(answer) => answer.try_recv(),
        }
    }

    /// Refuses an answer that has not come; one that has can still be taken.
    pub fn close(&mut self) {
        if let State::Later(answer) = &mut self.0 {
            answer.close();
        }
    }
}

impl<T: Unpin> Future for Answer<T> {
    type Output = Result<T, oneshot::Canceled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            State::Known(answer) => Poll::Ready(answer.take().ok_or(oneshot::Canceled)),
            State::Later(answer) => Pin::new(answer).poll(cx),
        }
    }
}

impl SessionOp {
    /// Must arrive whatever else waits; there are no more of these than handlers, requests and ends.
    pub(crate) const fn is_essential(&self) -> bool {
        matches!(
            self,
            Self::HandlerDone
                | Self::Decided { .. }
                | Self::Named { .. }
                | Self::Passed { .. }
                | Self::Admit(_)
                | Self::Restored { .. }
                | Self::PollLost { .. }
                | Self::PushFailed(_)
                | Self::Disconnect { .. }
                | Self::Close(_)
        )
    }
}

/// An operation on a session, carried out by its home worker.
#[derive(Debug)]
pub(crate) enum SessionOp {
    /// Send a packet of a socket; `ack` arms the timeout of the emit it belongs to.
    Send {
        socket: Socket,
        group: FrameGroup,
        volatile: bool,
        /// Its number among the logged events of the namespace, or 0.
        logged: u64,
        ack: Option<(u64, Duration)>,
    },
    /// Send one message of a bare Engine.IO server.
    SendFrame(Frame),
    /// A socket joined or left rooms on another thread.
    Rooms {
        socket: Socket,
        change: u64,
        rooms: Vec<Room>,
        join: bool,
    },
    Disconnect {
        socket: Socket,
        close: bool,
    },
    /// The connect guards of a socket have decided.
    Decided {
        socket: Socket,
        verdict: Result<(), EventError>,
        /// That of the CONNECT.
        span: spans::Kept,
    },
    /// The patterns for a namespace that does not exist have decided.
    Named {
        placeholder: Socket,
        candidate: Option<Candidate>,
    },
    /// The middleware of a socket let an event pass; its place keeps later events behind it.
    Passed {
        event: HeldEvent,
        slot: HandlerSlot,
        /// That of the event.
        span: spans::Kept,
    },
    /// The socket that this one waits to take over has ended.
    Admit(Socket),
    /// What the shared log knows about the socket that a CONNECT asks for; this one stands for it.
    Restored {
        placeholder: Socket,
        restored: Option<Box<Restored>>,
    },
    /// A deadline of one of its sockets has moved.
    Rearm,
    Close(CloseReason),
    Poll(oneshot::Sender<PollReply>),
    /// The connection of the waiting poll is gone; `answered` if its answer is lost with it.
    PollLost {
        answered: bool,
    },
    Push {
        body: Bytes,
        /// In the binary form of revision 3.
        binary: bool,
        /// Of what all clients may leave unfinished.
        share: Share,
        reply: oneshot::Sender<PushReply>,
    },
    PushFailed(&'static str),
    /// A handler finished: what was held back may go on.
    HandlerDone,
}
