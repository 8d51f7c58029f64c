//! Packets as MessagePack: what is read can be written, and reads the same again.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sio_core::packet::{PacketType, check_depth, validate};
use sio_core::parser::msgpack::read_value;
use sio_core::parser::{DecoderLimits, Incoming, Message, MsgpackParser, Outgoing, Parser as _};

fn read(bytes: Bytes) -> Option<Incoming> {
    let mut decoder = MsgpackParser.decoder(&DecoderLimits::default());
    decoder.decode(Message::Binary(bytes)).ok().flatten()
}

fn write(packet: &Incoming) -> Bytes {
    let kind = match packet.kind {
        PacketType::BinaryEvent => PacketType::Event,
        PacketType::BinaryAck => PacketType::Ack,
        other => other,
    };
    let payload = packet.payload.as_deref().unwrap_or_default();
    let packet = Outgoing::new(kind, &packet.namespace, payload)
        .with_ack(packet.ack)
        .with_attachments(&packet.attachments);
    match MsgpackParser.encode(&packet).expect("what was read can be written").pop() {
        Some(Message::Binary(bytes)) => bytes,
        other => panic!("{other:?}"),
    }
}

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(value) = read_value(&bytes, 1024, 128) {
        assert!(value.attachments.len() <= 1024);
        // A placeholder or a float takes some dozens of characters, an escape six for one byte.
        assert!(value.json.len() <= 40 * data.len());
        assert_eq!(validate(&value.json), Ok(()));
    }
    let Some(packet) = read(bytes) else { return };
    if let Some(payload) = &packet.payload {
        assert_eq!(validate(payload), Ok(()));
        assert_eq!(check_depth(payload, 0), Ok(()));
    }
    // What stands for nothing is gone after the first time.
    let first = read(write(&packet)).expect("what is written can be read");
    let second = read(write(&first)).expect("what is written can be read");
    assert_eq!(first, second);
    assert_eq!((first.ack, &first.namespace), (packet.ack, &packet.namespace));
    assert_eq!(first.attachments, packet.attachments);
});
