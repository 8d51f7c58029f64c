//! All namespaces over one session (the reference's server-side `Client`).

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::budget::{Budget, Exhausted};
use crate::packet::{self, DecodeError, DecodeLimits, Packet, PacketType};

use super::attachments::{Assembled, AttachmentLimits, Reassembly};

/// A legal packet that is illegal now; the session ends without an error notice
///.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolViolation {
    /// A packet for a namespace that is not joined, or whose CONNECT was not answered yet.
    #[error("packet for a namespace that is not joined")]
    NotJoined,
    /// A second CONNECT for a namespace.
    #[error("namespace joined twice")]
    AlreadyJoined,
    /// A client sent CONNECT_ERROR.
    #[error("CONNECT_ERROR from a client")]
    ConnectErrorFromClient,
    /// More CONNECT packets failed than one session may cause.
    #[error("too many failed CONNECT packets")]
    TooManyConnectFailures,
}

/// What a message means for the sockets of the session.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every event")]
pub enum MuxEvent<'a, S> {
    /// The message is part of a binary packet that is not complete.
    Incomplete,
    /// A complete binary packet: hand it to [`Multiplexer::route`] after decoding its text.
    Assembled(Assembled),
    /// The client asks to join a namespace; `auth` is its JSON object or empty.
    Connect {
        /// Namespace as the client wrote it.
        namespace: &'a str,
        /// CONNECT payload, JSON text or empty.
        auth: &'a str,
    },
    /// An event for a connected socket.
    Event {
        /// The socket.
        socket: S,
        /// The packet; its arguments are not validated yet.
        packet: Packet<'a>,
    },
    /// The client answers an emit.
    Ack {
        /// The socket.
        socket: S,
        /// Ack id; none is legal and answers nothing.
        id: Option<u64>,
        /// The answer, behind the opening bracket.
        args: &'a str,
    },
    /// The client leaves a namespace.
    Disconnect {
        /// The socket.
        socket: S,
    },
}

