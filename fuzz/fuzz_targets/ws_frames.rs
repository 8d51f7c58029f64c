//! Frames of a WebSocket: however the stream is cut, the same is read, and memory stays in bounds.

#![no_main]

use fuzz::Choices;
use libfuzzer_sys::fuzz_target;
use sio_actix::internals::{FrameEvent, FrameReader};

const MAX_MESSAGE: usize = 4096;
/// Beside the message, one control frame and what is announced and not there yet may be held.
const OVERHEAD: usize = 16 * 1024 + 125;

fn ends(event: &FrameEvent) -> bool {
    matches!(event, FrameEvent::Close(_) | FrameEvent::Violation(_))
}

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let deflate = choices.byte() & 1 == 1;
    let step = 1 + usize::from(choices.byte());
    let stream = choices.rest();
    let mut whole = Vec::new();
    FrameReader::new(MAX_MESSAGE, deflate).read(stream, &mut whole);
    for event in &whole {
        match event {
            FrameEvent::Text(text) => assert!(text.len() <= MAX_MESSAGE),
            FrameEvent::Binary(bytes) => assert!(bytes.len() <= MAX_MESSAGE),
            FrameEvent::Ping(payload) => assert!(payload.len() <= 125),
            FrameEvent::Close(Some((code, reason))) => {
                assert!(reason.len() <= 123);
                assert!(matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999));
            }
            FrameEvent::Violation(code) => assert!(matches!(code, 1002 | 1007 | 1009)),
            FrameEvent::Close(None) | FrameEvent::Pong => {}
        }
    }
    // Nothing comes behind the end.
    assert!(whole.iter().rev().skip(1).all(|event| !ends(event)));
    for step in [1, step] {
        let (mut reader, mut cut) = (FrameReader::new(MAX_MESSAGE, deflate), Vec::new());
        for chunk in stream.chunks(step) {
            reader.read(chunk, &mut cut);
            assert!(reader.held() <= MAX_MESSAGE + OVERHEAD);
        }
        // A rule that a head breaks early is told before the payloads behind it, in either case.
        assert_eq!(cut, whole, "in pieces of {step}");
    }
});
