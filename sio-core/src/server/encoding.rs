//! Packets of a server to frames: the one place where they are written.
//!
//! What differs between clients is decided here: those of revision 3 know other forms of CONNECT and
//! CONNECT_ERROR. Where the server has a parser of its own, that one writes; nothing is borrowed meanwhile.

mod parsed;

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::Revision;
use crate::frame::{Frame, FrameGroup};
use crate::handler::{EncodedArgs, EventError, PooledBuffer};
use crate::packet::{self, EncodeError, PacketType};
use crate::parser::Outgoing;
use crate::sid::Sid;

use super::hub::{Hub, SessionHandle};
use super::worker::Worker;

/// Why a CONNECT is refused.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refusal<'a> {
    /// By the server, in the reference's words.
    Server(&'static str),
    /// By a guard.
    Guard(&'a EventError),
}

impl Refusal<'_> {
    fn message(&self) -> &str {
        match self {
            Self::Server(message) => message,
            Self::Guard(error) => error.message(),
        }
    }

    /// `err.data` on the client.
    fn data(&self) -> Option<serde_json::Value> {
        let Self::Guard(error) = self else { return None };
        match (error.code(), error.data()) {
            ("", data) => data.cloned(),
            (code, None) => Some(serde_json::json!({ "code": code })),
            (code, Some(data)) => Some(serde_json::json!({ "code": code, "details": data })),
        }
    }

    /// What a client of revision 3 gets instead of an object: the message, or only the data.
    fn bare(&self) -> Option<serde_json::Value> {
        match self {
            Self::Server(_) => None,
            Self::Guard(error) => Some(self.data().unwrap_or_else(|| error.message().into())),
        }
    }
}

impl Hub {
    /// An event; the arguments may be used again. A client that comes back tells the offset.
    pub(crate) fn event_frames(
        &self,
        namespace: &str,
        id: Option<u64>,
        event: &str,
        args: &EncodedArgs,
        offset: Option<&str>,
    ) -> Result<FrameGroup, EncodeError> {
        let (json, attachments) = (args.json(), args.attachments());
        if let Some(parser) = &self.parser {
            let Some(offset) = offset else {
                return parsed::event(&**parser, namespace, id, event, json, attachments);
            };
            let json = [json, b",\"", offset.as_bytes(), b"\""].concat();
            return parsed::event(&**parser, namespace, id, event, &json, attachments);
        }
        let mut text = EncodedArgs::buffer();
        packet::encode_event_encoded(&mut text, namespace, id, event, json, attachments.len())?;
        if let Some(offset) = offset {
            packet::append_text_argument(&mut text, offset);
        }
        Ok(FrameGroup::new(Bytes::copy_from_slice(&text), attachments.to_vec()))
    }

    /// An event that is sent once, perhaps from the thread where its receiver lives.
    pub(super) fn event_packet(
        &self,
        namespace: &str,
        id: Option<u64>,
        event: &str,
        json: &[u8],
        attachments: Vec<Bytes>,
    ) -> Result<EventPacket, EncodeError> {
        if let Some(parser) = &self.parser {
            let group = parsed::event(&**parser, namespace, id, event, json, &attachments)?;
            return Ok(EventPacket::Parsed(group));
        }
        let mut text = EncodedArgs::buffer();
        packet::encode_event_encoded(&mut text, namespace, id, event, json, attachments.len())?;
        Ok(EventPacket::Text(text, attachments))
    }

    /// The answer to an event. The client is told if the answer cannot be written; not even that can be if
    /// there is none.
    pub(crate) fn ack_frames(
        &self,
        namespace: &str,
        id: u64,
        mut args: EncodedArgs,
    ) -> Option<FrameGroup> {
        if let Some(parser) = &self.parser {
            let written = parsed::ack(&**parser, namespace, id, &args).or_else(|error| {
                tracing::error!(%error, "an ack could not be written");
                let args = self.error_ack(&EventError::internal(error.to_string()));
                parsed::ack(&**parser, namespace, id, &args)
            });
            return written.ok();
        }
        let attachments = args.take_attachments();
        let mut text = Vec::with_capacity(args.json().len() + namespace.len() + 32);
        packet::encode_ack_encoded(&mut text, namespace, id, args.json(), attachments.len());
        Some(FrameGroup::new(text.into(), attachments))
    }

