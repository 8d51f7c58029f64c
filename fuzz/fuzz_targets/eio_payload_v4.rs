//! Payloads of Engine.IO 4: reading ends, loses nothing, and takes what is written.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sio_core::engine::payload::{Payload, PayloadReader, SEPARATOR, Slot};
use sio_core::engine::{Revision, Wire};
use sio_core::frame::Frame;

fn read(body: &Bytes) -> Vec<Option<String>> {
    let mut reader = PayloadReader::new(body.clone(), Revision::V4, false);
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet() {
        packets.push(match packet {
            Ok(Slot::Text(text)) => Some(text.to_owned()),
            Ok(Slot::Binary(_)) => panic!("revision 4 has no binary slots"),
            Err(_) => None,
        });
        assert!(packets.len() <= body.len() + 1, "reading does not end");
    }
    assert!(reader.is_done());
    packets
}

fuzz_target!(|data: &[u8]| {
    let body = Bytes::copy_from_slice(data);
    let packets = read(&body);
    let Some(texts) = packets.into_iter().collect::<Option<Vec<_>>>() else {
        assert!(std::str::from_utf8(data).is_err());
        return;
    };
    assert_eq!(texts.join(&SEPARATOR.to_string()).as_bytes(), data);
    // Separators are written before all but the first, which must not be empty for that.
    if texts.iter().any(String::is_empty) {
        return;
    }
    let frames: Vec<Frame> = texts.into_iter().map(|text| Frame::text(text.into())).collect();
    let written = Payload::join(frames.iter(), 0, Wire::V4);
    assert_eq!(written.body, body);
});
