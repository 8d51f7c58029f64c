//! From messages of a session to its sockets: packets, attachments, namespaces.
//!
//! What cannot be decoded ends the session with `parse error`; what concerns a namespace nobody has is
//! ignored.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use sio_core::engine::Transport;
use sio_core::mux::attachments::{AttachmentLimits, Reassembly};
use sio_core::packet::{
    DecodeError, DecodeLimits, Packet, PacketType, check_placeholders, decode, validate,
};
use tokio::time::Instant;

use crate::args::RawArgs;
use crate::client::Core;
use crate::engine::Sink;
use crate::error::ConnectError;
use crate::life::{DisconnectReason, LifeEvent};

/// Longest namespace a server may name.
const MAX_NAMESPACE: usize = 4096;
/// The heartbeat finds dead servers; attachments need no clock of their own.
const NO_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Deserialize)]
struct Granted {
    sid: String,
    pid: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
    data: Option<serde_json::Value>,
}

/// The upper end of one session.
pub(crate) struct Mux {
    core: Arc<Core>,
    limits: DecodeLimits,
    /// A packet that waits for attachments.
    partial: Option<Reassembly>,
}

impl Mux {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        let limits = DecodeLimits {
            max_attachments: core.config.limits.max_attachments,
            max_namespace_len: MAX_NAMESPACE,
            ..DecodeLimits::default()
        };
        Self { core, limits, partial: None }
    }

    fn attachment_limits(&self) -> AttachmentLimits {
        AttachmentLimits {
            max_bytes: self.core.config.limits.max_binary_packet,
            timeout: NO_TIMEOUT,
        }
    }

    fn receive_text(&mut self, text: &str) -> Result<(), DecodeError> {
        if self.partial.is_some() {
            return Err(DecodeError::UnexpectedText);
        }
        let packet = decode(text, &self.limits)?;
        if packet.attachments > 0 {
            let now = Instant::now().into_std();
            let count = packet.attachments;
            self.partial = Some(Reassembly::new(text, count, now, self.attachment_limits()));
            return Ok(());
        }
        self.packet(&packet, &[])
    }

    fn receive_binary(&mut self, bytes: Bytes) -> Result<(), DecodeError> {
        let limits = self.attachment_limits();
        let partial = self.partial.as_mut().ok_or(DecodeError::UnexpectedBinary)?;
        if partial.add(bytes, Instant::now().into_std(), limits)?
            && let Some(complete) = self.partial.take()
        {
            let complete = complete.into_packet();
            let packet = decode(&complete.text, &self.limits)?;
            check_placeholders(packet.data, complete.attachments.len())?;
            return self.packet(&packet, &complete.attachments);
        }
        Ok(())
    }

    fn packet(&self, packet: &Packet<'_>, attachments: &[Bytes]) -> Result<(), DecodeError> {
        let Some(socket) = self.core.socket(packet.namespace) else {
            return Ok(());
        };
        match packet.kind {
            PacketType::Event | PacketType::BinaryEvent => {
                // Listeners read arguments where they like; what is broken must be known before.
                validate(packet.data)?;
                if let Some(name) = &packet.event {
                    let args = RawArgs::new(packet.args, attachments);
                    socket.event(name.as_str(), packet.ack, &args);
                }
            }
            PacketType::Ack | PacketType::BinaryAck => {
                let id = packet.ack.ok_or(DecodeError::InvalidPayload)?;
                socket.ack(id, RawArgs::new(packet.args, attachments));
            }
            PacketType::Connect => {
                // Servers of another major version answer without an id.
                let Ok(granted) = serde_json::from_str::<Granted>(packet.data) else {
                    let error = refused("the server speaks another version of Socket.IO", None);
                    self.core.put_out(&socket, &error, &LifeEvent::ConnectError(error.clone()));
                    return Ok(());
                };
                socket.granted(&granted.sid, granted.pid.as_deref());
            }
            PacketType::ConnectError => {
                let error = match serde_json::from_str::<Refusal>(packet.data) {
                    Ok(refusal) => refused(&refusal.message, refusal.data),
                    // Older servers send a bare text.
                    Err(_) => {
                        let text = serde_json::from_str::<String>(packet.data).unwrap_or_default();
                        refused(&text, None)
                    }
                };
                self.core.put_out(&socket, &error, &LifeEvent::ConnectError(error.clone()));
            }
            PacketType::Disconnect => {
                let reason = DisconnectReason::ServerDisconnect;
                let error = ConnectError::Disconnected(reason);
                self.core.put_out(&socket, &error, &LifeEvent::Disconnect(reason));
            }
        }
        Ok(())
    }
}

fn refused(message: &str, data: Option<serde_json::Value>) -> ConnectError {
    ConnectError::Refused { message: message.to_owned(), data }
}

fn broken(error: DecodeError) -> DisconnectReason {
    tracing::debug!(%error, "the server sent a broken packet");
    DisconnectReason::ParseError
}

impl Sink for Mux {
    fn text(&mut self, text: &str) -> Result<(), DisconnectReason> {
        self.receive_text(text).map_err(broken)
    }

    fn binary(&mut self, bytes: Bytes) -> Result<(), DisconnectReason> {
        self.receive_binary(bytes).map_err(broken)
    }

    fn upgraded(&mut self, transport: Transport) {
        self.core.upgraded(transport);
    }
}
