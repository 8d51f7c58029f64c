//! Acks in both directions: answering a client's event, and waiting for a client's answer.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_channel::oneshot;
use serde::Serialize;

use crate::cluster::{ClusterError, Data};
use crate::handler::{EncodedArgs, EventCx, EventError, Reply, Rules, ack_scope, run_hooks};
use crate::packet::{ArgCursor, ArgError, EncodeError, EventArg, Value};

use super::broadcast_ack::Everywhere;
use super::socket::{EmitError, Socket};
use super::worker::Worker;

/// Why an ack did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AckError {
    /// No answer within the timeout; the reference's wording.
    #[error("operation has timed out")]
    Timeout,
    /// The socket ended before it answered.
    #[error("the socket has been disconnected")]
    Disconnected,
    /// The event was not sent.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// Not all nodes of the cluster were heard of in time, or they cannot be reached.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The answer does not fit the type asked for.
    #[error(transparent)]
    Invalid(#[from] ArgError),
}

/// The arguments of a client's ack, not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckArgs {
    text: Box<str>,
    attachments: Vec<Bytes>,
}

impl AckArgs {
    pub(crate) fn new(args: &str, attachments: &[Bytes]) -> Self {
        Self { text: args.into(), attachments: attachments.to_vec() }
    }

    /// What another node says that a socket has answered; it tells the first argument only.
    pub(crate) fn of_data(value: Option<Data>) -> Self {
        let Data { json, attachments } = value.unwrap_or_default();
        Self { text: format!("{json}]").into(), attachments }
    }

    /// The first argument, for another node.
    pub(crate) fn first(&self) -> Option<Data> {
        let mut cursor = ArgCursor::new(&self.text, &self.attachments);
        if self.attachments.is_empty() {
            cursor.next::<serde::de::IgnoredAny>().ok()??;
            let behind = cursor.unread_text().len();
            let json = self.text.get(..self.text.len() - behind)?.into();
            return Some(Data { json, attachments: Vec::new() });
        }
        // Only the attachments of this argument go with it.
        let first: Value = cursor.next().ok()??;
        let args = EncodedArgs::encode(&(first,)).ok()?;
        let json = std::str::from_utf8(args.json()).ok()?.strip_prefix(',')?.into();
        Some(Data { json, attachments: args.attachments().to_vec() })
    }

    /// Reads the first argument as `T`, or all with `Rest<T>`.
    ///
    /// # Errors
    ///
    /// The answer does not fit `T`.
    pub fn read<T: EventArg>(&self) -> Result<T, ArgError> {
        T::read(&mut ArgCursor::new(&self.text, &self.attachments))
    }
}

type Answer = Result<AckArgs, AckError>;

/// Waits for a client's ack; see [`Socket::emit_with_ack`].
#[must_use = "the answer is only had by awaiting it"]
pub struct AckFuture<T> {
    answer: Source,
    kind: PhantomData<fn() -> T>,
}

/// Where the answer comes from.
enum Source {
    /// The event was not sent.
    Failed(Option<AckError>),
    /// A socket of this node.
    Here(oneshot::Receiver<Answer>),
    /// A socket of any node.
    Everywhere(Everywhere),
}

impl<T> fmt::Debug for AckFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckFuture").finish_non_exhaustive()
    }
}

impl<T> AckFuture<T> {
    pub(crate) const fn waiting(answer: oneshot::Receiver<Answer>) -> Self {
        Self { answer: Source::Here(answer), kind: PhantomData }
    }

    pub(crate) const fn everywhere(outcome: Everywhere) -> Self {
        Self { answer: Source::Everywhere(outcome), kind: PhantomData }
    }

    pub(crate) const fn failed(error: AckError) -> Self {
        Self { answer: Source::Failed(Some(error)), kind: PhantomData }
    }
}

impl<T: EventArg> Future for AckFuture<T> {
    type Output = Result<T, AckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &mut self.answer {
            Source::Failed(error) => Err(error.take().unwrap_or(AckError::Disconnected)),
            Source::Everywhere(outcome) => ready!(outcome.poll(cx)).into_one(),
            Source::Here(receiver) => match Pin::new(receiver).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(answer)) => answer,
                Poll::Ready(Err(oneshot::Canceled)) => Err(AckError::Disconnected),
            },
        };
        Poll::Ready(answer.and_then(|args| args.read().map_err(AckError::from)))
    }
}

/// Answers an event by hand; as a handler's parameter it switches the automatic ack off.
///
/// It answers once. Dropped without an answer, it sends an error with the code `no_answer`: a client that
/// asked is never left waiting. If the client did not ask, nothing is ever sent.
///
/// # Examples
///
/// ```
/// use sio_core::server::{AckSender, Io};
///
/// let server = Io::builder().namespace("/", |ns| {
///     ns.on("measure", |ack: AckSender, samples: Vec<f64>| {
///         // Answered from another thread, when it is done.
///         std::thread::spawn(move || ack.send(samples.iter().sum::<f64>()));
///     });
/// });
/// # drop(server);
/// ```
#[derive(Debug)]
pub struct AckSender {
    socket: Socket,
    id: Option<u64>,
    /// Error hooks that see what it answers, with the event's name.
    hooked: Option<(Arc<Rules>, Box<str>)>,
}

impl AckSender {
    /// Takes the ack of an event over.
    pub(crate) fn take(cx: &EventCx<'_>) -> Self {
        let (socket, id) = (cx.socket().clone(), cx.take_ack());
        if let Some(id) = id {
            socket.ask(id);
        }
        let has_hooks = id.is_some() && !cx.rules().hooks.is_empty();
        let hooked = has_hooks.then(|| (Arc::clone(cx.rules()), cx.event().into()));
        Self { socket, id, hooked }
    }

    /// The client asked for an ack.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.id.is_some()
    }

    /// Answers; a tuple is several arguments, `()` none.
    ///
    /// # Errors
    ///
    /// The value cannot be serialised; the client then gets an `internal` error.
    pub fn send(mut self, args: impl Serialize) -> Result<(), EncodeError> {
        let Some(id) = self.id.take() else {
            return Ok(());
        };
        match EncodedArgs::encode(&args) {
            Ok(args) => {
                self.answer(id, Reply::Args(args));
                Ok(())
            }
            Err(error) => {
                self.answer_error(id, EventError::internal(error.to_string()));
                Err(error)
            }
        }
    }

    /// Answers with an error.
    pub fn send_error(mut self, error: impl Into<EventError>) {
        if let Some(id) = self.id.take() {
            self.answer_error(id, error.into());
        }
    }

    fn answer_error(&self, id: u64, mut error: EventError) {
        if let Some((rules, event)) = &self.hooked {
            run_hooks(rules, &mut error, &EventCx::new(&self.socket, event, Some(id), rules));
        }
        self.answer(id, Reply::Err(error));
    }

    fn answer(&self, id: u64, reply: Reply) {
        let worker = Worker::current(self.socket.hub());
        self.socket.send_ack(worker.as_deref(), id, reply);
    }
}

impl Drop for AckSender {
    fn drop(&mut self) {
        if let Some(id) = self.id.take()
            && !ack_scope::note_dropped((self.socket.address(), id))
        {
            self.answer_error(id, no_answer());
        }
    }
}

/// What a client is told that a handler took its ack over and never answered.
pub(crate) fn no_answer() -> EventError {
    EventError::new("no_answer", "the handler gave no answer")
}
