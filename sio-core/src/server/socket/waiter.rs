//! Who waits for a client's ack.

use futures_channel::oneshot;

use super::super::ack::{AckArgs, AckError};
use super::super::broadcast_ack::Share;

/// Who waits for an ack: gets the answer, or is dropped when the socket is gone.
#[derive(Debug)]
pub(crate) enum AckWaiter {
    /// An emit of this socket.
    One(oneshot::Sender<Result<AckArgs, AckError>>),
    /// A broadcast that reached this socket.
    Share(Share),
}

impl From<oneshot::Sender<Result<AckArgs, AckError>>> for AckWaiter {
    fn from(waiter: oneshot::Sender<Result<AckArgs, AckError>>) -> Self {
        Self::One(waiter)
    }
}

impl AckWaiter {
    pub(crate) fn answer(self, answer: AckArgs) {
        match self {
            Self::One(waiter) => {
                let _lost = waiter.send(Ok(answer));
            }
            Self::Share(share) => share.answer(answer),
        }
    }

    /// Gives how many sockets have not answered in time: those of a broadcast are late together.
    pub(crate) fn expire(self) -> usize {
        match self {
            Self::One(waiter) => {
                let _lost = waiter.send(Err(AckError::Timeout));
                1
            }
            Self::Share(share) => share.expire(),
        }
    }

    /// Nobody wants the answer any more.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::One(waiter) => waiter.is_canceled(),
            Self::Share(share) => share.is_over(),
        }
    }
}