/// Why a message ends the session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "callers must tell the two classes apart")]
pub enum MuxError {
    /// The message is no valid packet.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The packet is not allowed now (class S).
    #[error(transparent)]
    Violation(#[from] ProtocolViolation),
}

/// One namespace of a session.
#[derive(Debug)]
struct Entry<S> {
    namespace: Arc<str>,
    socket: S,
    /// CONNECT was granted.
    joined: bool,
}

impl<S> Entry<S> {
    /// The socket, once it may send and receive.
    fn member(&self) -> Option<&S> {
        self.joined.then_some(&self.socket)
    }
}

/// A namespace with its socket.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair with names")]
pub struct Member<S> {
    /// Name of the namespace.
    pub namespace: Arc<str>,
    /// Its socket.
    pub socket: S,
}

/// Joined namespaces and the unfinished binary packet of one session; `S` is a socket handle.
#[derive(Debug)]
pub struct Multiplexer<S> {
    entries: Vec<Entry<S>>,
    reassembly: Option<Box<Reassembly>>,
    connect_failures: u32,
    ever_joined: bool,
}

impl<S> Default for Multiplexer<S> {
    fn default() -> Self {
        Self { entries: Vec::new(), reassembly: None, connect_failures: 0, ever_joined: false }
    }
}

impl<S: Clone + PartialEq> Multiplexer<S> {
    /// Takes a text message.
    ///
    /// # Errors
    ///
    /// The session has to be closed: see [`MuxError`].
    #[inline]
    pub fn receive_text<'a>(
        &mut self,
        now: Instant,
        text: &'a str,
        limits: &DecodeLimits,
        attachments: AttachmentLimits,
    ) -> Result<MuxEvent<'a, S>, MuxError> {
        if self.reassembly.is_some() {
            return Err(DecodeError::UnexpectedText.into());
        }
        let packet = packet::decode(text, limits)?;
        if packet.attachments > 0 {
            self.find(packet.namespace)?;
            let reassembly = Reassembly::new(text, packet.attachments, now, attachments);
            self.reassembly = Some(Box::new(reassembly));
            return Ok(MuxEvent::Incomplete);
        }
        self.route(packet)
    }

    /// The socket that an event for `namespace` is for, if it has joined and no packet is unfinished; what is
    /// wrong otherwise, [`Self::receive_text`] tells.
    #[inline]
    #[must_use]
    pub fn receiver(&self, namespace: &str) -> Option<S> {
        if self.reassembly.is_some() {
            return None;
        }
        self.entry(namespace).and_then(Entry::member).cloned()
    }

    /// Takes a binary message.
    ///
    /// # Errors
    ///
    /// No attachment was due, or the packet's attachments are too large.
    pub fn receive_binary(
        &mut self,
        now: Instant,
        bytes: Bytes,
        limits: AttachmentLimits,
    ) -> Result<MuxEvent<'static, S>, MuxError> {
        let Some(reassembly) = &mut self.reassembly else {
            return Err(DecodeError::UnexpectedBinary.into());
        };
        if !reassembly.add(bytes, now, limits)? {
            return Ok(MuxEvent::Incomplete);
        }
        match self.reassembly.take() {
            Some(complete) => Ok(MuxEvent::Assembled(complete.into_packet())),
            None => Ok(MuxEvent::Incomplete),
        }
    }

    /// Finds out what a packet is about.
    ///
    /// # Errors
    ///
    /// A [`ProtocolViolation`].
    #[inline]
    pub fn route<'a>(&self, packet: Packet<'a>) -> Result<MuxEvent<'a, S>, MuxError> {
        match packet.kind {
            PacketType::Event | PacketType::BinaryEvent => {
                let socket = self.find(packet.namespace)?;
                Ok(MuxEvent::Event { socket, packet })
            }
            PacketType::Ack | PacketType::BinaryAck => Ok(MuxEvent::Ack {
                socket: self.find(packet.namespace)?,
                id: packet.ack,
                args: packet.args,
            }),
            PacketType::Disconnect => {
                Ok(MuxEvent::Disconnect { socket: self.find(packet.namespace)? })
            }
            PacketType::Connect => {
                self.check_vacant(packet.namespace)?;
                Ok(MuxEvent::Connect { namespace: packet.namespace, auth: packet.data })
            }
            PacketType::ConnectError => Err(ProtocolViolation::ConnectErrorFromClient.into()),
        }
    }

    /// The session may ask to join a namespace.
    ///
    /// # Errors
    ///
    /// It has joined it, or has asked already.
    pub fn check_vacant(&self, namespace: &str) -> Result<(), ProtocolViolation> {
        match self.entry(namespace) {
            Some(_) => Err(ProtocolViolation::AlreadyJoined),
            None => Ok(()),
        }
    }

    fn entry(&self, namespace: &str) -> Option<&Entry<S>> {
        self.entries.iter().find(|entry| *entry.namespace == *namespace)
    }

    fn find(&self, namespace: &str) -> Result<S, ProtocolViolation> {
        self.entry(namespace).and_then(Entry::member).cloned().ok_or(ProtocolViolation::NotJoined)
    }

    /// Reserves a namespace while its CONNECT is decided; packets for it are violations until
    /// [`Self::join`].
    pub fn reserve(&mut self, namespace: Arc<str>, socket: S) {
        // Most sessions join one namespace.
        if self.entries.is_empty() {
            self.entries.reserve_exact(1);
        }
        self.entries.push(Entry { namespace, socket, joined: false });
    }

    /// The CONNECT is granted. `false`: the reservation is gone, or belongs to a later CONNECT.
    pub fn join(&mut self, namespace: &str, socket: &S) -> bool {
        let reserved = self
            .entries
            .iter_mut()
            .find(|entry| *entry.namespace == *namespace && entry.socket == *socket);
        match reserved {
            Some(entry) => {
                entry.joined = true;
                self.ever_joined = true;
                true
            }
            None => false,
        }
    }

    /// Removes a socket, joined or not. `false`: it is gone, or its namespace was joined again.
    pub fn withdraw(&mut self, namespace: &str, socket: &S) -> bool {
        let position = self
            .entries
            .iter()
            .position(|entry| *entry.namespace == *namespace && entry.socket == *socket);
        match position {
            Some(index) => {
                self.entries.remove(index);
                true
            }
            None => false,
        }
    }

    /// Leaves a namespace, or gives its reservation up.
    pub fn leave(&mut self, namespace: &str) {
        self.entries.retain(|entry| *entry.namespace != *namespace);
    }

    /// Counts a CONNECT_ERROR.
    ///
    /// # Errors
    ///
    /// It was one more than `max`.
    pub fn count_connect_failure(&mut self, max: u32) -> Result<(), ProtocolViolation> {
        self.connect_failures = self.connect_failures.saturating_add(1);
        if max > 0 && self.connect_failures > max {
            return Err(ProtocolViolation::TooManyConnectFailures);
        }
        Ok(())
    }

    /// Namespaces that are joined or being joined.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// No namespace is joined or being joined.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A namespace was joined at some time: the connect timeout is off for good.
    #[must_use]
    pub const fn ever_joined(&self) -> bool {
        self.ever_joined
    }

    /// The sockets of the session.
    pub fn sockets(&self) -> impl Iterator<Item = &S> {
        self.entries.iter().filter_map(|entry| entry.member())
    }

    /// Takes all sockets, also those whose CONNECT was not answered yet; the session ended.
    pub fn drain(&mut self) -> Vec<Member<S>> {
        self.reassembly = None;
        std::mem::take(&mut self.entries)
            .into_iter()
            .map(|entry| Member { namespace: entry.namespace, socket: entry.socket })
            .collect()
    }

    /// Charges an unfinished binary packet to what all peers may leave unfinished.
    ///
    /// # Errors
    ///
    /// There is no room; the session has to end.
    pub fn charge(&mut self, budget: &Arc<Budget>) -> Result<(), Exhausted> {
        self.reassembly.as_mut().map_or(Ok(()), |reassembly| reassembly.charge(budget))
    }

    /// When an unfinished binary packet is given up.
    #[must_use]
    pub fn attachment_deadline(&self) -> Option<Instant> {
        self.reassembly.as_ref().map(|reassembly| reassembly.deadline())
    }
}
