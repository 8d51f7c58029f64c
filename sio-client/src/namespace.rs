//! One socket from the inside: its state, what it sends, and what the server says to it.
//!
//! ```text
//! idle ─connect─► connecting ─granted─► connected ─lost─► reconnecting ─granted─► connected
//!                     └─refused, lost─► closed ◄─put out, left, gave up─┘
//! ```
//!
//! The lock is never held while user code runs. Lock order: the client's state, then a socket's, then
//! the outbox.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sio_core::frame::{Frame, FrameGroup};
use sio_core::handler::EncodedArgs;
use sio_core::packet::{self, EncodeError};
use tokio::sync::oneshot;

use crate::args::RawArgs;
use crate::client::Core;
use crate::error::{AckError, ConnectError, EmitError};
use crate::life::{DisconnectReason, LifeEvent};
use crate::listeners::Listeners;
use crate::outbox::Refused;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Status {
    /// Never connected.
    #[default]
    Idle,
    /// Asked for, not granted yet.
    Connecting,
    Connected,
    /// Lost, and tried again.
    Reconnecting,
    /// Over until somebody connects again.
    Closed,
}

type ConnectWaiter = oneshot::Sender<Result<(), ConnectError>>;
type AckWaiter = oneshot::Sender<Result<RawArgs, AckError>>;

#[derive(Default)]
struct State {
    status: Status,
    id: Option<Arc<str>>,
    auth: Option<Box<str>>,
    waiters: Vec<ConnectWaiter>,
    /// Packets that wait for the connection, with their ack ids.
    buffer: VecDeque<(Option<u64>, FrameGroup)>,
    buffer_bytes: usize,
    acks: HashMap<u64, AckWaiter>,
    last_ack: u64,
    /// Unfinished answers to events of the server.
    responders: usize,
    /// Counts connections: an answer must not reach another one than its question.
    epoch: u64,
}

pub(crate) struct SocketCore {
    pub(crate) client: Arc<Core>,
    pub(crate) namespace: Box<str>,
    pub(crate) listeners: Listeners,
    state: Mutex<State>,
}

/// Why a packet was not sent at once.
pub(crate) enum NotSent {
    /// It may be tried again when there is room.
    Full(FrameGroup),
    Failed(EmitError),
}

