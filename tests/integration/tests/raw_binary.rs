//! Binary packets: order, limits, timeouts, sharing (behaviours 18, transcript T5, hostile 44, 45, 48).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::{Duration, Instant};

use integration::{Journal, Polling, Server, Ws, echo};
use sio_actix::prelude::*;

const ONE: &str = r#"451-["m",{"_placeholder":true,"num":0}]"#;

fn handlers(ns: &mut NamespaceBuilder) {
    echo(ns);
    ns.on("swap", |a: Value, b: Value| (b, a));
    ns.on("twice", |value: Value| (value.clone(), value));
}

fn server() -> Server {
    Server::start(|io| io.namespace("/", handlers).namespace("/admin", handlers), 1)
}

/// A header with `count` placeholders.
fn header(count: usize) -> String {
    let places: Vec<_> =
        (0..count).map(|n| format!(r#"{{"_placeholder":true,"num":{n}}}"#)).collect();
    format!(r#"45{count}-["m",{}]"#, places.join(","))
}

// ---- limits -------------------------------------------------------------------------------------

// 18.8: at the limit; one above is refused in `raw_packets`.
#[test]
fn ten_attachments_are_accepted() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(&header(10));
    for n in 0..10_u8 {
        ws.binary([n]);
    }
    ws.expect(&header(10));
    for n in 0..10_u8 {
        ws.expect_binary(&[n]);
    }
    ws.fence();
}

#[test]
fn limit_of_attachments_is_an_option() {
    let server =
        Server::start(|io| io.limits(|limits| limits.max_attachments = 2).namespace("/", echo), 1);
    let mut ws = Ws::joined(&server);
    ws.text(&header(2));
    ws.binary([1]);
    ws.binary([2]);
    ws.expect(&header(2));
    ws.expect_binary(&[1]);
    ws.expect_binary(&[2]);
    ws.text(&header(3));
    ws.expect_close(None);
}

// L3
#[test]
fn sum_of_attachments_is_limited() {
    let server = Server::start(
        |io| io.limits(|limits| limits.max_binary_packet = 100).namespace("/", echo),
        1,
    );
    let mut ws = Ws::joined(&server);
    ws.text(&header(2));
    ws.binary([1; 50]);
    ws.binary([2; 50]);
    ws.expect(&header(2));
    ws.expect_binary(&[1; 50]);
    ws.expect_binary(&[2; 50]);
    ws.text(&header(2));
    ws.binary([1; 50]);
    ws.binary([2; 51]);
    ws.expect_close(None);
}

// L4, hostile 45
#[test]
fn attachments_that_never_come_close_the_session() {
    let journal = Journal::new();
    let noted = journal.clone();
    let timeout = Duration::from_millis(150);
    let server = Server::start(
        |io| {
            io.limits(|limits| limits.attachment_timeout = timeout).namespace("/", |ns| {
                echo(ns);
                ns.on_disconnect(move |reason: DisconnectReason| noted.note(reason.as_str()));
            })
        },
        1,
    );
    let mut bystander = Ws::joined(&server);
    let mut ws = Ws::joined(&server);
    let start = Instant::now();
    ws.text(&header(2));
    ws.binary([1]);
    ws.expect_close(None);
    assert!(start.elapsed() >= timeout);
    journal.next();

    let mut session = Polling::joined(&server);
    session.push(header(1));
    journal.next();
    bystander.fence();
}

// ---- order and structure ------------------------------------------------------------------------

// T5
#[test]
fn attachments_come_back_in_place() {
    let server = server();
    let mut ws = Ws::joined(&server);
    let event = r#"452-["m",{"_placeholder":true,"num":0},{"k":{"_placeholder":true,"num":1}}]"#;
    ws.text(event);
    ws.binary([1, 2]);
    ws.binary([3, 4, 5]);
    ws.expect(event);
    ws.expect_binary(&[1, 2]);
    ws.expect_binary(&[3, 4, 5]);
    ws.fence();
}

// 18.3
#[test]
fn placeholders_are_filled_by_index() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"452-["m",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#);
    ws.binary([1]);
    ws.binary([2]);
    ws.expect(r#"452-["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    ws.expect_binary(&[2]);
    ws.expect_binary(&[1]);
}

#[test]
fn attachment_may_be_referenced_twice() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"451-["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#);
    ws.binary([1]);
    ws.expect(r#"452-["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    ws.expect_binary(&[1]);
    ws.expect_binary(&[1]);
}

// 18.7
#[test]
fn attachments_that_are_not_referenced_are_dropped() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"452-["m",{"_placeholder":true,"num":1}]"#);
    ws.binary([1]);
    ws.binary([2]);
    ws.expect(ONE);
    ws.expect_binary(&[2]);
    ws.text(r#"451-["m",1]"#);
    ws.binary([1]);
    ws.expect(r#"42["m",1]"#);
}

#[test]
fn object_with_a_false_placeholder_is_data() {
    let server = server();
    let mut ws = Ws::joined(&server);
    for event in [
        r#"42["m",{"_placeholder":false,"num":0}]"#,
        r#"42["m",{"_placeholder":"x","num":7}]"#,
        r#"42["m",{"num":0}]"#,
    ] {
        ws.text(event);
        ws.expect(event);
    }
}

// T5, 18.13, 27.2
#[test]
fn binary_ack_repeats_a_shared_buffer() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"451-5["twice",{"_placeholder":true,"num":0}]"#);
    ws.binary([0xde, 0xad]);
    ws.expect(r#"462-5[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    ws.expect_binary(&[0xde, 0xad]);
    ws.expect_binary(&[0xde, 0xad]);
}

#[test]
fn attachments_follow_the_order_of_the_answer() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(r#"452-0["swap",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    ws.binary([1]);
    ws.binary([2]);
    ws.expect(r#"462-0[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    ws.expect_binary(&[2]);
    ws.expect_binary(&[1]);
}

// 17.10
#[test]
fn binary_packet_of_a_namespace_with_an_ack() {
    let server = server();
    let mut ws = Ws::open(&server);
    ws.text("40/admin,");
    ws.next_text();
    ws.text(r#"451-/admin,7["echo",{"_placeholder":true,"num":0}]"#);
    ws.binary([9]);
    ws.expect(r#"461-/admin,7[{"_placeholder":true,"num":0}]"#);
    ws.expect_binary(&[9]);
}

// 18.12
#[test]
fn unfinished_packet_is_dropped_with_its_session() {
    let server = server();
    let mut first = Ws::joined(&server);
    first.text(&header(1));
    drop(first);
    let mut second = Ws::joined(&server);
    second.fence();
    second.binary([1]);
    second.expect_close(None);
}

#[test]
fn engine_packets_may_come_between_attachments() {
    let server = server();
    let mut ws = Ws::joined(&server);
    ws.text(&header(2));
    ws.binary([1]);
    ws.text("3");
    ws.binary([2]);
    ws.expect(&header(2));
    ws.expect_binary(&[1]);
    ws.expect_binary(&[2]);
}

// 17.23
#[test]
fn large_attachment_makes_the_round_trip() {
    let server = server();
    let mut ws = Ws::joined(&server);
    let bytes: Vec<u8> = (0..900_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    ws.text(ONE);
    ws.binary(&bytes);
    ws.expect(ONE);
    ws.expect_binary(&bytes);
}
