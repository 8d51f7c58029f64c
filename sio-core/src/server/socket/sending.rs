//! What a socket sends: events, emissions of handlers, acks.
//!
//! Directly into the outbox where the session lives on this thread, through the bus otherwise.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::frame::FrameGroup;
use crate::handler::{Audience, Emission, EncodedArgs, Reply};
use crate::limits::SendPolicy;
use crate::packet;

use super::super::bus::QueueFull;
use super::super::listeners::heed;
use super::super::outgoing::OutgoingEvent;
use super::super::recovery::{Addressees, PacketLog};
use super::super::sessions::SessionOp;
use super::super::worker::Worker;
use super::{AckWaiter, CONNECTING, EmitError, EmitFlags, Socket};

impl Socket {
    pub(super) fn send_event<T: Serialize + ?Sized>(
        &self,
        event: &str,
        args: &T,
        ack: Option<(AckWaiter, Option<Duration>)>,
        flags: EmitFlags,
    ) -> Result<(), EmitError> {
        let mut args = EncodedArgs::encode(args)?;
        if ack.is_none() && !flags.volatile {
            if let Some(log) = self.0.namespace.log() {
                return self.send_logged(log, event, &args, flags);
            }
            if self.goes_round() {
                return self.send_round(event, &args, flags);
            }
        }
        let attachments = args.take_attachments();
        self.send_encoded(event, args.json(), attachments, ack, flags)
    }

    fn send_encoded(
        &self,
        event: &str,
        json: &[u8],
        attachments: Vec<Bytes>,
        ack: Option<(AckWaiter, Option<Duration>)>,
        flags: EmitFlags,
    ) -> Result<(), EmitError> {
        if ack.is_none()
            && attachments.is_empty()
            && !flags.uncompressed
            && !self.heeds(heed::OUTGOING)
            && self.0.hub.writes_in_place()
        {
            packet::check_name(event)?;
            if self.has_ended() {
                return Ok(());
            }
            if self.send_in_place(event, json, flags.volatile) {
                self.count_sent();
                return Ok(());
            }
        }
        let namespace = self.0.namespace.path();
        let id = ack.as_ref().map(|_| self.0.namespace.next_ack_id());
        let shown = (self.heeds(heed::OUTGOING) && !self.has_ended())
            .then(|| OutgoingEvent::new(event, json, &attachments));
        let packet = self.0.hub.event_packet(namespace, id, event, json, attachments)?;
        if let Some(event) = shown {
            self.tell_outgoing(&event);
        }
        // A listener may have ended it just now.
        if self.has_ended() {
            // Dropping the waiter tells that the socket is gone.
            return Ok(());
        }
        let mut arm = None;
        if let Some((waiter, timeout)) = ack
            && let Some(id) = id
        {
            if timeout.is_some_and(|timeout| timeout.is_zero()) {
                self.expire_ack(waiter);
            } else {
                self.add_ack(id, waiter)?;
                arm = timeout.map(|timeout| (id, timeout));
            }
        }
        if let Some(worker) = Worker::current(&self.0.hub)
            && arm.is_none()
            && !flags.uncompressed
            // Only a whole packet can be dropped.
            && self.0.hub.engine.send_policy == SendPolicy::Disconnect
            && packet.send_here(&worker, &self.0.session, flags.volatile)
        {
            self.count_sent();
            return Ok(());
        }
        let group = packet.into_group();
        let group = if flags.uncompressed { group.uncompressed() } else { group };
        let volatile = flags.volatile;
        let op = SessionOp::Send { socket: self.clone(), group, volatile, logged: 0, ack: arm };
        let sent = self.route(op);
        if sent.is_err()
            && let Some(id) = id
        {
            // Nobody will answer what was not sent.
            self.forget_ack(id);
        }
        if sent.is_ok() {
            self.count_sent();
        }
        Ok(sent?)
    }

    fn count_sent(&self) {
        self.0.hub.watch.tell_event(|observer| observer.events_sent(&self.0.namespace, 1));
    }

    /// Writes an event straight into the outbox; `false`: that is not here, or cannot be done like that.
    fn send_in_place(&self, event: &str, json: &[u8], volatile: bool) -> bool {
        Worker::current(&self.0.hub).is_some_and(|worker| {
            let sent = packet::event_in_parts(self.0.namespace.path(), event, json, |parts| {
                worker.send_here(&self.0.session, parts, &[], volatile)
            });
            sent == Some(true)
        })
    }

    /// Sends a result to where it goes besides the ack; `acked` if that was asked for.
    pub(crate) fn emit_all(&self, emissions: &[Emission], args: &EncodedArgs, acked: bool) {
        for emission in emissions.iter().filter(|emission| emission.always || !acked) {
            let rooms = emission.rooms.as_slice();
            let sent = if emission.audience == Audience::Sender && rooms.is_empty() {
                self.emit_encoded(&emission.event, args, emission.volatile)
            } else {
                let everybody = emission.audience == Audience::Everybody;
                let to = if everybody { self.everybody() } else { self.broadcast() };
                let to = if rooms.is_empty() { to } else { to.to(rooms) };
                let to = if emission.local { to.local() } else { to };
                let to = if emission.volatile { to.volatile() } else { to };
                to.emit_encoded(&emission.event, args)
            };
            if let Err(error) = sent {
                let event = &*emission.event;
                tracing::warn!(%error, event, "a handler's result could not be sent");
            }
        }
    }