impl SocketCore {
    pub(crate) fn new(client: Arc<Core>, namespace: Box<str>) -> Self {
        Self { client, namespace, listeners: Listeners::default(), state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> Status {
        self.lock().status
    }

    pub(crate) fn id(&self) -> Option<Arc<str>> {
        let state = self.lock();
        if state.status == Status::Connected { state.id.clone() } else { None }
    }

    pub(crate) fn set_auth(&self, auth: Option<Box<str>>) {
        self.lock().auth = auth;
    }

    // ---- connecting -----------------------------------------------------------------------------

    /// Registers somebody who waits; true if the namespace has to be asked for.
    pub(crate) fn begin_connect(&self, waiter: ConnectWaiter) -> bool {
        let mut state = self.lock();
        match state.status {
            Status::Connected => {
                let _gone = waiter.send(Ok(()));
                false
            }
            Status::Connecting | Status::Reconnecting => {
                state.waiters.push(waiter);
                false
            }
            Status::Idle | Status::Closed => {
                state.status = Status::Connecting;
                state.waiters.push(waiter);
                true
            }
        }
    }

    /// Somebody gave up waiting; true if nobody waits for a first connection any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        let mut state = self.lock();
        state.waiters.retain(|waiter| !waiter.is_closed());
        state.status == Status::Connecting && state.waiters.is_empty()
    }

    /// The CONNECT packet, if the socket wants one.
    pub(crate) fn connect_frame(&self) -> Option<Frame> {
        let state = self.lock();
        if !matches!(state.status, Status::Connecting | Status::Reconnecting) {
            return None;
        }
        let mut text = Vec::new();
        let auth = state.auth.as_deref();
        // `with_auth` took JSON objects only.
        packet::encode_connect_request(&mut text, &self.namespace, auth).ok()?;
        Some(Frame::text(text.into()))
    }

    pub(crate) fn granted(&self, id: &str) {
        let (waiters, was_connected) = {
            let mut state = self.lock();
            let was_connected = match state.status {
                Status::Connecting | Status::Reconnecting => false,
                Status::Connected => true,
                Status::Idle | Status::Closed => return,
            };
            state.status = Status::Connected;
            state.id = Some(id.into());
            state.epoch += 1;
            state.buffer_bytes = 0;
            for (_, group) in state.buffer.drain(..) {
                self.client.outbox.force(group.iter().cloned());
            }
            (std::mem::take(&mut state.waiters), was_connected)
        };
        if !was_connected {
            self.listeners.life(&LifeEvent::Connect { id: id.to_owned() });
        }
        for waiter in waiters {
            let _gone = waiter.send(Ok(()));
        }
    }

    // ---- ends -----------------------------------------------------------------------------------

    /// Ends the socket until somebody connects again; the client forgets it beside this.
    ///
    /// `error` is for those who wait for the connection, `life` for those who watch the socket.
    pub(crate) fn close(&self, error: &ConnectError, life: Option<&LifeEvent>) {
        let (waiters, acks, was_connected) = {
            let mut state = self.lock();
            let was = std::mem::replace(&mut state.status, Status::Closed);
            if matches!(was, Status::Idle | Status::Closed) {
                state.status = was;
            }
            state.epoch += 1;
            state.buffer.clear();
            state.buffer_bytes = 0;
            (
                std::mem::take(&mut state.waiters),
                std::mem::take(&mut state.acks),
                was == Status::Connected,
            )
        };
        for waiter in waiters {
            let _gone = waiter.send(Err(error.clone()));
        }
        fail(acks.into_values());
        if let Some(life) = life
            && (was_connected || !matches!(life, LifeEvent::Disconnect(_)))
        {
            self.listeners.life(life);
        }
        self.listeners.end_waiting();
    }

    /// The session is lost and will be tried again; false if this socket does not take part in that.
    pub(crate) fn lost(&self, reason: DisconnectReason) -> bool {
        let acks: Vec<AckWaiter> = {
            let mut state = self.lock();
            match state.status {
                Status::Connected => {}
                Status::Reconnecting => return true,
                Status::Idle | Status::Connecting | Status::Closed => return false,
            }
            state.status = Status::Reconnecting;
            state.epoch += 1;
            // What waits in the buffer has not been sent, so it can still be answered.
            let kept: Vec<u64> = state.buffer.iter().filter_map(|(ack, _)| *ack).collect();
            state.acks.extract_if(|id, _| !kept.contains(id)).map(|(_, waiter)| waiter).collect()
        };
        fail(acks.into_iter());
        self.listeners.life(&LifeEvent::Disconnect(reason));
        true
    }

    // ---- sending --------------------------------------------------------------------------------

    /// The frames of an event.
    pub(crate) fn event_group(
        &self,
        ack: Option<u64>,
        event: &str,
        args: &EncodedArgs,
    ) -> Result<FrameGroup, EncodeError> {
        let attachments = args.attachments().to_vec();
        let mut text = Vec::with_capacity(args.json().len() + event.len() + 32);
        let count = attachments.len();
        packet::encode_event_encoded(&mut text, &self.namespace, ack, event, args.json(), count)?;
        Ok(FrameGroup::new(text.into(), attachments))
    }

    /// Sends a packet, or lets it wait for the connection.
    pub(crate) fn try_send(&self, group: FrameGroup, ack: Option<u64>) -> Result<(), NotSent> {
        let limit = self.client.max_payload();
        let len = group.iter().map(|frame| frame.payload().len()).max().unwrap_or_default();
        if len > limit {
            return Err(NotSent::Failed(EmitError::TooLarge { len, limit }));
        }
        let mut state = self.lock();
        let group = match state.status {
            Status::Closed => return Err(NotSent::Failed(EmitError::NotConnected)),
            Status::Connected => match self.client.outbox.try_push(group) {
                Ok(()) => return Ok(()),
                Err(Refused::Full(group)) => return Err(NotSent::Full(group)),
                // The loss of the session is on its way to this socket.
                Err(Refused::Closed(group)) => group,
            },
            Status::Idle | Status::Connecting | Status::Reconnecting => group,
        };
        let limits = &self.client.config.limits;
        let bytes = state.buffer_bytes + group.byte_len();
        if state.buffer.len() >= limits.send_buffer || bytes > limits.send_buffer_bytes {
            return Err(NotSent::Failed(EmitError::BufferFull {
                limit: limits.send_buffer,
                limit_bytes: limits.send_buffer_bytes,
            }));
        }
        state.buffer_bytes = bytes;
        state.buffer.push_back((ack, group));
        Ok(())
    }

    /// Sends a packet if the transport can take it at once.
    pub(crate) fn send_volatile(&self, group: FrameGroup) -> bool {
        let state = self.lock();
        state.status == Status::Connected
            && self.client.outbox.is_idle()
            && self.client.outbox.try_push(group).is_ok()
    }

    pub(crate) async fn send(
        &self,
        mut group: FrameGroup,
        ack: Option<u64>,
    ) -> Result<(), EmitError> {
        loop {
            let room = self.client.outbox.room();
            group = match self.try_send(group, ack) {
                Ok(()) => return Ok(()),
                Err(NotSent::Failed(error)) => return Err(error),
                Err(NotSent::Full(group)) => group,
            };
            room.await;
        }
    }

    // ---- acks -----------------------------------------------------------------------------------

    /// Registers somebody who waits for an ack.
    pub(crate) fn expect_ack(&self, waiter: AckWaiter) -> Result<u64, EmitError> {
        let mut state = self.lock();
        let limit = self.client.config.limits.max_pending_acks;
        if state.acks.len() >= limit {
            return Err(EmitError::TooManyAcks { limit });
        }
        let id = state.last_ack;
        state.last_ack = if id >= packet::MAX_ACK_ID { 0 } else { id + 1 };
        state.acks.insert(id, waiter);
        Ok(id)
    }

    /// Nobody waits for the ack any more; an event that was not sent yet is not sent at all.
    pub(crate) fn forget_ack(&self, id: u64) {
        let mut state = self.lock();
        if state.acks.remove(&id).is_none() {
            return;
        }
        if let Some(at) = state.buffer.iter().position(|(ack, _)| *ack == Some(id))
            && let Some((_, group)) = state.buffer.remove(at)
        {
            state.buffer_bytes = state.buffer_bytes.saturating_sub(group.byte_len());
        }
    }

    pub(crate) fn ack(&self, id: u64, args: RawArgs) {
        let waiter = self.lock().acks.remove(&id);
        if let Some(waiter) = waiter {
            let _gone = waiter.send(Ok(args));
        }
    }

    pub(crate) fn event(self: &Arc<Self>, name: &str, ack: Option<u64>, args: &RawArgs) {
        // What comes before the answer to CONNECT, or after the end, belongs to nobody.
        if self.status() != Status::Connected {
            return;
        }
        self.listeners.event(name, args);
        if let Some(id) = ack {
            self.respond(name, id, args);
        }
    }

    fn respond(self: &Arc<Self>, name: &str, id: u64, args: &RawArgs) {
        let epoch = {
            let mut state = self.lock();
            if state.responders >= self.client.config.limits.max_responders {
                drop(state);
                return self.send_overloaded(id);
            }
            state.responders += 1;
            state.epoch
        };
        let place = Responding(Arc::clone(self));
        let Some(answering) = self.listeners.respond(name, args) else {
            return;
        };
        tokio::spawn(async move {
            let args = answering.await;
            let group = place.0.ack_group(id, &args);
            loop {
                let room = place.0.client.outbox.room();
                {
                    let state = place.0.lock();
                    if state.epoch != epoch {
                        return;
                    }
                    match place.0.client.outbox.try_push(group.clone()) {
                        Ok(()) | Err(Refused::Closed(_)) => return,
                        Err(Refused::Full(_)) => {}
                    }
                }
                room.await;
            }
        });
    }

    fn send_overloaded(&self, id: u64) {
        let error = crate::responder::error_answer("overloaded", "too many events at once", None);
        // A server that floods us does not get a queue of its own.
        let _full = self.client.outbox.try_push(self.ack_group(id, &error));
    }

    fn ack_group(&self, id: u64, args: &EncodedArgs) -> FrameGroup {
        let attachments = args.attachments().to_vec();
        let mut text = Vec::with_capacity(args.json().len() + 32);
        let count = attachments.len();
        packet::encode_ack_encoded(&mut text, &self.namespace, id, args.json(), count);
        FrameGroup::new(text.into(), attachments)
    }
}

fn fail(acks: impl Iterator<Item = AckWaiter>) {
    for waiter in acks {
        let _gone = waiter.send(Err(AckError::Disconnected));
    }
}

/// An unfinished answer.
struct Responding(Arc<SocketCore>);

impl Drop for Responding {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.responders = state.responders.saturating_sub(1);
    }
}
