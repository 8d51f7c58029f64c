//! Acks of a broadcast: one id for all receivers, their answers in one list.
//!
//! Each receiver's share waits in its socket's own table of acks, so that it moves and ends with the
//! socket. How many there are is known when the last worker has dropped its share of the broadcast.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_channel::oneshot;

use crate::cluster::BoxFuture;
use crate::packet::EventArg;
use crate::sync::{Mutex, MutexGuard};

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
    /// What was missing: [`AckError::Timeout`] if a receiver did not answer, [`AckError::Cluster`] if a node
    /// of the cluster did not say whom it has asked.
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
    pub(crate) answers: Vec<AckArgs>,
    /// What was missing.
    pub(crate) reason: Option<AckError>,
    /// There was somebody to be asked.
    pub(crate) asked: bool,
}

impl Outcome {
    /// The answer of the one socket that was asked.
    pub(crate) fn into_one(mut self) -> Result<AckArgs, AckError> {
        match (self.answers.pop(), self.reason) {
            (Some(answer), _) => Ok(answer),
            (None, Some(reason @ AckError::Cluster(_))) => Err(reason),
            (None, _) if !self.asked => Err(AckError::Disconnected),
            (None, _) => Err(AckError::Timeout),
        }
    }
}

/// The outcome of all nodes, once it is there. It may be seen from several threads, although only its owner
/// can do anything with it.
pub(crate) struct Everywhere(Mutex<BoxFuture<Outcome>>);

impl Everywhere {
    pub(crate) fn new(outcome: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Self(Mutex::new(Box::pin(outcome)))
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll(cx)
    }
}

/// Something about the answers, as it happens.
#[derive(Debug)]
pub(crate) enum Heard {
    /// So many sockets were asked, and no more will be; comes first.
    Asked(u64),
    /// One of them has answered.
    Answer(AckArgs),
    /// One of them will not.
    Missing,
}

