//! Payloads of Engine.IO 3, as text and as bytes: reading ends, and takes what is written.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sio_core::engine::packet::{Packet, decode, decode_binary_v3};
use sio_core::engine::payload::{Payload, PayloadReader, Slot};
use sio_core::engine::{Revision, Wire};
use sio_core::frame::Frame;

/// The frames that a payload holds, as far as they could be sent.
fn read(body: &Bytes, binary: bool) -> Option<Vec<Frame>> {
    let mut reader = PayloadReader::new(body.clone(), Revision::V3, binary);
    let (mut frames, mut packets, mut sound) = (Vec::new(), 0, true);
    while let Some(packet) = reader.next_packet() {
        packets += 1;
        assert!(packets <= body.len() + 1, "reading does not end");
        match packet {
            Ok(Slot::Text(text)) => match decode(text, Revision::V3) {
                Ok(Packet::Binary(bytes)) => frames.push(Frame::binary(bytes)),
                Ok(_) => frames.push(Frame::text(Bytes::copy_from_slice(text.as_bytes()))),
                Err(_) => sound = false,
            },
            Ok(Slot::Binary(bytes)) => match decode_binary_v3(bytes) {
                Ok(Packet::Binary(bytes)) => frames.push(Frame::binary(bytes)),
                Ok(_) | Err(_) => sound = false,
            },
            Err(_) => sound = false,
        }
    }
    assert!(reader.is_done());
    sound.then_some(frames)
}

fuzz_target!(|data: &[u8]| {
    let Some((form, data)) = data.split_first() else { return };
    let Some(frames) = read(&Bytes::copy_from_slice(data), form & 1 == 1) else { return };
    for base64 in [false, true] {
        let wire = Wire { revision: Revision::V3, base64, ..Wire::V4 };
        let written = Payload::join(frames.iter(), 0, wire);
        assert!(!(base64 && written.binary));
        if !frames.is_empty() {
            assert_eq!(read(&written.body, written.binary).as_ref(), Some(&frames));
        }
    }
});
