//! Groups 12 and 13: permessage-deflate (RFC 7692).

use std::io::Write as _;

use flate2::write::{DeflateDecoder, DeflateEncoder};
use flate2::{Compression, FlushCompress};
use integration::masked;

use crate::echo::{BINARY, CLOSE, ENDS, Echo, GOES_ON, PING, PONG, TEXT};

/// The message is compressed.
const RSV1: u8 = 0x40;
const OFFER: &str = "permessage-deflate; client_max_window_bits";

/// As a sender without context takeover compresses (section 7.2.1).
fn deflate(message: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::Compress::new(Compression::default(), false);
    let mut out = Vec::with_capacity(message.len() + 1024);
    encoder.compress_vec(message, &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
    out.truncate(out.len() - 4);
    out
}

/// As a receiver inflates (section 7.2.2).
fn inflate(message: &[u8]) -> Vec<u8> {
    let mut decoder = DeflateDecoder::new(Vec::new());
    decoder.write_all(message).unwrap();
    decoder.write_all(&[0, 0, 0xff, 0xff]).unwrap();
    decoder.flush().unwrap();
    decoder.get_ref().clone()
}

fn sample(len: usize) -> Vec<u8> {
    let words = b"the quick brown fox jumps over the lazy dog, 0123456789; ";
    words
        .iter()
        .copied()
        .cycle()
        .enumerate()
        .map(|(n, b)| b ^ u8::from(n / 97 % 2 == 1))
        .take(len)
        .collect()
}

#[test]
fn group_12_messages_of_all_sizes_are_inflated_and_echoed() {
    for echo in Echo::both() {
        let (mut ws, granted) = echo.offer(Some(OFFER));
        assert!(granted.is_some_and(|granted| granted.starts_with("permessage-deflate")));
        for len in [0, 1, 16, 64, 256, 1_024, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072] {
            for head in [TEXT, BINARY].repeat(5) {
                let message = sample(len);
                ws.wire().write(masked(head | RSV1, deflate(&message)));
                let frame = ws.next_frame();
                let payload = match frame.head & RSV1 {
                    0 => frame.payload,
                    _ => inflate(&frame.payload),
                };
                assert_eq!(frame.head & !RSV1, head, "{len} on {}", echo.name);
                assert!(payload == message, "{len} on {}", echo.name);
            }
        }
    }
}

#[test]
fn group_12_fragments_of_a_compressed_message_with_pings_between() {
    for echo in Echo::both() {
        let (mut ws, _) = echo.offer(Some(OFFER));
        let message = sample(10_000);
        let compressed = deflate(&message);
        let pieces: Vec<&[u8]> = compressed.chunks(100).collect();
        let mut stream = masked(0x01 | RSV1, "");
        for piece in &pieces {
            stream.extend(masked(GOES_ON, piece));
        }
        stream.extend(masked(PING, "between"));
        stream.extend(masked(ENDS, ""));
        ws.wire().write(stream);
        let frames = [ws.next_frame(), ws.next_frame()];
        let echoed = frames.iter().find(|frame| frame.head & 0xf == 1).unwrap();
        assert!(frames.iter().any(|frame| frame.head == PONG && frame.payload == b"between"));
        let payload =
            if echoed.head & RSV1 == 0 { echoed.payload.clone() } else { inflate(&echoed.payload) };
        assert!(payload == message, "{}", echo.name);
    }
}

#[test]
fn group_12_messages_may_be_left_as_they_are() {
    for echo in Echo::both() {
        let (mut ws, _) = echo.offer(Some(OFFER));
        ws.wire().write(masked(TEXT, "plain"));
        let frame = ws.next_frame();
        assert_eq!((frame.head, &frame.payload[..]), (TEXT, &b"plain"[..]));
    }
}

#[test]
fn group_12_blocks_of_all_kinds_are_inflated() {
    let mut stored = DeflateEncoder::new(Vec::new(), Compression::none());
    stored.write_all(b"stored").unwrap();
    // The last block may be said to be the last (section 7.2.3.5).
    let finished = [stored.finish().unwrap(), vec![0]].concat();
    for echo in Echo::both() {
        let (mut ws, _) = echo.offer(Some(OFFER));
        for (compressed, expected) in [
            // Section 7.2.3.1, 7.2.3.3 and 7.2.3.4.
            (&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..], "Hello"),
            (b"\x00\x05\x00\xfa\xffHello\x00", "Hello"),
            (b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello"),
            (b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello"),
            (&finished, "stored"),
        ] {
            ws.wire().write(masked(TEXT | RSV1, compressed));
            assert_eq!(ws.next_text(), expected, "{compressed:x?} on {}", echo.name);
        }
    }
}

#[test]
fn group_12_rubbish_fails() {
    for echo in Echo::both() {
        for rubbish in [&b"\xff\xff\xff"[..], b"\x06", &[0xee; 100]] {
            let (mut ws, _) = echo.offer(Some(OFFER));
            ws.wire().write(masked(TEXT | RSV1, rubbish));
            let frame = ws.next_frame();
            assert_eq!((frame.head, &frame.payload[..]), (CLOSE, &1007_u16.to_be_bytes()[..]));
        }
        // The bit belongs to the first frame of a message.
        let (mut ws, _) = echo.offer(Some(OFFER));
        ws.wire().write([masked(0x01 | RSV1, ""), masked(ENDS | RSV1, "")].concat());
        let frame = ws.next_frame();
        assert_eq!((frame.head, &frame.payload[..]), (CLOSE, &1002_u16.to_be_bytes()[..]));
    }
}

#[test]
fn group_13_offers_are_granted_or_declined() {
    const GRANTED: Option<&str> =
        Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    const WINDOW: Option<&str> = Some(
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15",
    );
    for echo in Echo::both() {
        for (offer, expected) in [
            ("permessage-deflate", GRANTED),
            ("permessage-deflate; client_no_context_takeover", GRANTED),
            ("permessage-deflate; server_no_context_takeover", GRANTED),
            ("permessage-deflate; client_max_window_bits", GRANTED),
            ("permessage-deflate; client_max_window_bits=9", GRANTED),
            ("permessage-deflate; server_max_window_bits=15", WINDOW),
            // A smaller window of the server cannot be had; the next offer may do without.
            ("permessage-deflate; server_max_window_bits=9", None),
            ("permessage-deflate; server_max_window_bits=9, permessage-deflate", GRANTED),
            ("permessage-deflate; server_max_window_bits=7", None),
            ("permessage-deflate; server_max_window_bits=16", None),
            ("permessage-deflate; client_max_window_bits=16", None),
            ("permessage-deflate; unknown", None),
            ("permessage-deflate; client_max_window_bits; client_max_window_bits", None),
            ("x-other", None),
        ] {
            let (mut ws, granted) = echo.offer(Some(offer));
            assert_eq!(granted.as_deref(), expected, "{offer}");
            let head = if expected.is_some() { TEXT | RSV1 } else { TEXT };
            let sent = if expected.is_some() { deflate(b"Hello") } else { b"Hello".to_vec() };
            ws.wire().write(masked(head, sent));
            assert_eq!(ws.next_text(), "Hello", "{offer}");
        }
    }
}