/// Called with what is heard, one after another, while nothing is locked.
struct Listener(Box<dyn Fn(Heard) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// Who waits for the answers.
#[derive(Debug)]
enum Waiter {
    All(oneshot::Sender<Outcome>),
    /// The answer of the one socket that was asked.
    One(oneshot::Sender<Result<AckArgs, AckError>>),
    /// The listener is told of each answer.
    Listener,
}

#[derive(Debug)]
struct Collecting {
    answers: Vec<AckArgs>,
    /// How many have answered.
    answered: usize,
    /// What the listener has not heard.
    untold: VecDeque<Heard>,
    /// A thread tells the listener.
    telling: bool,
    /// Who was asked.
    asked: Vec<Socket>,
    /// How many were, also after it is over.
    asked_ever: usize,
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
    listener: Option<Listener>,
    state: Mutex<Collecting>,
}

impl Collector {
    fn new(id: u64, waiter: Waiter, listener: Option<Listener>) -> Arc<Self> {
        let state = Collecting {
            answers: Vec::new(),
            answered: 0,
            untold: VecDeque::new(),
            telling: false,
            asked: Vec::new(),
            asked_ever: 0,
            missing: 0,
            sealed: false,
            waiter: Some(waiter),
        };
        Arc::new(Self { id, listener, state: Mutex::new(state) })
    }

    pub(crate) fn of_all(id: u64) -> (Arc<Self>, oneshot::Receiver<Outcome>) {
        let (waiter, outcome) = oneshot::channel();
        (Self::new(id, Waiter::All(waiter), None), outcome)
    }

    pub(crate) fn of_one(id: u64) -> (Arc<Self>, oneshot::Receiver<Result<AckArgs, AckError>>) {
        let (waiter, answer) = oneshot::channel();
        (Self::new(id, Waiter::One(waiter), None), answer)
    }

    /// Tells of each answer as it comes.
    pub(crate) fn of_each(id: u64, listen: impl Fn(Heard) + Send + Sync + 'static) -> Arc<Self> {
        Self::new(id, Waiter::Listener, Some(Listener(Box::new(listen))))
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
            Some(Waiter::Listener) => false,
        }
    }

    /// Tells the listener what it has not heard, unless another thread is about it. Nothing is told before
    /// it is known how many are asked.
    fn tell(&self) {
        let Some(Listener(listener)) = &self.listener else { return };
        {
            let mut state = self.lock();
            if !state.sealed || std::mem::replace(&mut state.telling, true) {
                return;
            }
        }
        loop {
            let heard = {
                let mut state = self.lock();
                let heard = state.untold.pop_front();
                state.telling = heard.is_some();
                heard
            };
            let Some(heard) = heard else { return };
            listener(heard);
        }
    }

    /// One more socket is asked; its share, or `None` if it is too late.
    pub(crate) fn ask(self: &Arc<Self>, socket: &Socket) -> Option<Share> {
        let mut state = self.lock();
        state.waiter.as_ref()?;
        state.asked.push(socket.clone());
        state.asked_ever += 1;
        Some(Share(Some(Arc::clone(self))))
    }

    fn add(&self, answer: Option<AckArgs>) {
        let mut state = self.lock();
        if state.waiter.is_none() {
            return;
        }
        let count = if answer.is_some() { &mut state.answered } else { &mut state.missing };
        *count += 1;
        match (answer, &self.listener) {
            (Some(answer), None) => state.answers.push(answer),
            (Some(answer), Some(_)) => state.untold.push_back(Heard::Answer(answer)),
            (None, Some(_)) => state.untold.push_back(Heard::Missing),
            (None, None) => {}
        }
        self.finish_if_settled(state);
        self.tell();
    }

    /// Nobody else will be asked.
    fn seal(&self) {
        let mut state = self.lock();
        state.sealed = true;
        if self.listener.is_some() {
            let asked = u64::try_from(state.asked_ever).unwrap_or(u64::MAX);
            state.untold.push_front(Heard::Asked(asked));
        }
        self.finish_if_settled(state);
        self.tell();
    }

    fn finish_if_settled(&self, state: MutexGuard<'_, Collecting>) {
        if state.sealed && state.answered + state.missing == state.asked.len() {
            let complete = state.missing == 0;
            self.finish(state, complete);
        }
    }

    fn finish(&self, mut state: MutexGuard<'_, Collecting>, complete: bool) {
        let Some(waiter) = state.waiter.take() else { return };
        let asked = std::mem::take(&mut state.asked);
        let answers = std::mem::take(&mut state.answers);
        drop(state);
        for socket in &asked {
            socket.forget_ack(self.id);
        }
        let reason = (!complete).then_some(AckError::Timeout);
        let outcome = Outcome { answers, reason, asked: !asked.is_empty() };
        // Receivers that are gone have lost interest.
        match waiter {
            Waiter::All(waiter) => {
                let _lost = waiter.send(outcome);
            }
            Waiter::One(waiter) => {
                let _lost = waiter.send(outcome.into_one());
            }
            Waiter::Listener => {}
        }
    }

    /// Nobody waits any more, or the time is up; gives how many have not answered by then.
    pub(crate) fn expire(&self) -> usize {
        let state = self.lock();
        let late = state.asked.len().saturating_sub(state.answered + state.missing);
        self.finish(state, false);
        late
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

    /// The time is up; gives how many have not answered, those of the others included.
    pub(crate) fn expire(mut self) -> usize {
        self.0.take().map_or(0, |collector| collector.expire())
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
#[must_use = "the answers are only had by awaiting them"]
pub struct BroadcastAckFuture<T> {
    answers: Answers,
    kind: PhantomData<fn() -> T>,
}

/// Where the answers come from.
enum Answers {
    /// It was not sent.
    Failed(Option<AckError>),
    /// The sockets of this node.
    Here(oneshot::Receiver<Outcome>, Arc<Collector>),
    /// The sockets of all nodes.
    Everywhere(Everywhere),
}

impl<T> fmt::Debug for BroadcastAckFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastAckFuture").finish_non_exhaustive()
    }
}

impl<T> BroadcastAckFuture<T> {
    pub(crate) const fn waiting(
        outcome: oneshot::Receiver<Outcome>,
        collector: Arc<Collector>,
    ) -> Self {
        Self { answers: Answers::Here(outcome, collector), kind: PhantomData }
    }

    pub(crate) const fn everywhere(outcome: Everywhere) -> Self {
        Self { answers: Answers::Everywhere(outcome), kind: PhantomData }
    }

    pub(crate) const fn failed(error: AckError) -> Self {
        Self { answers: Answers::Failed(Some(error)), kind: PhantomData }
    }
}

impl<T> Drop for BroadcastAckFuture<T> {
    fn drop(&mut self) {
        // Sockets keep nothing for an answer that nobody wants.
        if let Answers::Here(_, collector) = &self.answers {
            collector.expire();
        }
    }
}

impl<T: EventArg> Future for BroadcastAckFuture<T> {
    type Output = Result<Vec<T>, BroadcastAckError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.answers {
            Answers::Failed(error) => Err(error.take().unwrap_or(AckError::Timeout)),
            Answers::Here(outcome, _) => {
                ready!(Pin::new(outcome).poll(cx)).map_err(|_lost| AckError::Timeout)
            }
            Answers::Everywhere(outcome) => Ok(ready!(outcome.poll(cx))),
        };
        Poll::Ready(match outcome {
            Ok(outcome) => read(outcome),
            Err(reason) => Err(BroadcastAckError { reason, responses: Vec::new() }),
        })
    }
}

/// Reads the answers; the ones that do not fit are told by the first of them.
pub(crate) fn read<T: EventArg>(outcome: Outcome) -> Result<Vec<T>, BroadcastAckError<T>> {
    let mut responses = Vec::with_capacity(outcome.answers.len());
    let mut reason = outcome.reason;
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
