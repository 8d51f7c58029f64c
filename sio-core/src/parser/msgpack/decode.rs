//! A message to a packet.

use bytes::Bytes;

use crate::packet::{DecodeError, MAX_OUTGOING_ATTACHMENTS, PacketType};

use super::super::{DecoderLimits, Incoming};
use super::json::{JsonText, Shape, integer};
use super::read::{Item, Reader};

pub(super) fn decode(message: &Bytes, limits: &DecoderLimits) -> Result<Incoming, DecodeError> {
    let mut reader = Reader::new(message);
    let Item::Map(len) = reader.item()? else {
        return Err(DecodeError::InvalidPacketType);
    };
    let (mut kind, mut namespace, mut ack) = (Item::Undefined, Item::Undefined, Item::Undefined);
    let max_attachments = limits.max_attachments.max(MAX_OUTGOING_ATTACHMENTS);
    let mut payload = JsonText::new(message, max_attachments, limits.max_depth);
    for _ in 0..len {
        let key = reader.item()?;
        reader.skip(&key)?;
        let value = reader.item()?;
        let slot = match &key {
            Item::Text(key) if key == "data" => {
                payload.read(&mut reader, value)?;
                continue;
            }
            Item::Text(key) if key == "type" => Some(&mut kind),
            Item::Text(key) if key == "nsp" => Some(&mut namespace),
            Item::Text(key) if key == "id" => Some(&mut ack),
            _ => None,
        };
        reader.skip(&value)?;
        if let Some(slot) = slot {
            *slot = value;
        }
    }
    if !reader.is_at_end() {
        return Err(DecodeError::Malformed);
    }
    let kind = packet_type(&kind).ok_or(DecodeError::InvalidPacketType)?;
    let Item::Text(namespace) = namespace else {
        return Err(DecodeError::InvalidNamespace);
    };
    let (len, limit) = (namespace.len(), limits.max_namespace_len);
    if len > limit {
        return Err(DecodeError::NamespaceTooLong { len, limit });
    }
    let fits = match kind {
        PacketType::Connect => matches!(payload.shape, Shape::Absent | Shape::Map),
        PacketType::Disconnect => payload.shape == Shape::Absent,
        PacketType::ConnectError => matches!(payload.shape, Shape::Text | Shape::Map),
        _ => payload.shape == Shape::Array,
    };
    if !fits {
        return Err(DecodeError::InvalidPayload);
    }
    let mut packet = Incoming::new(kind, namespace.into_owned());
    packet.ack = match ack {
        Item::Undefined => None,
        ack => Some(whole(&ack).ok_or(DecodeError::InvalidPacketId)?),
    };
    packet.payload = (payload.shape != Shape::Absent).then_some(payload.json);
    packet.attachments = payload.attachments;
    Ok(packet)
}

fn packet_type(item: &Item<'_>) -> Option<PacketType> {
    Some(match whole(item)? {
        0 => PacketType::Connect,
        1 => PacketType::Disconnect,
        2 => PacketType::Event,
        3 => PacketType::Ack,
        4 => PacketType::ConnectError,
        _ => return None,
    })
}

/// A whole number from 0, which may be written as a float, as JavaScript does not tell them apart.
fn whole(item: &Item<'_>) -> Option<u64> {
    match item {
        Item::Uint(value) => Some(*value),
        Item::Float(value) => u64::try_from(integer(*value)?).ok(),
        _ => None,
    }
}
