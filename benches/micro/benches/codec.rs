//! Bytes to packets and back: `cargo bench -p micro --bench codec`.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::Serialize;
use sio_actix::Value;
use sio_actix::core::engine::payload::{PayloadReader, Slot};
use sio_actix::core::engine::websocket::put_frame;
use sio_actix::core::engine::{Payload, Revision, Wire, packet as engine};
use sio_actix::core::frame::Frame;
use sio_actix::core::packet::{ArgCursor, DecodeLimits, decode, encode_ack, encode_event};

/// Packets of one polling body.
const PACKETS: usize = 16;

#[derive(Serialize)]
struct Point {
    name: &'static str,
    x: f64,
    y: f64,
}

/// An event with an object of about 1 KiB.
fn large_event() -> String {
    format!("2[\"echo\",{{\"id\":184467,\"tags\":[\"red\",7],\"text\":\"{}\"}}]", "x".repeat(970))
}

fn decoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    let limits = DecodeLimits::default();
    let large = large_event();
    let cases = [
        ("event without arguments", "2[\"noop\"]"),
        ("event with an ack, 3 integers", "217[\"sum\",1,2,3]"),
        ("event of a namespace", "2/chat,[\"say\",\"hello\"]"),
        ("head of a binary event", "51-7[\"upload\",{\"_placeholder\":true,\"num\":0}]"),
        ("event with 1 KiB of JSON", large.as_str()),
    ];
    for (name, text) in cases {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| b.iter(|| decode(black_box(text), &limits).is_ok()));
    }
    group.finish();
}

fn arguments(c: &mut Criterion) {
    let mut group = c.benchmark_group("arguments");
    group.bench_function("3 integers", |b| {
        b.iter(|| {
            let mut args = ArgCursor::new(black_box("1,2,3"), &[]);
            let sum = args.require::<i64>().ok().zip(args.require::<i64>().ok());
            (sum, args.require::<i64>().ok(), args.finish().is_ok())
        });
    });
    group.bench_function("text of 1 KiB", |b| {
        let text = format!("\"{}\"", "x".repeat(1024));
        b.iter(|| ArgCursor::new(black_box(&text), &[]).require::<String>().is_ok());
    });
    group.bench_function("any value, 1 KiB of JSON", |b| {
        let event = large_event();
        let value = event.trim_start_matches("2[\"echo\",").trim_end_matches(']');
        b.iter(|| ArgCursor::new(black_box(value), &[]).require::<Value>().is_ok());
    });
    group.finish();
}

fn encoding(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    let mut out = Vec::with_capacity(4096);
    let mut attachments = Vec::new();
    let point = Point { name: "north", x: 1.5, y: -2.25 };
    group.bench_function("event with a text of 16 bytes", |b| {
        b.iter(|| {
            out.clear();
            let text = black_box("sixteen bytes...");
            encode_event(&mut out, &mut attachments, "/", None, "news", text).is_ok()
        });
    });
    group.bench_function("event with a struct", |b| {
        b.iter(|| {
            out.clear();
            encode_event(&mut out, &mut attachments, "/", None, "news", black_box(&point)).is_ok()
        });
    });
    group.bench_function("ack with a struct", |b| {
        b.iter(|| {
            out.clear();
            encode_ack(&mut out, &mut attachments, "/", 7, black_box(&point)).is_ok()
        });
    });
    for size in [16_usize, 1024, 65_536] {
        let frame = Frame::text(Bytes::from(vec![b'x'; size]));
        let mut out = BytesMut::with_capacity(size + 16);
        group.bench_function(format!("WebSocket frame of {size} bytes"), |b| {
            b.iter(|| {
                out.clear();
                put_frame(&mut out, black_box(&frame), Wire::V4);
            });
        });
    }
    group.finish();
}

fn payloads(c: &mut Criterion) {
    let mut group = c.benchmark_group("payload");
    group.throughput(Throughput::Elements(PACKETS as u64));
    let packets = vec!["42[\"echo\",\"sixteen bytes...\"]"; PACKETS];
    let body = Bytes::from(packets.join("\u{1e}"));
    group.bench_function("read 16 packets", |b| {
        b.iter(|| {
            let mut reader = PayloadReader::new(body.clone(), Revision::V4, false);
            let mut read = 0;
            while let Some(Ok(Slot::Text(text))) = reader.next_packet() {
                read += usize::from(engine::decode(text, Revision::V4).is_ok());
            }
            assert_eq!(read, PACKETS);
        });
    });
    let frames: Vec<Frame> =
        packets.iter().map(|text| Frame::text(Bytes::from_static(text.as_bytes()))).collect();
    group.bench_function("write 16 packets", |b| {
        b.iter(|| Payload::join(black_box(&frames).iter(), body.len(), Wire::V4));
    });
    group.finish();
}

criterion_group!(benches, decoding, arguments, encoding, payloads);
criterion_main!(benches);
