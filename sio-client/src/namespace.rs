//! One socket from the inside: its state, what it sends, and what the server says to it.
//!
//! ```text
//! idle ─connect─► connecting ─granted─► connected ─lost─► reconnecting ─granted─► connected
//!                     └─refused, lost─► closed ◄─put out, left, gave up─┘
//! ```
//!
//! The lock is never held while user code runs. Lock order: the client's state, then a socket's, then
//! the outbox.

mod recovery;
mod sending;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sio_core::frame::{Frame, FrameGroup};
use sio_core::packet;
use tokio::sync::oneshot;

use self::recovery::Recovery;
pub(crate) use self::sending::NotSent;
use crate::args::RawArgs;
use crate::client::Core;
use crate::error::{AckError, ConnectError};
use crate::life::{DisconnectReason, LifeEvent};
use crate::listeners::Listeners;

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
    recovery: Recovery,
}

pub(crate) struct SocketCore {
    pub(crate) client: Arc<Core>,
    pub(crate) namespace: Box<str>,
    pub(crate) listeners: Listeners,
    state: Mutex<State>,
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
        let auth = state.recovery.auth(state.auth.as_deref());
        // `with_auth` took JSON objects only.
        packet::encode_connect_request(&mut text, &self.namespace, auth.as_deref()).ok()?;
        Some(Frame::text(text.into()))
    }

    /// The last CONNECT continued an earlier connection: rooms and missed events are back.
    pub(crate) fn is_recovered(&self) -> bool {
        let state = self.lock();
        state.status == Status::Connected && state.recovery.is_recovered()
    }

    pub(crate) fn granted(self: &Arc<Self>, id: &str, pid: Option<&str>) {
        let (waiters, was_connected, early) = {
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
            let early = state.recovery.granted(pid);
            (std::mem::take(&mut state.waiters), was_connected, early)
        };
        if !was_connected {
            self.listeners.life(&LifeEvent::Connect { id: id.to_owned() });
        }
        for waiter in waiters {
            let _gone = waiter.send(Ok(()));
        }
        for event in early {
            self.event(&event.name, event.ack, &event.args);
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
            state.recovery.drop_early();
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
                Status::Reconnecting => {
                    state.recovery.drop_early();
                    return true;
                }
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
}

fn fail(acks: impl Iterator<Item = AckWaiter>) {
    for waiter in acks {
        let _gone = waiter.send(Err(AckError::Disconnected));
    }
}
