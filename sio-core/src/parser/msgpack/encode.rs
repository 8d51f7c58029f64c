//! A packet to a message.
//!
//! Order of keys and forms of numbers are the reference's, byte for byte.

use crate::packet::{EncodeError, PacketType};

use super::super::Outgoing;
use super::write::{put_json, put_text, put_unsigned};

pub(super) fn encode(packet: &Outgoing<'_>) -> Result<Vec<u8>, EncodeError> {
    let (namespace, payload) = (packet.namespace(), packet.payload());
    let mut out = Vec::with_capacity(payload.len() + namespace.len() + 32);
    let fields = 2 + u8::from(!payload.is_empty()) + u8::from(packet.ack().is_some());
    out.push(0x80 | fields);
    let kind = match packet.kind() {
        PacketType::Connect => 0,
        PacketType::Disconnect => 1,
        PacketType::Event | PacketType::BinaryEvent => 2,
        PacketType::Ack | PacketType::BinaryAck => 3,
        PacketType::ConnectError => 4,
    };
    let is_ack = kind == 3;
    if is_ack {
        put_id(&mut out, packet.ack());
    }
    put_text(&mut out, "type");
    put_unsigned(&mut out, kind);
    if packet.is_namespace_first() {
        put_namespace(&mut out, namespace);
    }
    if !payload.is_empty() {
        put_text(&mut out, "data");
        put_json(&mut out, payload, packet.attachments(), packet.undefined())?;
    }
    if !is_ack {
        put_id(&mut out, packet.ack());
    }
    if !packet.is_namespace_first() {
        put_namespace(&mut out, namespace);
    }
    Ok(out)
}

fn put_id(out: &mut Vec<u8>, id: Option<u64>) {
    if let Some(id) = id {
        put_text(out, "id");
        put_unsigned(out, id);
    }
}

fn put_namespace(out: &mut Vec<u8>, namespace: &str) {
    put_text(out, "nsp");
    put_text(out, namespace);
}
