//! Payloads of both revisions: what is refused, and literal bytes.

use super::*;

const V3: Wire = Wire { revision: Revision::V3, ..Wire::V4 };

fn read_all(body: &[u8], revision: Revision, binary: bool) -> Vec<Result<Vec<u8>, InvalidPacket>> {
    let mut reader = PayloadReader::new(Bytes::copy_from_slice(body), revision, binary);
    let mut out = Vec::new();
    while let Some(packet) = reader.next_packet() {
        out.push(packet.map(|slot| match slot {
            Slot::Text(text) => text.as_bytes().to_vec(),
            Slot::Binary(bytes) => [b"<bin>", &bytes[..]].concat(),
        }));
    }
    assert!(reader.is_done());
    out
}

fn packets(texts: &[&str]) -> Vec<Result<Vec<u8>, InvalidPacket>> {
    texts.iter().map(|text| Ok(text.as_bytes().to_vec())).collect()
}

fn join(frames: &[Frame], wire: Wire) -> Payload {
    Payload::join(frames.iter(), 0, wire)
}

#[test]
fn revision_3_refuses_lengths_that_do_not_fit() {
    for body in [
        "",
        "abc",
        "5:42",
        "x:42",
        "1:",
        ":4",
        "-1:4",
        "+1:4",
        "1:€€x",
        "1:😀",
        "99999999999999:4",
        "18446744073709551616:4",
        "1 :4",
    ] {
        let read = read_all(body.as_bytes(), Revision::V3, false);
        assert_eq!(read.last(), Some(&Err(InvalidPacket)), "{body}");
    }
    for body in [
        &b""[..],
        b"\x00",
        b"\x00\xff4",
        b"\x00\x01",
        b"\x00\x02\xff4",
        b"\x02\x01\xff4",
        b"\x00\x0a\xff4",
        b"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4",
        b"\x00\x01\xff\xff",
    ] {
        let read = read_all(body, Revision::V3, true);
        assert_eq!(read.last(), Some(&Err(InvalidPacket)), "{body:?}");
    }
}

#[test]
fn any_cut_of_a_payload_is_read_without_a_panic() {
    let frames = [
        Frame::constant("4hé€😀"),
        Frame::binary(Bytes::from_static(&[0, 255, 4])),
        Frame::constant("2"),
    ];
    for wire in [Wire::V4, V3, Wire { base64: true, ..V3 }] {
        let payload = join(&frames, wire);
        for end in 0..=payload.body.len() {
            for start in 0..end {
                read_all(&payload.body[start..end], wire.revision, payload.binary);
            }
        }
    }
}

#[test]
fn revision_4_splits_at_separators_and_keeps_empty_packets() {
    let read = |text: &str| read_all(text.as_bytes(), Revision::V4, false);
    assert_eq!(read(""), packets(&[""]));
    assert_eq!(read("\u{1e}"), packets(&["", ""]));
    assert_eq!(
        read("0\u{1e}1\u{1e}2probe\u{1e}3probe\u{1e}4test"),
        packets(&["0", "1", "2probe", "3probe", "4test"])
    );
    assert_eq!(read_all(b"4\xff", Revision::V4, false), [Err(InvalidPacket)]);
}

#[test]
fn revision_3_counts_utf16_units() {
    let read = |text: &str| read_all(text.as_bytes(), Revision::V3, false);
    assert_eq!(read("6:4hello2:4€"), packets(&["4hello", "4€"]));
    assert_eq!(read("3:4😀1:2"), packets(&["4😀", "2"]));
    assert_eq!(read("11:42[\"m\",\"€\"]11:42[\"m\",123]").len(), 2);
}

#[test]
fn revision_3_reads_its_binary_form() {
    let body = b"\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04";
    assert_eq!(
        read_all(body, Revision::V3, true),
        [Ok(b"4hello".to_vec()), Ok(b"<bin>\x04\x01\x02\x03\x04".to_vec())]
    );
}

#[test]
fn joins_text_and_binary_without_trailing_separator() {
    let frames = [Frame::constant("4hello"), Frame::binary(Bytes::from_static(&[1, 2, 3, 4]))];
    let payload = join(&frames, Wire::V4);
    assert_eq!(payload.as_str(), "4hello\u{1e}bAQIDBA==");
    assert!(!payload.binary && payload.compressible);
}

#[test]
fn revision_3_is_binary_as_soon_as_a_packet_is() {
    let frames = [Frame::constant("4hello"), Frame::binary(Bytes::from_static(&[1, 2, 3, 4]))];
    let payload = join(&frames, V3);
    assert!(payload.binary);
    assert_eq!(&payload.body[..], b"\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04");
    let payload = join(&frames, Wire { base64: true, ..V3 });
    assert!(!payload.binary);
    assert_eq!(payload.as_str(), "6:4hello10:b4AQIDBA==");
    let text = [Frame::constant("4hello"), Frame::constant("4€")];
    assert_eq!(join(&text, V3).as_str(), "6:4hello2:4€");
}

#[test]
fn a_payload_is_compressible_if_a_packet_is() {
    let plain = Frame::constant("4a").uncompressed();
    assert!(!join(std::slice::from_ref(&plain), Wire::V4).compressible);
    assert!(join(&[plain, Frame::constant("4b")], Wire::V4).compressible);
}

#[test]
fn a_small_binary_packet_does_not_keep_a_large_body() {
    let mut body = b"\x01\x02\xff\x04a\x01\x07\x00\x00\x00\x00\x00\xff".to_vec();
    body.resize(body.len() + 700_000, 4);
    let body = Bytes::from(body);
    let within = body.as_ptr_range();
    let mut reader = PayloadReader::new(body, Revision::V3, true);
    let Some(Ok(Slot::Binary(small))) = reader.next_packet() else { panic!() };
    assert_eq!(small, b"\x04a"[..]);
    assert!(!within.contains(&small.as_ptr()));
    let Some(Ok(Slot::Binary(large))) = reader.next_packet() else { panic!() };
    assert_eq!(large.len(), 700_000);
    assert!(within.contains(&large.as_ptr()));
}
