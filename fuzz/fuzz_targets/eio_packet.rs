//! Engine packets: a text frame of either revision, and the binary form of revision 3.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sio_core::engine::Revision;
use sio_core::engine::packet::{Packet, decode, decode_binary_v3, encode_binary};

fuzz_target!(|data: &[u8]| {
    let _refused = decode_binary_v3(Bytes::copy_from_slice(data));
    let Ok(text) = std::str::from_utf8(data) else { return };
    for revision in [Revision::V3, Revision::V4] {
        match decode(text, revision) {
            // One text is one sequence of bytes and the other way round.
            Ok(Packet::Binary(bytes)) => {
                let mut again = Vec::new();
                encode_binary(&mut again, &bytes, revision);
                assert_eq!(again, data, "{revision:?}");
            }
            Ok(Packet::Message(message) | Packet::Ping(message) | Packet::Pong(message)) => {
                assert_eq!(message, &text[1..]);
            }
            Ok(_) => assert!(matches!(data[0], b'0' | b'1' | b'5' | b'6')),
            Err(_) => {}
        }
    }
});
