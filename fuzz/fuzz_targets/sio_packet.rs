//! Socket.IO packets as text: decoding, reading arguments, and writing them again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sio_core::packet::{
    ArgCursor, DecodeLimits, MAX_ACK_ID, Packet, PacketType, Rest, Value, check_depth, decode,
    encode_ack, encode_connect_error, encode_event, validate,
};

/// The arguments as values; `None` if the packet is broken.
fn values(packet: &Packet<'_>) -> Option<Vec<Value>> {
    let mut cursor = ArgCursor::new(packet.args, &[]);
    let mut values = Vec::new();
    loop {
        match cursor.next::<Value>() {
            Ok(Some(value)) => values.push(value),
            Ok(None) => break,
            Err(error) if error.is_malformed() => return None,
            // A number beyond what a value holds is skipped.
            Err(_) => {}
        }
    }
    cursor.finish().ok()?;
    Some(values)
}

fuzz_target!(|text: &str| {
    let limits = DecodeLimits::default();
    let Ok(packet) = decode(text, &limits) else { return };
    assert!(packet.attachments <= limits.max_attachments);
    assert!(packet.namespace.len() <= limits.max_namespace_len);
    assert!(packet.ack.is_none_or(|id| id <= MAX_ACK_ID));
    assert_eq!(packet.attachments > 0, packet.kind.is_binary());
    if matches!(packet.kind, PacketType::BinaryEvent | PacketType::BinaryAck) {
        assert_eq!(validate(packet.data), Ok(()));
        return;
    }
    match packet.kind {
        PacketType::Event | PacketType::Ack => {}
        PacketType::Connect if !packet.data.is_empty() => {
            assert_eq!(validate(packet.data), Ok(()));
            let mut out = Vec::new();
            encode_connect_error(&mut out, packet.namespace, "no", Some(packet.data)).unwrap();
            let text = std::str::from_utf8(&out).unwrap().strip_prefix('4').unwrap();
            // Refused it may be nested one level deeper.
            if check_depth(packet.data, 1).is_ok() {
                let refusal = decode(text, &limits).expect("what is written is a packet");
                assert_eq!(refusal.kind, PacketType::ConnectError);
            }
            return;
        }
        _ => return,
    }
    // All that is JSON is read, and what is read is JSON.
    let whole = validate(packet.data);
    let read = values(&packet);
    let mut rest = ArgCursor::new(packet.args, &[]);
    assert_eq!(rest.rest().is_ok(), read.is_some(), "{whole:?}");
    if packet.kind == PacketType::Event {
        assert_eq!(whole.is_ok(), read.is_some());
    }
    let Some(read) = read else { return };
    assert_eq!(check_depth(packet.data, 0), Ok(()));
    let mut attachments = Vec::new();
    let mut out = Vec::new();
    let written = match (&packet.event, packet.ack) {
        (Some(name), ack) => {
            let args = Rest(read.clone());
            encode_event(&mut out, &mut attachments, packet.namespace, ack, name.as_str(), &args)
        }
        (None, Some(id)) => {
            encode_ack(&mut out, &mut attachments, packet.namespace, id, &Rest(read.clone()))
        }
        (None, None) => return,
    };
    written.expect("what a client said can be said to it");
    assert!(attachments.is_empty());
    let again = std::str::from_utf8(&out).unwrap().strip_prefix('4').unwrap();
    let limits = DecodeLimits { max_namespace_len: usize::MAX, ..limits };
    let again = decode(again, &limits).expect("what is written is a packet");
    assert_eq!((again.kind, again.ack, &again.event), (packet.kind, packet.ack, &packet.event));
    assert_eq!(again.namespace, packet.namespace);
    assert_eq!(values(&again), Some(read));
});
