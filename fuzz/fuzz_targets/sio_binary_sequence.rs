//! Texts and bytes of one session: reassembly of binary packets, within its limits.

#![no_main]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fuzz::Choices;
use libfuzzer_sys::fuzz_target;
use sio_core::mux::attachments::AttachmentLimits;
use sio_core::mux::{Multiplexer, MuxEvent};
use sio_core::packet::{
    ArgCursor, DecodeLimits, Packet, Rest, Value, check_placeholders, decode, encode_event,
};

const LIMITS: AttachmentLimits =
    AttachmentLimits { max_bytes: 512, timeout: Duration::from_secs(30) };

/// The arguments of a packet whose attachments are there, which may not fit it.
fn values(packet: &Packet<'_>, attachments: &[Bytes]) -> Option<Vec<Value>> {
    let mut cursor = ArgCursor::new(packet.args, attachments);
    let mut values = Vec::new();
    while let Some(value) = cursor.next::<Value>().ok()? {
        values.push(value);
    }
    Some(values)
}

fn assembled(text: &str, attachments: &[Bytes]) {
    assert!(attachments.iter().map(Bytes::len).sum::<usize>() <= LIMITS.max_bytes);
    let limits = DecodeLimits::default();
    let packet = decode(text, &limits).expect("it was decoded before");
    assert_eq!(packet.attachments, attachments.len());
    if check_placeholders(packet.data, attachments.len()).is_err() {
        return;
    }
    let (Some(values), Some(name)) = (values(&packet, attachments), &packet.event) else { return };
    let (mut out, mut sent) = (Vec::new(), Vec::new());
    let args = Rest(values.clone());
    encode_event(&mut out, &mut sent, packet.namespace, packet.ack, name.as_str(), &args).unwrap();
    let again = std::str::from_utf8(&out).unwrap().strip_prefix('4').unwrap();
    // A value may stand at several places, and may be longer as text.
    let limits = DecodeLimits { max_attachments: usize::MAX, ..limits };
    let again = decode(again, &limits).expect("what is written is a packet");
    assert_eq!(again.attachments, sent.len());
    assert_eq!(self::values(&again, &sent).as_ref(), Some(&values));
}

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let mut mux = Multiplexer::<u32>::default();
    let now = Instant::now();
    mux.reserve(Arc::from("/"), 0);
    assert!(mux.join("/", &0));
    let mut joined = vec![("/".to_owned(), 0)];
    let mut sockets = 1;
    while !choices.is_empty() {
        let binary = choices.byte() & 1 == 1;
        let chunk = choices.chunk();
        if binary {
            match mux.receive_binary(now, Bytes::copy_from_slice(chunk), LIMITS) {
                Ok(MuxEvent::Assembled(packet)) => assembled(&packet.text, &packet.attachments),
                Ok(event) => assert!(matches!(event, MuxEvent::Incomplete)),
                // The session ends.
                Err(_) => return,
            }
            continue;
        }
        let Ok(text) = std::str::from_utf8(chunk) else { return };
        match mux.receive_text(now, text, &DecodeLimits::default(), LIMITS) {
            Ok(MuxEvent::Connect { namespace, .. }) => {
                mux.reserve(Arc::from(namespace), sockets);
                assert!(mux.join(namespace, &sockets));
                joined.push((namespace.to_owned(), sockets));
                sockets += 1;
            }
            Ok(MuxEvent::Disconnect { socket }) => {
                let at = joined.iter().position(|(_, known)| *known == socket).unwrap();
                let (namespace, socket) = joined.swap_remove(at);
                assert!(mux.withdraw(&namespace, &socket));
            }
            Ok(MuxEvent::Event { socket, .. } | MuxEvent::Ack { socket, .. }) => {
                assert!(mux.sockets().any(|known| *known == socket));
            }
            Ok(MuxEvent::Incomplete) => assert!(mux.attachment_deadline().is_some()),
            Ok(MuxEvent::Assembled(_)) => panic!("a text completes nothing"),
            Err(_) => return,
        }
    }
});
