//! Packets as a parser of the server's own writes them.
//!
//! A parser is the user's code: its panics end here, and what it writes is checked before it is a frame.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use serde::Serialize;

use crate::frame::{Frame, FrameGroup};
use crate::handler::EncodedArgs;
use crate::packet::{EncodeError, PacketType, check_name, write_string};
use crate::parser::{Message, Outgoing, Parser};

use super::Refusal;

/// Lets a parser write a packet. It is the user's code: a panic counts as an error.
pub(super) fn packet(
    parser: &dyn Parser,
    outgoing: &Outgoing<'_>,
) -> Result<FrameGroup, EncodeError> {
    let written = catch_unwind(AssertUnwindSafe(|| parser.encode(outgoing)));
    let messages = written.unwrap_or_else(|_panic| Err(error("it panicked")))?;
    let mut frames = messages.into_iter().map(|message| match message {
        Message::Binary(bytes) => Ok(Frame::binary(bytes)),
        Message::Text(text) if text.contains('\u{1e}') => {
            Err(error("its text holds the character U+001E"))
        }
        // An engine packet of type message.
        Message::Text(text) => Ok(Frame::text(format!("4{text}").into())),
    });
    let head = frames.next().unwrap_or_else(|| Err(error("it wrote nothing")))?;
    let rest = frames.collect::<Result<_, _>>()?;
    Ok(FrameGroup::of_parser(head, rest, outgoing.kind()))
}

fn error(what: &str) -> EncodeError {
    EncodeError::Parser(what.to_owned())
}

pub(super) fn event(
    parser: &dyn Parser,
    namespace: &str,
    id: Option<u64>,
    event: &str,
    args: &[u8],
    attachments: &[Bytes],
) -> Result<FrameGroup, EncodeError> {
    check_name(event)?;
    let mut payload = EncodedArgs::buffer();
    payload.push(b'[');
    write_string(&mut payload, event)?;
    payload.extend_from_slice(args);
    payload.push(b']');
    let event = Outgoing::new(PacketType::Event, namespace, text_of(&payload)?);
    packet(parser, &event.with_ack(id).with_attachments(attachments))
}

pub(super) fn ack(
    parser: &dyn Parser,
    namespace: &str,
    id: u64,
    args: &EncodedArgs,
) -> Result<FrameGroup, EncodeError> {
    let json = args.json();
    let mut payload = EncodedArgs::buffer();
    payload.push(b'[');
    payload.extend_from_slice(json.strip_prefix(b",").unwrap_or(json));
    payload.push(b']');
    let ack = Outgoing::new(PacketType::Ack, namespace, text_of(&payload)?).with_ack(Some(id));
    packet(parser, &ack.with_attachments(args.attachments()))
}

/// What a refused client gets; the order of the fields is the reference's.
#[derive(Serialize)]
struct RefusalBody<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<serde_json::Value>,
}

pub(super) fn refusal(
    parser: &dyn Parser,
    namespace: &str,
    refusal: Refusal<'_>,
    bare: Option<serde_json::Value>,
) -> Result<FrameGroup, EncodeError> {
    let is_bare = bare.is_some();
    let payload = match bare {
        Some(bare) => bare.to_string(),
        None => {
            let body = RefusalBody { message: refusal.message(), data: refusal.data() };
            serde_json::to_string(&body)
                .map_err(|error| EncodeError::Serialize(error.to_string()))?
        }
    };
    let error = Outgoing::new(PacketType::ConnectError, namespace, &payload);
    match refusal {
        Refusal::Server(_) => packet(parser, &error.with_namespace_first()),
        Refusal::Guard(_) if is_bare => packet(parser, &error),
        Refusal::Guard(_) => packet(parser, &error.with_undefined("data")),
    }
}

/// JSON that serde wrote.
fn text_of(json: &[u8]) -> Result<&str, EncodeError> {
    std::str::from_utf8(json).map_err(|error| EncodeError::Serialize(error.to_string()))
}
