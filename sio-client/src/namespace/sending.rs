//! What a socket sends: events now or later, and the acks of both directions.

use std::sync::Arc;

use sio_core::frame::FrameGroup;
use sio_core::handler::EncodedArgs;
use sio_core::packet::{self, EncodeError};

use super::recovery::EarlyEvent;
use super::{AckWaiter, SocketCore, Status};
use crate::args::RawArgs;
use crate::error::EmitError;
use crate::outbox::Refused;

/// Why a packet was not sent at once.
pub(crate) enum NotSent {
    /// It may be tried again when there is room.
    Full(FrameGroup),
    Failed(EmitError),
}

impl SocketCore {
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
        {
            let mut state = self.lock();
            match state.status {
                Status::Connected if ack.is_none() => state.recovery.note(args),
                Status::Connected => {}
                // A server may speak before it answers CONNECT, above all of what was missed.
                Status::Connecting | Status::Reconnecting => {
                    let (name, args) = (name.into(), args.clone());
                    if !state.recovery.keep_early(EarlyEvent { name, ack, args }) {
                        tracing::warn!(
                            "too many events before the answer to CONNECT; one is dropped"
                        );
                    }
                    return;
                }
                Status::Idle | Status::Closed => return,
            }
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

/// An unfinished answer.
struct Responding(Arc<SocketCore>);

impl Drop for Responding {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.responders = state.responders.saturating_sub(1);
    }
}