    pub(crate) fn emit_encoded(
        &self,
        event: &str,
        args: &EncodedArgs,
        volatile: bool,
    ) -> Result<(), EmitError> {
        let flags = EmitFlags::volatile(volatile);
        if let Some(log) = self.0.namespace.log()
            && !volatile
        {
            return self.send_logged(log, event, args, flags);
        }
        if !volatile && self.goes_round() {
            return self.send_round(event, args, flags);
        }
        self.send_encoded(event, args.json(), args.attachments().to_vec(), None, flags)
    }

    /// An event that the client may get when it comes back.
    fn send_logged(
        &self,
        log: &PacketLog,
        event: &str,
        args: &EncodedArgs,
        flags: EmitFlags,
    ) -> Result<(), EmitError> {
        let (hub, path) = (&self.0.hub, self.0.namespace.path());
        if self.has_ended() {
            if self.may_return() {
                // Perhaps it is back already, on another session of this node.
                let itself = self.everybody().to(&self.0.id).local();
                return itself.compress(!flags.uncompressed).emit_encoded(event, args);
            }
            hub.event_frames(path, None, event, args, None)?;
            return Ok(());
        }
        if self.heeds(heed::OUTGOING) && !packet::is_reserved(event) {
            self.tell_outgoing(&OutgoingEvent::of_args(event, args));
        }
        self.count_sent();
        log.publish(
            Addressees::One(Arc::clone(self.0.id.as_arc())),
            |offset| {
                let group = hub.event_frames(path, None, event, args, Some(offset))?;
                Ok(if flags.uncompressed { group.uncompressed() } else { group })
            },
            |group, logged| {
                let (socket, group) = (self.clone(), group.clone());
                let op = SessionOp::Send { socket, group, volatile: false, logged, ack: None };
                hub.bus.queue_home(&self.0.session, op)
            },
        )
    }

    /// Events go through the log that all nodes share. Not those of a new socket before its CONNECT is
    /// answered: it is not among the receivers of what comes from there.
    fn goes_round(&self) -> bool {
        self.0.namespace.relay().is_some()
            && (self.is_recovered() || self.0.status.load(Ordering::Acquire) != CONNECTING)
    }

    /// An event that the client may get on another node; its own listeners are shown it when it is delivered.
    fn send_round(
        &self,
        event: &str,
        args: &EncodedArgs,
        flags: EmitFlags,
    ) -> Result<(), EmitError> {
        if self.has_ended() && !self.may_return() {
            return Ok(packet::check_name(event)?);
        }
        let itself = self.everybody().to(&self.0.id);
        let itself = if flags.uncompressed { itself.compress(false) } else { itself };
        itself.emit_encoded(event, args)
    }

    /// Answers an event of the client.
    pub(crate) fn send_ack(&self, worker: Option<&Worker>, id: u64, reply: Reply) {
        self.answered(id);
        if self.has_ended() {
            return;
        }
        let namespace = self.0.namespace.path();
        let args = self.ack_args(reply);
        if self.0.hub.has_default_parser()
            && let Some(worker) = worker
        {
            let attachments = args.attachments();
            let sent =
                packet::ack_in_parts(namespace, id, args.json(), attachments.len(), |parts| {
                    worker.send_here(&self.0.session, parts, attachments, false)
                });
            if sent {
                return;
            }
        }
        let Some(group) = self.0.hub.ack_frames(namespace, id, args) else {
            // Only the end of the session can still tell the client.
            return self.close_session();
        };
        match worker {
            Some(worker) => worker.send_group(self, group, false),
            None => {
                let socket = self.clone();
                let op = SessionOp::Send { socket, group, volatile: false, logged: 0, ack: None };
                if self.route(op).is_err() {
                    tracing::warn!("a worker's queue is full; an ack was dropped");
                }
            }
        }
    }

    /// The answer to an event as the frames of its packet.
    pub(crate) fn ack_group(&self, id: u64, reply: Reply) -> Option<FrameGroup> {
        let namespace = self.0.namespace.path();
        if self.has_ended() {
            return None;
        }
        self.0.hub.ack_frames(namespace, id, self.ack_args(reply))
    }

    /// The arguments of an ack; a client that asked is answered in any case.
    #[inline]
    fn ack_args(&self, reply: Reply) -> EncodedArgs {
        match reply {
            Reply::Args(args) => args,
            Reply::Null => EncodedArgs::null(),
            Reply::Err(error) => self.0.hub.error_ack(&error),
            Reply::Unit | Reply::Nothing => EncodedArgs::default(),
        }
    }

    pub(super) fn route(&self, op: SessionOp) -> Result<(), QueueFull> {
        match Worker::current(&self.0.hub).filter(|worker| worker.owns(&self.0.session)) {
            Some(worker) => {
                worker.route(&self.0.session, op);
                Ok(())
            }
            None => self.0.hub.bus.send_home(&self.0.session, op),
        }
    }
}
