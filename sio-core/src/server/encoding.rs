//! Packets of a server to frames: the one place where they are written.
//!
//! What differs between clients is decided here: those of revision 3 know other forms of CONNECT and
//! CONNECT_ERROR.

use bytes::Bytes;

use crate::engine::Revision;
use crate::frame::{Frame, FrameGroup};
use crate::handler::{EncodedArgs, EventError};
use crate::packet::{self, EncodeError};
use crate::sid::Sid;

use super::hub::Hub;

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
    /// An event; the arguments may be used again.
    pub(crate) fn event_frames(
        &self,
        namespace: &str,
        id: Option<u64>,
        event: &str,
        args: &EncodedArgs,
    ) -> Result<FrameGroup, EncodeError> {
        let attachments = args.attachments();
        let mut text = EncodedArgs::buffer();
        let json = args.json();
        packet::encode_event_encoded(&mut text, namespace, id, event, json, attachments.len())?;
        Ok(FrameGroup::new(Bytes::copy_from_slice(&text), attachments.to_vec()))
    }

    /// The answer to an event.
    pub(crate) fn ack_frames(&self, namespace: &str, id: u64, mut args: EncodedArgs) -> FrameGroup {
        let attachments = args.take_attachments();
        let mut text = Vec::with_capacity(args.json().len() + namespace.len() + 32);
        packet::encode_ack_encoded(&mut text, namespace, id, args.json(), attachments.len());
        FrameGroup::new(text.into(), attachments)
    }

    /// The answer that grants a CONNECT.
    pub(super) fn connect_frames(
        &self,
        namespace: &str,
        id: &Sid,
        revision: Revision,
    ) -> FrameGroup {
        let mut text = Vec::with_capacity(64);
        match revision {
            Revision::V4 => packet::encode_connect(&mut text, namespace, id.as_str()),
            // The bare packet, as a client would write it.
            Revision::V3 => {
                let _bare = packet::encode_connect_request(&mut text, namespace, None);
            }
        }
        FrameGroup::of_frames(Frame::text(text.into()).ending_write(), Vec::new())
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
    pub(super) fn disconnect_frames(&self, namespace: &str) -> FrameGroup {
        let mut text = Vec::with_capacity(16);
        packet::encode_disconnect(&mut text, namespace);
        one(text)
    }
}

fn one(text: Vec<u8>) -> FrameGroup {
    FrameGroup::of_frames(Frame::text(text.into()), Vec::new())
}
