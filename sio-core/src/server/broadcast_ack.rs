//! Acks of a broadcast: one id for all receivers, their answers in one list.
//!
//! Each receiver's share waits in its socket's own table of acks, so that it moves and ends with the
//! socket. How many there are is known when the last worker has dropped its share of the broadcast.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_channel::oneshot;

use crate::packet::EventArg;

use super::ack::{AckArgs, AckError};
use super::socket::Socket;

/// Why a broadcast was not answered by all.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use sio_core::server::NamespaceRef;
///
/// async fn votes(players: NamespaceRef) -> Vec<bool> {
///     match players.emit_with_ack("vote", "draw?", Duration::from_secs(5)).await {
///         Ok(votes) => votes,
///         // Those who answered in time count.
///         Err(error) => error.responses,
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BroadcastAckError<T> {
    /// What was missing: [`AckError::Timeout`] if a receiver did not answer.
    pub reason: AckError,
    /// The answers that came, in order of arrival.
    pub responses: Vec<T>,
}

impl<T> fmt::Display for BroadcastAckError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl<T: fmt::Debug> std::error::Error for BroadcastAckError<T> {}

/// What a broadcast with acks came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    answers: Vec<AckArgs>,
    complete: bool,
}

/// Who waits for the answers.
#[derive(Debug)]
enum Waiter {
    All(oneshot::Sender<Outcome>),
    /// The answer of the one socket that was asked.
    One(oneshot::Sender<Result<AckArgs, AckError>>),
}

#[derive(Debug)]
struct Collecting {
    answers: Vec<AckArgs>,
    /// Who was asked.
    asked: Vec<Socket>,
    /// How many of them will not answer.
    missing: usize,
    /// Nobody else will be asked.
    sealed: bool,
    /// `None`: it is over.
    waiter: Option<Waiter>,
}

/// The answers to one broadcast.
#[derive(Debug)]
pub(crate) struct Collector {
    /// The ack id of all receivers.
    id: u64,
    state: Mutex<Collecting>,
}

impl Collector {
    fn new(id: u64, waiter: Waiter) -> Arc<Self> {
        let state = Collecting {
            answers: Vec::new(),
            asked: Vec::new(),
            missing: 0,
            sealed: false,
            waiter: Some(waiter),
        };
        Arc::new(Self { id, state: Mutex::new(state) })
    }

    pub(crate) fn of_all(id: u64) -> (Arc<Self>, oneshot::Receiver<Outcome>) {
        let (waiter, outcome) = oneshot::channel();
        (Self::new(id, Waiter::All(waiter)), outcome)
    }

    pub(crate) fn of_one(id: u64) -> (Arc<Self>, oneshot::Receiver<Result<AckArgs, AckError>>) {
        let (waiter, answer) = oneshot::channel();
        (Self::new(id, Waiter::One(waiter)), answer)
    }

    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    /// Nobody's code runs under this lock, so a poisoned one is still consistent.
    fn lock(&self) -> MutexGuard<'_, Collecting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody waits for the answers.
    pub(crate) fn is_over(&self) -> bool {
        match &self.lock().waiter {
            None => true,
            Some(Waiter::All(waiter)) => waiter.is_canceled(),
            Some(Waiter::One(waiter)) => waiter.is_canceled(),
        }
    }

    /// One more socket is asked; its share, or `None` if it is too late.
    pub(crate) fn ask(self: &Arc<Self>, socket: &Socket) -> Option<Share> {
        let mut state = self.lock();
        state.waiter.as_ref()?;
        state.asked.push(socket.clone());
        Some(Share(Some(Arc::clone(self))))
    }

    fn add(&self, answer: Option<AckArgs>) {
        let mut state = self.lock();
        match answer {
            Some(answer) => state.answers.push(answer),
            None => state.missing += 1,
        }
        self.finish_if_settled(state);
    }

    /// Nobody else will be asked.
    fn seal(&self) {
        let mut state = self.lock();
        state.sealed = true;
        self.finish_if_settled(state);
    }

    fn finish_if_settled(&self, state: MutexGuard<'_, Collecting>) {
        if state.sealed && state.answers.len() + state.missing == state.asked.len() {
            let complete = state.missing == 0;
            self.finish(state, complete);
        }
    }

