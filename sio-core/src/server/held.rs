//! Events that wait until a handler of their socket has finished.
//!
//! A socket runs a bounded number of handlers at once. What comes above that is held here in order, while
//! pongs, acks and the packets of other sockets go on: a handler may be waiting for just those. The
//! session is not read any more when too many bytes are held.

use std::collections::VecDeque;

use bytes::Bytes;

use super::socket::Socket;

/// An event as it came, to be dispatched later.
#[derive(Debug)]
pub(crate) struct HeldEvent {
    pub(crate) socket: Socket,
    pub(crate) event: Box<str>,
    pub(crate) ack: Option<u64>,
    /// The arguments' text, as `packet::Packet::args`.
    pub(crate) args: Box<str>,
    pub(crate) attachments: Vec<Bytes>,
}

impl HeldEvent {
    /// What the event holds, with a fixed amount for holding it.
    fn weight(&self) -> usize {
        const ENTRY: usize = 128;
        let attachments: usize = self.attachments.iter().map(Bytes::len).sum();
        ENTRY + self.event.len() + self.args.len() + attachments
    }
}

/// The held events of one session.
#[derive(Debug, Default)]
pub(crate) struct HeldEvents {
    events: VecDeque<HeldEvent>,
    bytes: usize,
}

impl HeldEvents {
    pub(crate) fn push(&mut self, event: HeldEvent) {
        self.bytes += event.weight();
        self.events.push_back(event);
    }

    /// Events of this socket wait: later ones wait behind them.
    pub(crate) fn has(&self, socket: &Socket) -> bool {
        self.events.iter().any(|event| event.socket == *socket)
    }

    /// Takes the oldest event whose socket may run.
    pub(crate) fn take(&mut self, mut may_run: impl FnMut(&Socket) -> bool) -> Option<HeldEvent> {
        let position = self.events.iter().position(|event| may_run(&event.socket))?;
        let event = self.events.remove(position)?;
        self.bytes -= event.weight();
        Some(event)
    }

    /// Takes all events of a socket that has ended.
    pub(crate) fn take_all(&mut self, socket: &Socket) -> Vec<HeldEvent> {
        let mut ended = Vec::new();
        for event in std::mem::take(&mut self.events) {
            if event.socket == *socket {
                ended.push(event);
            } else {
                self.events.push_back(event);
            }
        }
        self.bytes -= ended.iter().map(HeldEvent::weight).sum::<usize>();
        ended
    }

    /// The held events whose clients asked for an ack.
    pub(crate) fn asked(&self) -> impl Iterator<Item = (&Socket, u64)> {
        self.events.iter().filter_map(|event| Some((&event.socket, event.ack?)))
    }

    /// Bytes that are held.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}