    /// The answer that grants a CONNECT.
    pub(super) fn connect_frames(
        &self,
        namespace: &str,
        id: &Sid,
        pid: Option<&Sid>,
        revision: Revision,
    ) -> Result<FrameGroup, EncodeError> {
        if let Some(parser) = &self.parser {
            let payload = match (revision, pid) {
                (Revision::V3, _) => String::new(),
                (Revision::V4, None) => serde_json::json!({ "sid": id.as_str() }).to_string(),
                (Revision::V4, Some(pid)) => {
                    // As the reference orders them; a map of JSON would sort.
                    format!(r#"{{"sid":"{id}","pid":"{pid}"}}"#)
                }
            };
            let connect = Outgoing::new(PacketType::Connect, namespace, &payload);
            let connect = if pid.is_none() { connect.with_undefined("pid") } else { connect };
            return Ok(parsed::packet(&**parser, &connect)?.ending_write());
        }
        let mut text = Vec::with_capacity(64);
        match revision {
            Revision::V4 => {
                packet::encode_connect(&mut text, namespace, id.as_str(), pid.map(Sid::as_str))
            }
            // The bare packet, as a client would write it.
            Revision::V3 => packet::encode_connect_request(&mut text, namespace, None)?,
        }
        Ok(one(text).ending_write())
    }

    /// The answer that refuses a CONNECT.
    pub(super) fn connect_error_frames(
        &self,
        namespace: &str,
        refusal: Refusal<'_>,
        revision: Revision,
    ) -> Result<FrameGroup, EncodeError> {
        let mut text = Vec::with_capacity(64);
        let bare = if revision == Revision::V3 { refusal.bare() } else { None };
        if let Some(parser) = &self.parser {
            return parsed::refusal(&**parser, namespace, refusal, bare);
        }
        if let Some(bare) = bare {
            packet::encode_connect_error_bare(&mut text, namespace, &bare.to_string())?;
        } else {
            let data = refusal.data().map(|data| data.to_string());
            let message = refusal.message();
            packet::encode_connect_error(&mut text, namespace, message, data.as_deref())?;
        }
        Ok(one(text))
    }

    /// The packet that puts a client out of a namespace.
    pub(super) fn disconnect_frames(&self, namespace: &str) -> Result<FrameGroup, EncodeError> {
        if let Some(parser) = &self.parser {
            return parsed::packet(
                &**parser,
                &Outgoing::new(PacketType::Disconnect, namespace, ""),
            );
        }
        let mut text = Vec::with_capacity(16);
        packet::encode_disconnect(&mut text, namespace);
        Ok(one(text))
    }
}

fn one(text: Vec<u8>) -> FrameGroup {
    FrameGroup::of_frames(Frame::text(text.into()), Vec::new())
}

/// An event as it is cheapest to send.
pub(super) enum EventPacket {
    /// In the default encoding: the text, and what follows it.
    Text(PooledBuffer, Vec<Bytes>),
    /// As another parser wrote it.
    Parsed(FrameGroup),
}

impl EventPacket {
    /// Sends it if the session lives on this worker; `false`: it does not.
    pub(super) fn send_here(
        &self,
        worker: &Worker,
        handle: &Arc<SessionHandle>,
        volatile: bool,
    ) -> bool {
        match self {
            Self::Text(text, attachments) => {
                worker.send_here(handle, &[text], attachments, volatile)
            }
            Self::Parsed(group) => worker.send_group_here(handle, group, volatile),
        }
    }

    pub(super) fn into_group(self) -> FrameGroup {
        match self {
            Self::Text(text, attachments) => {
                FrameGroup::new(Bytes::copy_from_slice(&text), attachments)
            }
            Self::Parsed(group) => group,
        }
    }
}