    fn finish(&self, mut state: MutexGuard<'_, Collecting>, complete: bool) {
        let Some(waiter) = state.waiter.take() else { return };
        let asked = std::mem::take(&mut state.asked);
        let mut answers = std::mem::take(&mut state.answers);
        drop(state);
        for socket in &asked {
            socket.forget_ack(self.id);
        }
        // Receivers that are gone have lost interest.
        match waiter {
            Waiter::All(waiter) => {
                let _lost = waiter.send(Outcome { answers, complete });
            }
            Waiter::One(waiter) => {
                let answer = match answers.pop() {
                    Some(answer) => Ok(answer),
                    None if asked.is_empty() => Err(AckError::Disconnected),
                    None => Err(AckError::Timeout),
                };
                let _lost = waiter.send(answer);
            }
        }
    }

    /// The time is up.
    fn expire(&self) {
        self.finish(self.lock(), false);
    }
}

/// One receiver's part in the answers; dropped without one, it is missing.
#[derive(Debug)]
pub(crate) struct Share(Option<Arc<Collector>>);

impl Share {
    pub(crate) fn answer(mut self, answer: AckArgs) {
        if let Some(collector) = self.0.take() {
            collector.add(Some(answer));
        }
    }

    pub(crate) fn expire(mut self) {
        if let Some(collector) = self.0.take() {
            collector.expire();
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(|collector| collector.is_over())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(collector) = self.0.take() {
            collector.add(None);
        }
    }
}

/// What a broadcast carries that asks for acks; gone with the broadcast, and then all were asked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) collector: Arc<Collector>,
    pub(crate) timeout: Duration,
}

impl Drop for Question {
    fn drop(&mut self) {
        self.collector.seal();
    }
}

/// Waits for the acks of a broadcast; see
/// [`BroadcastOperator::emit_with_ack`](super::BroadcastOperator::emit_with_ack).
#[derive(Debug)]
#[must_use = "the answers are only had by awaiting them"]
pub struct BroadcastAckFuture<T> {
    answers: Result<(oneshot::Receiver<Outcome>, Arc<Collector>), Option<AckError>>,
    kind: PhantomData<fn() -> T>,
}

impl<T> BroadcastAckFuture<T> {
    pub(crate) const fn waiting(
        outcome: oneshot::Receiver<Outcome>,
        collector: Arc<Collector>,
    ) -> Self {
        Self { answers: Ok((outcome, collector)), kind: PhantomData }
    }

    pub(crate) const fn failed(error: AckError) -> Self {
        Self { answers: Err(Some(error)), kind: PhantomData }
    }
}

impl<T> Drop for BroadcastAckFuture<T> {
    fn drop(&mut self) {
        // Sockets keep nothing for an answer that nobody wants.
        if let Ok((_, collector)) = &self.answers {
            collector.expire();
        }
    }
}

impl<T: EventArg> Future for BroadcastAckFuture<T> {
    type Output = Result<Vec<T>, BroadcastAckError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.answers {
            Err(error) => Err(error.take().unwrap_or(AckError::Timeout)),
            Ok((outcome, _)) => {
                ready!(Pin::new(outcome).poll(cx)).map_err(|_lost| AckError::Timeout)
            }
        };
        Poll::Ready(match outcome {
            Ok(outcome) => read(&outcome),
            Err(reason) => Err(BroadcastAckError { reason, responses: Vec::new() }),
        })
    }
}

/// Reads the answers; the ones that do not fit are told by the first of them.
fn read<T: EventArg>(outcome: &Outcome) -> Result<Vec<T>, BroadcastAckError<T>> {
    let mut responses = Vec::with_capacity(outcome.answers.len());
    let mut reason = (!outcome.complete).then_some(AckError::Timeout);
    for answer in &outcome.answers {
        match answer.read() {
            Ok(response) => responses.push(response),
            Err(error) => {
                reason.get_or_insert(error.into());
            }
        }
    }
    match reason {
        None => Ok(responses),
        Some(reason) => Err(BroadcastAckError { reason, responses }),
    }
}
